// What a phone writes: messages to people, groups and the status, with copies for its own linked devices; and letters between own devices.
import { encodeWAMessage } from '../baileys.mjs';
import { takeBundle } from '../keys.mjs';
import { message as post } from '../messages.mjs';
import { STATUS, el, messageId, parseJid } from '../node.mjs';
import { accounts, find, groups } from '../world.mjs';

export class Outbox {
  constructor(phone) {
    this.phone = phone;
    this.senderKeysAt = new Map(); // group -> LIDs of devices that have our sender key
  }

  // An <enc> for one device; nothing when it has no keys yet.
  async encrypt(device, message) {
    const { keyring } = this.phone;
    const jid = device.lid;
    if (!(await keyring.hasSession(jid))) {
      const bundle = takeBundle(device);
      if (!bundle) return undefined;
      await keyring.openSession(jid, bundle);
    }
    const { type, ciphertext } = await keyring.sessions.encryptMessage({ jid, data: encodeWAMessage(message) });
    return el('enc', { v: 2, type }, ciphertext);
  }

  // `to` is a JID in the form the conversation uses, `message` protobuf. Gives the id.
  async send(to, message, { id = messageId(), type = 'text', edit, audience } = {}) {
    const { device } = this.phone;
    const group = groups.get(to);
    const isShared = group || to === STATUS;
    const chat = isShared ? undefined : find(to);
    if (!isShared && !chat.account) throw new Error(`nobody has the address ${to}`);
    const destination = chat ? chat.account.address(chat.mode) : to;
    this.phone.keep({ remoteJid: destination, fromMe: true, id }, message);
    const content = isShared
      ? await this.toMany(to, group, message, audience)
      : await this.toOne(destination, chat, message);
    const attrs = { to: destination, id, type, edit, addressing_mode: group?.mode };
    await post(device, el('message', attrs, content));
    return id;
  }

  async toOne(destinationJid, { account, mode }, message) {
    const own = this.phone.account;
    const list = [];
    for (const person of new Set([account, own])) {
      for (const device of person.devices.values()) {
        if (device === this.phone.device) continue;
        const copy = { deviceSentMessage: { destinationJid, message } };
        const enc = await this.encrypt(device, person === own && account !== own ? copy : message);
        if (enc) list.push(el('to', { jid: person.address(mode, device.id) }, [enc]));
      }
    }
    return [el('participants', {}, list)];
  }

  async toMany(to, group, message, audience) {
    const { account, device: self, keyring } = this.phone;
    const mode = group?.mode ?? 'lid';
    const data = encodeWAMessage(message);
    const sealed = await keyring.sessions.encryptGroupMessage({ group: to, meId: account.address('lid'), data });
    const key = { groupId: to, axolotlSenderKeyDistributionMessage: sealed.senderKeyDistributionMessage };
    const people = group ? [...group.members.keys()] : (audience ?? [...accounts.values()]);
    const have = this.senderKeysAt.get(to) ?? this.senderKeysAt.set(to, new Set()).get(to);
    const list = [];
    for (const device of new Set([...people, account].flatMap((person) => [...person.devices.values()]))) {
      if (device === self || have.has(device.lid)) continue;
      const enc = await this.encrypt(device, { senderKeyDistributionMessage: key });
      if (!enc) continue;
      have.add(device.lid);
      list.push(el('to', { jid: device.account.address(mode, device.id) }, [enc]));
    }
    return [el('participants', {}, list), el('enc', { v: 2, type: 'skmsg' }, sealed.ciphertext)];
  }

  // To one linked device of this account, about itself.
  async peer(device, protocolMessage) {
    const enc = await this.encrypt(device, { protocolMessage });
    if (!enc) return;
    const attrs = { to: device.pn, id: messageId(), type: 'text', category: 'peer' };
    await post(this.phone.device, el('message', attrs, [el('meta', { appdata: 'default' }), enc]));
  }

  // A device could not read a message: once more, under a session that is sure to be fresh.
  async resend({ attrs: { id, from, participant } }) {
    const kept = this.phone.kept.get(id);
    const asker = participant ?? from;
    const { device } = find(asker);
    if (!kept || !device) return;
    const group = groups.get(kept.key.remoteJid);
    await this.phone.keyring.sessions.deleteSession([device.lid]);
    const isOwn = device.account === this.phone.account;
    const copy = { deviceSentMessage: { destinationJid: kept.key.remoteJid, message: kept.message } };
    const enc = await this.encrypt(device, isOwn ? copy : kept.message);
    if (!enc) return;
    const { user } = parseJid(asker);
    const to = group ? group.jid : asker;
    const attrs = { to, id, type: 'text', participant: group && user ? asker : undefined };
    await post(this.phone.device, el('message', { ...attrs, recipient: isOwn ? kept.key.remoteJid : undefined }, [enc]));
  }
}
