//! The map between Matrix events and remote messages.

use ruma::{EventId, OwnedEventId, OwnedRoomId};

use super::{
    Direction, JournalId, MessageRow, MessageState, Store, StoreError, TraceJournal, TraceRow,
    operation::Step, value::Row,
};
use crate::ids::{RemoteChatId, RemoteMessageId};

macro_rules! columns {
    () => {
        "m.id, m.origin, m.room_id, m.event_id, m.chat, m.remote_id, m.event_part + m.remote_part, m.sender, \
         m.state, m.reason, m.sent_ms"
    };
}

pub(super) const BY_EVENT: &str =
    concat!("SELECT ", columns!(), " FROM message m WHERE m.event_id = $1 ORDER BY m.event_part");
pub(super) const BY_REMOTE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM message m WHERE m.remote_id = $1 AND m.chat = $2 ORDER BY m.remote_part"
);
pub(super) const BETWEEN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM message m WHERE m.remote_id >= $1 AND m.remote_id <= $2 AND m.chat = $3 AND m.remote_part = 0 LIMIT $4"
);
/// In which chat a message is, of those whose ids begin alike. The length is counted by the database, since the two bind numbers otherwise.
pub(super) const CHAT_OF: &str =
    "SELECT m.chat FROM message m WHERE m.remote_id = $1 AND substr(m.chat, 1, length($2)) = $2 LIMIT 1";
/// The further parts of a message have higher numbers than messages that waited behind it, so the time of delivery decides among the
/// newest rows.
pub(super) const LAST_DELIVERED: &str = "SELECT remote_id FROM (SELECT id, remote_id, done_ms FROM message \
     WHERE chat = $1 AND origin = 0 AND remote_id IS NOT NULL ORDER BY id DESC LIMIT 256) AS newest \
     ORDER BY done_ms DESC, id DESC LIMIT 1";
pub(super) const TRACE: &str = concat!(
    "SELECT ",
    columns!(),
    ", m.accepted_ms, m.done_ms, m.tries, j.lane, j.attempts, j.parked FROM (\
     SELECT id AS found FROM message WHERE event_id = $1 \
     UNION SELECT id AS found FROM message WHERE remote_id = $1) AS f \
     CROSS JOIN message m LEFT JOIN journal j ON j.id = m.id WHERE m.id = f.found ORDER BY m.id LIMIT 100"
);
pub(super) const TRACE_ROW: &str = concat!(
    "SELECT ",
    columns!(),
    ", m.accepted_ms, m.done_ms, m.tries, j.lane, j.attempts, j.parked FROM message m LEFT JOIN journal j ON j.id = m.id WHERE m.id = $1"
);

const TAKEN_BACK_BY_EVENT: &str = "UPDATE message SET state = 6 WHERE event_id = $1";
const TAKEN_BACK_BY_REMOTE: &str = "UPDATE message SET state = 6 WHERE remote_id = $1 AND chat = $2";
const DROP_PARTS: &str = "DELETE FROM message WHERE event_id = $1 AND event_part >= $2";

