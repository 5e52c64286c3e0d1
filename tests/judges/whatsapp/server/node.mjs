// Stanzas, which WhatsApp calls nodes, and JIDs.
//
// A node is { tag, attrs, content }, its content nothing, bytes, or nodes; values of attributes are strings. A JID is
// user[:device]@server; device 0 is the phone and is written without ":0".
import { randomBytes } from 'node:crypto';

export const SERVER = 's.whatsapp.net';
export const GROUPS = 'g.us';
export const STATUS = 'status@broadcast';

const present = ([, value]) => value !== undefined && value !== null;

// A node; attributes without a value are left out.
export const el = (tag, attrs = {}, content = undefined) => ({
  tag,
  attrs: Object.fromEntries(Object.entries(attrs).filter(present).map(([name, value]) => [name, String(value)])),
  content,
});
export const kids = (node, tag) => {
  const all = Array.isArray(node?.content) ? node.content : [];
  return tag ? all.filter((child) => child.tag === tag) : all;
};
export const kid = (node, tag) => kids(node, tag)[0];
export const bytes = (node) => (node?.content === undefined ? undefined : Buffer.from(node.content));
export const text = (node) => bytes(node)?.toString();

// A node that came as JSON from a test.
export const fromJson = ({ tag, attrs, content }) =>
  el(tag, attrs, Array.isArray(content) ? content.map(fromJson) : typeof content === 'string' ? Buffer.from(content) : content);

export function parseJid(jid = '') {
  const [left, server] = String(jid).split('@');
  const [user, device] = left.split(':');
  return { user: user.split('_')[0], device: Number(device || 0), server };
}
export const jid = (user, server, device = 0) => `${user}${device ? `:${device}` : ''}@${server}`;
export const isGroup = (address) => parseJid(address).server === GROUPS;

// Seconds since 1970, as in attribute `t`.
export const now = () => Math.floor(Date.now() / 1000);

let serial = 0;
export const stanzaId = () => `sim-${++serial}`;
// In the shape that clients choose.
export const messageId = () => `3EB0${randomBytes(9).toString('hex').toUpperCase()}`;
