// <receipt> and <ack>: who got, read or could not read what; and the end of waiting.
//
// Types: none (delivered), `inactive` (delivered to a client that is not marked as online: no tick), `read`, `played`, `read-self`,
// `sender` (our own message, seen by another of our devices), `peer_msg`, `hist_sync`, `retry`, `server-error` (a file is gone).
import { note } from './journal.mjs';
import { el, kid, kids, now, parseJid } from './node.mjs';
import { find, groups } from './world.mjs';

const PRIVATE = ['sender', 'peer_msg', 'hist_sync', 'read-self', 'played-self'];

const listed = (node) => kids(kid(node, 'list'), 'item').map((item) => item.attrs.id);

export function receipt(device, node) {
  const { id, to, participant, type } = node.attrs;
  const ids = [id, ...listed(node)];
  note('receipt', { from: device.pn, to, participant, ids, type: type || 'delivered' });
  device.link?.send(el('ack', { class: 'receipt', id, from: to, type, participant, t: now() }));
  for (const one of ids) device.acknowledged('message', one);
  if (type === 'server-error') return device.account.phone.mediaRetry(device, node);
  if (kid(node, 'offer')) return undefined; // A call was heard.
  if (PRIVATE.includes(type) || parseJid(to).server === 'newsletter') return undefined;
  const author = find(participant || to);
  const out = outgoing(device, node);
  if (type === 'retry') return author.device?.deliver(out); // Only to the device that encrypted it.
  for (const other of author.account?.devices.values() ?? []) if (other !== device) other.deliver(out);
  if ((type === 'read' || type === 'played') && author.account !== device.account) tellSelf(device, node);
  return undefined;
}

function outgoing({ account, id: deviceId }, { attrs: { id, type, to }, content }) {
  const group = groups.get(to);
  const isShared = group || parseJid(to).server === 'broadcast';
  const mode = group ? group.mode : isShared ? 'lid' : find(to).mode;
  const me = account.address(mode, deviceId);
  const who = isShared ? { from: to, participant: me } : { from: me };
  return el('receipt', { id, type, t: now(), ...who }, content);
}

// The reader's other devices learn that it is read.
function tellSelf(device, { attrs: { id, type, participant, to }, content }) {
  const mode = groups.get(to)?.mode ?? find(to).mode;
  const from = device.account.address(mode, device.id);
  for (const other of device.account.companions) {
    if (other !== device) other.deliver(el('receipt', { id, type, participant, t: now(), from, recipient: to }, content));
  }
}

export const ack = (device, { attrs }) => device.acknowledged(attrs.class, attrs.id);
