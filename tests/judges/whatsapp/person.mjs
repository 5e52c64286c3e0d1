// A human with a linked device, played by baileys: it does what it is told and tells everything it receives.
//
// It must use baileys only as its documentation says, because its point is to behave as somebody else's client would. Three things are
// set for a server on loopback: the address, the root key (PERSON_ROOT) and that the media host's certificate is not checked. Where to
// read next: `person/telling.mjs` for what it tells, `person/deeds.mjs` for what it can do.
import { obey, say, stop } from './lines.mjs';
import { makeDeeds } from './person/deeds.mjs';
import { Session } from './person/session.mjs';

const session = new Session({ url: process.env.PERSON_URL, root: Buffer.from(process.env.PERSON_ROOT, 'hex') });
obey({ ...makeDeeds(session), stop });
say('ready');
