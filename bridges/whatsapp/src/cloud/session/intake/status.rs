//! What became of messages of ours, as WhatsApp tells it in statuses.

use magpie_common::{message::RemoteEvent, platform::NotStored};
use serde_json::Value;

use super::{Intake, Tickets};
use crate::cloud::{
    events,
    json::text,
    place,
    session::{
        api::Refusal,
        changes::Deed,
        people::Named,
        sent::{is_key, reacted_to},
        verdict::refused,
    },
};

impl Intake {
    /// What became of a message of ours. Another program may send for the same number: its messages, and those to whom they went, are no
    /// matter of ours.
    pub(super) async fn status(&self, status: &Value, tickets: &mut Tickets) -> Result<(), NotStored> {
        let Some(id) = events::id(&status["id"]) else { return Ok(()) };
        let beside = text(&status["biz_opaque_callback_data"]);
        let (key, target) = (Some(beside).filter(|key| is_key(key)), reacted_to(beside));
        if let Some(key) = key {
            self.kept.sent.told(&self.sink, key, &id).await?;
        }
        let what = text(&status["status"]);
        if !matches!(what, "delivered" | "read" | "failed") {
            // That it was sent is known.
            return Ok(());
        }
        let known = self.chat_of(target.as_ref().unwrap_or(&id)).await?;
        if key.is_none() && target.is_none() && known.is_none() {
            return Ok(());
        }
        let named = Named::new(text(&status["recipient_id"]), text(&status["recipient_user_id"]));
        let at_ms = events::sent_ms(status).unwrap_or_default();
        let person = self.who(&Value::Null, (named, at_ms), tickets).await?;
        // Where the message is counts more than how the person is called there.
        let known = known.or_else(|| person.map(|person| place::chat(&self.number, &person.ids.primary)));
        let Some(chat) = known else { return Ok(()) };
        let Some(reader) = place::person(&self.number, &chat) else { return Ok(()) };
        match (what, target) {
            ("delivered", None) => {
                self.push(RemoteEvent::Arrived { chat, id, at: reader }, None, tickets).await;
            }
            ("read", None) => {
                self.push(RemoteEvent::Receipt { chat, reader, up_to: id }, None, tickets).await
            }
            ("failed", target) => {
                let mut change = self.changes.of(Deed::Change, &id, &self.me).await?;
                if !std::mem::replace(&mut change.failed, true) {
                    let words = refused(&Refusal::read(&status["errors"][0], 0));
                    let cursor = Some(change.cursor(Deed::Change)?);
                    let event = match target {
                        Some(target) => {
                            let words = format!("Your reaction did not arrive. {words}");
                            RemoteEvent::Failed { chat, id: target, words }
                        }
                        None => RemoteEvent::Failed { chat, id, words },
                    };
                    self.push(event, cursor, tickets).await;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
