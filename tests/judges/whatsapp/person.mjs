// A human with a linked device, played by baileys: it does what it is told and tells everything it receives.
//
// It must use baileys only as its documentation says, because its point is to behave as somebody else's client would. What is set for a
// server on loopback: the address (PERSON_URL), the root key (PERSON_ROOT), the media host where baileys takes WhatsApp's own for granted
// (PERSON_MEDIA), and that certificates are not checked. Where to read next: `person/telling.mjs` for what it tells, `person/deeds.mjs` for
// what it can do.
import { obey, say, stop } from './lines.mjs';
import { makeDeeds } from './person/deeds.mjs';
import { Session } from './person/session.mjs';

const loopback = globalThis.fetch;
globalThis.fetch = (url, options) =>
  loopback(String(url).replace('https://mmg.whatsapp.net/', `https://${process.env.PERSON_MEDIA}/`), options);

const session = new Session({ url: process.env.PERSON_URL, root: Buffer.from(process.env.PERSON_ROOT, 'hex') });
obey({ ...makeDeeds(session), stop });
say('ready');
