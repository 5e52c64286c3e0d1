// A Wechaty gateway on loopback: the real puppet service, with a puppet that plays WeChat behind it.
//
// What goes over the wire, authorization, TLS and the order of events are the service's own. GATEWAY_PORT and GATEWAY_TOKEN say where it
// listens and for whom; GATEWAY_TLS is empty for none, `stock` for the certificate that the service comes with, or the path of a file with
// a key and a certificate. GATEWAY_WORLD is a file with the commands that make the world as it is before anybody can listen. It says
// {"event":"ready"} with the certificates of its own, and then takes commands (`gateway/control.mjs`). Where to read next:
// `gateway/puppet.mjs` for what the bridge can do, `gateway/world.mjs` for what happens in WeChat.
import { readFileSync } from 'node:fs';
import { watchSockets } from './gateway/sockets.mjs';
import { PuppetServer, stock } from './packages.mjs';
import { deeds } from './gateway/control.mjs';
import { puppet } from './gateway/world.mjs';
import { obey, say, stop } from '../whatsapp/lines.mjs';

const HEARTBEAT_MS = 15_000;

const { GATEWAY_PORT, GATEWAY_TOKEN, GATEWAY_TLS, GATEWAY_WORLD } = process.env;

function tls() {
  if (!GATEWAY_TLS) return { disable: true };
  if (GATEWAY_TLS === 'stock') return { disable: false };
  const pem = readFileSync(GATEWAY_TLS, 'utf8');
  return { disable: false, serverCert: pem, serverKey: pem };
}

// One listener for each open stream of events: the bridge's.
puppet.on('newListener', (name) => name === 'message' && say('stream', { open: true }));
puppet.on('removeListener', (name) => name === 'message' && say('stream', { open: false }));
puppet.on('error', () => {});

watchSockets();
const server = new PuppetServer({ endpoint: `127.0.0.1:${GATEWAY_PORT}`, puppet, token: GATEWAY_TOKEN, tls: tls() });
await puppet.start();
for (const { do: name, ...fields } of JSON.parse(readFileSync(GATEWAY_WORLD, 'utf8'))) await deeds[name](fields);
await server.start();
setInterval(() => puppet.emit('heartbeat', { data: 'gateway' }), HEARTBEAT_MS).unref();
obey({ ...deeds, stop });
say('ready', { stock });
