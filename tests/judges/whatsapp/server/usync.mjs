// <iq xmlns="usync">: who has an account, under which LID, with which devices.
//
// <query>(devices, lid, contact, status, ...)</query><list><user jid | <contact>+number</contact>></list>
import { SERVER, el, kid, kids, now, text } from './node.mjs';
import { find } from './world.mjs';

export function usyncQuery({ first }) {
  const wants = kids(kid(first, 'query')).map((part) => part.tag);
  const users = kids(kid(first, 'list'), 'user').map((user) => answerFor(user, wants));
  const { sid, mode, context } = first.attrs;
  const result = el('result', {}, wants.map((want) => el(want)));
  return [el('usync', { sid, index: 0, last: 'true', mode, context }, [result, el('list', {}, users)])];
}

function answerFor(user, wants) {
  const number = text(kid(user, 'contact'))?.replace(/\D/g, '');
  const asked = user.attrs.jid ?? `${number}@${SERVER}`;
  const { account, mode } = find(asked);
  const attrs = { jid: account?.address(mode) ?? asked, pn_jid: account && mode === 'lid' ? account.pn : undefined };
  return el('user', attrs, wants.map((want) => part(want, account, number)));
}

function part(want, account, number) {
  if (want === 'contact') return el('contact', { type: account ? 'in' : 'out' }, number ? `+${number}` : undefined);
  if (want === 'lid' && account) return el('lid', { val: account.lid });
  if (want === 'status' && account) return el('status', { t: now() }, Buffer.from(account.about ?? 'Simulated.'));
  if (want === 'devices') return devices(account);
  return el(want);
}

// Linked devices without a key index are dropped by clients, users without the signed list are skipped.
function devices(account) {
  const known = [...(account?.devices.values() ?? [])].filter((device) => device.isPhone || device.bundle);
  const list = known.map(({ id }) => el('device', { id, 'key-index': id || undefined }));
  const signed = account ? [el('key-index-list', { ts: now() }, account.keyIndexList())] : [];
  return el('devices', {}, [el('device-list', {}, list), ...signed]);
}
