// What happens in WeChat: people, rooms, what is said and done in them.
import { FileBox, mock, types } from '../packages.mjs';
import { cut } from './sockets.mjs';
import { GatewayPuppet, nextId, state } from './puppet.mjs';
import { say } from '../../whatsapp/lines.mjs';

const mocker = new mock.Mocker();
export const puppet = new GatewayPuppet({ mocker });
const { Message, Payload } = types;

// What the service remembers of something is out of date, and whoever listens is told so. Before anything that leads to a question about it.
const dirty = (payloadType, payloadId) => puppet.emit('dirty', { payloadType, payloadId });

const seconds = () => Math.floor(Date.now() / 1000);
const isRoom = (id) => id.includes('@');

// The fields of a message's payload that say where it is.
const place = (conversation) => (isRoom(conversation) ? { roomId: conversation } : { listenerId: conversation });

// A message that is there, whoever wrote it. What it is beside words is kept apart, as puppets are asked for it apart.
function make({ id = nextId(), talker, to, type = Message.Text, text = '', mentions, filename, file, url, program, place: spot, card, thumb, timestamp }) {
  if (file) state.files.set(id, file);
  if (url || program || spot || card || thumb) state.parts.set(id, { url, program, place: spot, card, thumb });
  const payload = { id, talkerId: talker, type, text, filename, timestamp: timestamp ?? Date.now(), ...place(to) };
  if (isRoom(to)) payload.mentionIdList = mentions ?? [];
  mocker.MessageMock.create(payload);
  return id;
}

puppet.onEcho = ({ conversation, mentionIdList, ...fields }) => {
  const id = make({ ...fields, talker: puppet.currentUserId, to: conversation, mentions: mentionIdList });
  puppet.emit('message', { messageId: id });
};

// What others said since the stream before the last one opened: some puppets tell that again to whoever opens the next, before anything else.
let told = [];
let waiting;
const isHeard = () => puppet.listenerCount('message') > 0;

puppet.on('newListener', (name) => {
  if (name !== 'message' || !state.settings.again) return;
  waiting = [...told, ...(waiting ?? [])];
  told = [];
  setImmediate(() => {
    const all = waiting ?? [];
    waiting = undefined;
    all.forEach(tell);
  });
});

function tell(id) {
  if (waiting) {
    waiting.push(id);
  } else {
    told.push(id);
    puppet.emit('message', { messageId: id });
  }
  return isHeard();
}

// Those who wait until nobody listens.
const awaiting = [];
puppet.on('removeListener', (name) => {
  if (name === 'message') awaiting.splice(0).forEach((done) => done());
});

const box = ({ base64, name, url }) => (url ? FileBox.fromUrl(url, { name }) : FileBox.fromBase64(base64, name));

export const people = {
  contact({ id, name, ...fields }) {
    if (mocker.cacheContactPayload.has(id)) {
      Object.assign(mocker.contactPayload(id), { name, ...fields });
      dirty(Payload.Contact, id);
    } else {
      mocker.createContact({ id, name, friend: true, avatar: '', type: types.Contact.Individual, alias: '', weixin: `${id}_h`, phone: [], ...fields });
    }
  },
  room({ id, topic, members, owner }) {
    mocker.createRoom({ id, topic, memberIdList: members, ownerId: owner ?? members[0], adminIdList: [], avatar: '' });
  },
  nick({ room, contact, name }) {
    state.nicks.set(`${room} ${contact}`, name);
    dirty(Payload.RoomMember, room);
  },
  set: (settings) => void Object.assign(state.settings, settings),
};

export const account = {
  scan: ({ qrcode, status = types.ScanStatus.Waiting }) => mocker.scan(qrcode, status),
  login({ id }) {
    if (!puppet.isLoggedIn) mocker.login(mocker.ContactMock.load(id));
    puppet.emit('ready', { data: 'ready' });
  },
  logout: () => puppet.logout('the phone signed it out'),
};

export const talk = {
  // A message of any kind; gives its id, and whether somebody listened.
  say({ file, thumb, ...fields }) {
    const id = make({ ...fields, file: file && box(file), thumb: thumb && box(thumb) });
    return { id, heard: tell(id) };
  },
  // Nobody is told of it.
  keep: ({ file, ...fields }) => ({ id: make({ ...fields, file: file && box(file) }) }),
  // The same message is told once more.
  repeat: ({ id }) => puppet.emit('message', { messageId: id }),
  recall({ talker, to, id }) {
    const notice = make({ talker, to, type: Message.Recalled, text: id });
    puppet.emit('message', { messageId: notice });
    return { id: notice };
  },
};

function changeRoom(id, change) {
  change(mocker.roomPayload(id));
  dirty(Payload.Room, id);
}

export const rooms = {
  join({ room, invitees, inviter }) {
    changeRoom(room, (payload) => payload.memberIdList.push(...invitees.filter((it) => !payload.memberIdList.includes(it))));
    puppet.emit('room-join', { roomId: room, inviteeIdList: invitees, inviterId: inviter, timestamp: seconds() });
  },
  leave({ room, removees, remover }) {
    changeRoom(room, (payload) => {
      payload.memberIdList = payload.memberIdList.filter((it) => !removees.includes(it));
    });
    puppet.emit('room-leave', { roomId: room, removeeIdList: removees, removerId: remover, timestamp: seconds() });
  },
  topic({ room, topic, changer }) {
    const oldTopic = mocker.roomPayload(room).topic;
    changeRoom(room, (payload) => {
      payload.topic = topic;
    });
    puppet.emit('room-topic', { roomId: room, newTopic: topic, oldTopic, changerId: changer, timestamp: seconds() });
  },
};

export const requests = {
  friendship({ id, contact, hello }) {
    const kind = types.Friendship.Receive;
    state.friendships.set(id, { id, contactId: contact, hello, type: kind, ticket: 'ticket', scene: 0, stranger: '', timestamp: seconds() });
    puppet.emit('friendship', { friendshipId: id });
  },
  invitation({ id, inviter, topic, members = [] }) {
    const receiverId = puppet.currentUserId;
    const payload = { id, inviterId: inviter, topic, memberIdList: members, memberCount: members.length, receiverId };
    state.invitations.set(id, { ...payload, avatar: '', invitation: 'come', timestamp: Date.now() });
    puppet.emit('room-invite', { roomInvitationId: id });
  },
  // Any event at all, for what no puppet should tell.
  emit: ({ name, payload }) => void puppet.emit(name, payload),
};

export const look = {
  // Cuts all connections, and returns when the service knows that nobody listens.
  async cut() {
    const gone = isHeard() ? new Promise((done) => void awaiting.push(done)) : undefined;
    cut();
    await gone;
  },
  look: () => ({ isHeard: isHeard(), isLoggedIn: puppet.isLoggedIn, rss: process.memoryUsage().rss }),
};

puppet.on('stop', () => say('stopped'));
