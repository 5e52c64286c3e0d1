// The control channel of the server and of the person: one JSON command per input line, one JSON event per output line.
//
// A command is {"ask": 1, "do": "name", ...}; its answer is {"answer": 1, "ok": ...} or {"answer": 1, "failed": "why"}. Everything
// else that is said is {"event": "kind", ...}. Bytes are {"bytes": "base64"} on the way in and base64 text on the way out.
import { createInterface } from 'node:readline';

// Libraries print to the console, keys among it; the channel must stay clean.
for (const name of ['log', 'info', 'warn', 'error']) {
  console[name] = process.env.WHATSAPP_SIMULATOR_TRACE ? (...words) => process.stderr.write(`${words.join(' ')}\n`) : () => {};
}
// Whoever listened has gone.
process.stdout.on('error', () => process.exit(0));

const revive = (_, value) => (typeof value?.bytes === 'string' ? Buffer.from(value.bytes, 'base64') : value);

const plain = (_, value) => {
  if (value?.type === 'Buffer') return Buffer.from(value.data).toString('base64');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'bigint' ? String(value) : value;
};

const print = (line) => process.stdout.write(`${JSON.stringify(line, plain)}\n`);

// Tells what happened.
export const say = (event, fields = {}) => print({ ...fields, event });

// Carries out each line by the function of its name; the process ends with its input. Commands may overlap.
export function obey(deeds) {
  const act = async ({ ask, do: name, ...fields }) => {
    try {
      if (!deeds[name]) throw new Error(`there is no command ${name}`);
      print({ answer: ask, ok: (await deeds[name](fields)) ?? null });
    } catch (error) {
      print({ answer: ask, failed: error.message ?? String(error) });
    }
  };
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => act(JSON.parse(line, revive)));
  input.on('close', () => process.exit(0));
}

export const stop = () => setImmediate(() => process.exit(0));
