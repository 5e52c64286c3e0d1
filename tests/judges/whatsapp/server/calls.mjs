// <call>: signs of calls, without any sound. A phone rings somebody, gives up, or is refused.
//
// <call from><offer call-id call-creator/></call> rings; <terminate call-id call-creator reason/> ends it; a client's <reject/> is carried
// to the caller. Kept for clients that are away: they show it as missed.
import { note } from './journal.mjs';
import { el, kids, messageId, now, stanzaId } from './node.mjs';
import { find, groups } from './world.mjs';

const RATES = [8000, 16000];

function ring(caller, to, sign) {
  const group = groups.get(to);
  const mode = group ? group.mode : find(to).mode;
  const from = caller.address(mode);
  const people = group ? [...group.members.keys()] : [find(to).account];
  for (const account of people) {
    if (!account) throw new Error(`nobody has the address ${to}`);
    for (const device of account === caller ? [] : account.companions) {
      device.deliver(el('call', { from, id: stanzaId(), t: now(), notify: caller.name }, [sign(from)]));
    }
  }
}

// Gives the call's id. A group's call names the group.
export function offerCall(caller, { to, id = messageId(), isVideo }) {
  const isGroup = groups.has(to);
  const media = RATES.map((rate) => el('audio', { enc: 'opus', rate }));
  if (isVideo) media.push(el('video', { enc: 'vp8', dec: 'vp8', orientation: 0 }));
  const kind = isGroup ? { type: 'group', 'group-jid': to } : {};
  ring(caller, to, (from) => el('offer', { 'call-id': id, 'call-creator': from, caller_pn: caller.pn, ...kind }, media));
  return id;
}

// `reason` is "timeout" when nobody answered.
export function endCall(caller, { to, id, reason = 'timeout' }) {
  ring(caller, to, (from) => el('terminate', { 'call-id': id, 'call-creator': from, reason }));
}

// A client's own sign, a <reject/> for instance.
export function call(device, { attrs: { id, to }, content }) {
  const [sign] = kids({ content });
  note('call', { from: device.pn, to, sign: sign?.tag, callId: sign?.attrs['call-id'] });
  device.link?.send(el('ack', { class: 'call', id, from: to, type: sign?.tag }));
  const { account, mode } = find(to);
  const out = { from: device.account.address(mode, device.id), id: stanzaId(), t: now() };
  for (const each of account?.devices.values() ?? []) each.deliver(el('call', out, content));
}
