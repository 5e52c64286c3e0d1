// Logging in: who is let in, who is told to go, and what happens to a connection that was there before.
//
// <failure reason>: 401 unlinked, 402 banned for a time (`code`, `expire` in seconds), 403 locked, 405 too old, 503 later.
import { note } from './journal.mjs';
import { el, now } from './node.mjs';
import { offerQr, paired } from './pairing.mjs';

const DAY = 86400;
const TOO_OLD = 405;
const UNLINKED = 401;

const refusals = new Map(); // phone number -> attributes of <failure>, and how often
const limits = { version: 0, turnedAway: 0 };

// The next `count` logins of this account fail so.
export function refuseLogin({ phone, reason, code, expire, count = 1 }) {
  refusals.set(phone, { attrs: { reason, code, expire }, count });
}
// The next `count` connections are answered by 503 before anything is said on them.
export function turnAway({ count = 1 }) {
  limits.turnedAway = count;
}
export function isTurnedAway() {
  if (limits.turnedAway === 0) return false;
  limits.turnedAway -= 1;
  return true;
}
// Clients whose version's third number is below are too old.
export function setOldestVersion(version) {
  limits.version = version;
}

export function login(link) {
  const { payload } = link;
  const version = payload.userAgent?.appVersion;
  const numbers = version && [version.primary, version.secondary, version.tertiary].join('.');
  const isNew = Boolean(payload.devicePairingData);
  note('connect', { isNew, user: isNew ? undefined : String(payload.username), device: payload.device, version: numbers });
  if (version && version.tertiary < limits.version) return fail(link, { reason: TOO_OLD });
  if (isNew) return offerQr(link);
  const device = paired.get(link.noiseKey.toString('base64'));
  if (!device || device.isGone) return fail(link, { reason: UNLINKED });
  const refusal = refusalOf(device.account);
  return refusal ? fail(link, refusal) : admit(link, device);
}

function refusalOf({ user }) {
  const refusal = refusals.get(user);
  if (!refusal) return undefined;
  refusal.count -= 1;
  if (refusal.count <= 0) refusals.delete(user);
  return refusal.attrs;
}

function fail(link, attrs) {
  link.send(el('failure', { location: 'sim', ...attrs }));
  link.close();
}

function admit(link, device) {
  if (device.link) endStream(device, { conflict: 'replaced' });
  Object.assign(device, { link, isActive: false });
  link.device = device;
  note('login', { device: device.pn, lid: device.lid });
  const success = { t: now(), lid: device.lid, props: 27, location: 'sim', abprops: 1, creation: now() - DAY };
  link.send(el('success', success));
}

export function closed(link) {
  const { device } = link;
  if (device?.link !== link) return;
  Object.assign(device, { link: null, isActive: false });
  note('closed', { device: device.pn });
}

// Ends a device's connection with words: `replaced` (another took over), 401 `device_removed`, 503, 515.
export function endStream(device, { code, conflict }) {
  const content = conflict ? [el('conflict', { type: conflict })] : undefined;
  device.link?.send(el('stream:error', { code }, content));
  device.link?.close();
}

// The person unlinks the device on the phone.
export function unlink(device) {
  endStream(device, { code: UNLINKED, conflict: 'device_removed' });
  device.remove();
}
