// The keys of a phone: its Signal identity and sessions (the code of baileys), and the signature that vouches for linked devices.
import { randomInt } from 'node:crypto';
import { Curve, addTransactionCapability, crypt, initAuthCreds, makeLibSignalRepository, proto } from '../baileys.mjs';
import { now } from '../node.mjs';

const ACCOUNT_SIGNATURE = Buffer.from([6, 0]);
const STOCK = 5;

const silent = { level: 'silent', trace() {}, debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

const unsigned = (number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
};
const keyId = (number) => unsigned(number).subarray(1);

// The store that baileys wants, in memory.
export function memoryKeys() {
  const kinds = new Map();
  const of = (kind) => kinds.get(kind) ?? kinds.set(kind, new Map()).get(kind);
  const get = async (kind, ids) => Object.fromEntries(ids.filter((id) => of(kind).has(id)).map((id) => [id, of(kind).get(id)]));
  const set = async (data) => {
    for (const [kind, values] of Object.entries(data)) {
      for (const [id, value] of Object.entries(values)) {
        if (value === null) of(kind).delete(id);
        else of(kind).set(id, value);
      }
    }
  };
  return addTransactionCapability({ get, set }, silent, { maxCommitRetries: 1, delayBetweenTriesMs: 1 });
}

export class Keyring {
  constructor() {
    this.creds = initAuthCreds();
    this.keys = memoryKeys();
    this.identity = this.creds.signedIdentityKey;
    this.rawId = randomInt(1, 2 ** 31);
    this.lastPreKey = 0;
    this.sessions = makeLibSignalRepository({ creds: this.creds, keys: this.keys }, silent, async () => []);
  }

  bundle() {
    const { signedPreKey, registrationId } = this.creds;
    const skey = { id: keyId(signedPreKey.keyId), value: signedPreKey.keyPair.public, signature: signedPreKey.signature };
    return { registration: unsigned(registrationId), identity: this.identity.public, preKeys: new Map(), skey };
  }

  // One-time keys do not run out.
  refill(bundle) {
    while (bundle.preKeys.size < STOCK) {
      const id = ++this.lastPreKey;
      const pair = Curve.generateKeyPair();
      void this.keys.set({ 'pre-key': { [id]: pair } });
      bundle.preKeys.set(keyId(id).toString('hex'), pair.public);
    }
  }

  // The account signature over the device's identity, all of it sealed under the secret from the QR code or pair code.
  vouch(identityKey, advSecret, keyIndex) {
    const { ADVDeviceIdentity, ADVSignedDeviceIdentity, ADVSignedDeviceIdentityHMAC } = proto;
    const fields = { rawId: this.rawId, timestamp: now(), keyIndex, accountType: 0, deviceType: 0 };
    const details = ADVDeviceIdentity.encode(fields).finish();
    const signed = Buffer.concat([ACCOUNT_SIGNATURE, details, identityKey]);
    const accountSignature = Curve.sign(this.identity.private, signed);
    const inner = { details, accountSignature, accountSignatureKey: this.identity.public };
    const encoded = ADVSignedDeviceIdentity.encode(inner).finish();
    const sealed = { details: encoded, hmac: crypt.hmacSign(encoded, advSecret), accountType: 0 };
    return Buffer.from(ADVSignedDeviceIdentityHMAC.encode(sealed).finish());
  }

  async hasSession(jid) {
    return (await this.sessions.validateSession(jid)).exists;
  }

  async openSession(jid, bundle) {
    const pub = (key) => crypt.generateSignalPubKey(Buffer.from(key));
    const key = (one) => one && { keyId: one.id.readUIntBE(0, 3), publicKey: pub(one.value), signature: one.signature };
    const identity = { registrationId: bundle.registration.readUInt32BE(), identityKey: pub(bundle.identity) };
    const session = { ...identity, signedPreKey: key(bundle.skey), preKey: key(bundle.preKey) };
    await this.sessions.injectE2ESession({ jid, session });
  }
}
