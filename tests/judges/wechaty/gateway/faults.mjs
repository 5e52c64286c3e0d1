// What goes wrong, once each: with what the bridge sends, and with what it asks for.
import { cut } from './sockets.mjs';

const waiting = []; // {call, kind}
const never = new Promise(() => {}); // as its connection is gone

// `call` is `send` or the name of one of the puppet's methods; `kind` is one of:
// pass (nothing goes wrong), refuse and refuseAfter (an error, as puppets give them, before or after the effect), cutBefore and cutAfter (the
// connection breaks before or after the effect).
export const addFault = ({ call, kind }) => void waiting.push({ call, kind });
export const clearFaults = () => void (waiting.length = 0);

// Does something, unless a fault waits for this call.
export async function withFaults(call, effect) {
  const at = waiting.findIndex((fault) => fault.call === call);
  const [fault] = at < 0 ? [] : waiting.splice(at, 1);
  if (!fault || fault.kind === 'pass') return effect();
  if (fault.kind === 'refuseAfter' || fault.kind === 'cutAfter') await effect();
  if (fault.kind.startsWith('refuse')) throw new Error('the puppet does not want to');
  cut();
  return never;
}
