// Votes in polls, which baileys can only read: sealed under the poll's secret, for the pair of who made it and who votes.
import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { baileys, proto } from './baileys.mjs';

const { decryptPollVote, jidNormalizedUser, normalizeMessageContent } = baileys;

const POLLS = ['pollCreationMessage', 'pollCreationMessageV2', 'pollCreationMessageV3', 'pollCreationMessageV5'];
const hash = (name) => createHash('sha256').update(name).digest();
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();

const pollIn = (message) => {
  const content = normalizeMessageContent(message?.message);
  return POLLS.map((name) => content?.[name]).find(Boolean);
};
const secretOf = (message) => Buffer.from(message.message.messageContextInfo.messageSecret);

// All addresses that the sender of this message may have been known by.
function addresses({ me }, { key }) {
  const own = [me.lid, me.id];
  const all = key.fromMe ? own : [key.participant, key.participantAlt, key.remoteJid, key.remoteJidAlt];
  return all.filter((jid) => jid && !jid.endsWith('@g.us')).map((jid) => jidNormalizedUser(jid));
}

// What somebody voted; nothing when this is no vote or its poll is unknown.
export function readVote(session, message) {
  const update = normalizeMessageContent(message.message)?.pollUpdateMessage;
  const poll = session.messages.get(update?.pollCreationMessageKey?.id);
  const options = pollIn(poll)?.options.map(({ optionName }) => optionName);
  if (!update || !options) return undefined;
  const { id, remoteJid: chat } = message.key;
  const found = { id, chat, poll: poll.key.id, fromMe: Boolean(message.key.fromMe), participant: message.key.participant };
  for (const pollCreatorJid of addresses(session, poll)) {
    for (const voterJid of addresses(session, message)) {
      try {
        const context = { pollCreatorJid, voterJid, pollMsgId: poll.key.id, pollEncKey: secretOf(poll) };
        const { selectedOptions } = decryptPollVote(update.vote, context);
        const chosen = selectedOptions.map((one) => Buffer.from(one).toString('hex'));
        return { ...found, options: options.filter((name) => chosen.includes(hash(name).toString('hex'))) };
      } catch {
        // Sealed for another pair of addresses.
      }
    }
  }
  return { ...found, options: null };
}

// The message that votes for these options, in the address form of the chat.
export function makeVote(session, poll, names) {
  const { key } = poll;
  const isLid = [key.remoteJid, key.participant].some((jid) => jid?.endsWith('@lid')) || key.addressingMode === 'lid';
  const mine = jidNormalizedUser(isLid ? session.me.lid : session.me.id);
  const creator = key.fromMe ? mine : jidNormalizedUser(key.participant || key.remoteJid);
  const base = hmac(Buffer.alloc(32), secretOf(poll));
  const sealing = hmac(base, Buffer.concat([...[key.id, creator, mine, 'Poll Vote'].map((text) => Buffer.from(text)), Buffer.from([1])]));
  const encIv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', sealing, encIv).setAAD(Buffer.from(`${key.id}\0${mine}`));
  const plain = proto.Message.PollVoteMessage.encode({ selectedOptions: names.map(hash) }).finish();
  const encPayload = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const { remoteJid, fromMe, id, participant } = key;
  const pollCreationMessageKey = { remoteJid, fromMe, id, participant };
  return { pollUpdateMessage: { pollCreationMessageKey, vote: { encPayload, encIv }, senderTimestampMs: Date.now() } };
}
