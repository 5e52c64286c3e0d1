// Which number has which LID, as a phone tells its linked devices when chats move from numbers to LIDs.
import { proto } from '../baileys.mjs';
import { now } from '../node.mjs';
import { accounts } from '../world.mjs';

export function tellMappings(phone, device) {
  const { LIDMigrationMappingSyncPayload, Message } = proto;
  const shown = [...accounts.values()].filter(({ isHidden }) => !isHidden);
  const pnToLidMappings = shown.map(({ user, lidUser }) => ({ pn: Number(user), assignedLid: Number(lidUser) }));
  const payload = LIDMigrationMappingSyncPayload.fromObject({ pnToLidMappings, chatDbMigrationTimestamp: now() });
  const encodedMappingPayload = LIDMigrationMappingSyncPayload.encode(payload).finish();
  const type = Message.ProtocolMessage.Type.LID_MIGRATION_MAPPING_SYNC;
  return phone.outbox.peer(device, { type, lidMigrationMappingSyncMessage: { encodedMappingPayload } });
}
