//! Takes messages back that the app has sent to a member, as long as WeCom lets it.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/94867>.

use magpie_common::{
    ids::RemoteMessageId,
    platform::{DeliverError, Delivered},
};
use serde_json::json;

use super::Deliverer;
use crate::wecom::session::verdict::verdict_on_question;

/// What the id of a message begins with that WeCom has named and lets us take back.
const SENT: &str = "sent/";

/// Longer names are none of WeCom's.
const NAME_BYTES_MAX: usize = 256;

/// A message of ours by the name that WeCom gave it.
pub(super) fn id(msgid: &str) -> RemoteMessageId {
    RemoteMessageId::new(format!("{SENT}{msgid}"))
}

impl Deliverer {
    /// `POST /cgi-bin/message/recall`, for each part. Said twice it is the same.
    pub(super) async fn recall(&self, parts: &[RemoteMessageId]) -> Result<Delivered, DeliverError> {
        let name = |id: &RemoteMessageId| id.as_str().strip_prefix(SENT).map(str::to_owned);
        let names: Vec<String> =
            parts.iter().filter_map(name).filter(|name| name.len() <= NAME_BYTES_MAX).collect();
        if names.is_empty() {
            let words = "WeCom lets an app take back only what it has sent itself. The message stays there.";
            return Err(DeliverError::Rejected(words.to_owned()));
        }
        for name in names {
            let recalled = self.api.post("cgi-bin/message/recall", &json!({"msgid": name})).await;
            recalled.map_err(|error| match verdict_on_question(error) {
                DeliverError::Rejected(words) => DeliverError::Rejected(format!(
                    "WeCom does not take the message back, which it does for 24 hours only. {words}"
                )),
                other => other,
            })?;
        }
        Ok(Delivered::default())
    }
}
