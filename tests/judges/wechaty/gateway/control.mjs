// The commands of the test: what people do in WeChat, what goes wrong. The harness in Rust documents them.
import { addFault, clearFaults } from './faults.mjs';
import { account, look, people, requests, rooms, talk } from './world.mjs';

const trouble = { fault: addFault, clearFaults };

export const deeds = { ...people, ...account, ...talk, ...rooms, ...requests, ...look, ...trouble };
