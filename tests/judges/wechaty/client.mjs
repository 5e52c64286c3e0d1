// The client that Wechaty itself offers for its gateways, as the second opinion: it tells all events and does what it is told.
//
// It must use the client only as Wechaty does. CLIENT_ENDPOINT, CLIENT_TOKEN and CLIENT_TLS (empty: none) say where the gateway is.
import { createHash } from 'node:crypto';
import { FileBox, PuppetService, types } from './packages.mjs';
import { obey, say, stop } from '../whatsapp/lines.mjs';

const { CLIENT_ENDPOINT, CLIENT_TOKEN, CLIENT_TLS } = process.env;

const puppet = new PuppetService({
  endpoint: CLIENT_ENDPOINT,
  token: CLIENT_TOKEN,
  tls: CLIENT_TLS ? { disable: false, serverName: 'insecure' } : { disable: true },
});
for (const name of ['scan', 'login', 'logout', 'friendship', 'room-join', 'room-leave', 'room-topic', 'room-invite', 'dirty']) {
  puppet.on(name, (payload) => say(name, { payload }));
}
puppet.on('error', (error) => say('error', { words: String(error.message ?? error.details ?? error) }));
puppet.on('message', async ({ messageId }) => {
  try {
    say('message', { payload: await puppet.messagePayload(messageId) });
  } catch (error) {
    say('error', { words: error.message });
  }
});

obey({
  start: () => puppet.start(),
  text: ({ to, text, mentions }) => puppet.messageSendText(to, text, mentions),
  file: ({ to, base64, name }) => puppet.messageSendFile(to, FileBox.fromBase64(base64, name)),
  recall: ({ id }) => puppet.messageRecall(id),
  async fetch({ id }) {
    const bytes = await (await puppet.messageFile(id)).toBuffer();
    return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  },
  async part({ id, type }) {
    if (type === types.Message.Url) return puppet.messageUrl(id);
    if (type === types.Message.MiniProgram) return puppet.messageMiniProgram(id);
    if (type === types.Message.Location) return puppet.messageLocation(id);
    return puppet.messageContact(id);
  },
  contact: ({ id }) => puppet.contactPayload(id),
  contacts: () => puppet.contactList(),
  async avatar({ id }) {
    return (await (await puppet.contactAvatar(id)).toBuffer()).length;
  },
  room: ({ id }) => puppet.roomPayload(id),
  member: ({ room, id }) => puppet.roomMemberPayload(room, id),
  friendship: ({ id }) => puppet.friendshipPayload(id),
  invitation: ({ id }) => puppet.roomInvitationPayload(id),
  accept: ({ friendship, invitation }) =>
    friendship ? puppet.friendshipAccept(friendship) : puppet.roomInvitationAccept(invitation),
  stop,
});
say('ready');
