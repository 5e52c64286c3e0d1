// App state: settings that all devices of an account share (names of contacts, what is archived, pinned, muted), as signed patches.
//
// The server keeps them in order and cannot read them; `phone/settings.mjs` can.
import { proto } from './baileys.mjs';
import { note } from './journal.mjs';
import { SERVER, bytes, el, kid, kids, now, stanzaId } from './node.mjs';

const collectionOf = (account, name) => {
  if (!account.collections.has(name)) account.collections.set(name, { version: 0, patches: [] });
  return account.collections.get(name);
};

// Keeps a patch, whose version is the next one, and tells the other devices to fetch it.
export function storePatch(account, name, patch, except) {
  const collection = collectionOf(account, name);
  collection.version = Number(patch.version.version);
  collection.patches.push(Buffer.from(proto.SyncdPatch.encode(proto.SyncdPatch.fromObject(patch)).finish()));
  const changed = [el('collection', { name, version: collection.version })];
  const attrs = { from: SERVER, type: 'server_sync', t: now() };
  for (const device of account.companions) {
    if (device !== except) device.deliver(el('notification', { ...attrs, id: stanzaId() }, changed));
  }
}

// <iq xmlns="w:sync:app:state">: every collection that is asked for must be in the answer.
export function appStateQuery({ device, first }) {
  return [el('sync', {}, kids(first, 'collection').map((asked) => answerFor(device, asked)))];
}

function answerFor(device, asked) {
  const { name } = asked.attrs;
  const since = Number(asked.attrs.version || 0);
  const { version, patches } = collectionOf(device.account, name);
  const newer = el('patches', {}, patches.slice(since).map((patch) => el('patch', {}, patch)));
  const uploaded = bytes(kid(asked, 'patch'));
  if (!uploaded) {
    const attrs = { name, version, has_more_patches: 'false' };
    return el('collection', attrs, newer.content.length ? [newer] : undefined);
  }
  if (since !== version) {
    const conflict = el('error', { code: 409, text: 'conflict' });
    return el('collection', { name, type: 'error', version }, [conflict, newer]);
  }
  const patch = proto.SyncdPatch.decode(uploaded);
  device.account.phone.settings.absorb(name, patch);
  storePatch(device.account, name, { ...patch, version: { version: version + 1 } }, device);
  note('app-state', { from: device.pn, name, version: version + 1 });
  return el('collection', { name, version: version + 1 });
}
