//! Takes messages in: mapped and pushed in their order; the cursor moves when all of it is stored. Next: `intake/strange`, what nobody can read.

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    ids::{AliasSet, RemoteChatId},
    message::{RemoteEvent, RemoteMessage, Sender, SessionState},
    platform::{Cursor, EventSink, NotStored, Ticket},
};
use serde_json::Value;
use tracing::debug;

use super::{contexts::Contexts, polling::Page, recent::Recent};
use crate::{
    ids,
    ilink::{
        NAME,
        events::{self, Read, Told, quote::Quote},
    },
    json::{number, text},
};

mod strange;

/// There is one stream of messages.
const STREAM: &str = "updates";

/// Takes in what is said to one bot.
pub(super) struct Intake {
    pub(super) bot_id: String,
    pub(super) clock: Clock,
    pub(super) sink: EventSink,
    pub(super) contexts: Arc<Contexts>,
    pub(super) recent: Arc<Recent>,
}

impl Intake {
    /// How far messages were taken in before; empty for the beginning.
    pub(super) async fn recall(&self) -> Result<String, NotStored> {
        Ok(self.sink.remembered(STREAM).await?.unwrap_or_default())
    }

    /// Shows what the login does.
    pub(super) async fn report(&self, state: SessionState) {
        drop(self.sink.push(RemoteEvent::StateChanged(state)).await);
    }

    /// Takes messages in; returns when they and then the new cursor are stored. Gives that, where it is another one than `before`.
    pub(super) async fn take(&self, page: Page, before: &str) -> Result<Option<String>, NotStored> {
        let Page { mut messages, cursor, .. } = page;
        in_order(&mut messages);
        let mut tickets = Vec::new();
        for told in &messages {
            let event = self.event(told, &mut tickets).await?;
            self.push(told, event, &mut tickets).await?;
        }
        settle(&mut tickets).await?;
        let next = cursor.filter(|cursor| cursor != before);
        if let Some(value) = next.clone() {
            self.sink.remember(Cursor { key: STREAM.to_owned(), value }).await?;
        }
        Ok(next)
    }

    /// Pushes what a message tells, together with how it can be answered.
    async fn push(
        &self,
        told: &Value,
        event: Option<RemoteEvent>,
        tickets: &mut Vec<Ticket>,
    ) -> Result<(), NotStored> {
        let user = text(&told["from_user_id"]);
        let is_met = events::is_from_person(told) && ids::user(NAME, &self.bot_id, user).is_some();
        let _order = self.contexts.order().await;
        let cursor = match is_met {
            true => {
                let at_ms = number(&told["create_time_ms"]).filter(|at_ms| *at_ms > 0);
                let now_ms = self.clock.now_ms();
                // Beside one from the future every later one would be too old.
                let at_ms = at_ms.map_or(now_ms, |at_ms| at_ms.min(now_ms));
                let token = text(&told["context_token"]);
                self.contexts.changed(user, |context| context.renew(token, at_ms)).await?
            }
            false => None,
        };
        match (event, cursor) {
            (Some(event @ RemoteEvent::Unknown { .. }), cursor) => {
                if let Some(cursor) = cursor {
                    self.sink.remember(cursor).await?;
                }
                self.tell_strange(told, event).await?;
            }
            (Some(event), Some(cursor)) => tickets.push(self.sink.push_with_cursor(event, cursor).await),
            (Some(event), None) => tickets.push(self.sink.push(event).await),
            (None, Some(cursor)) => self.sink.remember(cursor).await?,
            (None, None) => {}
        }
        Ok(())
    }

    /// What a message tells.
    async fn event(&self, told: &Value, tickets: &mut Vec<Ticket>) -> Result<Option<RemoteEvent>, NotStored> {
        let user = ids::user(NAME, &self.bot_id, text(&told["from_user_id"]));
        let read = events::read(told, self.clock.now_ms());
        let Some(user) = user else {
            return Ok(match read {
                Read::Nothing => None,
                Read::Told(_) | Read::Recalled(_) | Read::Unknown { .. } => {
                    let name = "message of nobody".to_owned();
                    Some(RemoteEvent::Unknown { chat: None, name, raw: events::raw(told) })
                }
            });
        };
        // What is said in a group is not for the chat with whoever said it.
        let chat = events::is_from_person(told).then(|| ids::direct(&user));
        Ok(Some(match (read, chat) {
            (Read::Nothing, _) => return Ok(None),
            (Read::Told(said), Some(chat)) => {
                let Told { id, sent_ms, mut message, words, quote } = *said;
                debug!(items = told["item_list"].as_array().map_or(0, Vec::len), "A message came.");
                self.recent.keep(&id, &words);
                if let Some(quote) = quote {
                    // It may be among what came just now.
                    settle(tickets).await?;
                    let words = quote.id.as_ref().and_then(|id| self.recent.words(id));
                    let shown = match self.is_known(&chat, &quote).await? {
                        true => quote.part(words.as_deref()),
                        false => quote.part(words.as_deref()).or_else(|| quote.whole(words.as_deref())),
                    };
                    if let Some(shown) = shown {
                        message.text.0.insert(0, shown);
                    }
                    // One that is not known may be on its way still.
                    message.reply_to = quote.id;
                }
                let sender = Sender { ids: AliasSet::single(user), name: None, avatar: None };
                RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message })
            }
            (Read::Recalled(id), Some(chat)) => RemoteEvent::Redact { chat, ids: vec![id], by: Some(user) },
            (Read::Unknown { name, raw }, chat) => RemoteEvent::Unknown { chat, name, raw },
            (Read::Told(_) | Read::Recalled(_), None) => {
                let name = "message of a group".to_owned();
                RemoteEvent::Unknown { chat: None, name, raw: events::raw(told) }
            }
        }))
    }

    /// Whether the message that is quoted is known in the chat, whoever said it.
    async fn is_known(&self, chat: &RemoteChatId, quote: &Quote) -> Result<bool, NotStored> {
        let Some(id) = &quote.id else { return Ok(false) };
        Ok(self.sink.chat_of(chat.as_str(), id).await?.is_some_and(|found| found == *chat))
    }
}

/// Waits until all that was pushed so far is stored.
async fn settle(tickets: &mut Vec<Ticket>) -> Result<(), NotStored> {
    for ticket in tickets.drain(..) {
        ticket.stored().await?;
    }
    Ok(())
}

/// Puts messages into the order in which WeChat counts them, where it counts them all.
fn in_order(messages: &mut [Value]) {
    let seq = |told: &Value| number(&told["seq"]).filter(|seq| *seq > 0);
    if messages.iter().all(|told| seq(told).is_some()) {
        messages.sort_by_key(seq);
    }
}

#[cfg(test)]
mod tests;
