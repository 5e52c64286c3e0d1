// An account: a phone number, a LID, a phone and its linked devices.
import { Curve, proto } from './baileys.mjs';
import { Device } from './device.mjs';
import { unlink } from './login.mjs';
import { SERVER, el, jid, now, stanzaId } from './node.mjs';
import { Phone } from './phone.mjs';
import { accounts, companions, groups } from './world.mjs';

const PRIVACY = ['readreceipts', 'last', 'online', 'profile', 'status', 'groupadd', 'calladd', 'messages'];
const KEY_INDEX_LIST = Buffer.from([6, 2]);

export class Account {
  constructor(user, { name, lid, hidden } = {}) {
    Object.assign(this, { user, name: name ?? `User ${user.slice(-4)}`, lidUser: lid ?? `99${user}` });
    Object.assign(this, { isHidden: Boolean(hidden), isAvailable: false, watchers: new Set() });
    Object.assign(this, { devices: new Map(), nextDevice: 1, collections: new Map(), blocklist: new Set() });
    this.privacy = Object.fromEntries(PRIVACY.map((name_) => [name_, 'all']));
    this.phone = new Phone(this);
    const device = new Device(this, 0);
    device.bundle = this.phone.bundle();
    this.devices.set(0, device);
  }
  get pn() {
    return jid(this.user, SERVER);
  }
  get lid() {
    return jid(this.lidUser, 'lid');
  }
  address(mode, device = 0) {
    return mode === 'lid' ? jid(this.lidUser, 'lid', device) : jid(this.user, SERVER, device);
  }
  // The other form, as it rides along; a hidden number is told to nobody who knows only the LID.
  other(mode) {
    if (mode === 'pn') return { name: 'lid', value: this.lid };
    return { name: 'pn', value: this.isHidden ? undefined : this.pn };
  }
  get companions() {
    return [...this.devices.values()].filter((device) => !device.isPhone);
  }
  // Clients drop linked devices that are not in this list, and skip a user without it.
  keyIndexList() {
    const { rawId, identity } = this.phone;
    const validIndexes = [...this.devices.keys()];
    const list = { rawId, timestamp: now(), currentIndex: Math.max(...validIndexes), validIndexes };
    const details = proto.ADVKeyIndexList.encode(list).finish();
    const accountSignature = Curve.sign(identity.private, Buffer.concat([KEY_INDEX_LIST, details]));
    const signed = { details, accountSignature, accountSignatureKey: identity.public };
    return Buffer.from(proto.ADVSignedKeyIndexList.encode(signed).finish());
  }
}

// The account of this number, made when there is none.
export function account(user, fields) {
  if (!accounts.has(user)) accounts.set(user, new Account(user, fields));
  return accounts.get(user);
}

// Somebody installs the app anew: other keys, nothing linked, nothing remembered. Everybody is told to drop their sessions.
export function reinstall(who) {
  for (const device of who.companions) unlink(device);
  who.phone = new Phone(who);
  who.devices.get(0).bundle = who.phone.bundle();
  who.collections.clear();
  const attrs = { from: who.lid, type: 'encrypt', t: now() };
  for (const device of companions()) device.deliver(el('notification', { ...attrs, id: stanzaId() }, [el('identity')]));
}

// Somebody takes another number, gets another LID, or both. Everybody hears of it, as does each of their groups.
export function renumber(who, { phone, lid }) {
  const before = { pn: who.pn, lid: who.lid };
  accounts.delete(who.user);
  Object.assign(who, { user: phone ?? who.user, lidUser: lid ?? who.lidUser });
  accounts.set(who.user, who);
  const change = { old: before.pn, new: who.pn, old_lid: before.lid, new_lid: who.lid };
  const attrs = { from: before.pn, type: 'contacts', t: now() };
  for (const device of companions()) {
    if (device.account !== who) device.deliver(el('notification', { ...attrs, id: stanzaId() }, [el('modify', change)]));
  }
  for (const group of groups.values()) if (group.members.has(who)) group.renumbered(who, before);
}
