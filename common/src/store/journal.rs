//! Open work: what a start finds, what a lane reads on, what waits for a person.
//!
//! Start-up reads from the journal outward and never touches the message table, however full it is.

use super::{
    Direction, JournalId, JournalStats, Lane, MessageState, OpenRow, OpenStats, ParkedRow, Store, StoreError,
    operation::{Operation, Script, Step, open_row},
    value::{Row, Value},
};
use crate::ids::{RemoteChatId, RemoteMessageId};

pub(super) const OPEN_LANES: &str = "SELECT id, direction, lane, body, attempts, accepted_ms FROM journal WHERE id IN (\
     SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY direction, lane ORDER BY id) AS place \
     FROM journal WHERE parked = 0) AS placed WHERE place <= $1) ORDER BY direction, lane, id";
pub(super) const LANE_ROWS: &str = "SELECT id, direction, lane, body, attempts, accepted_ms FROM journal \
     WHERE parked = 0 AND direction = $1 AND lane = $2 AND id > $3 ORDER BY id LIMIT $4";
pub(super) const PARKED: &str = "SELECT j.id, j.direction, j.lane, j.accepted_ms, m.event_id, m.room_id, m.chat, \
     m.remote_id, m.state, m.reason FROM journal j LEFT JOIN message m ON m.id = j.id \
     WHERE j.parked = 1 ORDER BY j.id DESC LIMIT $1";
const PARKED_ROW: &str = "SELECT j.id, j.direction, j.lane, j.accepted_ms, m.event_id, m.room_id, m.chat, \
     m.remote_id, m.state, m.reason FROM journal j LEFT JOIN message m ON m.id = j.id WHERE j.parked = 1 AND j.id = $1";
pub(super) const OPEN_STATS: &str = "SELECT s.direction, s.open_count, j.accepted_ms FROM (\
     SELECT direction, COUNT(*) AS open_count, MIN(id) AS oldest FROM journal WHERE parked = 0 GROUP BY direction) AS s \
     JOIN journal j ON j.id = s.oldest";
pub(super) const PARKED_COUNT: &str = "SELECT COUNT(*) FROM journal WHERE parked = 1";
const UNPARK: &str = "UPDATE journal SET parked = 0, attempts = attempts + 1 WHERE id = $1 AND parked = 1 \
     RETURNING id, direction, lane, body, attempts, accepted_ms";
const REOPEN: &str =
    "UPDATE message SET state = 0, reason = NULL, done_ms = NULL, tries = tries + 1 WHERE id = $1";
/// Beside the count of the open work, which goes away with it.
pub(super) const TRIED: &str = "UPDATE message SET tries = tries + 1 WHERE id = $1";
const REMOVE: &str = "DELETE FROM journal WHERE id = $1 AND parked = 1";
const NEWEST_OPEN: &str = "SELECT COALESCE(MAX(id), 0) FROM journal";
/// After which number a start goes on. Work can wait whose message is gone, since it was told twice: its number is taken all the same.
pub(super) const NEWEST_ID: &str = "SELECT COALESCE(MAX(id), 0) FROM (SELECT MAX(id) AS id FROM message \
     UNION ALL SELECT MAX(id) FROM journal) AS newest";
const GIVE_UP: &str = "UPDATE message SET state = 5, done_ms = $2 WHERE id = $1";

