// A group: its members, settings and how changes of it are told.
import { randomBytes, randomInt } from 'node:crypto';
import { note } from './journal.mjs';
import { GROUPS, bytes, el, kid, now, stanzaId, text } from './node.mjs';
import { Refused } from './refused.mjs';
import { groups } from './world.mjs';

const inviteCode = () => randomBytes(12).toString('base64url');

export class Group {
  // `mode` says in which form members are addressed; the other form rides along.
  constructor(subject, owner, mode) {
    this.id = `1203630${randomInt(1e10, 1e11)}`;
    Object.assign(this, { subject, owner, mode, creation: now(), subjectTime: now(), subjectOwner: owner });
    Object.assign(this, { flags: new Set(), code: inviteCode(), expiration: 0, requests: new Map() });
    this.members = new Map([[owner, 'superadmin']]); // account -> "", "admin" or "superadmin"
  }
  get jid() {
    return `${this.id}@${GROUPS}`;
  }
  isAdmin(account) {
    return Boolean(this.members.get(account));
  }

  member(account) {
    const other = this.mode === 'lid' ? { phone_number: account.other('lid').value } : { lid: account.lid };
    return el('participant', { jid: account.address(this.mode), ...other, type: this.members.get(account) || undefined });
  }

  node() {
    const { owner, subjectOwner, description } = this;
    const content = [...this.members.keys()].map((account) => this.member(account));
    for (const flag of this.flags) content.push(el(flag));
    if (description) content.push(this.descriptionNode());
    if (this.expiration) content.push(el('ephemeral', { expiration: this.expiration }));
    if (this.needsApproval) content.push(el('membership_approval_mode', {}, [el('group_join', { state: 'on' })]));
    if (this.community) content.push(el('linked_parent', { jid: this.community.jid }));
    if (this.isDefault) content.push(el('default_sub_group'));
    if (this.isCommunity) content.push(el('parent', { default_membership_approval_mode: 'request_required' }));
    const people = {
      s_o: subjectOwner.address(this.mode),
      s_o_pn: subjectOwner.pn,
      creator: owner.address(this.mode),
      creator_pn: owner.pn,
    };
    const { id, subject, subjectTime, creation, mode } = this;
    const size = this.members.size;
    const attrs = { id, subject, s_t: subjectTime, creation, addressing_mode: mode, size, p_v_id: '1', a_v_id: '1' };
    return el('group', { ...attrs, ...people }, content);
  }

  descriptionNode() {
    const { id, by, body, t } = this.description;
    return el('description', { id, participant: by.address(this.mode), participant_pn: by.pn, t }, [el('body', {}, body)]);
  }

  // All members hear of a change, and `also` those who were just removed; not the device that made it.
  tell(device, change, also = []) {
    const by = device.account;
    const other = by.other(this.mode);
    const author = { participant: by.address(this.mode), [`participant_${other.name}`]: other.value, notify: by.name };
    const attrs = { from: this.jid, type: 'w:gp2', t: now(), ...author, addressing_mode: this.mode };
    for (const account of new Set([...this.members.keys(), ...also])) {
      for (const each of account.companions) {
        if (each !== device) each.deliver(el('notification', { ...attrs, id: stanzaId() }, [change]));
      }
    }
  }

  renumbered(account, before) {
    if (this.mode === 'pn' && before.pn === account.pn) return;
    this.tell({ account }, el('modify', {}, [this.member(account)]));
  }

  setSubject(device, subject) {
    Object.assign(this, { subject, subjectTime: now(), subjectOwner: device.account });
    const s_o = device.account.address(this.mode);
    this.tell(device, el('subject', { subject, s_t: this.subjectTime, s_o, s_o_pn: device.account.pn }));
  }

  setDescription(device, change) {
    const body = bytes(kid(change, 'body')); // None means that it is taken away.
    this.description = body && { id: change.attrs.id, body, by: device.account, t: now() };
    this.tell(device, change);
  }

  // Flags (`announcement`, `locked`, ...) with their opposites, and the disappearing timer.
  setFlag(device, change) {
    const { tag, attrs } = change;
    if (tag === 'ephemeral' || tag === 'not_ephemeral') this.expiration = Number(attrs.expiration || 0);
    else if (tag === 'membership_approval_mode') this.needsApproval = kid(change, 'group_join')?.attrs.state === 'on';
    else if (tag === 'member_add_mode') this.addMode = text(change);
    else if (tag === 'unlocked') this.flags.delete('locked');
    else if (tag.startsWith('not_')) this.flags.delete(tag.slice('not_'.length));
    else this.flags.add(tag);
    this.tell(device, change);
  }

  renewCode(device) {
    this.code = inviteCode();
    this.tell(device, el('invite', { code: this.code }));
    return this.code;
  }

  // add, remove, promote, demote: gives the answer's participants, with the error of each that failed.
  change(device, action, people, attrs = {}) {
    const answers = [];
    const done = [];
    const gone = [];
    for (const account of people) {
      const error = this.objection(action, account);
      const jid = typeof account === 'string' ? account : account.address(this.mode);
      answers.push(el('participant', { jid, error }, error === 403 ? [addRequest()] : undefined));
      if (error) continue;
      if (action === 'remove') gone.push(account);
      else this.members.set(account, action === 'promote' ? 'admin' : '');
      done.push(this.member(account));
    }
    for (const account of gone) this.members.delete(account);
    if (done.length) this.tell(device, el(action, attrs, done), gone);
    return answers;
  }

  // 404 no such account or member, 409 already in, 403 wants to be invited instead.
  objection(action, account) {
    if (typeof account === 'string') return 404;
    const isIn = this.members.has(account);
    if (action === 'add') return isIn ? 409 : account.privacy.groupadd === 'none' ? 403 : undefined;
    return isIn ? undefined : 404;
  }
}

const addRequest = () => el('add_request', { code: inviteCode(), expiration: now() + 3 * 86400 });

// Members who refuse to be added stay outside.
export function createGroup(device, subject, people, { mode = 'lid', flags = [], ...place } = {}) {
  const group = Object.assign(new Group(subject, device.account, mode), place);
  const willing = people.filter((account) => account && account.privacy.groupadd !== 'none' && !group.members.has(account));
  for (const account of willing) group.members.set(account, '');
  for (const flag of flags) group.flags.add(flag);
  groups.set(group.jid, group);
  group.tell(device, el('create', { type: 'new', key: stanzaId() }, [group.node()]));
  note('group', { id: group.jid, subject });
  return group;
}

// The group, for somebody who may look at it.
export function groupFor(account, jid) {
  const group = groups.get(jid);
  if (!group) throw new Refused(404, 'item-not-found');
  if (!group.members.has(account)) throw new Refused(403, 'forbidden');
  return group;
}
