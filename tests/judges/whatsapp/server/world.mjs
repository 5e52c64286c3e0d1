// Who and what there is: accounts by number, groups, newsletters. Only `account.mjs` makes accounts.
import { parseJid } from './node.mjs';

export const accounts = new Map(); // phone number -> account
export const groups = new Map(); // JID -> group
export const newsletters = new Map(); // JID -> newsletter

// The account and device behind any form of address; `mode` is the form: "lid" or "pn".
export function find(address) {
  const { user, device, server } = parseJid(address);
  const byLid = () => [...accounts.values()].find((account) => account.lidUser === user);
  const account = server === 'lid' ? byLid() : server === 's.whatsapp.net' ? accounts.get(user) : undefined;
  return { account, device: account?.devices.get(device), mode: server === 'lid' ? 'lid' : 'pn' };
}

// All linked devices, phones left out.
export const companions = () =>
  [...accounts.values()].flatMap((account) => [...account.devices.values()].filter((device) => !device.isPhone));
