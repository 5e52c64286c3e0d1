// Newsletters, which people call channels: one side writes in the clear, followers read and react.
//
// Out: <message from=JID id server_id t type><plaintext/></message>. A reaction in is <message type="reaction" server_id><reaction code/>;
// its counts go out as notification `newsletter`. Editing and deleting repeat the id with `edit` 3 and 8.
import { randomInt } from 'node:crypto';
import { proto } from './baileys.mjs';
import { note } from './journal.mjs';
import { bytes, el, kid, messageId, now, stanzaId } from './node.mjs';
import { Refused } from './refused.mjs';
import { newsletters } from './world.mjs';

const EDITS = ['3', '8'];
const LIVE_SECONDS = 300;

export class Newsletter {
  constructor(owner, name, about = '') {
    Object.assign(this, { owner, name, about, creation: now(), messages: [], nextId: 100, invite: messageId() });
    this.jid = `1203634${randomInt(1e10, 1e11)}@newsletter`;
    this.followers = new Map([[owner, 'owner']]); // account -> role, in the lower case of the JSON answers
  }

  // As GraphQL shows it to somebody.
  show(viewer) {
    const text = (value) => ({ id: '1', text: value, update_time: String(this.creation) });
    return {
      id: this.jid,
      state: { type: 'active' },
      thread_metadata: {
        name: text(this.name),
        description: text(this.about),
        creation_time: String(this.creation),
        subscribers_count: String(this.followers.size),
        invite: this.invite,
        verification: 'UNVERIFIED',
        picture: { id: '0', direct_path: '' },
        preview: { id: '0', direct_path: '' },
      },
      viewer_metadata: { mute: 'OFF', role: this.followers.get(viewer) ?? 'guest' },
    };
  }

  node(message, viewer) {
    const { id, serverId, t, type, content, edit } = message;
    const attrs = { id, server_id: serverId, t, type, edit, is_sender: message.by === viewer ? 'true' : undefined };
    return el('message', attrs, [el('plaintext', {}, content), this.reactionsNode(message)]);
  }
  reactionsNode({ reactions }) {
    const counts = new Map();
    for (const code of reactions.values()) counts.set(code, (counts.get(code) ?? 0) + 1);
    return el('reactions', {}, [...counts].map(([code, count]) => el('reaction', { code, count })));
  }

  tell(except, make) {
    for (const account of this.followers.keys()) {
      for (const device of account.companions) if (device !== except) device.deliver(make(account));
    }
  }
}

export function makeNewsletter(owner, name, about) {
  const made = new Newsletter(owner, name, about);
  newsletters.set(made.jid, made);
  note('newsletter', { id: made.jid, name });
  return made;
}

export function newsletterAt(jid) {
  const found = newsletters.get(jid);
  if (!found) throw new Refused(404, 'item-not-found');
  return found;
}

// Why a message is not taken: there is no such newsletter, or only admins write.
export function objection(account, { attrs }) {
  const newsletter = newsletters.get(attrs.to);
  if (!newsletter) return 404;
  const role = newsletter.followers.get(account);
  return attrs.type === 'reaction' ? !role && 403 : !['owner', 'admin'].includes(role) && 403;
}

// From a client or a phone. Gives the number that the server counts messages by.
export function publish(account, node, except) {
  const newsletter = newsletterAt(node.attrs.to);
  const { id, type, edit } = node.attrs;
  if (type === 'reaction') return react(newsletter, account, node);
  const content = bytes(kid(node, 'plaintext'));
  const old = EDITS.includes(edit) && newsletter.messages.find((message) => message.id === id);
  if (old) Object.assign(old, { content, edit });
  else newsletter.messages.push({ id, serverId: newsletter.nextId++, t: now(), type, content, by: account, reactions: new Map() });
  const message = old || newsletter.messages.at(-1);
  newsletter.tell(except, (viewer) => {
    const out = newsletter.node(message, viewer);
    return { ...out, attrs: { ...out.attrs, from: newsletter.jid }, content: out.content.slice(0, 1) };
  });
  return message.serverId;
}

function react(newsletter, account, node) {
  const message = newsletter.messages.find(({ serverId }) => String(serverId) === node.attrs.server_id);
  if (!message) throw new Refused(404, 'item-not-found');
  const code = kid(node, 'reaction')?.attrs.code;
  if (code) message.reactions.set(account, code);
  else message.reactions.delete(account);
  const shown = el('message', { server_id: message.serverId }, [newsletter.reactionsNode(message)]);
  const updates = el('live_updates', {}, [el('messages', { jid: newsletter.jid, t: now() }, [shown])]);
  const attrs = { from: newsletter.jid, type: 'newsletter', t: now() };
  newsletter.tell(undefined, () => el('notification', { ...attrs, id: stanzaId() }, [updates]));
  return message.serverId;
}

// The phone of an admin writes.
export function publishFromPhone(account, jid, message, { id = messageId(), type = 'text' } = {}) {
  const content = Buffer.from(proto.Message.encode(message).finish());
  publish(account, el('message', { to: jid, id, type }, [el('plaintext', {}, content)]));
  return id;
}

// <iq xmlns="newsletter">: older messages, page by page, and whether counts are to be told live.
export function newsletterQuery({ device, first, node }) {
  const newsletter = newsletterAt(node.attrs.to);
  if (first.tag === 'live_updates') return [el('live_updates', { duration: LIVE_SECONDS })];
  if (first.tag !== 'messages' && first.tag !== 'message_updates') throw new Refused(501, 'feature-not-implemented');
  const { count, before } = first.attrs;
  const older = newsletter.messages.filter(({ serverId }) => !before || serverId < Number(before));
  const page = older.slice(-Number(count || 50)).map((message) => newsletter.node(message, device.account));
  return [el(first.tag, { jid: newsletter.jid, t: now() }, page)];
}
