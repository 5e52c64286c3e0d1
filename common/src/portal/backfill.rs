//! What was said before a room was made: brought in before anybody is invited, so that nobody is pinged and no client counts it as new.
//!
//! Each message goes the way of a live one (stored, sent, recorded), only that no lane is fed: whoever makes the room does the work. An
//! interruption leaves the portal as filling; the next attempt goes on where this one stopped.

use ruma::RoomId;

use super::{Observed, Portals, create::CreateError, from_remote};
use crate::{
    ids::LoginId,
    message::{RemoteEvent, RemoteMessage, Wire},
    platform::{Session, Until},
    store::{Done, Links, MessageState, Outcome, PushOrder, RemoteRow, Stored},
};

/// A room that is to be filled.
pub(super) struct Filling<'a> {
    pub(super) chat: &'a crate::ids::RemoteChatId,
    pub(super) room_id: &'a RoomId,
    pub(super) login: &'a LoginId,
    pub(super) session: &'a dyn Session,
    pub(super) until: &'a Until,
}

impl Filling<'_> {
    /// Brings in what was said before. A history that cannot be read must not keep a room from its people.
    pub(super) async fn fill(&self, portals: &Portals) -> Result<(), CreateError> {
        let Some(history) = self.session.history() else { return Ok(()) };
        let messages_max = portals.parts.settings.backfill_messages_max;
        let messages = match history.messages(self.chat, self.until, messages_max).await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::warn!(%error, "A room stays without what was said before.");
                return Ok(());
            }
        };
        let count = messages.len();
        for message in messages {
            self.bring_in(portals, message).await?;
        }
        tracing::info!(count, room = %self.room_id, "Brought in what was said before.");
        Ok(())
    }

    async fn bring_in(&self, portals: &Portals, message: RemoteMessage) -> Result<(), CreateError> {
        let store = &portals.parts.store;
        let (chat, id) = (message.chat.clone(), message.id.clone());
        let event = RemoteEvent::Message(message.clone());
        let observed = Observed { login: self.login.clone(), event };
        let row = RemoteRow {
            lane: chat.as_str().into(),
            guard: Some((chat.clone(), id.clone())),
            sender: Some(message.sender.ids.primary.clone()),
            sent_ms: message.sent_ms,
            body: Wire::write(&observed).map_err(|error| CreateError::Unwritable(error.to_string()))?,
            cursor: None,
            held: true,
        };
        let stored = store.push(row, &PushOrder::default()).await.stored().await?;
        let rows = store.message_by_remote(&chat, &id).await?;
        let Some(row) = rows.first().filter(|row| row.state == MessageState::Open) else { return Ok(()) };
        // What was known before may have been sent before.
        let in_doubt = stored == Stored::Known;
        let sent = from_remote::send(portals, &message, self.room_id, (self.session, in_doubt)).await;
        let (outcome, links) = match sent {
            Ok(event_ids) => {
                (Outcome::Delivered, Links::Matrix { room_id: self.room_id.to_owned(), event_ids })
            }
            Err(stopped) if stopped.is_transient() => return Err(stopped.into()),
            Err(stopped) => (Outcome::Failed(stopped.to_string()), Links::None),
        };
        Ok(store.finish(Done { id: row.id, outcome, links }).await?)
    }
}
