// Linking a device by a code of eight characters that the client shows and the person types into the phone.
//
// companion_hello: the client's key, wrapped under the code; primary_hello: the phone's, wrapped alike; companion_finish: the keys of both
// sides under the shared secret; then all goes on as after a QR code.
import { randomBytes } from 'node:crypto';
import { Curve, crypt } from './baileys.mjs';
import { note } from './journal.mjs';
import { SERVER, bytes, el, kid, now, stanzaId } from './node.mjs';
import { admit, waiting } from './pairing.mjs';

const { aesDecryptCTR, aesDecryptGCM, aesEncryptCTR, derivePairingCodeKey, hkdf } = crypt;
const REG = 'link_code_companion_reg';
const AFTER_THE_ANSWER_MS = 20;

const derive = (secret, fields) => Buffer.from(hkdf(Buffer.from(secret), 32, fields));

export function companionCode(link, reg) {
  const part = (name) => bytes(kid(reg, name));
  if (reg.attrs.stage === 'companion_hello') {
    const [user] = reg.attrs.jid.split('@');
    const ref = randomBytes(16).toString('base64');
    link.code = { user, ref, wrapped: part('link_code_pairing_wrapped_companion_ephemeral_pub') };
    waiting.add(link);
    note('code-shown', { phone: user });
    return [el(REG, { stage: 'companion_hello' }, [el('link_code_pairing_ref', {}, Buffer.from(ref))])];
  }
  if (reg.attrs.stage === 'companion_finish') {
    const finish = () => complete(link, part);
    setTimeout(finish, AFTER_THE_ANSWER_MS);
  }
  return undefined;
}

// The person types the code into the phone.
export async function enterCode(account, code) {
  const link = [...waiting].find((each) => each.code?.user === account.user);
  if (!link) throw new Error('no connection asked for a code');
  const { wrapped, ref } = link.code;
  const typed = code.replace('-', '').toUpperCase();
  const unlock = (salt) => derivePairingCodeKey(typed, salt);
  const key = await unlock(wrapped.subarray(0, 32));
  const companion = aesDecryptCTR(wrapped.subarray(48), key, wrapped.subarray(32, 48));
  const ephemeral = Curve.generateKeyPair();
  const [salt, iv] = [randomBytes(32), randomBytes(16)];
  const mine = Buffer.concat([salt, iv, aesEncryptCTR(ephemeral.public, await unlock(salt), iv)]);
  Object.assign(link.code, { account, ephemeral, companion });
  const hello = el(REG, { stage: 'primary_hello' }, [
    el('link_code_pairing_ref', {}, Buffer.from(ref)),
    el('link_code_pairing_wrapped_primary_ephemeral_pub', {}, mine),
    el('primary_identity_pub', {}, account.phone.identity.public),
  ]);
  link.send(el('notification', { from: SERVER, type: REG, id: stanzaId(), t: now() }, [hello]));
}

function complete(link, part) {
  const { account, ephemeral, companion } = link.code;
  const bundle = part('link_code_pairing_wrapped_key_bundle');
  const shared = Curve.sharedKey(ephemeral.private, companion);
  const key = derive(shared, { salt: bundle.subarray(0, 32), info: 'link_code_pairing_key_bundle_encryption_key' });
  let plain;
  try {
    plain = aesDecryptGCM(bundle.subarray(44), key, bundle.subarray(32, 44), Buffer.alloc(0));
  } catch {
    note('code-refused', { phone: account.user });
    return;
  }
  const identity = plain.subarray(0, 32);
  const common = Curve.sharedKey(account.phone.identity.private, part('companion_identity_public'));
  const secret = Buffer.concat([shared, common, plain.subarray(64, 96)].map((piece) => Buffer.from(piece)));
  admit(link, account, identity, derive(secret, { info: 'adv_secret' }));
}
