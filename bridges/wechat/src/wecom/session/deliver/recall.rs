//! Takes messages back that went to a member or a customer, as long as WeCom lets it.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/94867>, for members; what customer service takes is known from other clients.

use magpie_common::{
    ids::RemoteMessageId,
    platform::{DeliverError, Delivered},
};
use serde_json::json;

use super::Deliverer;
use crate::wecom::{place::Service, session::verdict::verdict_on_question};

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

    /// `POST /cgi-bin/kf/recall_msg`, for each part. Said twice it is the same. What was taken back has counted all the same.
    pub(super) async fn recall_from_customer(
        &self,
        service: &Service,
        parts: &[RemoteMessageId],
    ) -> Result<Delivered, DeliverError> {
        let api = self.kf_api()?;
        for id in parts {
            let body = json!({"msgid": id.as_str(), "open_kfid": service.kf});
            let recalled = api.post("cgi-bin/kf/recall_msg", &body).await;
            recalled.map_err(|error| match verdict_on_question(error) {
                DeliverError::Rejected(words) => DeliverError::Rejected(format!(
                    "WeCom takes back only what went from here to the customer, and for two minutes only. {words}"
                )),
                other => other,
            })?;
        }
        Ok(Delivered::default())
    }
}
