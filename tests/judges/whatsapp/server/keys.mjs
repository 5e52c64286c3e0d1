// Key bundles: what others need to write to a device for the first time. Each one-time key is handed out once.
import { createHash } from 'node:crypto';
import { announce } from './device.mjs';
import { SERVER, bytes, el, kid, kids, now, stanzaId } from './node.mjs';
import { Refused } from './refused.mjs';
import { find } from './world.mjs';

const LOW_STOCK = 5;
const KEY_BUNDLE_TYPE = Buffer.from([5]);
const WELCOME_MS = 50;

const readSigned = (node) =>
  node && { id: bytes(kid(node, 'id')), value: bytes(kid(node, 'value')), signature: bytes(kid(node, 'signature')) };
const showSigned = ({ id, value, signature }) =>
  el('skey', {}, [el('id', {}, id), el('value', {}, value), el('signature', {}, signature)]);
const showIdentity = (bundle) => [
  el('registration', {}, bundle.registration),
  el('type', {}, KEY_BUNDLE_TYPE),
  el('identity', {}, bundle.identity),
];

// Takes one one-time key out; the phone makes new ones, a client is told to.
export function takeBundle(device) {
  const bundle = device?.bundle;
  if (!bundle) return null;
  if (device.isPhone) device.account.phone.refill(bundle);
  const first = bundle.preKeys.entries().next().value;
  if (first) bundle.preKeys.delete(first[0]);
  if (!device.isPhone && bundle.preKeys.size === LOW_STOCK) {
    const low = [el('count', { value: LOW_STOCK })];
    device.deliver(el('notification', { from: SERVER, type: 'encrypt', id: stanzaId(), t: now() }, low));
  }
  return { ...bundle, preKey: first && { id: Buffer.from(first[0], 'hex'), value: first[1] } };
}

function upload(device, node) {
  const isFirst = !device.bundle;
  const preKeys = device.bundle?.preKeys ?? new Map();
  for (const key of kids(kid(node, 'list'), 'key')) {
    preKeys.set(bytes(kid(key, 'id')).toString('hex'), bytes(kid(key, 'value')));
  }
  const [registration, identity] = ['registration', 'identity'].map((name) => bytes(kid(node, name)));
  device.bundle = { registration, identity, skey: readSigned(kid(node, 'skey')), preKeys };
  if (!isFirst) return;
  announce(device, 'add');
  setTimeout(() => device.account.phone.welcome(device), WELCOME_MS);
}

function digest({ bundle }) {
  if (!bundle) throw new Refused(404, 'item-not-found');
  const hash = createHash('sha1').update(bundle.identity).update(bundle.skey.value).update(bundle.skey.signature);
  for (const value of bundle.preKeys.values()) hash.update(value);
  const ids = [...bundle.preKeys.keys()].map((id) => el('id', {}, Buffer.from(id, 'hex')));
  const content = [...showIdentity(bundle), showSigned(bundle.skey), el('list', {}, ids)];
  return el('digest', {}, [...content, el('hash', {}, hash.digest())]);
}

// Answered under the address that was asked for.
function bundleFor({ attrs: { jid } }) {
  const { device } = find(jid);
  const bundle = takeBundle(device);
  if (!bundle) return el('user', { jid }, [el('error', { code: 406, text: 'not-acceptable' })]);
  const content = [...showIdentity(bundle), showSigned(bundle.skey)];
  const { preKey } = bundle;
  if (preKey) content.push(el('key', {}, [el('id', {}, preKey.id), el('value', {}, preKey.value)]));
  if (device.identityProof) content.push(el('device-identity', {}, device.identityProof));
  return el('user', { jid, t: now() }, content);
}

// <iq xmlns="encrypt">
export function keysQuery({ device, first, node }) {
  if (node.attrs.type === 'set') {
    if (first.tag === 'rotate') device.bundle.skey = readSigned(kid(first, 'skey'));
    else upload(device, node);
    return undefined;
  }
  if (first.tag === 'count') return [el('count', { value: device.bundle?.preKeys.size ?? 0 })];
  if (first.tag === 'digest') return [digest(device)];
  if (first.tag === 'key') return [el('list', {}, kids(first, 'user').map(bundleFor))];
  throw new Refused(501, 'feature-not-implemented');
}
