// baileys, from the folder where it is installed.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const load = (file) => import(pathToFileURL(join(process.cwd(), 'node_modules/baileys', file)).href);

export const baileys = await load('lib/index.js');
export const { proto } = await load('WAProto/index.js');
export const { WA_CERT_DETAILS } = await load('lib/Defaults/index.js');
