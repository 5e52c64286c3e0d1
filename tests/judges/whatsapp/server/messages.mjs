// <message>: an envelope for each device, taken apart and carried to them. The server cannot read what is inside.
//
// In: `to id type [edit] [category] [participant] [recipient]`, inside <participants><to jid><enc/></to>..</participants> and/or a bare
// <enc>, perhaps <device-identity>. Out, to each device: its own <enc> only, `from` in the address form of `to` with the sender's
// device, the other form beside it.
import { note } from './journal.mjs';
import { strike } from './faults.mjs';
import { GROUPS, STATUS, el, kid, kids, now, parseJid } from './node.mjs';
import { objection, publish } from './newsletters.mjs';
import { find, groups } from './world.mjs';

const CARRIED = ['id', 'type', 'edit', 'category', 'push_priority', 'expiration'];
const ENVELOPE = ['participants', 'enc', 'device-identity'];

export function message(device, node) {
  const { attrs } = node;
  const { server } = parseJid(attrs.to);
  const encs = kids(kid(node, 'participants')).length + kids(node, 'enc').length;
  const { id, to, type, edit } = attrs;
  note('message', { from: device.pn, to, id, type, edit, category: attrs.category, encs });
  const fault = (kind) => (isSpared(attrs) ? undefined : strike(kind, device));
  if (fault('swallow')) return device.link?.cut();
  const error = fault('refuse-message')?.code ?? refusal(device, node, server);
  const serverId = error ? undefined : carry(device, node, server);
  if (fault('cut-after')) return device.link?.cut();
  if (fault('drop-ack')) return undefined;
  const ack = { class: 'message', id, from: to, t: now(), participant: attrs.participant, error, server_id: serverId };
  return device.link?.send(el('ack', ack));
}

// Letters between the devices of one account are not what tests mean.
const isSpared = ({ category }) => category === 'peer';

// A newsletter's message gets a number.
function carry(device, node, server) {
  if (server === 'newsletter') return publish(device.account, node, device);
  relay(device, node);
  return undefined;
}

function refusal(device, node, server) {
  const { to } = node.attrs;
  if (server === 'newsletter') return objection(device.account, node) || undefined;
  if (server === GROUPS) return groups.get(to)?.members.has(device.account) ? undefined : 403;
  if (server === 'broadcast') return undefined;
  return find(to).account ? undefined : 404;
}

function relay(device, node) {
  const { attrs } = node;
  const common = kids(node, 'enc');
  const own = new Map(kids(kid(node, 'participants'), 'to').map((to) => [find(to.attrs.jid).device, kids(to, 'enc')]));
  own.delete(undefined);
  const give = (to, encs) => to && to !== device && hand(device, node, to, encs);
  const group = groups.get(attrs.to);
  // A resend after a retry receipt goes to the one device that asked.
  if (attrs.participant) return give(find(attrs.participant).device, common);
  if (group) return audience(group.members.keys(), (to) => give(to, [...(own.get(to) ?? []), ...common]));
  if (attrs.to === STATUS) return status(device, own, (to) => give(to, [...(own.get(to) ?? []), ...common]));
  if (own.size) return own.forEach((encs, to) => give(to, [...encs, ...common]));
  return give(find(attrs.to).device, common);
}

const audience = (people, act) => [...people].forEach((account) => account.devices.forEach(act));

// Who once got the sender key is in the audience of every later status; the envelope names only new devices.
function status(device, own, act) {
  const { account } = device;
  account.statusAudience ??= new Set();
  for (const to of own.keys()) account.statusAudience.add(to.account);
  audience(account.statusAudience, act);
}

function hand(device, node, to, encs) {
  const { attrs } = node;
  const base = Object.fromEntries(CARRIED.map((name) => [name, attrs[name]]));
  const notify = device.account.name;
  const head = { ...base, t: now(), notify, ...route(device, attrs, to) };
  const out = el('message', head, contents(node, to, encs));
  to.deliver(out);
  if (!isSpared(attrs) && to.isOnline && strike('duplicate', to)) to.deliver(out);
}

function contents(node, to, encs) {
  const extra = kids(node).filter((child) => !ENVELOPE.includes(child.tag));
  const identity = kid(node, 'device-identity');
  const fault = (kind) => (isSpared(node.attrs) ? undefined : strike(kind, to));
  const isResend = to.messages.has(node.attrs.id);
  if (!isResend && fault('unavailable')) return [el('unavailable', {}), ...extra];
  const spoilt = fault('corrupt');
  const given = spoilt ? encs.map(spoil) : encs;
  const needsIdentity = identity && encs.some((enc) => enc.attrs.type === 'pkmsg');
  return [...given, ...(needsIdentity ? [identity] : []), ...extra];
}

const spoil = (enc) => ({ ...enc, content: Buffer.from(enc.content).fill(0, 20, 30) });

// Who it is from and about, as the receiver is told.
function route({ account, id }, attrs, to) {
  const { server } = parseJid(attrs.to);
  const group = groups.get(attrs.to);
  const mode = group ? group.mode : attrs.to === STATUS ? 'lid' : find(attrs.to).mode;
  const sender = account.address(mode, id);
  const other = account.other(mode);
  if (group || server === 'broadcast') {
    const shown = { from: attrs.to, participant: sender, [`participant_${other.name}`]: other.value };
    return group ? { ...shown, addressing_mode: mode } : shown;
  }
  if (attrs.category === 'peer') return { from: sender };
  if (to.account === account) return ownCopy(sender, attrs);
  return { from: sender, [`sender_${other.name}`]: other.value };
}

function ownCopy(sender, attrs) {
  const chat = find(attrs.recipient || attrs.to);
  if (!chat.account) return { from: sender, recipient: attrs.recipient || attrs.to };
  const other = chat.account.other(chat.mode);
  return { from: sender, recipient: chat.account.address(chat.mode), [`peer_recipient_${other.name}`]: other.value };
}
