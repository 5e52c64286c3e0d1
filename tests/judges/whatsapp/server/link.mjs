// One connection of a client: the prologue "WA" 06 03, frames with a 3-byte big-endian length, the handshake, then stanzas.
import { Curve, decodeBinaryNode, encodeBinaryNode, proto } from './baileys.mjs';
import { note } from './journal.mjs';
import { Handshake, certificates, serverKey } from './noise.mjs';

const PROLOGUE_BYTES = 4;
const LENGTH_BYTES = 3;
const GOODBYE_MS = 100;

const frame = (body) => {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUIntBE(body.length, 0, LENGTH_BYTES);
  return Buffer.concat([length, body]);
};

// Calls onLogin(link) when the client's payload is known and onNode(link, node) for each stanza, in order.
export class Link {
  constructor(socket, { onLogin, onNode, onClose }) {
    Object.assign(this, { socket, onLogin, onNode, buffer: Buffer.alloc(0), turn: Promise.resolve() });
    this.next = this.prologue;
    socket.on('message', (data) => {
      this.turn = this.turn.then(() => this.feed(data)).catch((error) => this.broken(error));
    });
    socket.on('close', () => onClose(this));
  }

  broken(error) {
    note('server-error', { error: error.stack });
    this.socket.terminate();
  }

  async feed(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    if (this.next === this.prologue && !this.prologue()) return;
    while (this.buffer.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.buffer.readUIntBE(0, LENGTH_BYTES);
      if (this.buffer.length < end) return;
      const body = this.buffer.subarray(LENGTH_BYTES, end);
      this.buffer = this.buffer.subarray(end);
      await this.next(body);
    }
  }

  prologue() {
    if (this.buffer.length < PROLOGUE_BYTES) return false;
    this.buffer = this.buffer.subarray(PROLOGUE_BYTES);
    this.next = this.hello;
    return true;
  }

  hello(body) {
    const hello = proto.HandshakeMessage.decode(body).clientHello;
    this.ephemeral = Curve.generateKeyPair();
    const knowsUs = hello.static?.length > 0;
    if (knowsUs && this.comeBack(hello)) return this.enter();
    const shake = new Handshake(knowsUs ? 'XXfallback' : 'XX');
    shake.absorb(hello.ephemeral);
    shake.absorb(this.ephemeral.public);
    shake.mix(Curve.sharedKey(this.ephemeral.private, hello.ephemeral));
    const sealed = shake.seal(serverKey.public);
    shake.mix(Curve.sharedKey(serverKey.private, hello.ephemeral));
    this.shake = shake;
    this.answer({ static: sealed, payload: shake.seal(certificates()) });
    this.next = this.finish;
    return undefined;
  }

  comeBack({ ephemeral, static: sealed, payload }) {
    const shake = new Handshake('IK');
    try {
      shake.absorb(serverKey.public);
      shake.absorb(ephemeral);
      shake.mix(Curve.sharedKey(serverKey.private, ephemeral));
      this.noiseKey = shake.open(sealed);
      shake.mix(Curve.sharedKey(serverKey.private, this.noiseKey));
      this.payload = proto.ClientPayload.decode(shake.open(payload));
    } catch {
      return false; // It was meant for another server's key.
    }
    shake.absorb(this.ephemeral.public);
    shake.mix(Curve.sharedKey(this.ephemeral.private, ephemeral));
    shake.mix(Curve.sharedKey(this.ephemeral.private, this.noiseKey));
    this.shake = shake;
    this.answer({ payload: shake.seal(certificates()) });
    return true;
  }

  answer(fields) {
    const serverHello = { ephemeral: this.ephemeral.public, ...fields };
    this.socket.send(frame(Buffer.from(proto.HandshakeMessage.encode({ serverHello }).finish())));
  }

  finish(body) {
    const { clientFinish } = proto.HandshakeMessage.decode(body);
    this.noiseKey = this.shake.open(clientFinish.static);
    this.shake.mix(Curve.sharedKey(this.ephemeral.private, this.noiseKey));
    this.payload = proto.ClientPayload.decode(this.shake.open(clientFinish.payload));
    return this.enter();
  }

  async enter() {
    this.cipher = this.shake.transport();
    this.next = this.stanza;
    await this.onLogin(this);
  }

  async stanza(body) {
    const node = await decodeBinaryNode(this.cipher.open(body));
    trace('<-', this, node);
    await this.onNode(this, node);
  }

  // Whether it could be given to the socket.
  send(node) {
    if (this.socket.readyState !== this.socket.OPEN || !this.cipher) return false;
    trace('->', this, node);
    this.socket.send(frame(this.cipher.seal(encodeBinaryNode(node))));
    return true;
  }

  // Lets what was sent arrive first.
  close() {
    setTimeout(() => this.socket.close(), GOODBYE_MS);
  }

  cut() {
    this.socket.terminate();
  }
}

// WHATSAPP_SIMULATOR_TRACE=1 shows every stanza on stderr.
const trace = process.env.WHATSAPP_SIMULATOR_TRACE
  ? (arrow, link, node) => {
      const short = (_, value) => (value?.type === 'Buffer' || value instanceof Uint8Array ? '<bytes>' : value);
      process.stderr.write(`${arrow} ${link.device?.pn ?? '-'} ${JSON.stringify(node, short)}\n`);
    }
  : () => {};
