//! Words for customers who open the chat for the first time in 48 hours, where the configuration has some. WeCom gives a code for that, which
//! holds once and for 20 seconds.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/95122>.

use std::sync::Arc;

use magpie_common::{
    clock::{Clock, TimestampMs},
    config::Secret,
    ids::{AliasSet, RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{Message, RemoteEvent, RemoteMessage, RichText, Sender},
};
use serde_json::json;
use sha1::{Digest as _, Sha1};

use super::verdict::words;
use crate::{
    api::{Api, ApiError},
    config::WeChatConfig,
    said::notice,
};

/// Whoever came longer ago is not welcomed any more. WeCom takes 20 seconds; its clock may be another than ours.
const LATE_MS: i64 = 60 * 1000;

/// Welcomes customers.
pub(super) struct Welcome {
    words: String,
    api: Arc<Api>,
    me: RemoteUserId,
    clock: Clock,
}

impl Welcome {
    /// `None` where the configuration has no words.
    pub fn new(config: &WeChatConfig, api: Arc<Api>, me: RemoteUserId, clock: Clock) -> Option<Self> {
        Some(Self { words: config.wecom_welcome.clone()?, api, me, clock })
    }

    /// `POST /cgi-bin/kf/send_msg_on_event`: welcomes a customer who came then; gives what the room is to show. The code holds once, so it may
    /// be tried again after a crash: nothing goes twice.
    pub async fn say(&self, chat: RemoteChatId, code: &Secret, came_ms: TimestampMs) -> Option<RemoteEvent> {
        let sent_ms = self.clock.now_ms();
        if sent_ms.saturating_sub(came_ms) > LATE_MS {
            return None;
        }
        let id = name(code);
        let text = json!({"content": self.words});
        let body = json!({"code": code.expose(), "msgid": id, "msgtype": "text", "text": text});
        let message = match self.api.post("cgi-bin/kf/send_msg_on_event", &body).await {
            Ok(_) => Message::text(RichText::plain(&self.words)),
            Err(ApiError::Unclear(why)) => {
                notice(&format!("WeCom did not confirm that it welcomed the customer: {why}."))
            }
            // After a crash this says it of a code that the same words have used up.
            Err(error) => notice(&format!("WeCom takes no words of welcome now. {}", words(&error))),
        };
        let sender = Sender { ids: AliasSet::single(self.me.clone()), name: None, avatar: None };
        let id = RemoteMessageId::new(id);
        Some(RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message }))
    }
}

/// The id of the words that a code is used for: the same for each attempt.
fn name(code: &Secret) -> String {
    const BYTES: usize = 12;
    let digest = Sha1::digest(code.expose());
    let hex: String = digest.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("welcome-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_welcome_has_an_id_that_customer_service_takes() {
        let id = name(&Secret::new("CODE-1/x"));
        assert_eq!(id, name(&Secret::new("CODE-1/x")));
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    }
}
