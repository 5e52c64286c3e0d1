// <chatstate> (typing) and <presence> (online): told to whoever is connected, never kept.
import { note } from './journal.mjs';
import { el, kids, now } from './node.mjs';
import { find, groups } from './world.mjs';

// <chatstate to><composing [media="audio"]/> or <paused/></chatstate>
export function chatstate(device, { attrs: { to }, content }) {
  const { account } = device;
  const [state] = kids({ content });
  note('chatstate', { from: device.pn, to, state: state?.tag, media: state?.attrs.media });
  const group = groups.get(to);
  const mode = group ? group.mode : find(to).mode;
  const me = account.address(mode);
  const out = el('chatstate', group ? { from: to, participant: me } : { from: me }, content);
  for (const other of group ? group.members.keys() : [find(to).account]) {
    if (other && other !== account) other.devices.forEach((each) => each.tell(out));
  }
}

// <presence type="available|unavailable" [name]> is our own; <presence type="subscribe" to> asks for somebody's.
export function presence(device, { attrs: { type, to, name } }) {
  const { account } = device;
  note('presence', { from: device.pn, type, to });
  if (type === 'subscribe') {
    const { account: who, mode } = find(to);
    if (!who) return;
    who.watchers.add({ device, mode });
    device.tell(shown(who, mode));
    return;
  }
  if (name) account.name = name;
  if (!type) return;
  account.isAvailable = type === 'available';
  for (const { device: watcher, mode } of account.watchers) watcher.tell(shown(account, mode));
}

function shown(account, mode) {
  const away = account.isAvailable ? {} : { type: 'unavailable', last: now() };
  return el('presence', { from: account.address(mode), ...away });
}
