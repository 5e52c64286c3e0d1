// The phone of an account, device 0: a device like any other that also vouches for, instructs and helps the linked ones.
//
// It reads what it is sent and tells the test. When it is away, everything waits.
import { proto, unpadRandomMax16 } from './baileys.mjs';
import { note } from './journal.mjs';
import { bytes, el, kid, kids, now, parseJid } from './node.mjs';
import { answerPeer, retryMedia } from './phone/help.mjs';
import { INITIAL_BOOTSTRAP, RECENT, sendHistory } from './phone/history.mjs';
import { Keyring } from './phone/keyring.mjs';
import { Outbox } from './phone/outbox.mjs';
import { Settings } from './phone/settings.mjs';
import { receipt } from './receipts.mjs';
import { find } from './world.mjs';

const { Type } = proto.Message.ProtocolMessage;
const READABLE = { bytes: String, enums: String, longs: Number };
// Clients ask a few times for what they could not read, less and less often.
const ASKS_MAX = 4;
const ASK_AGAIN_MS = 2_000;
// Not the content of a message.
const BESIDE = ['senderKeyDistributionMessage', 'messageContextInfo'];

export class Phone {
  constructor(account) {
    this.account = account;
    this.keyring = new Keyring();
    this.settings = new Settings(account, this.keyring.rawId);
    this.outbox = new Outbox(this);
    this.kept = new Map(); // id -> WebMessageInfo
    this.older = new Map(); // chat -> messages that on-demand history will find
    this.unread = new Map(); // id of what could not be read yet -> how often it was asked for
    this.welcomed = new Set();
    this.history = []; // sent to devices that are linked later
    this.mediaRetries = 'serve'; // or "refuse", "ignore"
    this.waiting = undefined; // while the phone is away
    this.turn = Promise.resolve();
  }
  get device() {
    return this.account.devices.get(0);
  }
  get identity() {
    return this.keyring.identity;
  }
  get rawId() {
    return this.keyring.rawId;
  }
  bundle() {
    return this.keyring.bundle();
  }
  refill(bundle) {
    this.keyring.refill(bundle);
  }
  vouch(identityKey, advSecret, keyIndex) {
    return this.keyring.vouch(identityKey, advSecret, keyIndex);
  }
  keep(key, message) {
    this.kept.set(key.id, { key, message, messageTimestamp: now(), participant: key.participant });
  }

  // Away: without network. What waited is looked at when it is back.
  setAway(isAway) {
    if (isAway) {
      this.waiting ??= [];
      return;
    }
    const waited = this.waiting ?? [];
    this.waiting = undefined;
    for (const act of waited) this.soon(act);
  }
  soon(act) {
    if (this.waiting) this.waiting.push(act);
    else this.turn = this.turn.then(act).catch((error) => note('phone-error', { phone: this.account.user, error: error.stack }));
  }
  receive(node) {
    this.soon(() => this.handle(node));
  }
  mediaRetry(device, node) {
    this.soon(() => retryMedia(this, device, node));
  }

  // What a phone does once a freshly linked device has uploaded its keys. Some clients hold events back until both histories came.
  welcome(device) {
    if (this.welcomed.has(device)) return;
    this.welcomed.add(device);
    this.soon(async () => {
      await this.settings.ready;
      await this.shareKey(device);
      await sendHistory(this, device, { syncType: INITIAL_BOOTSTRAP, conversations: this.history });
      await sendHistory(this, device, { syncType: RECENT });
    });
  }
  shareKey(device) {
    const appStateSyncKeyShare = this.settings.shareable();
    return this.outbox.peer(device, { type: Type.APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare });
  }

  async handle(node) {
    const { tag, attrs } = node;
    const phone = this.account.user;
    if (tag === 'message') return this.read(node);
    if (tag === 'receipt' && attrs.type === 'retry') {
      note('phone-receipt', { phone, ...attrs });
      return this.outbox.resend(node);
    }
    if (tag === 'receipt') {
      const ids = [attrs.id, ...kids(kid(node, 'list')).map((item) => item.attrs.id)];
      const { from, participant } = attrs;
      return note('phone-receipt', { phone, from, participant, type: attrs.type || 'delivered', ids });
    }
    return note(`phone-${tag}`, { phone, ...attrs, child: kids(node)[0]?.tag });
  }

  async read(node) {
    const { id, from, participant, recipient, category, edit } = node.attrs;
    const sender = find(participant || from);
    const own = sender.account === this.account;
    let message;
    try {
      message = await this.decrypt(node, sender);
    } catch (error) {
      note('phone-error', { phone: this.account.user, id, error: error.message });
      return this.ask(node);
    }
    this.unread.delete(id);
    const isPeer = category === 'peer';
    if (message && !isPeer) {
      const remoteJid = participant ? from : own ? recipient : sender.account.address(sender.mode);
      this.keep({ remoteJid, fromMe: own, id, participant }, message);
    }
    const protocol = message?.protocolMessage;
    if (own && protocol?.appStateSyncKeyRequest) await this.shareKey(sender.device);
    if (own && protocol?.peerDataOperationRequestMessage) {
      await answerPeer(this, sender.device, id, protocol.peerDataOperationRequestMessage);
    }
    const readable = message && proto.Message.toObject(message, READABLE);
    const text = message?.conversation || message?.extendedTextMessage?.text || undefined;
    const where = { from, participant, recipient, sender: sender.account.user, own };
    note('phone-message', { phone: this.account.user, id, ...where, edit, category, text, message: readable });
    const type = !own ? undefined : isPeer ? 'peer_msg' : 'sender';
    receipt(this.device, el('receipt', { id, to: from, participant, type }));
  }

  // Asks the device that wrote it to write it again, and once more when nothing comes.
  ask(node) {
    const { id } = node.attrs;
    const count = (this.unread.get(id) ?? 0) + 1;
    if (count > ASKS_MAX) return;
    this.unread.set(id, count);
    receipt(this.device, this.retryFor(node, count));
    const again = () => this.unread.get(id) === count && this.ask(node);
    setTimeout(() => this.soon(again), ASK_AGAIN_MS * count).unref();
  }
  retryFor({ attrs: { id, from, participant, recipient, t } }, count) {
    const retry = el('retry', { count, id, t, v: 1, error: 0 });
    const registration = el('registration', {}, this.bundle().registration);
    return el('receipt', { id, to: from, participant, recipient, type: 'retry' }, [retry, registration]);
  }

  // An <enc> may carry only a sender key: that is no message.
  async decrypt(node, sender) {
    const { from, participant } = node.attrs;
    const jid = sender.account.address('lid', parseJid(participant || from).device);
    const { sessions } = this.keyring;
    let content;
    for (const enc of kids(node, 'enc')) {
      const { type } = enc.attrs;
      const raw =
        type === 'skmsg'
          ? await sessions.decryptGroupMessage({ group: from, authorJid: jid, msg: bytes(enc) })
          : await sessions.decryptMessage({ jid, type, ciphertext: bytes(enc) });
      const message = proto.Message.decode(unpadRandomMax16(raw));
      const item = message.senderKeyDistributionMessage;
      if (item) await sessions.processSenderKeyDistributionMessage({ item, authorJid: jid });
      if (Object.keys(message).some((part) => !BESIDE.includes(part))) content = message.deviceSentMessage?.message ?? message;
    }
    return content;
  }
}
