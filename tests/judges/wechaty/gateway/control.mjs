// The commands of the test: what people do in WeChat, what goes wrong. The harness in Rust documents them.
import { addFault, clearFaults, faultsLeft } from './faults.mjs';
import { cut } from './sockets.mjs';
import { account, look, people, requests, rooms, talk } from './world.mjs';

const trouble = { fault: addFault, clearFaults, faultsLeft, cut };

export const deeds = { ...people, ...account, ...talk, ...rooms, ...requests, ...look, ...trouble };
