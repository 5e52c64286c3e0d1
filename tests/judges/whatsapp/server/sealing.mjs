// Files as WhatsApp seals them: AES-CBC and an HMAC under keys that HKDF makes of the media key, with a word for each kind.
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { crypt } from './baileys.mjs';
import { now } from './node.mjs';
import { fetchFile, mediaUrl, store } from './media.mjs';

const WORDS = { image: 'Image', video: 'Video', audio: 'Audio', document: 'Document', sticker: 'Image', history: 'History' };
const MAC_BYTES = 10;

const sha256 = (data) => createHash('sha256').update(data).digest();

function keysOf(mediaKey, kind) {
  if (!WORDS[kind]) throw new Error(`there is no kind of file ${kind}`);
  const all = Buffer.from(crypt.hkdf(Buffer.from(mediaKey), 112, { info: `WhatsApp ${WORDS[kind]} Keys` }));
  return { iv: all.subarray(0, 16), cipher: all.subarray(16, 48), mac: all.subarray(48, 80) };
}
const macOf = (keys, sealed) => createHmac('sha256', keys.mac).update(keys.iv).update(sealed).digest().subarray(0, MAC_BYTES);

// Uploads a file; what comes back belongs into the message about it.
export function sealFile(kind, data) {
  const mediaKey = randomBytes(32);
  const keys = keysOf(mediaKey, kind);
  const cipher = createCipheriv('aes-256-cbc', keys.cipher, keys.iv);
  const sealed = Buffer.concat([cipher.update(data), cipher.final()]);
  const file = Buffer.concat([sealed, macOf(keys, sealed)]);
  const directPath = store(file);
  const hashes = { fileSha256: sha256(data), fileEncSha256: sha256(file) };
  return { url: mediaUrl(directPath), directPath, mediaKey, mediaKeyTimestamp: now(), fileLength: data.length, ...hashes };
}

// Downloads a file by what a message says about it, and checks every hash in it.
export function openFile(kind, { directPath, mediaKey, fileSha256, fileEncSha256 }) {
  const file = fetchFile(directPath);
  if (!file) throw new Error('there is no such file');
  const keys = keysOf(Buffer.from(mediaKey, 'base64'), kind);
  const sealed = file.subarray(0, -MAC_BYTES);
  if (!macOf(keys, sealed).equals(file.subarray(-MAC_BYTES))) throw new Error('the file has a wrong MAC');
  const cipher = createDecipheriv('aes-256-cbc', keys.cipher, keys.iv);
  const data = Buffer.concat([cipher.update(sealed), cipher.final()]);
  if (!sha256(data).equals(Buffer.from(fileSha256, 'base64'))) throw new Error('fileSha256 is wrong');
  if (!sha256(file).equals(Buffer.from(fileEncSha256, 'base64'))) throw new Error('fileEncSha256 is wrong');
  return data;
}
