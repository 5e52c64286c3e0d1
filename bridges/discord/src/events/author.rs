//! Who wrote a message: a person, a bot, or a webhook under a name of its choice.

use magpie_common::{
    ids::{AliasSet, RemoteFileId, RemoteUserId},
    message::{Sender, clean_name},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{format::is_id, json::text, session::world::Known};

/// Enough of a hash to tell names of one webhook apart.
const HASH_BYTES: usize = 8;

/// Whether the bridge itself wrote it.
pub(crate) fn is_ours(message: &Value, known: &Known) -> bool {
    let webhook = text(&message["webhook_id"]);
    if webhook.is_empty() {
        return text(&message["author"]["id"]) == known.me;
    }
    let application = text(&message["application_id"]);
    known.own_webhooks.contains(&webhook) || (!application.is_empty() && application == known.application)
}

/// The sender; `None` when the message names nobody.
pub(super) fn sender(message: &Value) -> Option<Sender> {
    let author = &message["author"];
    let id = Some(text(&author["id"])).filter(|id| is_id(id))?;
    let name = shown_name(author, &message["member"]);
    let webhook = text(&message["webhook_id"]);
    let user = if webhook.is_empty() { RemoteUserId::new(id.as_str()) } else { persona(&webhook, &name) };
    let name = Some(name).filter(|name| !name.is_empty());
    Some(Sender { ids: AliasSet::single(user), name, avatar: avatar(&id, &author["avatar"]) })
}

/// The name that Discord shows for a user object, with the nickname of a member if there is one.
pub(crate) fn shown_name(user: &Value, member: &Value) -> String {
    let names = [&member["nick"], &user["global_name"], &user["username"]];
    let names = names.into_iter().filter_map(Value::as_str).map(clean_name);
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

/// A user's picture as a path on the CDN.
pub(crate) fn avatar(user: &str, hash: &Value) -> Option<RemoteFileId> {
    let hash =
        hash.as_str().filter(|hash| hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))?;
    Some(RemoteFileId::new(format!("avatars/{user}/{hash}.png")))
}

/// One webhook speaks for many; each name is a person of its own.
fn persona(webhook: &str, name: &str) -> RemoteUserId {
    let hash = Sha256::digest(name.as_bytes());
    let hash: String = hash.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
    RemoteUserId::new(format!("webhook:{webhook}:{hash}"))
}
