//! How people see in the room what became of their messages: the bot has read what was delivered, and an hourglass stands on what waits.
//!
//! What failed or is in doubt is told in words ([`super::notice`]). Marks are a courtesy: nothing waits for them, and none is repeated.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use serde::Deserialize;
use serde_json::Value;

use super::{Portals, keys, notice::is_by_program};
use crate::{
    convert::{read_reaction, write_reaction},
    homeserver::{Homeserver, HomeserverError, SendEvent},
    message::Emoji,
    store::{Direction, OpenRow},
};

/// What stands on a message that is tried again.
const WAITING: &str = "⏳";

/// What stands on a message that got through after it had not.
const THROUGH: &str = "✅";

/// Receipts under way: one for each room, so that a flood of messages needs few of them.
#[derive(Clone)]
pub(super) struct Marks {
    homeserver: Homeserver,
    rooms: Arc<Mutex<HashMap<OwnedRoomId, Option<OwnedEventId>>>>,
}

impl Marks {
    pub(super) fn new(homeserver: Homeserver) -> Self {
        Self { homeserver, rooms: Arc::default() }
    }

    /// Shows that everything up to an event was delivered. Returns at once.
    pub(super) fn delivered(&self, room_id: &RoomId, event_id: &EventId) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = !rooms.contains_key(room_id);
        rooms.insert(room_id.to_owned(), Some(event_id.to_owned()));
        drop(rooms);
        if is_idle {
            tokio::spawn(self.clone().work(room_id.to_owned()));
        }
    }

    async fn work(self, room_id: OwnedRoomId) {
        while let Some(event_id) = self.next(&room_id) {
            if let Err(error) = self.homeserver.bot().mark_read(&room_id, &event_id).await {
                tracing::debug!(%error, "A delivered message stays without its mark.");
            }
        }
    }

    /// The newest event to mark; with none left, the room is idle again.
    fn next(&self, room_id: &RoomId) -> Option<OwnedEventId> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let event_id = rooms.get_mut(room_id)?.take();
        if event_id.is_none() {
            rooms.remove(room_id);
        }
        event_id
    }
}

/// What a mark needs of a row's event.
#[derive(Deserialize)]
struct Marked {
    event_id: OwnedEventId,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(default)]
    content: Value,
}

/// The message of a row, where somebody in Matrix said it.
fn marked(row: &OpenRow) -> Option<(OwnedRoomId, OwnedEventId)> {
    let Direction::FromMatrix = row.direction else { return None };
    let Marked { event_id, event_type, content } = serde_json::from_str(&row.body).ok()?;
    (matches!(&*event_type, "m.room.message" | "m.sticker") && !is_by_program(&content)).then_some(())?;
    Some((RoomId::parse(&*row.lane).ok()?, event_id))
}

impl Portals {
    /// Puts an hourglass on the message of a row that is tried again.
    pub(super) async fn show_waiting(&self, row: &OpenRow) {
        if let Some((room_id, event_id)) = marked(row) {
            self.put_mark(&room_id, &event_id, WAITING).await;
        }
    }

    /// Takes the hourglass away, and says that the message got through if it did.
    pub(super) async fn show_end(&self, row: &OpenRow, is_through: bool) {
        let Some((room_id, event_id)) = marked(row) else { return };
        if let Err(error) = self.clear_mark(&room_id, &event_id).await {
            tracing::debug!(%error, "A mark stays on a message that waits no more.");
        }
        if is_through {
            self.put_mark(&room_id, &event_id, THROUGH).await;
        }
    }

    async fn put_mark(&self, room_id: &RoomId, event_id: &EventId, mark: &str) {
        let txn_id = keys::notice_id(event_id, mark, 0);
        let event = SendEvent {
            room_id,
            event_type: "m.reaction",
            txn_id: &txn_id,
            content: &write_reaction(event_id, &Emoji::Unicode(mark.to_owned())),
            sent_ms: None,
        };
        if let Err(error) = self.parts.homeserver.bot().send(event).await {
            tracing::debug!(%error, "A message stays without its mark.");
        }
    }

    async fn clear_mark(&self, room_id: &RoomId, event_id: &EventId) -> Result<(), HomeserverError> {
        #[derive(Deserialize)]
        struct Reaction {
            event_id: OwnedEventId,
            sender: ruma::OwnedUserId,
            #[serde(default)]
            content: Value,
        }
        let bot = self.parts.homeserver.bot();
        for raw in bot.reactions(room_id, event_id).await? {
            let Ok(reaction) = serde_json::from_str::<Reaction>(raw.get()) else { continue };
            let is_mark = read_reaction(&reaction.content)
                .is_some_and(|(_, emoji)| emoji == Emoji::Unicode(WAITING.to_owned()));
            if reaction.sender == *bot.user_id() && is_mark {
                let txn_id = keys::redaction_id(&reaction.event_id, bot.user_id());
                bot.redact(room_id, &reaction.event_id, &txn_id, None).await?;
            }
        }
        Ok(())
    }
}
