// <iq xmlns="w:g2">: what members ask of groups and do to them.
import { createGroup, groupFor } from './group.mjs';
import { el, kids, text } from './node.mjs';
import { Refused } from './refused.mjs';
import { find, groups } from './world.mjs';

const MEMBERSHIP = ['add', 'remove', 'promote', 'demote'];

const invitedTo = (code) => {
  const group = [...groups.values()].find((each) => each.code === code);
  if (!group) throw new Refused(404, 'item-not-found');
  return group;
};
const participants = (node) => kids(node, 'participant').map(({ attrs: { jid } }) => find(jid).account ?? jid);

export function groupQuery({ device, first, node }) {
  const { to } = node.attrs;
  return to === '@g.us' || to === 'g.us' ? aboutGroups(device, first, node.attrs.type) : aboutOne(device, first, node);
}

function aboutGroups(device, first, type) {
  const me = device.account;
  switch (first.tag) {
    case 'create': {
      const people = participants(first).filter((account) => typeof account !== 'string');
      const group = createGroup(device, first.attrs.subject, people);
      for (const child of kids(first)) if (['ephemeral', 'announcement', 'locked'].includes(child.tag)) group.setFlag(device, child);
      return [group.node()];
    }
    case 'participating':
      return [el('groups', {}, [...groups.values()].filter(({ members }) => members.has(me)).map((group) => group.node()))];
    case 'leave':
      return [el('leave', {}, kids(first, 'group').map((left) => leave(device, left.attrs.id)))];
    case 'invite': {
      const group = invitedTo(first.attrs.code);
      if (type === 'get') return [group.node()];
      group.change(device, 'add', [me], { reason: 'invite' });
      return [el('group', { jid: group.jid })];
    }
    default:
      throw new Refused(501, 'feature-not-implemented');
  }
}

function leave(device, id) {
  const group = groupFor(device.account, id.includes('@') ? id : `${id}@g.us`);
  group.change(device, 'remove', [device.account]);
  return el('group', { id: group.jid });
}

function aboutOne(device, first, node) {
  const me = device.account;
  const { tag } = first;
  const isGet = node.attrs.type === 'get';
  const group = groupFor(me, node.attrs.to);
  if (tag === 'query') return [group.node()];
  if (tag === 'invite' && isGet) return [el('invite', { code: group.code })];
  const isOpen = ['subject', 'description'].includes(tag) && !group.flags.has('locked');
  const isOpenAdd = tag === 'add' && group.addMode !== 'admin_add';
  if (!isOpen && !isOpenAdd && !group.isAdmin(me)) throw new Refused(403, 'forbidden');
  if (MEMBERSHIP.includes(tag)) return [el(tag, {}, group.change(device, tag, participants(first)))];
  if (tag === 'invite') return [el('invite', { code: group.renewCode(device) })];
  if (tag === 'subject') group.setSubject(device, text(first));
  else if (tag === 'description') group.setDescription(device, first);
  else group.setFlag(device, first);
  return undefined;
}
