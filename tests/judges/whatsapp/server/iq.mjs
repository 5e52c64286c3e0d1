// <iq>: a question of a client. Always one answer with the same id, from the server or the group that was asked.
import { appStateQuery } from './appstate.mjs';
import { strike } from './faults.mjs';
import { groupQuery } from './group_queries.mjs';
import { note } from './journal.mjs';
import { keysQuery } from './keys.mjs';
import { mediaHost } from './media.mjs';
import { mexQuery } from './mex.mjs';
import { newsletterQuery } from './newsletters.mjs';
import { SERVER, el, kids, parseJid } from './node.mjs';
import { companionCode } from './pair_code.mjs';
import { pictureQuery } from './pictures.mjs';
import { Refused } from './refused.mjs';
import { usyncQuery } from './usync.mjs';
import { find } from './world.mjs';

const MEDIA_CONN = { auth: 'auth', ttl: 3600, auth_ttl: 3600, max_buckets: 12, id: 1 };
const ABILITIES = { protocol: 1, hash: '0', refresh: 86400, refresh_id: 1 };
const SOON_MS = 0;

// By namespace. Each gets { link, device, first, node }, `first` the first child, and gives the answer's content or throws `Refused`.
const handlers = {
  abt: () => [el('props', ABILITIES)],
  blocklist,
  encrypt: keysQuery,
  md: linkedDevices,
  newsletter: newsletterQuery,
  passive,
  privacy,
  usync: usyncQuery,
  w: () => [el('props', { protocol: 2, hash: '0' })],
  'w:g2': groupQuery,
  'w:m': () => [el('media_conn', MEDIA_CONN, [el('host', { hostname: mediaHost(), type: 'primary' })])],
  'w:mex': mexQuery,
  'w:profile:picture': pictureQuery,
  'w:sync:app:state': appStateQuery,
  status: about,
};

export function answer(link, node) {
  const { id, to, xmlns, type } = node.attrs;
  const { device } = link;
  const [first] = kids(node);
  const from = to?.includes('@') && parseJid(to).user && parseJid(to).server !== SERVER ? to : SERVER;
  note('query', { from: device?.pn, xmlns, type, child: first?.tag });
  try {
    const fault = device && strike('refuse-query', device, xmlns);
    if (fault) throw new Refused(fault.code ?? 500, 'internal-server-error');
    link.send(el('iq', { from, type: 'result', id }, handlers[xmlns]?.({ link, device, first, node })));
  } catch (error) {
    if (!(error instanceof Refused)) note('server-error', { error: error.stack });
    const attrs = error instanceof Refused ? { code: error.code, text: error.message } : { code: 500, text: 'broken' };
    link.send(el('iq', { from, type: 'error', id }, [el('error', attrs)]));
  }
}

function passive({ device, first }) {
  if (first.tag === 'active') setTimeout(() => device.activate(), SOON_MS);
}

function blocklist({ device: { account }, first }) {
  const list = account.blocklist;
  if (first?.tag === 'item') list[first.attrs.action === 'block' ? 'add' : 'delete'](first.attrs.jid);
  return [el('list', {}, [...list].map((jid) => el('item', { jid })))];
}

function privacy({ device: { account }, first, node }) {
  if (first?.tag === 'tokens') return undefined; // Trusted-contact tokens: taken, not used.
  if (node.attrs.type === 'set') for (const { attrs } of kids(first, 'category')) account.privacy[attrs.name] = attrs.value;
  const list = Object.entries(account.privacy).map(([name, value]) => el('category', { name, value }));
  return [el('privacy', {}, list)];
}

// What a person says about themselves.
function about({ device: { account }, first, node }) {
  if (node.attrs.type === 'set') account.about = Buffer.from(first?.content ?? '').toString();
}

function linkedDevices({ link, first }) {
  if (first?.tag === 'remove-companion-device') {
    const { device } = find(first.attrs.jid);
    if (device && !device.isPhone) device.remove();
    return undefined;
  }
  return first?.tag === 'link_code_companion_reg' ? companionCode(link, first) : undefined;
}
