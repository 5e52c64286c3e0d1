// What is to go wrong: each fault holds for the next `count` times, for one device or account or for anybody.
//
// Kinds, and when they count: `drop-ack` (a message gets no ack), `cut-after` (it is relayed, then the sender's connection is cut before
// the ack), `swallow` (the connection is cut and the message lost), `refuse-message` (its ack says error `code`), for the sender;
// `duplicate`, `corrupt` (cannot be decrypted), `unavailable` (comes without content; no resend does), for the receiver;
// `refuse-query` (of namespace `xmlns`, error `code`); `refuse-upload`, `refuse-download` (the media host answers `code`).
import { parseJid } from './node.mjs';

const KINDS = [
  'drop-ack',
  'cut-after',
  'swallow',
  'refuse-message',
  'duplicate',
  'corrupt',
  'unavailable',
  'refuse-query',
  'refuse-upload',
  'refuse-download',
];
const faults = [];

export function addFault({ kind, count = 1, who, xmlns, code }) {
  if (!KINDS.includes(kind)) throw new Error(`there is no fault ${kind}`);
  faults.push({ kind, count, who, xmlns, code });
}

export const clearFaults = () => void faults.splice(0);

// Phones are spared unless one is named, as device 0.
const concerns = (fault, device) => {
  if (!fault.who) return !device?.isPhone;
  const { user, device: id } = parseJid(fault.who);
  if (device?.account.user !== user) return false;
  return fault.who.includes(':') ? device.id === id : !device.isPhone;
};

// The fault that strikes now, if any; it counts down.
export function strike(kind, device, xmlns) {
  const isIt = (fault) => fault.kind === kind && concerns(fault, device) && (!fault.xmlns || fault.xmlns === xmlns);
  const at = faults.findIndex(isIt);
  if (at < 0) return undefined;
  const fault = faults[at];
  fault.count -= 1;
  if (fault.count <= 0) faults.splice(at, 1);
  return fault;
}
