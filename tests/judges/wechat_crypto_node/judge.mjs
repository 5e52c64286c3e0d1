// @wecom/crypto and wechat-crypto as judges: they seal, sign and open callbacks.
//
// Speaks JSON lines: each command on standard input is answered by one line, {"refused": ...} where the judge says no.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const require = createRequire(pathToFileURL(join(process.cwd(), 'package.json')));
const wecom = require('@wecom/crypto');
const WXBizMsgCrypt = require('wechat-crypto');

// What both can do, in one form.
const judges = {
  'wecom': {
    seal: ({ key, message, receiver, random }) => wecom.encrypt(key, message, receiver, random && Buffer.from(random, 'hex')),
    open: ({ key, sealed }) => wecom.decrypt(key, sealed),
    sign: ({ token, timestamp, nonce }, sealed) => wecom.getSignature(token, timestamp, nonce, sealed),
  },
  'wechat-crypto': {
    seal: ({ token, key, message, receiver }) => new WXBizMsgCrypt(token, key, receiver).encrypt(message),
    open: ({ token, key, receiver, sealed }) => new WXBizMsgCrypt(token, key, receiver).decrypt(sealed),
    sign: ({ token, key, receiver, timestamp, nonce }, sealed) =>
      new WXBizMsgCrypt(token, key, receiver).getSignature(timestamp, nonce, sealed),
  },
};

function answer(command) {
  const judge = judges[command.judge];
  if (command.do === 'seal') {
    const sealed = judge.seal(command);
    return { sealed, signature: judge.sign(command, sealed) };
  }
  if (judge.sign(command, command.sealed) !== command.signature) {
    return { refused: 'signature' };
  }
  const { message, id } = judge.open(command);
  return id === command.receiver ? { message } : { refused: 'receiver' };
}

for await (const line of createInterface({ input: process.stdin })) {
  let told;
  try {
    told = answer(JSON.parse(line));
  } catch (error) {
    told = { refused: error.name };
  }
  console.log(JSON.stringify(told));
}
