// The connection of a person's client: its keys in memory, its socket made anew whenever it may come back.
import { say } from '../lines.mjs';
import { WA_CERT_DETAILS, baileys } from './baileys.mjs';
import { tellEverything } from './telling.mjs';

const { DisconnectReason, initAuthCreds, makeCacheableSignalKeyStore } = baileys;
// After these there is nothing to come back to.
const FINAL = [
  DisconnectReason.loggedOut,
  DisconnectReason.connectionReplaced,
  DisconnectReason.forbidden,
  DisconnectReason.multideviceMismatch,
  402,
  405,
];
const SOON_MS = 50;
const KEPT_MAX = 10_000;

const silent = { level: 'silent', trace() {}, debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
// WHATSAPP_SIMULATOR_TRACE=1 shows what baileys complains about.
const complain = (...words) => console.error(...words);
const loud = { ...silent, level: 'warn', warn: complain, error: complain, child: () => loud };
const logger = process.env.WHATSAPP_SIMULATOR_TRACE ? loud : silent;

function memoryStore() {
  const kinds = new Map();
  const of = (kind) => kinds.get(kind) ?? kinds.set(kind, new Map()).get(kind);
  return {
    get: async (kind, ids) => Object.fromEntries(ids.filter((id) => of(kind).has(id)).map((id) => [id, of(kind).get(id)])),
    set: async (data) => {
      for (const [kind, values] of Object.entries(data)) {
        for (const [id, value] of Object.entries(values)) {
          if (value === null) of(kind).delete(id);
          else of(kind).set(id, value);
        }
      }
    },
  };
}

export class Session {
  constructor({ url, root }) {
    Object.assign(this, { url, messages: new Map(), state: { creds: initAuthCreds(), keys: memoryStore() } });
    WA_CERT_DETAILS.PUBLIC_KEY = root;
  }
  get me() {
    return this.state.creds.me;
  }

  // With `phone` a pair code is asked for instead of showing QR codes.
  connect({ phone, online = true } = {}) {
    Object.assign(this, { phone, online, isLeaving: false });
    this.open();
  }

  open() {
    const { creds, keys } = this.state;
    const socket = baileys.default({
      auth: { creds, keys: makeCacheableSignalKeyStore(keys, logger) },
      waWebSocketUrl: this.url,
      logger,
      markOnlineOnConnect: this.online,
      shouldSyncHistoryMessage: () => true,
      getMessage: async ({ id }) => this.messages.get(id)?.message,
      retryRequestDelayMs: 10,
      transactionOpts: { maxCommitRetries: 3, delayBetweenTriesMs: 100 },
    });
    this.socket = socket;
    socket.ev.on('creds.update', (change) => this.learn(socket, change));
    socket.ev.on('connection.update', (update) => this.changed(socket, update));
    tellEverything(this, socket.ev);
  }

  // Being online is shown only by a client that knows its own name, which it hears from the phone.
  learn(socket, change) {
    Object.assign(this.state.creds, change);
    const { name, lid } = this.me ?? {};
    if (!name || !lid || name === this.name) return;
    this.name = name;
    if (this.online) socket.sendPresenceUpdate('available').catch(() => {});
  }

  async changed(socket, { connection, qr, lastDisconnect, receivedPendingNotifications }) {
    if (socket !== this.socket) return;
    if (qr && !this.phone) say('qr', { qr });
    if (qr && this.phone && !this.codeAsked) {
      this.codeAsked = true;
      say('code', { code: await socket.requestPairingCode(this.phone) });
    }
    if (connection === 'open') say('open', { me: this.me });
    if (receivedPendingNotifications) say('caught-up');
    if (connection === 'close') this.closed(lastDisconnect?.error);
  }

  closed(error) {
    const code = error?.output?.statusCode;
    const isFinal = this.isLeaving || FINAL.includes(code);
    say('close', { code, words: error?.message, isFinal });
    if (!isFinal) setTimeout(() => this.isLeaving || this.open(), SOON_MS);
  }

  leave() {
    this.isLeaving = true;
    this.socket.end(undefined);
  }

  keep(message) {
    if (!message?.key?.id || !message.message) return;
    this.messages.set(message.key.id, message);
    if (this.messages.size > KEPT_MAX) this.messages.delete(this.messages.keys().next().value);
  }
  known(id) {
    const message = this.messages.get(id);
    if (!message) throw new Error(`this person knows no message ${id}`);
    return message;
  }
}