impl Store {
    /// All lanes with open work that is not parked, each with at most `rows_max` of its oldest rows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open_lanes(&self, rows_max: usize) -> Result<Vec<Lane>, StoreError> {
        let place_max = i64::try_from(rows_max).unwrap_or(i64::MAX - 1) + 1;
        let mut lanes: Vec<Lane> = Vec::new();
        for row in self.0.reader.fetch(OPEN_LANES, vec![place_max.into()]).await? {
            let row = open_row(row)?;
            match lanes.last_mut() {
                Some(lane) if lane.direction == row.direction && lane.lane == row.lane => {
                    if lane.rows.len() == rows_max {
                        lane.more = true;
                    } else {
                        lane.rows.push(OpenRow { lane: lane.lane.clone(), ..row });
                    }
                }
                _ => {
                    let lane = row.lane.clone();
                    lanes.push(Lane { direction: row.direction, lane, rows: vec![row], more: false });
                }
            }
        }
        lanes.sort_by_key(|lane| lane.rows.first().map(|row| row.id));
        Ok(lanes)
    }

    /// The newest row of the journal, parked ones included.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn newest_open(&self) -> Result<Option<JournalId>, StoreError> {
        let row = self.0.reader.fetch_one(NEWEST_OPEN, Vec::new()).await?;
        let newest = row.map(|mut row| row.int()).transpose()?.unwrap_or(0);
        Ok((newest > 0).then_some(JournalId(newest)))
    }

    /// The open rows of one lane after `after`, oldest first, parked ones left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn lane_rows(
        &self,
        direction: Direction,
        lane: &str,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<OpenRow>, StoreError> {
        let after = after.map_or(i64::MIN, JournalId::get);
        let params = vec![direction.code().into(), lane.into(), after.into(), count(limit)];
        self.0.reader.fetch(LANE_ROWS, params).await?.into_iter().map(open_row).collect()
    }

    /// The rows that wait for a person, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn parked(&self, limit: usize) -> Result<Vec<ParkedRow>, StoreError> {
        self.0.reader.fetch(PARKED, vec![count(limit)]).await?.into_iter().map(parked_row).collect()
    }

    /// The row that waits for a person under this number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn parked_row(&self, id: JournalId) -> Result<Option<ParkedRow>, StoreError> {
        self.0.reader.fetch_one(PARKED_ROW, vec![id.0.into()]).await?.map(parked_row).transpose()
    }

    /// Opens a parked row again and feeds it; false when no such row is parked.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn retry(&self, id: JournalId) -> Result<bool, StoreError> {
        let steps = vec![
            Step { sql: UNPARK, params: vec![id.0.into()] },
            Step { sql: REOPEN, params: vec![id.0.into()] },
        ];
        let script = Script { steps, to_the_end: false, feeds: true };
        Ok(self.ask(|reply| Operation::Script { script, reply }).await? > 0)
    }

    /// Gives up open or parked work; false when there is none under this number.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn drop_row(&self, id: JournalId) -> Result<bool, StoreError> {
        let now_ms = self.0.clock.now_ms();
        let steps = vec![
            Step { sql: REMOVE, params: vec![id.0.into()] },
            Step { sql: GIVE_UP, params: vec![id.0.into(), now_ms.into()] },
        ];
        Ok(self.write(steps).await? > 0)
    }

    /// The open work in numbers, for metrics. Reads the journal's indexes only.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn journal_stats(&self) -> Result<JournalStats, StoreError> {
        let mut stats = JournalStats::default();
        for mut row in self.0.reader.fetch(OPEN_STATS, Vec::new()).await? {
            let direction = Direction::from_code(row.int()?);
            let open = OpenStats { open: unsigned(row.int()?), oldest_ms: Some(row.int()?) };
            match direction {
                Direction::FromMatrix => stats.from_matrix = open,
                Direction::FromRemote => stats.from_remote = open,
            }
        }
        if let Some(mut row) = self.0.reader.fetch_one(PARKED_COUNT, Vec::new()).await? {
            stats.parked = unsigned(row.int()?);
        }
        Ok(stats)
    }
}

fn parked_row(mut row: Row) -> Result<ParkedRow, StoreError> {
    Ok(ParkedRow {
        id: JournalId(row.int()?),
        direction: Direction::from_code(row.int()?),
        lane: row.text()?.into(),
        accepted_ms: row.int()?,
        event_id: row.text_or_null()?,
        room_id: row.text_or_null()?,
        chat: row.text_or_null()?.map(RemoteChatId::new),
        remote_id: row.text_or_null()?.map(RemoteMessageId::new),
        state: row.int_or_null()?.and_then(MessageState::from_code).unwrap_or(MessageState::Failed),
        reason: row.text_or_null()?,
    })
}

fn count(limit: usize) -> Value {
    Value::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}
