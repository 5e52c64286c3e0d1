// Communities: a parent group that holds groups, among them always one for announcements.
import { createGroup, groupFor } from './group.mjs';
import { el, kids } from './node.mjs';
import { find, groups } from './world.mjs';

// Gives the parent; its announcement group bears the same name.
export function createCommunity(device, subject, people = []) {
  const parent = createGroup(device, subject, people, { isCommunity: true });
  createGroup(device, subject, people, { community: parent, isDefault: true, flags: ['announcement'] });
  return parent;
}

const childrenOf = (parent) => [...groups.values()].filter(({ community }) => community === parent);

// A group becomes part of a community, or stops being so. Members of both hear of it, and whoever is in the group comes into the community.
export function link(device, parent, child) {
  child.community = parent;
  const announcements = childrenOf(parent).find(({ isDefault }) => isDefault);
  for (const above of [parent, announcements]) {
    const fresh = [...child.members.keys()].filter((account) => !above.members.has(account));
    if (fresh.length) above.change(device, 'add', fresh);
  }
  const change = () => el('link', { link_type: 'sub_group' }, [short(child)]);
  parent.tell(device, change());
  child.tell(device, el('link', { link_type: 'parent_group' }, [short(parent)]));
}
export function unlink(device, parent, child) {
  child.community = undefined;
  const attrs = { unlink_type: 'sub_group', unlink_reason: 'unlink_group' };
  parent.tell(device, el('unlink', attrs, [short(child)]));
  child.tell(device, el('unlink', { ...attrs, unlink_type: 'parent_group' }, [short(parent)]));
}
const short = ({ jid, subject, creation, members }) => el('group', { jid, subject, s_t: creation, size: members.size });

// <links>, <unlink>, <sub_groups>, asked of a community; nothing when it is another question.
export function communityQuery(device, parent, first) {
  const answer = (act) => (node) =>
    kids(node, 'group').map(({ attrs: { jid } }) => {
      act(device, parent, groupFor(device.account, jid));
      return el('group', { jid });
    });
  if (first.tag === 'sub_groups') return [el('sub_groups', {}, childrenOf(parent).map((child) => child.node()))];
  if (first.tag === 'unlink') return [el('unlink', first.attrs, answer(unlink)(first))];
  if (first.tag === 'links') {
    return [el('links', {}, kids(first, 'link').map((each) => el('link', each.attrs, answer(link)(each))))];
  }
  return undefined;
}

// The same as GraphQL shows it.
export function subgroupsOf(jid) {
  const parent = groups.get(jid);
  if (!parent) return null;
  const show = (child) => ({
    id: child.jid,
    subject: { value: child.subject, creation_time: String(child.creation), creator: { id: child.owner.lid } },
    total_participants_count: child.members.size,
  });
  const children = childrenOf(parent);
  const usual = children.filter(({ isDefault }) => !isDefault);
  const announcements = children.find(({ isDefault }) => isDefault);
  return {
    id: jid,
    default_sub_group: announcements ? show(announcements) : null,
    sub_groups: { edges: usual.map((child) => ({ node: show(child) })) },
  };
}

// What a client makes: a community, a group of one, or a plain group.
export function createFor(device, first) {
  const tags = kids(first).map(({ tag }) => tag);
  const people = kids(first, 'participant').map(({ attrs: { jid } }) => find(jid).account).filter(Boolean);
  const { subject } = first.attrs;
  if (tags.includes('parent')) return createCommunity(device, subject, people);
  const above = kids(first, 'linked_parent')[0];
  const group = createGroup(device, subject, people, { community: above && groupFor(device.account, above.attrs.jid) });
  if (above) link(device, group.community, group);
  for (const child of kids(first)) if (['ephemeral', 'announcement', 'locked'].includes(child.tag)) group.setFlag(device, child);
  return group;
}
