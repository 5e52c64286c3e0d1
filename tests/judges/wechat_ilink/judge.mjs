// The vendor's iLink client as a puppet: one JSON command per input line, one JSON event per output line.
//
// It runs in the folder where the client is installed and loads its modules from there. They are used as the plugin itself uses
// them. What it plugs into is not here: the three functions that the modules take from it are written below.
import { writeFileSync, writeSync, mkdtempSync, rmSync } from 'node:fs';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'magpie-judge-'));
process.env.OPENCLAW_STATE_DIR = folder;
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const host = `
export const normalizeAccountId = (id) => String(id).trim().toLowerCase().replace(/[^a-z0-9_-]+/g, '-');
export const resolvePreferredOpenClawTmpDir = () => ${JSON.stringify(folder)};
export const withFileLock = async (path, options, act) => (act ?? options)();
`;
const asUrl = (source) => `data:text/javascript,${encodeURIComponent(source)}`;
register(asUrl(`
export const resolve = (name, context, next) =>
  name.startsWith('openclaw/') ? { url: ${JSON.stringify(asUrl(host))}, shortCircuit: true } : next(name, context);
`));

// The client talks to a fixed host, and to whatever host a redirect names; both by TLS, which loopback does not have.
const fixed = 'https://ilinkai.weixin.qq.com';
const fetchReally = globalThis.fetch;
globalThis.fetch = (target, options) => {
  let url = String(target);
  if (url.startsWith(`${fixed}/`)) url = process.env.JUDGE_API + url.slice(fixed.length);
  else if (url.startsWith('https://127.0.0.1:')) url = url.replace('https:', 'http:');
  return fetchReally(url, options);
};

// The client writes for people, and reads a number from the terminal. Commands have the real ones.
const input = process.stdin;
const typed = new PassThrough();
Object.defineProperty(process, 'stdin', { value: typed });
process.stdout.write = () => true;
const say = (event, fields = {}) => writeSync(1, `${JSON.stringify({ event, ...fields })}\n`);

const load = (path) =>
  import(pathToFileURL(join(process.cwd(), 'node_modules/@tencent-weixin/openclaw-weixin/dist/src', path)).href);
const login = await load('auth/login-qr.js');
const api = await load('api/api.js');
const upload = await load('cdn/upload.js');
const download = await load('cdn/pic-decrypt.js');
const send = await load('messaging/send.js');
const inbound = await load('messaging/inbound.js');
const quotes = await load('messaging/partial-quote.js');

const cdnBaseUrl = process.env.JUDGE_CDN;
let account = null;
let cursor = '';
const options = () => ({ baseUrl: account.baseUrl, token: account.token, timeoutMs: 15000 });
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

const uploads = {
  image: upload.uploadFileToWeixin,
  video: upload.uploadVideoToWeixin,
  file: upload.uploadFileAttachmentToWeixin,
};
const sends = {
  image: send.sendImageMessageWeixin,
  video: send.sendVideoMessageWeixin,
  file: send.sendFileMessageWeixin,
};

const deeds = {
  // Shows a code; how it ends is told as an event of its own.
  login: async () => {
    const shown = await login.startWeixinLoginWithQr({ force: true });
    login.waitForWeixinLogin({ sessionKey: shown.sessionKey }).then((ended) => {
      if (ended.connected) account = { baseUrl: ended.baseUrl, token: ended.botToken };
      say('login', ended);
    });
    return { link: shown.qrcodeUrl };
  },
  type: async ({ number }) => void typed.write(`${number}\n`),
  use: async ({ token, baseUrl }) => void (account = { token, baseUrl }),
  start: () => api.notifyStart(options()),
  stopped: () => api.notifyStop(options()),
  receive: async ({ from, timeoutMs }) => {
    const answer = await api.getUpdates({ ...options(), timeoutMs, get_updates_buf: from ?? cursor });
    cursor = answer.get_updates_buf ?? cursor;
    const read = (message) => inbound.weixinMessageToMsgContext(message, 'judge');
    return { ...answer, read: (answer.msgs ?? []).map(read) };
  },
  send: ({ to, text, contextToken }) => send.sendMessageWeixin({ to, text, opts: { ...options(), contextToken } }),
  sendFile: async ({ to, kind, bytes, name, text, contextToken }) => {
    const filePath = join(folder, 'outgoing');
    writeFileSync(filePath, Buffer.from(bytes, 'base64'));
    const uploaded = await uploads[kind]({ filePath, toUserId: to, opts: options(), cdnBaseUrl });
    return sends[kind]({ to, text, fileName: name, uploaded, opts: { ...options(), contextToken } });
  },
  download: async ({ media }) => {
    const { encrypt_query_param: param, aes_key: key, full_url: url } = media;
    const bytes = key
      ? await download.downloadAndDecryptBuffer(param ?? '', key, cdnBaseUrl, 'judge', url)
      : await download.downloadPlainCdnBuffer(param ?? '', cdnBaseUrl, 'judge', url);
    return { bytes: base64(bytes) };
  },
  part: async ({ text, part }) => quotes.resolvePartialQuote(text, part),
  typing: async ({ user, contextToken, status }) => {
    const config = await api.getConfig({ ...options(), ilinkUserId: user, contextToken });
    const body = { ilink_user_id: user, typing_ticket: config.typing_ticket, status };
    await api.sendTyping({ ...options(), body });
    return config;
  },
};

const act = async (line) => {
  const command = JSON.parse(line);
  if (command.do === 'stop') process.exit(0);
  try {
    say('done', (await deeds[command.do](command)) ?? {});
  } catch (error) {
    say('done', { failed: String(error) });
  }
};

let queue = Promise.resolve();
createInterface({ input }).on('line', (line) => {
  queue = queue.then(() => act(line));
});
say('ready');
