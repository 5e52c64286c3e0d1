//! Reactions that stand on both sides, so that a removal on one side finds the other.

use ruma::{EventId, OwnedEventId, OwnedRoomId};

use super::{Direction, Store, StoreError, operation::Step, value::Row};
use crate::{
    ids::{RemoteChatId, RemoteMessageId},
    message::Emoji,
};

macro_rules! columns {
    () => {
        "chat, remote_id, origin, sender, emoji, room_id, event_id"
    };
}

pub(super) const ON: &str =
    concat!("SELECT ", columns!(), " FROM reaction WHERE chat = $1 AND remote_id = $2");
pub(super) const BY_EVENT: &str = concat!("SELECT ", columns!(), " FROM reaction WHERE event_id = $1");
const SAVE: &str = concat!(
    "INSERT INTO reaction (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (chat, remote_id, origin, sender, emoji) DO UPDATE SET room_id = excluded.room_id, \
     event_id = excluded.event_id"
);
const REMOVE: &str = "DELETE FROM reaction WHERE event_id = $1";

/// A reaction that stands on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionRow {
    /// The chat.
    pub chat: RemoteChatId,
    /// The message that it is on.
    pub target: RemoteMessageId,
    /// The side where it was put.
    pub origin: Direction,
    /// Who put it: a Matrix user id or a remote user id, as `origin` says.
    pub sender: String,
    /// Which.
    pub emoji: Emoji,
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event that is, or shows, the reaction.
    pub event_id: OwnedEventId,
}

impl Store {
    /// Every reaction on a message.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reactions(
        &self,
        chat: &RemoteChatId,
        target: &RemoteMessageId,
    ) -> Result<Vec<ReactionRow>, StoreError> {
        let params = vec![chat.as_str().into(), target.as_str().into()];
        self.0.reader.fetch(ON, params).await?.into_iter().map(reaction_row).collect()
    }

    /// The reaction that an event is, or shows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reaction_by_event(&self, event_id: &EventId) -> Result<Option<ReactionRow>, StoreError> {
        let row = self.0.reader.fetch_one(BY_EVENT, vec![event_id.as_str().into()]).await?;
        row.map(reaction_row).transpose()
    }

    /// Remembers a reaction. Saving it again does no harm.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn save_reaction(&self, row: &ReactionRow) -> Result<(), StoreError> {
        let params = vec![
            row.chat.as_str().into(),
            row.target.as_str().into(),
            row.origin.code().into(),
            row.sender.as_str().into(),
            spelled(&row.emoji).as_str().into(),
            row.room_id.as_str().into(),
            row.event_id.as_str().into(),
        ];
        self.write(vec![Step { sql: SAVE, params }]).await.map(drop)
    }

    /// Forgets the reaction that an event is, or shows.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn remove_reaction(&self, event_id: &EventId) -> Result<(), StoreError> {
        self.write(vec![Step { sql: REMOVE, params: vec![event_id.as_str().into()] }]).await.map(drop)
    }
}

fn spelled(emoji: &Emoji) -> String {
    serde_json::to_string(emoji).expect("an emoji has a JSON form")
}

fn reaction_row(mut row: Row) -> Result<ReactionRow, StoreError> {
    let corrupt = |what: &dyn std::fmt::Display| StoreError::Corrupt(format!("a reaction: {what}"));
    Ok(ReactionRow {
        chat: RemoteChatId::new(row.text()?),
        target: RemoteMessageId::new(row.text()?),
        origin: Direction::from_code(row.int()?),
        sender: row.text()?,
        emoji: serde_json::from_str(&row.text()?).map_err(|error| corrupt(&error))?,
        room_id: OwnedRoomId::try_from(row.text()?).map_err(|error| corrupt(&error))?,
        event_id: OwnedEventId::try_from(row.text()?).map_err(|error| corrupt(&error))?,
    })
}
