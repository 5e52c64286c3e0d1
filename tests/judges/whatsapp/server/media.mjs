// The media host: sealed files by the hash of what is sealed. It speaks https and plain http on one port.
//
// POST /<kind>/<url-safe base64 of the SHA-256 of the sealed file>?auth&token gives {url, direct_path}; GET <direct_path> gives it back.
// Expired files answer 404 until a phone uploads them again, under a new path.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createPlain } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strike } from './faults.mjs';
import { note } from './journal.mjs';

const TLS_HANDSHAKE = 0x16;

const files = new Map(); // path -> bytes
const expired = new Map();
let port = 0;
let revivals = 0;

export const mediaHost = () => `127.0.0.1:${port}`;
export const mediaUrl = (path) => `https://${mediaHost()}${path}`;

export function store(body) {
  const path = `/v/${createHash('sha256').update(body).digest('base64url')}`;
  files.set(path, body);
  return path;
}
export const fetchFile = (path) => files.get(path);
export function expireAll() {
  for (const [path, body] of files) expired.set(path, body);
  files.clear();
}
// The same file under a new path; nothing when it never was here.
export function revive(path) {
  const body = expired.get(path) ?? files.get(path);
  if (!body) return undefined;
  const fresh = `${path.split('~')[0]}~${++revivals}`;
  files.set(fresh, body);
  return fresh;
}

// Starts on a port that the system chooses.
export function serveMedia() {
  const identity = makeIdentity();
  const plain = createPlain(handle);
  const secure = createSecure(identity, handle);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => {
      socket.pause();
      socket.unshift(data);
      (data[0] === TLS_HANDSHAKE ? secure : plain).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      ({ port } = server.address());
      resolve(port);
    });
  });
}

async function handle(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const url = new URL(request.url, 'http://loopback');
  if (request.method === 'POST') takeIn(url, Buffer.concat(parts), response);
  else giveOut(url, request.headers.range, response);
}

function takeIn(url, body, response) {
  const fault = strike('refuse-upload');
  const wanted = decodeURIComponent(url.pathname.split('/').pop());
  const hash = createHash('sha256').update(body).digest();
  const isRight = Buffer.from(wanted, 'base64url').equals(hash);
  note('upload', { path: url.pathname, size: body.length, isRight, refused: fault?.code });
  if (fault || !isRight) return response.writeHead(fault?.code ?? 400).end();
  const path = store(body);
  response.setHeader('content-type', 'application/json');
  return response.end(JSON.stringify({ url: mediaUrl(path), direct_path: path }));
}

function giveOut(url, range, response) {
  const fault = strike('refuse-download');
  const body = files.get(url.pathname);
  note('download', { path: url.pathname, found: Boolean(body), refused: fault?.code });
  if (fault || !body) return response.writeHead(fault?.code ?? 404).end();
  const part = /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
  response.setHeader('content-type', 'application/octet-stream');
  if (!part) return response.writeHead(200).end(body);
  const end = part[2] ? Number(part[2]) + 1 : body.length;
  response.setHeader('content-range', `bytes ${part[1]}-${Math.min(end, body.length) - 1}/${body.length}`);
  return response.writeHead(206).end(body.subarray(Number(part[1]), end));
}

// A certificate for 127.0.0.1 that holds two days.
function makeIdentity() {
  const folder = mkdtempSync(join(tmpdir(), 'magpie-whatsapp-'));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1';
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
  try {
    execFileSync('openssl', [...words.split(' '), ...names], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch (error) {
    throw new Error(`the media host needs the program openssl for its certificate: ${error.message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
