// The connections to the gateway, so that they can be cut as a network cuts them.
import http2 from 'node:http2';
import { say } from '../../whatsapp/lines.mjs';

const sockets = new Set();

// Must be called before the service listens: it makes its servers by these two functions.
export function watchSockets() {
  for (const name of ['createServer', 'createSecureServer']) {
    const make = http2[name];
    http2[name] = (...settings) => {
      const server = make(...settings);
      server.on('connection', (socket) => {
        sockets.add(socket);
        say('connected');
        socket.on('close', () => sockets.delete(socket));
      });
      return server;
    };
  }
}

// Gives how many were cut.
export function cut() {
  const count = sockets.size;
  for (const socket of sockets) socket.resetAndDestroy();
  return count;
}
