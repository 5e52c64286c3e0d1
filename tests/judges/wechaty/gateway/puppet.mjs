// The mock puppet of Wechaty with what it leaves out: sends that give ids and are told, recalls, cards, places, friendships, invitations.
//
// It must not know of the wire. What happens is kept in `state`, which `world.mjs` fills.
import { createHash } from 'node:crypto';
import { FileBox, PuppetMock, types } from '../packages.mjs';
import { withFaults } from './faults.mjs';
import { say } from '../../whatsapp/lines.mjs';

// A picture of one pixel.
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
// Larger files are told by their hash.
const TOLD_BYTES_MAX = 256 * 1024;

// `echo` is `before` or `after` the answer to a send, or `never`; `ids` says whether that answer has an id.
export const state = {
  settings: { echo: 'before', ids: true },
  files: new Map(), // message -> FileBox
  parts: new Map(), // message -> {url, program, place, card, thumb}
  friendships: new Map(),
  invitations: new Map(),
  nicks: new Map(), // `room contact` -> name in that room
};

// As WeChat's own: 64 bits, in decimal digits, and never the same again after a restart.
let last = BigInt(Date.now()) << 20n;
export const nextId = () => String((last += 1n));

const found = (what, map, id) => {
  if (!map.has(id)) throw new Error(`there is no ${what} ${id}`);
  return map.get(id);
};

async function shown(file) {
  const bytes = await file.toBuffer();
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const base64 = bytes.length <= TOLD_BYTES_MAX ? bytes.toString('base64') : undefined;
  const { voiceLength } = file.metadata;
  return { name: file.name, mediaType: file.mediaType, boxType: file.type, size: bytes.length, sha256, base64, voiceLength };
}

export class GatewayPuppet extends PuppetMock {
  // Tells of it, and lets the account's own message come back as an event, as puppets do.
  async #sends(kind, conversation, fields, message) {
    if (!this.isLoggedIn) throw new Error('nobody is signed in');
    return withFaults('send', async () => {
      const id = nextId();
      say('sent', { id, kind, to: conversation, ...fields });
      const { echo, ids } = state.settings;
      const comesBack = () => this.onEcho?.({ id, conversation, ...message });
      if (echo === 'before') comesBack();
      if (echo === 'after') setImmediate(comesBack);
      return ids ? id : undefined;
    });
  }

  #does(kind, fields) {
    return withFaults(kind, async () => say('did', { kind, ...fields }));
  }

  messageSendText(conversation, text, mentions = []) {
    return this.#sends('text', conversation, { text, mentions }, { type: types.Message.Text, text, mentionIdList: mentions });
  }
  async messageSendFile(conversation, file) {
    const told = await shown(file);
    const { Image, Video, Attachment } = types.Message;
    const type = { image: Image, video: Video }[told.mediaType.split('/')[0]] ?? Attachment;
    const copy = FileBox.fromBuffer(await file.toBuffer(), file.name);
    return this.#sends('file', conversation, told, { type, filename: file.name, file: copy });
  }
  messageSendUrl(conversation, url) {
    return this.#sends('url', conversation, { url }, { type: types.Message.Url, url });
  }
  messageSendLocation(conversation, place) {
    return this.#sends('location', conversation, { place }, { type: types.Message.Location, place });
  }
  messageSendMiniProgram(conversation, program) {
    return this.#sends('miniProgram', conversation, { program }, { type: types.Message.MiniProgram, program });
  }
  messageSendContact(conversation, card) {
    return this.#sends('contact', conversation, { card }, { type: types.Message.Contact, card });
  }
  messageForward(conversation, forwarded) {
    return this.#sends('forward', conversation, { forwarded }, { type: types.Message.Text, text: '' });
  }
  async messageRecall(id) {
    await this.#does('recall', { id });
    return true;
  }

  // What is asked for is told too, so that a test can see what the bridge has taken.
  async messagePayload(id) {
    const payload = await withFaults('messagePayload', () => super.messagePayload(id));
    say('asked', { id });
    return payload;
  }
  async messageFile(id) {
    return withFaults('messageFile', async () => found('file of', state.files, id));
  }
  async messageImage(id, type) {
    const thumb = type === types.Image.Thumbnail ? state.parts.get(id)?.thumb : undefined;
    return thumb ?? this.messageFile(id);
  }
  async messageUrl(id) {
    return found('link', state.parts, id).url;
  }
  async messageMiniProgram(id) {
    return found('mini program', state.parts, id).program;
  }
  async messageLocation(id) {
    return found('place', state.parts, id).place;
  }
  async messageContact(id) {
    return found('card', state.parts, id).card;
  }

  async contactAlias(id, alias) {
    if (alias === undefined) return this.mocker.contactPayload(id).alias ?? '';
    return this.#does('alias', { id, alias });
  }
  async contactAvatar(id, file) {
    return file ? undefined : FileBox.fromBase64(PIXEL, `avatar-${id}.png`);
  }
  async roomAvatar(id) {
    return FileBox.fromBase64(PIXEL, `room-${id.split('@')[0]}.png`);
  }
  async roomMemberRawPayload(room, contact) {
    const { name, avatar } = await this.contactPayload(contact);
    return { id: contact, name, avatar, roomAlias: state.nicks.get(`${room} ${contact}`) ?? '' };
  }
  async roomTopic(room, topic) {
    if (topic === undefined) return this.mocker.roomPayload(room).topic;
    return this.#does('topic', { room, topic });
  }
  async roomAdd(room, contact) {
    return this.#does('add', { room, contact });
  }
  async roomDel(room, contact) {
    return this.#does('remove', { room, contact });
  }
  async roomQuit(room) {
    return this.#does('quit', { room });
  }
  async conversationReadMark(conversation, isRead = true) {
    return this.#does('read', { conversation, isRead });
  }

  async friendshipRawPayload(id) {
    return found('friendship', state.friendships, id);
  }
  async friendshipAccept(id) {
    found('friendship', state.friendships, id);
    return this.#does('friendshipAccept', { id });
  }
  async friendshipAdd(contact, options) {
    return this.#does('friendshipAdd', { contact, options });
  }
  async friendshipSearchPhone(phone) {
    return this.#whoHas((contact) => contact.phone?.includes(phone));
  }
  async friendshipSearchHandle(handle) {
    return this.#whoHas((contact) => contact.weixin === handle);
  }
  #whoHas(fits) {
    return [...this.mocker.cacheContactPayload.values()].find(fits)?.id ?? null;
  }
  async roomInvitationRawPayload(id) {
    return found('invitation', state.invitations, id);
  }
  async roomInvitationAccept(id) {
    found('invitation', state.invitations, id);
    return this.#does('invitationAccept', { id });
  }
}
