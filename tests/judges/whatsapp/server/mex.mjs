// <iq xmlns="w:mex">: GraphQL queries that clients name by numbers; baileys and whatsapp-rust know some under different ones.
import { el, bytes } from './node.mjs';
import { subgroupsOf } from './communities.mjs';
import { makeNewsletter, newsletterAt } from './newsletters.mjs';
import { newsletters } from './world.mjs';

const byNumber = new Map();
const operation = (numbers, name, answer) => numbers.forEach((number) => byNumber.set(number, { name, answer }));

operation(['8823471724422422', '25149874324715067'], 'xwa2_newsletter_create', (me, { input }) =>
  makeNewsletter(me, input.name, input.description ?? undefined).show(me),
);
operation(['6563316087068696', '27456920720571478'], 'xwa2_newsletter', (me, { input: { key, type } }) => {
  const invited = [...newsletters.values()].find(({ invite }) => invite === key);
  return (type === 'INVITE' ? invited : newsletters.get(key))?.show(me) ?? null;
});
operation(['25399611239711790'], 'xwa2_newsletter_subscribed', (me) =>
  [...newsletters.values()].filter(({ followers }) => followers.has(me)).map((newsletter) => newsletter.show(me)),
);
operation(['24404358912487870'], 'xwa2_newsletter_join_v2', (me, { newsletter_id: jid }) => {
  const newsletter = newsletterAt(jid);
  if (!newsletter.followers.has(me)) newsletter.followers.set(me, 'subscriber');
  return newsletter.show(me);
});
operation(['9767147403369991'], 'xwa2_newsletter_leave_v2', (me, { newsletter_id: jid }) => {
  newsletterAt(jid).followers.delete(me);
  return { id: jid };
});
operation(['24250201037901610'], 'xwa2_newsletter_update', (me, { newsletter_id: jid, updates }) => {
  const newsletter = newsletterAt(jid);
  if (updates.name) newsletter.name = updates.name;
  if (updates.description) newsletter.about = updates.description;
  return newsletter.show(me);
});
operation(['31938993655691868', '29766401636284406', '9864994326891137'], 'xwa2_newsletter_update_user_setting', () => ({}));
operation(['9935467776504344'], 'xwa2_group_query_by_id', (me, { group_id: jid }) => subgroupsOf(jid));

// Unknown numbers get no data, as for what an account may not see.
export function mexQuery({ device, first }) {
  const { variables } = JSON.parse(bytes(first).toString());
  const known = byNumber.get(first.attrs.query_id);
  const data = known ? { [known.name]: known.answer(device.account, variables) } : {};
  return [el('result', {}, Buffer.from(JSON.stringify({ data })))];
}
