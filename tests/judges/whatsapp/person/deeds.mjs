// What a person can be told to do. Messages are named by their ids; whatever baileys wants to know of them is looked up.
import { createHash } from 'node:crypto';
import { baileys, proto } from './baileys.mjs';
import { show } from './telling.mjs';
import { makeVote } from './votes.mjs';

const { downloadMediaMessage, generateWAMessageFromContent } = baileys;
const EXPIRED = [404, 410];

// Parts of a message's content that name another message: `about`, given as an id, takes their place.
function aboutIt(session, content, about) {
  if (!about) return content;
  const { key } = session.known(about);
  const filled = { ...content };
  for (const name of ['edit', 'delete', 'pin', 'albumParentKey']) if (filled[name]) filled[name] = key;
  if (filled.react) filled.react = { ...filled.react, key };
  if (filled.forward) filled.forward = session.known(about);
  return filled;
}

export function makeDeeds(session) {
  const socket = () => session.socket;
  const kept = (message) => {
    session.keep(message);
    return show(message);
  };
  return {
    connect: (fields) => session.connect(fields),
    leave: () => session.leave(),
    logout: () => socket().logout(),
    me: () => session.me,
    ...writing(session, socket, kept),
    ...reading(session, socket),
    ...groups(socket),
    ...communities(socket),
    ...channels(socket),
  };
}

const writing = (session, socket, kept) => ({
  // `content` and `options` as baileys has them; `quoted` and `about` are ids.
  send: async ({ to, content, quoted, about, options }) => {
    const more = { ...options, quoted: quoted && session.known(quoted) };
    return kept(await socket().sendMessage(to, aboutIt(session, content, about), more));
  },
  // Anything there is in protobuf, in JSON form.
  raw: async ({ to, message, ...options }) => {
    const content = proto.Message.fromObject(message);
    const made = generateWAMessageFromContent(to, content, { userJid: session.me.id });
    await socket().relayMessage(to, made.message, { messageId: made.key.id, ...options });
    return kept(made);
  },
  vote: async ({ poll, options }) => {
    const made = makeVote(session, session.known(poll), options);
    const { remoteJid } = session.known(poll).key;
    const content = proto.Message.fromObject(made);
    return { id: await socket().relayMessage(remoteJid, content, {}) };
  },
  typing: ({ to, state }) => socket().sendPresenceUpdate(state, to),
  presence: ({ state }) => socket().sendPresenceUpdate(state),
  watch: ({ who }) => socket().presenceSubscribe(who),
  read: ({ ids }) => socket().readMessages(ids.map((id) => session.known(id).key)),
  played: ({ id }) => {
    const { remoteJid, participant } = session.known(id).key;
    return socket().sendReceipt(remoteJid, participant, [id], 'played');
  },
  // `change` as baileys has it: {archive, lastMessages}, {pin}, {mute}, {markRead, lastMessages}, ...
  modify: ({ chat, change, last }) => {
    const lastMessages = last && [{ key: session.known(last).key, messageTimestamp: session.known(last).messageTimestamp }];
    return socket().chatModify(lastMessages ? { ...change, lastMessages } : change, chat);
  },
  rename: ({ name }) => socket().updateProfileName(name),
});

const reading = (session, socket) => ({
  // The file of a message; with `retry` our phone is asked for it when it has expired. baileys would do so itself, but looks for the
  // status in a place where its own error does not have it.
  download: async ({ id, retry }) => {
    const load = () => downloadMediaMessage(session.known(id), 'buffer', {});
    const data = await load().catch(async (error) => {
      if (!retry || !EXPIRED.includes(error.output?.statusCode)) throw error;
      session.keep(await socket().updateMediaMessage(session.known(id)));
      return load();
    });
    return { data, size: data.length, sha256: createHash('sha256').update(data).digest('hex') };
  },
  older: ({ id, count }) => {
    const { key, messageTimestamp } = session.known(id);
    return socket().fetchMessageHistory(count, key, messageTimestamp);
  },
  lookUp: ({ numbers }) => socket().onWhatsApp(...numbers),
  pictureOf: ({ who }) => socket().profilePictureUrl(who, 'image'),
  reject: ({ call, from }) => socket().rejectCall(call, from),
});

const groups = (socket) => ({
  createGroup: ({ subject, members }) => socket().groupCreate(subject, members),
  group: ({ group }) => socket().groupMetadata(group),
  groups: () => socket().groupFetchAllParticipating(),
  member: ({ group, members, action }) => socket().groupParticipantsUpdate(group, members, action),
  subject: ({ group, subject }) => socket().groupUpdateSubject(group, subject),
  describe: ({ group, body }) => socket().groupUpdateDescription(group, body),
  setting: ({ group, setting }) => socket().groupSettingUpdate(group, setting),
  ephemeral: ({ group, seconds }) => socket().groupToggleEphemeral(group, seconds),
  inviteCode: ({ group }) => socket().groupInviteCode(group),
  join: ({ code }) => socket().groupAcceptInvite(code),
  requests: ({ group }) => socket().groupRequestParticipantsList(group),
  decide: ({ group, members, action }) => socket().groupRequestParticipantsUpdate(group, members, action),
  leaveGroup: ({ group }) => socket().groupLeave(group),
});

const communities = (socket) => ({
  createCommunity: ({ subject, about }) => socket().communityCreate(subject, about),
  createInCommunity: ({ subject, members, community }) => socket().communityCreateGroup(subject, members, community),
  linkGroup: ({ group, community }) => socket().communityLinkGroup(group, community),
  unlinkGroup: ({ group, community }) => socket().communityUnlinkGroup(group, community),
  linkedGroups: ({ community }) => socket().communityFetchLinkedGroups(community),
});

const channels = (socket) => ({
  createChannel: ({ name, about }) => socket().newsletterCreate(name, about),
  channel: ({ jid }) => socket().newsletterMetadata('jid', jid),
  follow: ({ jid }) => socket().newsletterFollow(jid),
  unfollow: ({ jid }) => socket().newsletterUnfollow(jid),
  reactInChannel: ({ jid, serverId, reaction }) => socket().newsletterReactMessage(jid, serverId, reaction),
});
