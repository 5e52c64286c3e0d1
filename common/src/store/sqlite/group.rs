//! What each operation does inside a group's transaction, with prepared statements.

use rusqlite::{Connection, Params, ffi, params};

use super::super::{
    Done, Echo, Links, MatrixEvent, MessageState, Reach, RemoteRow, StoreError,
    journal::TRIED,
    kv::KV_SET,
    operation::{Applied, Operation, Script, Step},
};
use super::read::{bind, rows};

/// One transaction in the making.
pub(super) struct Group<'a> {
    pub(super) connection: &'a Connection,
    pub(super) now_ms: i64,
    /// The writer numbers the rows itself: a number is never used twice while the process runs, even when its row went away.
    pub(super) next_id: i64,
}

const ACCEPT: &str = "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, \
     done_ms, room_id, event_id, sender, reason) VALUES (?1, 0, ?2, 0, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
     ON CONFLICT (event_id, event_part) WHERE event_id IS NOT NULL DO NOTHING";
const PUSH: &str = "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, \
     chat, remote_id, sender) VALUES (?1, 1, 0, 0, 0, ?2, ?3, ?4, ?5, ?6) \
     ON CONFLICT (remote_id, chat, remote_part) WHERE remote_id IS NOT NULL DO NOTHING";
const JOURNAL: &str = "INSERT INTO journal (id, direction, parked, attempts, accepted_ms, lane, body) \
     VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6)";
const CLOSE: &str = "DELETE FROM journal WHERE id = ?1";
const PARK: &str = "UPDATE journal SET parked = 1 WHERE id = ?1";
const RECORD: &str = "UPDATE message SET state = ?2, reason = ?3, done_ms = ?4 WHERE id = ?1";
const RECORD_REMOTE: &str =
    "UPDATE message SET state = ?2, reason = ?3, done_ms = ?4, chat = ?5, remote_id = ?6 WHERE id = ?1";
const RECORD_EVENT: &str =
    "UPDATE message SET state = ?2, reason = ?3, done_ms = ?4, room_id = ?5, event_id = ?6 WHERE id = ?1";
const ADD_REMOTE: &str = "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, \
     done_ms, room_id, event_id, chat, remote_id, sender) \
     SELECT ?2, origin, 1, ?3, 0, sent_ms, accepted_ms, ?4, room_id, event_id, ?5, ?6, sender \
     FROM message WHERE id = ?1 ON CONFLICT DO NOTHING";
const ADD_EVENT: &str = "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, \
     done_ms, room_id, event_id, chat, remote_id, sender) \
     SELECT ?2, origin, 1, 0, ?3, sent_ms, accepted_ms, ?4, ?5, ?6, chat, remote_id, sender \
     FROM message WHERE id = ?1 ON CONFLICT DO NOTHING";
const ECHO_OF: &str = "DELETE FROM message WHERE remote_id = ?1 AND chat = ?2 AND remote_part = 0 \
     AND event_id IS NULL AND id <> ?3 RETURNING id";
const ATTEMPT: &str = "UPDATE journal SET attempts = attempts + 1 WHERE id = ?1";
const SENT: &str = "SELECT id, state, event_id IS NULL FROM message \
     WHERE remote_id = ?1 AND chat = ?2 AND remote_part = 0 AND origin = 1";
const FILL: &str = "UPDATE message SET room_id = ?2, event_id = ?3 WHERE id = ?1";
const HAS_PART: &str = "SELECT 1 FROM message WHERE remote_id = ?1 AND chat = ?2 AND remote_part = ?3";

