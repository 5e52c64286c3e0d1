// A device of an account: what waits for it, and whether it is connected. Device 0 is the phone, simulated in `phone.mjs`.
import { note } from './journal.mjs';
import { SERVER, el, now, stanzaId } from './node.mjs';
import { companions } from './world.mjs';

// Kept until the client acknowledges them, and sent again at its next login.
const KEPT = ['message', 'receipt', 'notification', 'call'];
const keyOf = (tag, id) => `${tag}|${id}`;

export class Device {
  constructor(account, id) {
    Object.assign(this, { account, id, bundle: null, link: null, queue: new Map(), messages: new Set(), isActive: false, isHeld: false });
  }
  get isPhone() {
    return this.id === 0;
  }
  get pn() {
    return this.account.address('pn', this.id);
  }
  get lid() {
    return this.account.address('lid', this.id);
  }
  get isOnline() {
    return Boolean(this.link && this.isActive && !this.isHeld);
  }

  deliver(node) {
    const { tag, attrs } = node;
    if (this.isPhone) return this.account.phone.receive(node);
    const { id, from, participant, type } = attrs;
    note('delivered', { to: this.pn, tag, id, from, participant, type, online: this.isOnline });
    if (tag === 'message') this.messages.add(id);
    if (KEPT.includes(tag)) this.queue.set(keyOf(tag, id), node);
    if (this.isOnline) this.link.send(node);
    return undefined;
  }

  // For what is worthless later: typing, presence.
  tell(node) {
    if (this.isPhone) this.account.phone.receive(node);
    else if (this.isOnline) this.link.send(node);
  }

  acknowledged(tag, id) {
    if (this.queue.delete(keyOf(tag, id))) note('acked', { by: this.pn, tag, id });
  }

  // The client asked for what waits: a preview, the stanzas marked with `offline`, the end. Without the end clients wait a minute.
  activate() {
    if (this.isActive || !this.link) return;
    this.isActive = true;
    const waiting = this.isHeld ? [] : [...this.queue.values()];
    const count = waiting.length;
    const of = (tag) => waiting.filter((node) => node.tag === tag).length;
    const preview = { count, message: of('message'), receipt: of('receipt'), notification: of('notification'), appdata: 0 };
    if (count) this.link.send(el('ib', { from: SERVER }, [el('offline_preview', preview)]));
    if (!this.isHeld) this.flush();
    this.link.send(el('ib', { from: SERVER }, [el('offline', { count })]));
  }

  flush() {
    let nth = 0;
    for (const node of this.queue.values()) this.link.send({ ...node, attrs: { ...node.attrs, offline: String(nth++) } });
  }

  // Held: connected, but nothing new reaches it until it is let go.
  hold(isHeld) {
    this.isHeld = isHeld;
    if (this.isOnline) this.flush();
  }

  remove() {
    this.account.devices.delete(this.id);
    this.link?.close();
    this.isGone = true;
    announce(this, 'remove');
  }
}

// Tells everybody who may hold a list of this account's devices that it has changed; else they keep the old one. By LID: baileys keeps its
// lists under the form that the notification names, and chats are held by LID.
export function announce(device, action) {
  const { account, id } = device;
  const change = [
    el('device', { jid: device.lid, 'key-index': id }),
    el('key-index-list', { ts: now() }, account.keyIndexList()),
  ];
  const attrs = { from: account.lid, type: 'devices', t: now(), lid: account.lid };
  for (const other of companions()) {
    if (other === device) continue;
    other.deliver(el('notification', { ...attrs, id: stanzaId() }, [el(action, {}, change)]));
  }
}
