// Groups whose admins approve who joins: requests, and what becomes of them.
import { el, kids, now } from './node.mjs';
import { Refused } from './refused.mjs';
import { find } from './world.mjs';

// Somebody comes by invite link: at once, or as a request that admins are told of.
export function joinByLink(device, group) {
  const { account } = device;
  if (!group.needsApproval) {
    group.change(device, 'add', [account], { reason: 'invite' });
    return el('group', { jid: group.jid });
  }
  group.requests.set(account, now());
  const user = el('requested_user', { jid: account.address(group.mode), phone_number: account.other('lid').value });
  group.tell(device, el('created_membership_requests', { request_method: 'invite_link' }, [user]));
  return el('membership_approval_request', { jid: group.jid });
}

// The questions of admins about requests; nothing when it is another question.
export function approvalQuery(device, group, first) {
  if (first.tag === 'membership_approval_requests') {
    const show = ([account, t]) => el('membership_approval_request', { jid: account.address(group.mode), request_time: t });
    return [el(first.tag, {}, [...group.requests].map(show))];
  }
  if (first.tag !== 'membership_requests_action') return undefined;
  return [el(first.tag, {}, kids(first).map((verdict) => decide(device, group, verdict)))];
}

function decide(device, group, { tag, content }) {
  const people = kids({ content }, 'participant').map(({ attrs: { jid } }) => find(jid).account);
  for (const account of people) if (!group.requests.delete(account)) throw new Refused(404, 'item-not-found');
  if (tag === 'approve') return el(tag, {}, group.change(device, 'add', people));
  const turnedDown = people.map((account) => el('participant', { jid: account.address(group.mode) }));
  group.tell(device, el('revoked_membership_requests', {}, turnedDown), people);
  return el(tag, {}, turnedDown);
}
