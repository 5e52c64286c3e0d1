// <iq xmlns="w:g2">: what members ask of groups and do to them.
import { approvalQuery, joinByLink } from './approvals.mjs';
import { communityQuery, createFor } from './communities.mjs';
import { groupFor } from './group.mjs';
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
    case 'create':
      return [createFor(device, first).node()];
    case 'participating':
      return [el('groups', {}, [...groups.values()].filter(({ members }) => members.has(me)).map((group) => group.node()))];
    case 'leave':
      return [el('leave', {}, kids(first, 'group').map((left) => leave(device, left.attrs.id)))];
    case 'invite': {
      const group = invitedTo(first.attrs.code);
      if (type === 'get') return [group.node()];
      return [joinByLink(device, group)];
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
  const isRead = tag === 'sub_groups';
  const isOpenAdd = tag === 'add' && group.addMode !== 'admin_add';
  if (!isOpen && !isOpenAdd && !isRead && !group.isAdmin(me)) throw new Refused(403, 'forbidden');
  const answer = approvalQuery(device, group, first) ?? (group.isCommunity && communityQuery(device, group, first));
  if (answer) return answer;
  if (MEMBERSHIP.includes(tag)) return [el(tag, {}, group.change(device, tag, participants(first)))];
  if (tag === 'invite') return [el('invite', { code: group.renewCode(device) })];
  if (tag === 'subject') group.setSubject(device, text(first));
  else if (tag === 'description') group.setDescription(device, first);
  else group.setFlag(device, first);
  return undefined;
}
