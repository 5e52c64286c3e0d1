// The Noise handshake of 25519, AES-GCM and SHA-256, from the side that answers; and the certificates a client checks.
//
// XX, to pair: hello {ephemeral}; answer {ephemeral, sealed static, sealed certificates}; finish {sealed static, sealed payload}.
// IK, to come back: hello {ephemeral, sealed static, sealed payload}; answer {ephemeral, sealed certificates}.
// XXfallback, when IK was meant for another key: as XX over the same ephemeral, under a name of its own.
import { Curve, NOISE_WA_HEADER, crypt, proto } from './baileys.mjs';
import { now } from './node.mjs';

const { aesDecryptGCM, aesEncryptGCM, hkdf, sha256 } = crypt;
const NOTHING = Buffer.alloc(0);
const HOUR = 3600;
const DAY = 24 * HOUR;
const HASH_BYTES = 32;

const root = Curve.generateKeyPair();
const intermediate = Curve.generateKeyPair();
export const serverKey = Curve.generateKeyPair();
// Clients must be told to trust this one instead of WhatsApp's own.
export const rootPublicKey = Buffer.from(root.public);

// The root signs the intermediate (issuer 0), the intermediate signs the leaf (issuer 1), whose key is the Noise static.
export function certificates() {
  const { CertChain } = proto;
  const validity = { notBefore: now() - HOUR, notAfter: now() + DAY };
  const encode = (details) => CertChain.NoiseCertificate.Details.encode({ ...details, ...validity }).finish();
  const middle = encode({ serial: 1, issuerSerial: 0, key: intermediate.public });
  const leaf = encode({ serial: 2, issuerSerial: 1, key: serverKey.public });
  return CertChain.encode({
    intermediate: { details: middle, signature: Curve.sign(root.private, middle) },
    leaf: { details: leaf, signature: Curve.sign(intermediate.private, leaf) },
  }).finish();
}

// A 32-bit counter in bytes 8 to 12.
const nonce = (count) => {
  const iv = Buffer.alloc(12);
  iv.writeUInt32BE(count, 8);
  return iv;
};

// The running state of one handshake.
export class Handshake {
  constructor(pattern) {
    const name = Buffer.from(`Noise_${pattern}_25519_AESGCM_SHA256`);
    const padded = () => Buffer.concat([name, Buffer.alloc(HASH_BYTES - name.length)]);
    this.hash = name.length > HASH_BYTES ? sha256(name) : padded();
    this.salt = this.hash;
    this.key = this.hash;
    this.count = 0;
    this.absorb(NOISE_WA_HEADER);
  }
  absorb(data) {
    this.hash = sha256(Buffer.concat([this.hash, data]));
  }
  seal(data) {
    const sealed = aesEncryptGCM(data, this.key, nonce(this.count++), this.hash);
    this.absorb(sealed);
    return sealed;
  }
  open(sealed) {
    const data = aesDecryptGCM(sealed, this.key, nonce(this.count++), this.hash);
    this.absorb(sealed);
    return data;
  }
  mix(shared) {
    [this.salt, this.key] = this.derive(shared);
    this.count = 0;
  }
  derive(data) {
    const both = Buffer.from(hkdf(Buffer.from(data), 2 * HASH_BYTES, { salt: this.salt, info: '' }));
    return [both.subarray(0, HASH_BYTES), both.subarray(HASH_BYTES)];
  }
  // The ciphers of both directions, once all is said.
  transport() {
    const [reading, writing] = this.derive(NOTHING);
    let reads = 0;
    let writes = 0;
    return {
      open: (frame) => aesDecryptGCM(frame, reading, nonce(reads++), NOTHING),
      seal: (data) => aesEncryptGCM(data, writing, nonce(writes++), NOTHING),
    };
  }
}
