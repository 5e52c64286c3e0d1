// The past as a phone gives it to a linked device: a compressed blob inside the notification, or, when asked so, on the media host.
import { deflateSync } from 'node:zlib';
import { proto } from '../baileys.mjs';
import { sealFile } from '../sealing.mjs';

const { Type } = proto.Message.ProtocolMessage;
export const INITIAL_BOOTSTRAP = 0;
export const RECENT = 3;
export const ON_DEMAND = 6;

// `content` holds conversations, pushnames and whatever else a HistorySync has, in JSON form.
export function sendHistory(phone, device, { syncType = INITIAL_BOOTSTRAP, chunkOrder = 1, progress = 100, isUploaded, ...content }) {
  const head = { syncType, chunkOrder, progress };
  const sync = proto.HistorySync.fromObject({ ...head, ...content });
  const blob = deflateSync(proto.HistorySync.encode(sync).finish());
  const place = isUploaded ? uploaded(blob) : { fileLength: blob.length, initialHistBootstrapInlinePayload: blob };
  const historySyncNotification = { ...head, ...place };
  return phone.outbox.peer(device, { type: Type.HISTORY_SYNC_NOTIFICATION, historySyncNotification });
}

function uploaded(blob) {
  const { mediaKey, directPath, fileLength, fileSha256, fileEncSha256 } = sealFile('history', blob);
  return { mediaKey, directPath, fileLength, fileSha256, fileEncSha256 };
}
