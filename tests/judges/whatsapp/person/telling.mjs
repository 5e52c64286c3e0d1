// What a person's client tells of what it receives: one event for each thing, with names of our own where they are shorter.
import { say } from '../lines.mjs';
import { baileys, proto } from './baileys.mjs';
import { readVote } from './votes.mjs';

const { getContentType, normalizeMessageContent } = baileys;
const READABLE = { bytes: String, enums: String, longs: Number };

export const readable = (message) => message && proto.Message.toObject(proto.Message.fromObject(message), READABLE);

export function textOf(message) {
  const content = normalizeMessageContent(message);
  const part = content?.[getContentType(content)];
  return content?.conversation || part?.text || part?.caption || undefined;
}

// A message as it is told; `kind` is the name of its part in protobuf.
export function show({ key, message, messageStubType, messageStubParameters, messageTimestamp, pushName }) {
  const content = normalizeMessageContent(message);
  const { id, remoteJid: chat, fromMe, participant, remoteJidAlt, participantAlt } = key;
  const who = { id, chat, fromMe: Boolean(fromMe), participant: participant || undefined, chatAlt: remoteJidAlt, participantAlt, name: pushName };
  const name = proto.WebMessageInfo.StubType[messageStubType] ?? messageStubType;
  const stub = messageStubType && { stub: name, words: messageStubParameters };
  return {
    ...who,
    ...stub,
    at: Number(messageTimestamp ?? 0),
    kind: content && getContentType(content),
    text: textOf(message),
    message: readable(message),
  };
}

// How far a message of ours has come: PENDING, SERVER_ACK, DELIVERY_ACK, READ, PLAYED, or ERROR. baileys tells it in either of two ways.
const tellStatus = ({ id, remoteJid: chat }, status) => {
  if (typeof status === 'number') say('status', { id, chat, status: proto.WebMessageInfo.Status[status] });
};

export function tellEverything(session, events) {
  const each = (event, act) => events.on(event, (list) => list.forEach(act));
  events.on('messages.upsert', ({ messages, type, requestId }) => {
    for (const message of messages) {
      session.keep(message);
      // Ours are told by the answer to the command; those from our phone come by the network.
      say('message', { ...show(message), isLive: type === 'notify', requestId });
      if (message.key.fromMe) tellStatus(message.key, message.status);
      const vote = readVote(session, message);
      if (vote) say('vote', vote);
    }
  });
  each('messages.update', ({ key, update: { message, ...rest } }) => {
    const edited = message?.editedMessage?.message ?? message;
    if (edited && session.messages.has(key.id)) session.keep({ ...session.known(key.id), message: edited });
    tellStatus(key, rest.status);
    say('update', { id: key.id, chat: key.remoteJid, text: textOf(edited), message: readable(message), ...rest });
  });
  each('messages.reaction', ({ key, reaction: { text, key: by } }) => {
    say('reaction', { id: key.id, chat: by.remoteJid, participant: by.participant, fromMe: Boolean(by.fromMe), text: text ?? '' });
  });
  each('message-receipt.update', ({ key, receipt }) => {
    const kind = receipt.readTimestamp ? 'read' : receipt.playedTimestamp ? 'played' : 'delivered';
    say('receipt', { id: key.id, chat: key.remoteJid, by: receipt.userJid, kind });
  });
  events.on('messaging-history.set', ({ chats, contacts, messages, syncType, progress, isLatest }) => {
    for (const message of messages) session.keep(message);
    say('history', { syncType, progress, isLatest, chats, contacts, messages: messages.map(show) });
  });
  events.on('presence.update', ({ id, presences }) => {
    for (const [who, { lastKnownPresence }] of Object.entries(presences)) say('presence', { chat: id, who, state: lastKnownPresence });
  });
  each('groups.upsert', (group) => say('group', group));
  each('groups.update', (change) => say('group-change', change));
  events.on('group-participants.update', (change) => say('members', change));
  events.on('group.join-request', (request) => say('join-request', request));
  each('contacts.upsert', (contact) => say('contact', contact));
  each('contacts.update', (contact) => say('contact', contact));
  each('chats.update', (chat) => say('chat', chat));
  each('call', (call) => say('call', call));
  events.on('lid-mapping.update', (pair) => say('mapping', pair));
  for (const name of ['newsletter.reaction', 'newsletter.view', 'newsletter-settings.update']) {
    events.on(name, (fields) => say(name.replace('.', '-'), fields));
  }
}