impl Store {
    /// The rows of a Matrix event, one for each remote message that it became; empty when it is unknown.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn message_by_event(&self, event_id: &EventId) -> Result<Vec<MessageRow>, StoreError> {
        let rows = self.0.reader.fetch(BY_EVENT, vec![event_id.as_str().into()]).await?;
        rows.into_iter().map(|mut row| message_row(&mut row)).collect()
    }

    /// The rows of a remote message, one for each event that it became; empty when it is unknown.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn message_by_remote(
        &self,
        chat: &RemoteChatId,
        id: &RemoteMessageId,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let params = vec![id.as_str().into(), chat.as_str().into()];
        let rows = self.0.reader.fetch(BY_REMOTE, params).await?;
        rows.into_iter().map(|mut row| message_row(&mut row)).collect()
    }

    /// The chat in which a remote message is known, among those whose ids begin with `prefix`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn chat_of(
        &self,
        prefix: &str,
        id: &RemoteMessageId,
    ) -> Result<Option<RemoteChatId>, StoreError> {
        let row = self.0.reader.fetch_one(CHAT_OF, vec![id.as_str().into(), prefix.into()]).await?;
        row.map(|mut row| row.text().map(RemoteChatId::new)).transpose()
    }

    /// The newest message in a chat that came from Matrix and is known to have arrived.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn last_delivered(&self, chat: &RemoteChatId) -> Result<Option<RemoteMessageId>, StoreError> {
        let row = self.0.reader.fetch_one(LAST_DELIVERED, vec![chat.as_str().into()]).await?;
        row.map(|mut row| row.text().map(RemoteMessageId::new)).transpose()
    }

    /// The first rows of a chat's remote messages whose ids lie, as texts, between two others; `None` when there are more than `rows_max`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn remote_between(
        &self,
        chat: &RemoteChatId,
        (first, last): (&RemoteMessageId, &RemoteMessageId),
        rows_max: usize,
    ) -> Result<Option<Vec<MessageRow>>, StoreError> {
        let limit = i64::try_from(rows_max).unwrap_or(i64::MAX).saturating_add(1);
        let params = vec![first.as_str().into(), last.as_str().into(), chat.as_str().into(), limit.into()];
        let rows = self.0.reader.fetch(BETWEEN, params).await?;
        if rows.len() > rows_max {
            return Ok(None);
        }
        rows.into_iter().map(|mut row| message_row(&mut row)).collect::<Result<_, _>>().map(Some)
    }

    /// Remembers that the message of an event was taken back on both sides.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn event_taken_back(&self, event_id: &EventId) -> Result<(), StoreError> {
        let params = vec![event_id.as_str().into()];
        self.write(vec![Step { sql: TAKEN_BACK_BY_EVENT, params }]).await.map(drop)
    }

    /// Remembers that a remote message was taken back on both sides.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn remote_taken_back(
        &self,
        chat: &RemoteChatId,
        id: &RemoteMessageId,
    ) -> Result<(), StoreError> {
        let params = vec![id.as_str().into(), chat.as_str().into()];
        self.write(vec![Step { sql: TAKEN_BACK_BY_REMOTE, params }]).await.map(drop)
    }

    /// Forgets the parts of an event from that number on: its edit became fewer messages.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn drop_parts(&self, event_id: &EventId, from: usize) -> Result<(), StoreError> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let params = vec![event_id.as_str().into(), from.into()];
        self.write(vec![Step { sql: DROP_PARTS, params }]).await.map(drop)
    }

    /// Everything known about the row of this number, which log lines name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn trace_row(&self, id: JournalId) -> Result<Option<TraceRow>, StoreError> {
        self.0.reader.fetch_one(TRACE_ROW, vec![id.0.into()]).await?.map(trace_row).transpose()
    }

    /// Everything known about the rows of an event id or a remote message id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn trace(&self, needle: &str) -> Result<Vec<TraceRow>, StoreError> {
        let rows = self.0.reader.fetch(TRACE, vec![needle.into()]).await?;
        rows.into_iter().map(trace_row).collect()
    }
}

fn message_row(row: &mut Row) -> Result<MessageRow, StoreError> {
    Ok(MessageRow {
        id: JournalId(row.int()?),
        origin: Direction::from_code(row.int()?),
        // A dead letter may hold anything where an id should be; that is no reason to hide its row.
        room_id: row.text_or_null()?.and_then(|id| OwnedRoomId::try_from(id).ok()),
        event_id: row.text_or_null()?.and_then(|id| OwnedEventId::try_from(id).ok()),
        chat: row.text_or_null()?.map(RemoteChatId::new),
        remote_id: row.text_or_null()?.map(RemoteMessageId::new),
        part: u32::try_from(row.int()?).unwrap_or_default(),
        sender: row.text_or_null()?,
        state: state(row.int()?)?,
        reason: row.text_or_null()?,
        sent_ms: row.int()?,
    })
}

fn trace_row(mut row: Row) -> Result<TraceRow, StoreError> {
    let message = message_row(&mut row)?;
    let accepted_ms = row.int()?;
    let done_ms = row.int_or_null()?;
    let tries = u32::try_from(row.int()?).unwrap_or_default();
    let lane = row.text_or_null()?;
    let attempts = row.int_or_null()?.and_then(|attempts| u32::try_from(attempts).ok()).unwrap_or_default();
    let parked = row.int_or_null()? == Some(1);
    let journal = lane.map(|lane| TraceJournal { lane: lane.into(), attempts, parked });
    Ok(TraceRow { message, accepted_ms, done_ms, tries, journal })
}

fn state(code: i64) -> Result<MessageState, StoreError> {
    MessageState::from_code(code)
        .ok_or_else(|| StoreError::Corrupt(format!("a message has the unknown state {code}")))
}
