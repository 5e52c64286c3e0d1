// All that comes from npm, from the folder where the process runs. Nothing else in here may import it.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.cwd(), 'package.json'));
const load = (name) => import(pathToFileURL(require.resolve(name)).href).then((found) => ({ ...found.default, ...found }));

export const { PuppetServer, PuppetService } = await load('wechaty-puppet-service');
export const { PuppetMock, mock } = await load('wechaty-puppet-mock');
export const { FileBox } = await load('file-box');
const { TLS_CA_CERT, TLS_INSECURE_SERVER_CERT } = await import(
  pathToFileURL(join(process.cwd(), 'node_modules/wechaty-puppet-service/dist/esm/src/auth/ca.js')).href
);
export const stock = { ca: TLS_CA_CERT, certificate: TLS_INSECURE_SERVER_CERT };
export const { types } = await load('wechaty-puppet');
