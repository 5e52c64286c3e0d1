// The commands of the test: what people do on their phones, what goes wrong, what can be looked at. The harness in Rust documents them.
import { account, reinstall, renumber } from './account.mjs';
import { proto } from './baileys.mjs';
import { endCall, offerCall } from './calls.mjs';
import { createCommunity, link, unlink as unlinkGroup } from './communities.mjs';
import { chatstate, presence } from './presence.mjs';
import { createGroup, groupFor } from './group.mjs';
import { addFault, clearFaults } from './faults.mjs';
import { enterCode } from './pair_code.mjs';
import { scan } from './pairing.mjs';
import { endStream, refuseLogin, setOldestVersion, turnAway, unlink } from './login.mjs';
import { expireAll } from './media.mjs';
import { SERVER, el, fromJson, now } from './node.mjs';
import { makeNewsletter, newsletterAt, publishFromPhone } from './newsletters.mjs';
import { openFile, sealFile } from './sealing.mjs';
import { tellMappings } from './phone/mappings.mjs';
import { sendHistory } from './phone/history.mjs';
import { setPicture } from './pictures.mjs';
import { receipt } from './receipts.mjs';
import { accounts, find, groups } from './world.mjs';

const person = (number) => {
  const found = accounts.get(number);
  if (!found) throw new Error('there is no account with this number');
  return found;
};
const deviceAt = (jid) => {
  const { device } = find(jid);
  if (!device) throw new Error(`there is no device ${jid}`);
  return device;
};
const phoneOf = (number) => person(number).devices.get(0);
const show = ({ user, lidUser, name, pn, lid, devices }) => ({
  user,
  lidUser,
  name,
  pn,
  lid,
  devices: [...devices.values()].map((device) => ({
    id: device.id,
    jid: device.pn,
    online: device.isOnline,
    queued: device.queue.size,
    preKeys: device.bundle?.preKeys.size ?? 0,
  })),
});

const people = {
  account({ phone, name, lid, hidden, history, groupadd }) {
    const made = account(phone, { name, lid, hidden });
    if (hidden !== undefined) made.isHidden = hidden;
    if (history) made.phone.history = history;
    if (groupadd) made.privacy.groupadd = groupadd;
    return show(made);
  },
  show: ({ phone }) => show(person(phone)),
  renumber: ({ phone, newPhone, newLid }) => {
    const who = person(phone);
    renumber(who, { phone: newPhone, lid: newLid });
    return show(who);
  },
  scan: ({ phone, qr }) => scan(person(phone), qr),
  code: ({ phone, code }) => enterCode(person(phone), code),
  reinstall: ({ phone }) => reinstall(person(phone)),
  tellMappings: ({ phone, device }) => tellMappings(person(phone).phone, deviceAt(device)),
  away: ({ phone, away }) => person(phone).phone.setAway(away),
  picture: ({ phone, group, image }) => setPicture(group ? groups.get(group) : person(phone), image, person(phone)),
};

const talk = {
  // `to` is a JID; `message` a proto.Message in JSON form.
  send: ({ phone, to, message, audience, ...options }) => {
    const listed = audience?.map(person);
    return person(phone).phone.outbox.send(to, proto.Message.fromObject(message), { ...options, audience: listed });
  },
  receipt: ({ phone, ...attrs }) => receipt(phoneOf(phone), el('receipt', attrs)),
  chatstate: ({ phone, to, state, media }) => chatstate(phoneOf(phone), el('chatstate', { to }, [el(state, { media })])),
  presence: ({ phone, type }) => presence(phoneOf(phone), el('presence', { type })),
  offerCall: ({ phone, ...fields }) => offerCall(person(phone), fields),
  endCall: ({ phone, ...fields }) => endCall(person(phone), fields),
  seal: ({ kind, data }) => sealFile(kind, data),
  open: ({ kind, file }) => openFile(kind, file),
  setting: ({ phone, collection, index, action, version, remove }) =>
    person(phone).phone.settings.set(collection, index, action, version, remove),
  history: ({ device, ...content }) => sendHistory(deviceAt(device).account.phone, deviceAt(device), content),
  older: ({ phone, chat, messages }) => void person(phone).phone.older.set(chat, messages),
};

const inGroups = {
  group: ({ phone, subject, members, mode, flags }) =>
    createGroup(phoneOf(phone), subject, members.map(person), { mode, flags }).jid,
  member: ({ phone, group, action, members }) => {
    const answers = groupFor(person(phone), group).change(phoneOf(phone), action, members.map(person));
    return answers.map(({ attrs }) => attrs);
  },
  subject: ({ phone, group, subject }) => groupFor(person(phone), group).setSubject(phoneOf(phone), subject),
  describe: ({ phone, group, id, body }) => {
    const change = el('description', { id, delete: body ? undefined : 'true' }, body ? [el('body', {}, Buffer.from(body))] : undefined);
    groupFor(person(phone), group).setDescription(phoneOf(phone), change);
  },
  flag: ({ phone, group, node }) => groupFor(person(phone), group).setFlag(phoneOf(phone), fromJson(node)),
  community: ({ phone, subject, members }) => createCommunity(phoneOf(phone), subject, members.map(person)).jid,
  linkGroup: ({ phone, community, group }) => link(phoneOf(phone), groups.get(community), groups.get(group)),
  unlinkGroup: ({ phone, community, group }) => unlinkGroup(phoneOf(phone), groups.get(community), groups.get(group)),
  announcementsOf: ({ community }) =>
    [...groups.values()].find((group) => group.isDefault && group.community?.jid === community)?.jid,
  inGroup: ({ group }) => {
    const { subject, description, members, flags, expiration, code } = groups.get(group);
    const list = [...members].map(([{ user }, rank]) => ({ user, rank }));
    const body = description?.body?.toString();
    return { subject, description: body, members: list, flags: [...flags], expiration, code };
  },
};

const inNewsletters = {
  newsletter: ({ phone, name, about }) => makeNewsletter(person(phone), name, about).jid,
  follow: ({ phone, newsletter }) => void newsletterAt(newsletter).followers.set(person(phone), 'subscriber'),
  publish: ({ phone, newsletter, message, ...options }) =>
    publishFromPhone(person(phone), newsletter, proto.Message.fromObject(message), options),
};

const trouble = {
  fault: addFault,
  clearFaults,
  hold: ({ device, held }) => deviceAt(device).hold(held),
  cut: ({ device }) => deviceAt(device).link?.cut(),
  endStream: ({ device, code, conflict }) => endStream(deviceAt(device), { code, conflict }),
  unlink: ({ device }) => unlink(deviceAt(device)),
  refuseLogin,
  turnAway,
  oldestVersion: ({ version }) => setOldestVersion(version),
  expireMedia: expireAll,
  mediaRetries: ({ phone, mode }) => void (person(phone).phone.mediaRetries = mode),
  dirty: ({ device, type }) => deviceAt(device).tell(el('ib', { from: SERVER }, [el('dirty', { type, timestamp: now() })])),
  raw: ({ device, node }) => deviceAt(device).deliver(fromJson(node)),
};

export const deeds = { ...people, ...talk, ...inGroups, ...inNewsletters, ...trouble };
