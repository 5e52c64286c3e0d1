// Linking a device by QR code: six references are offered, the phone reads one with the client's keys and vouches for it.
//
// The text is "ref,noise key,identity key,adv secret", bare or in a URL's fragment. The client answers with its signed identity; then
// the connection ends with stream error 515, and the client must come back.
import { randomBytes } from 'node:crypto';
import { Device } from './device.mjs';
import { note } from './journal.mjs';
import { SERVER, bytes, el, kid, stanzaId } from './node.mjs';

const REFERENCES = 6;
const REFERENCE_BYTES = 24;
const RESTART_REQUIRED = 515;

export const paired = new Map(); // Noise public key in base64 -> device
export const waiting = new Set(); // links that show a QR code or a pair code

export function offerQr(link) {
  waiting.add(link);
  link.refs = Array.from({ length: REFERENCES }, () => randomBytes(REFERENCE_BYTES).toString('base64'));
  const refs = link.refs.map((ref) => el('ref', {}, Buffer.from(ref)));
  const attrs = { from: SERVER, type: 'set', id: stanzaId(), xmlns: 'md' };
  link.send(el('iq', attrs, [el('pair-device', {}, refs)]));
}

// The person points the phone at the code.
export function scan(account, qr) {
  const [ref, noise, identity, secret] = qr.trim().slice(qr.lastIndexOf('#') + 1).split(',');
  const noiseKey = Buffer.from(noise ?? '', 'base64');
  const link = [...waiting].find((each) => each.refs?.includes(ref) && each.noiseKey.equals(noiseKey));
  if (!link) throw new Error('no connection shows this code');
  return admit(link, account, Buffer.from(identity, 'base64'), Buffer.from(secret, 'base64'));
}

// Gives the new device's JID.
export function admit(link, account, identityKey, advSecret) {
  const device = new Device(account, account.nextDevice++);
  waiting.delete(link);
  link.pairing = device;
  const success = el('pair-success', {}, [
    el('device-identity', {}, account.phone.vouch(identityKey, advSecret, device.id)),
    el('platform', { name: 'android' }),
    el('device', { jid: device.pn, lid: device.lid }),
  ]);
  link.send(el('iq', { from: SERVER, type: 'set', id: stanzaId() }, [success]));
  return device.pn;
}

// The client's signed identity is kept: it is handed out with its keys.
export function admitted(link, node) {
  const sign = kid(node, 'pair-device-sign');
  if (!sign || !link.pairing) return;
  const device = link.pairing;
  device.identityProof = bytes(kid(sign, 'device-identity'));
  device.account.devices.set(device.id, device);
  paired.set(link.noiseKey.toString('base64'), device);
  note('paired', { phone: device.account.user, device: device.pn, lid: device.lid });
  link.send(el('stream:error', { code: RESTART_REQUIRED }));
  link.close();
}