impl Group<'_> {
    pub(super) fn apply(&mut self, operation: &Operation) -> Result<Applied, StoreError> {
        match operation {
            Operation::Accept { events, .. } => {
                events.iter().map(|event| self.accept(event)).collect::<Result<_, _>>().map(Applied::Accept)
            }
            Operation::Push { row, .. } => self.push(row).map(Applied::Push),
            Operation::Finish { done, .. } => self.finish(done).map(Applied::Finish),
            Operation::Confirm(echo) => self.confirm(echo).map(|()| Applied::Nothing),
            Operation::Attempt(id) => {
                self.execute(ATTEMPT, [id.0])?;
                self.execute(TRIED, [id.0]).map(|_| Applied::Nothing)
            }
            Operation::Script { script, .. } => self.script(script),
        }
    }

    fn accept(&mut self, event: &MatrixEvent) -> Result<Option<i64>, StoreError> {
        let id = self.next_id;
        let parked = event.parked.is_some();
        let state = if parked { MessageState::Failed } else { MessageState::Open };
        let row = params![
            id,
            state.code(),
            event.sent_ms,
            self.now_ms,
            parked.then_some(self.now_ms),
            event.room_id,
            event.event_id,
            event.sender,
            event.parked,
        ];
        if self.execute(ACCEPT, row)? == 0 {
            return Ok(None);
        }
        self.next_id += 1;
        self.execute(JOURNAL, params![id, 0, parked, self.now_ms, &*event.lane, event.body])?;
        Ok(Some(id))
    }

    fn push(&mut self, row: &RemoteRow) -> Result<Option<i64>, StoreError> {
        if let Some(cursor) = &row.cursor {
            self.execute(KV_SET, params![cursor.login.as_str(), cursor.key, cursor.value])?;
        }
        let id = self.next_id;
        let (chat, remote_id) = match &row.guard {
            Some((chat, remote_id)) => (Some(chat.as_str()), Some(remote_id.as_str())),
            None => (None, None),
        };
        let sender = row.sender.as_ref().map(|sender| sender.as_str());
        if self.execute(PUSH, params![id, row.sent_ms, self.now_ms, chat, remote_id, sender])? == 0 {
            return Ok(None);
        }
        self.next_id += 1;
        self.execute(JOURNAL, params![id, 1, 0, self.now_ms, &*row.lane, row.body])?;
        Ok(Some(id))
    }

    /// Answers the echoes that went away.
    fn finish(&mut self, done: &Done) -> Result<Vec<i64>, StoreError> {
        let id = done.id.0;
        let mut gone = Vec::new();
        let counts = if done.outcome.parks() { self.execute(PARK, [id])? > 0 } else { true };
        if counts {
            self.record(done, &mut gone)?;
        }
        if !done.outcome.parks() {
            self.execute(CLOSE, [id])?;
        }
        self.add_parts(done, &mut gone)?;
        Ok(gone)
    }

    /// Writes outcome and first link into the work's own row. The link is left out when another message has it for good.
    fn record(&self, done: &Done, gone: &mut Vec<i64>) -> Result<(), StoreError> {
        let (id, state, reason) = (done.id.0, done.outcome.state().code(), done.outcome.reason());
        match &done.links {
            Links::Remote { chat, ids } if !ids.is_empty() => {
                let (chat, remote_id) = (chat.as_str(), ids[0].as_str());
                let row = params![id, state, reason, self.now_ms, chat, remote_id];
                if self.execute_unless_taken(RECORD_REMOTE, row)? {
                    return Ok(());
                }
                self.remove_echo(chat, remote_id, id, gone)?;
                if self.execute_unless_taken(RECORD_REMOTE, row)? {
                    return Ok(());
                }
            }
            Links::Matrix { room_id, event_ids } if !event_ids.is_empty() => {
                let row = params![id, state, reason, self.now_ms, room_id.as_str(), event_ids[0].as_str()];
                if self.execute_unless_taken(RECORD_EVENT, row)? {
                    return Ok(());
                }
            }
            _ => return self.execute(RECORD, params![id, state, reason, self.now_ms]).map(drop),
        }
        tracing::warn!(id, "Another message has this id already, the link is left out.");
        self.execute(RECORD, params![id, state, reason, self.now_ms]).map(drop)
    }

    fn add_parts(&mut self, done: &Done, gone: &mut Vec<i64>) -> Result<(), StoreError> {
        let (id, now_ms) = (done.id.0, self.now_ms);
        match &done.links {
            Links::None => {}
            Links::Remote { chat, ids } => {
                for (part, remote_id) in ids.iter().enumerate().skip(1) {
                    let (chat, remote_id) = (chat.as_str(), remote_id.as_str());
                    self.remove_echo(chat, remote_id, id, gone)?;
                    let new = self.take_id();
                    self.execute(ADD_REMOTE, params![id, new, part, now_ms, chat, remote_id])?;
                }
            }
            Links::Matrix { room_id, event_ids } => {
                for (part, event_id) in event_ids.iter().enumerate().skip(1) {
                    let new = self.take_id();
                    let row = params![id, new, part, now_ms, room_id.as_str(), event_id.as_str()];
                    self.execute(ADD_EVENT, row)?;
                }
            }
        }
        Ok(())
    }

    fn remove_echo(
        &self,
        chat: &str,
        remote_id: &str,
        own: i64,
        gone: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(ECHO_OF)?;
        let echoes = statement.query_map(params![remote_id, chat, own], |row| row.get::<_, i64>(0))?;
        for echo in echoes.collect::<Result<Vec<_>, _>>()? {
            self.execute(CLOSE, [echo])?;
            gone.push(echo);
        }
        Ok(())
    }

    fn confirm(&mut self, echo: &Echo) -> Result<(), StoreError> {
        let (chat, remote_id) = (echo.chat.as_str(), echo.remote_id.as_str());
        let (room_id, event_id) = (echo.room_id.as_str(), echo.event_id.as_str());
        let mut statement = self.connection.prepare_cached(SENT)?;
        let mut found = statement.query([remote_id, chat])?;
        let Some(row) = found.next()? else { return Ok(()) };
        let (id, state, missing): (i64, i64, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        drop(found);
        if echo.part == 0 && missing {
            self.execute_unless_taken(FILL, params![id, room_id, event_id])?;
        }
        if echo.part > 0 && !self.exists(HAS_PART, params![remote_id, chat, echo.part])? {
            let new = self.take_id();
            self.execute(ADD_EVENT, params![id, new, echo.part, self.now_ms, room_id, event_id])?;
        }
        if echo.reach == Reach::Whole && state != MessageState::Delivered.code() {
            self.execute(CLOSE, [id])?;
            self.execute(RECORD, params![id, MessageState::Delivered.code(), None::<&str>, self.now_ms])?;
        }
        Ok(())
    }

    fn script(&self, script: &Script) -> Result<Applied, StoreError> {
        let mut first = None;
        for Step { sql, params } in &script.steps {
            let mut statement = self.connection.prepare_cached(sql)?;
            bind(&mut statement, params)?;
            let (touched, returned) = if statement.column_count() > 0 {
                let returned = rows(&mut statement)?;
                (returned.len(), returned)
            } else {
                (statement.raw_execute()?, Vec::new())
            };
            first.get_or_insert((touched, returned));
            if touched == 0 && !script.to_the_end {
                break;
            }
        }
        let (touched, returned) = first.unwrap_or_default();
        Ok(Applied::Script(u64::try_from(touched).unwrap_or(u64::MAX), returned))
    }

    fn take_id(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    fn exists(&self, sql: &str, params: impl Params) -> Result<bool, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.exists(params)?)
    }

    /// False when a unique index stood against it; the transaction goes on.
    fn execute_unless_taken(&self, sql: &str, params: impl Params) -> Result<bool, StoreError> {
        match self.connection.prepare_cached(sql)?.execute(params) {
            Ok(_) => Ok(true),
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
