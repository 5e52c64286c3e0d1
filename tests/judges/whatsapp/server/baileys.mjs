// All that comes from npm: protobuf, the binary form of stanzas, cryptography and Signal sessions, from `baileys`; `ws` for sockets.
//
// The packages are installed in the folder where the process runs. Nothing else in here may import them.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.cwd(), 'package.json'));
const load = (file) => import(pathToFileURL(join(process.cwd(), 'node_modules/baileys', file)).href);

export const { proto } = await load('WAProto/index.js');
export const crypt = await load('lib/Utils/crypto.js');
export const { Curve } = crypt;
export const { encodeBinaryNode, decodeBinaryNode } = await load('lib/WABinary/index.js');
export const { NOISE_WA_HEADER } = await load('lib/Defaults/index.js');
export const { initAuthCreds, addTransactionCapability } = await load('lib/Utils/auth-utils.js');
export const { makeLibSignalRepository } = await load('lib/Signal/libsignal.js');
export const { encodeSyncdPatch, newLTHashState, makeLtHashGenerator } = await load('lib/Utils/chat-utils.js');
export const { encodeWAMessage, unpadRandomMax16 } = await load('lib/Utils/generics.js');
export const { WebSocketServer } = require('ws');
