//! Takes callbacks in: one after the other, each stored before it is answered.

use std::sync::Arc;

use magpie_common::{
    ids::AliasSet,
    message::{RemoteEvent, RemoteMessage, Sender},
    platform::{ConnectError, EventSink, NotStored, Ticket},
};
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use tracing::debug;

use super::{End, end_session, people::People};
use crate::{
    ids,
    json::text,
    official::{
        NAME,
        events::{self, Read},
    },
};

/// Takes in what happens to one account.
pub(in crate::official) struct Intake {
    pub(super) app_id: String,
    pub(super) sink: EventSink,
    pub(super) people: Arc<People>,
    pub(super) end: End,
    /// One callback after the other.
    pub(super) order: AsyncMutex<()>,
}

impl Intake {
    /// Takes a callback in; returns when it is stored.
    pub async fn take(&self, told: &Value) -> Result<(), NotStored> {
        let pushed = {
            let _order = self.order.lock().await;
            // Nothing is pushed once the session is over.
            if self.end.borrow().is_some() {
                return Err(NotStored("the session is over".to_owned()));
            }
            self.push(told).await
        };
        let stored = match pushed {
            Ok(Some(ticket)) => ticket.stored().await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = &stored {
            end_session(&self.end, ConnectError::from(error.clone()));
        }
        stored
    }

    async fn push(&self, told: &Value) -> Result<Option<Ticket>, NotStored> {
        debug!(kind = text(&told["MsgType"]), event = text(&told["Event"]), "A callback came.");
        let openid = text(&told["FromUserName"]);
        let user = ids::user(NAME, &self.app_id, openid);
        let known = user.zip(events::id(told)).zip(events::sent_ms(told));
        let Some(((user, id), sent_ms)) = known else {
            let name = "callback of nobody".to_owned();
            let event = RemoteEvent::Unknown { chat: None, name, raw: told.to_string() };
            return Ok(Some(self.sink.push(event).await));
        };
        let chat = ids::direct(&user);
        let (message, deed) = match events::read(told) {
            Read::Told(message, deed) => (message, deed),
            Read::Nothing => return Ok(None),
            Read::Unknown { name, raw } => {
                let event = RemoteEvent::Unknown { chat: Some(chat), name, raw };
                return Ok(Some(self.sink.push(event).await));
            }
        };
        let cursor = self.people.note(openid, |met| met.did(deed, sent_ms)).await?;
        // Without a name, the session is asked for it where one is wanted.
        let name = self.people.met(openid).await?.name;
        let sender = Sender { ids: AliasSet::single(user), name, avatar: None };
        let event = RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message });
        Ok(Some(match cursor {
            Some(cursor) => self.sink.push_with_cursor(event, cursor).await,
            None => self.sink.push(event).await,
        }))
    }
}
