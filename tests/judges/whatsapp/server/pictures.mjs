// <iq xmlns="w:profile:picture">: pictures of accounts and groups.
import { bytes, el, now, stanzaId } from './node.mjs';
import { mediaUrl, store } from './media.mjs';
import { Refused } from './refused.mjs';
import { accounts, find, groups } from './world.mjs';

let serial = 0;

// Sets or takes away the picture of an account or a group, and tells who may see it. Gives its id.
export function setPicture(owner, image, author, except) {
  owner.picture = image && { id: String(++serial), path: store(image) };
  const address = owner.members ? owner.jid : owner.pn;
  const change = el(image ? 'set' : 'delete', { jid: address, id: owner.picture?.id, author: author.pn });
  const attrs = { from: address, type: 'picture', t: now() };
  for (const account of owner.members?.keys() ?? accounts.values()) {
    for (const device of account.companions) {
      if (device !== except) device.deliver(el('notification', { ...attrs, id: stanzaId() }, [change]));
    }
  }
  return owner.picture?.id;
}

// With `target`: somebody else's, or a group's. set: <picture>bytes</picture>, or nothing to take it away.
export function pictureQuery({ device, first, node }) {
  const { type, target } = node.attrs;
  const owner = groups.get(target) ?? (target ? find(target).account : device.account);
  if (type === 'set') {
    const id = setPicture(owner, first && bytes(first), device.account, device);
    return id && [el('picture', { id })];
  }
  if (!owner?.picture) throw new Refused(404, 'item-not-found');
  const { id, path } = owner.picture;
  return [el('picture', { id, type: first?.attrs.type ?? 'image', url: mediaUrl(path), direct_path: path })];
}
