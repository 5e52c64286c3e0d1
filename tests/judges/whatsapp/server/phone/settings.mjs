// The app state as the phone knows it: it holds the key, and the hash over each collection.
import { randomBytes } from 'node:crypto';
import { encodeSyncdPatch, makeLtHashGenerator, newLTHashState } from '../baileys.mjs';
import { storePatch } from '../appstate.mjs';

const MAC_BYTES = 32;

export class Settings {
  constructor(account, rawId) {
    Object.assign(this, { account, rawId, states: new Map() });
    this.keyId = Buffer.concat([Buffer.from([0, 0]), randomBytes(4)]);
    this.key = randomBytes(32);
    // A client without a name for itself never shows itself as online. The account must exist before anything is told to its devices.
    this.ready = Promise.resolve().then(() => this.set('critical_block', ['setting_pushName'], this.nameAction(), 1));
  }

  nameAction() {
    return { pushNameSetting: { name: this.account.name } };
  }

  // Content of APP_STATE_SYNC_KEY_SHARE; clients drop keys without a fingerprint.
  shareable() {
    const fingerprint = { rawId: this.rawId, currentIndex: 0, deviceIndexes: [0] };
    const keyData = { keyData: this.key, fingerprint, timestamp: Date.now() };
    return { keys: [{ keyId: { keyId: this.keyId }, keyData }] };
  }

  state(name) {
    return this.states.get(name) ?? newLTHashState();
  }

  // One change at a time, since each builds on the hash before.
  set(name, index, action, apiVersion, isRemoval = false) {
    const turn = (this.turn ?? Promise.resolve()).then(() => this.change(name, index, action, apiVersion, isRemoval));
    this.turn = turn.catch(() => {});
    return turn;
  }

  async change(name, index, action, apiVersion, isRemoval) {
    const syncAction = { timestamp: Date.now(), ...action };
    const patchOf = { type: name, index, syncAction, apiVersion, operation: isRemoval ? 1 : 0 };
    const lookUp = async () => ({ keyData: this.key });
    const { patch, state } = await encodeSyncdPatch(patchOf, this.keyId.toString('base64'), this.state(name), lookUp);
    this.states.set(name, state);
    storePatch(this.account, name, { ...patch, version: { version: state.version } });
  }

  // A linked device's patch moves the hash too: by the MAC of every index and value.
  absorb(name, patch) {
    const before = this.state(name);
    const state = { ...before, indexValueMap: { ...before.indexValueMap } };
    const hash = makeLtHashGenerator(state);
    for (const { operation, record } of patch.mutations) {
      const valueMac = record.value.blob.slice(-MAC_BYTES);
      hash.mix({ indexMac: record.index.blob, valueMac, operation: operation ?? 0 });
    }
    this.states.set(name, { ...state, ...hash.finish(), version: before.version + 1 });
  }
}
