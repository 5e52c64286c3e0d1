// What linked devices ask their phone for: messages they could not read, older history, files that have expired.
import { randomBytes } from 'node:crypto';
import { crypt, proto } from '../baileys.mjs';
import { note } from '../journal.mjs';
import { revive } from '../media.mjs';
import { el, kid, now } from '../node.mjs';
import { ON_DEMAND, sendHistory } from './history.mjs';

const { Type } = proto.Message.ProtocolMessage;
const Asked = proto.Message.PeerDataOperationRequestType;
const NOT_FOUND = 2;
const PAGE = 50;

export async function answerPeer(phone, device, stanzaId, request) {
  const { peerDataOperationRequestType: type } = request;
  note('peer-request', { phone: phone.account.user, device: device.pn, type: Asked[type] });
  if (type === Asked.PLACEHOLDER_MESSAGE_RESEND) await resendUnread(phone, device, stanzaId, request);
  else if (type === Asked.HISTORY_SYNC_ON_DEMAND) await sendOlder(phone, device, request.historySyncOnDemandRequest);
}

async function resendUnread(phone, device, stanzaId, { peerDataOperationRequestType, placeholderMessageResendRequest }) {
  const { WebMessageInfo } = proto;
  const kept = placeholderMessageResendRequest.map(({ messageKey }) => phone.kept.get(messageKey.id)).filter(Boolean);
  const peerDataOperationResult = kept.map((message) => ({
    placeholderMessageResendResponse: { webMessageInfoBytes: WebMessageInfo.encode(WebMessageInfo.fromObject(message)).finish() },
  }));
  const peerDataOperationRequestResponseMessage = { peerDataOperationRequestType, stanzaId, peerDataOperationResult };
  const type = Type.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE;
  await phone.outbox.peer(device, { type, peerDataOperationRequestResponseMessage });
}

// The newest of what is left, page by page.
async function sendOlder(phone, device, { chatJid, onDemandMsgCount }) {
  const older = phone.older.get(chatJid) ?? [];
  const messages = older.splice(-(onDemandMsgCount || PAGE)).map((message) => ({ message }));
  const conversation = { id: chatJid, messages, endOfHistoryTransferType: older.length ? 0 : 1 };
  await sendHistory(phone, device, { syncType: ON_DEMAND, conversations: [conversation] });
}

// <receipt type="server-error"><rmr jid from_me/></receipt>: the file is uploaded again. The answer is sealed under a key made of the
// media key, with the message's id; <error code="2"/> means that the phone has it no more.
export function retryMedia(phone, device, { attrs: { id }, content }) {
  if (phone.mediaRetries === 'ignore') return;
  const media = Object.values(phone.kept.get(id)?.message ?? {}).find((part) => part?.mediaKey);
  const directPath = phone.mediaRetries === 'refuse' ? undefined : media && revive(media.directPath);
  const answer = directPath ? seal(media.mediaKey, id, directPath) : el('error', { code: NOT_FOUND });
  const rmr = kid({ content }, 'rmr');
  const attrs = { from: phone.account.pn, type: 'mediaretry', id, t: now() };
  device.deliver(el('notification', attrs, rmr ? [answer, rmr] : [answer]));
}

function seal(mediaKey, stanzaId, directPath) {
  const { MediaRetryNotification } = proto;
  const iv = randomBytes(12);
  const key = Buffer.from(crypt.hkdf(Buffer.from(mediaKey), 32, { info: 'WhatsApp Media Retry Notification' }));
  const result = MediaRetryNotification.ResultType.SUCCESS;
  const plain = MediaRetryNotification.encode({ stanzaId, directPath, result }).finish();
  const sealed = crypt.aesEncryptGCM(plain, key, iv, Buffer.from(stanzaId));
  return el('encrypt', {}, [el('enc_p', {}, sealed), el('enc_iv', {}, iv)]);
}
