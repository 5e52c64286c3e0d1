// A WhatsApp of our own, as linked devices see it: any number of accounts, each with a phone, on loopback ports the system chooses.
//
// It runs in the folder where baileys is installed, whose codec it uses. It says {"event":"ready", port, mediaPort, root} and then takes
// commands (`server/control.mjs`). It must never be kinder than WhatsApp where that is known. Where to read next: `server/login.mjs`
// for a connection's start, `server/messages.mjs` for the way of a message, `server/phone.mjs` for what the phone does.
import { WebSocketServer } from './server/baileys.mjs';
import { call } from './server/calls.mjs';
import { deeds } from './server/control.mjs';
import { answer } from './server/iq.mjs';
import { Link } from './server/link.mjs';
import { closed, isTurnedAway, login } from './server/login.mjs';
import { serveMedia } from './server/media.mjs';
import { message } from './server/messages.mjs';
import { rootPublicKey } from './server/noise.mjs';
import { admitted } from './server/pairing.mjs';
import { chatstate, presence } from './server/presence.mjs';
import { ack, receipt } from './server/receipts.mjs';
import { obey, say, stop } from './lines.mjs';

const routes = { message, receipt, ack, call, chatstate, presence };

function onNode(link, node) {
  const { tag, attrs } = node;
  if (tag === 'iq' && attrs.type === 'result') return admitted(link, node);
  if (tag === 'iq') return attrs.type === 'error' ? undefined : answer(link, node);
  return link.device && routes[tag]?.(link.device, node);
}

const mediaPort = await serveMedia();
const verifyClient = (_, done) => done(!isTurnedAway(), 503);
const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient });
sockets.on('connection', (socket) => new Link(socket, { onLogin: login, onNode, onClose: closed }));
sockets.on('listening', () => {
  obey({ ...deeds, stop });
  say('ready', { port: sockets.address().port, mediaPort, root: rootPublicKey.toString('hex') });
});
