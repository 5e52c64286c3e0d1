//! What each operation does inside a group's transaction: one statement for each kind of operation, however many there are.
//!
//! Inside a stretch of a group the kinds run one after the other: records of finished work, notes, then new work from Matrix,
//! then new work from the network, each kind in the order of submission. Scripts keep their place between stretches.

use std::borrow::Cow;

use sqlx::{PgConnection, Row as _};

use super::{
    super::{
        MatrixEvent, MessageState, RemoteRow, StoreError,
        journal::TRIED,
        kv::KV_SET,
        operation::{Applied, Operation, Script},
    },
    execute_on, fetch_on,
    text::clean,
};

mod finish;

const ACCEPT: &str = "WITH input AS (SELECT * FROM UNNEST($1::bigint[], $2::smallint[], $3::bigint[], $4::text[], \
     $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) \
     AS t(id, state, sent_ms, room_id, event_id, sender, reason, lane, body)), \
     fresh AS (INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, done_ms, \
     room_id, event_id, sender, reason) SELECT id, 0, state, 0, 0, sent_ms, $10, \
     CASE WHEN reason IS NULL THEN NULL ELSE $10 END, room_id, event_id, sender, reason FROM input ORDER BY id \
     ON CONFLICT (event_id, event_part) WHERE event_id IS NOT NULL DO NOTHING RETURNING id) \
     INSERT INTO journal (id, direction, parked, attempts, accepted_ms, lane, body) \
     SELECT i.id, 0, CASE WHEN i.reason IS NULL THEN 0 ELSE 1 END, 0, $10, i.lane, i.body \
     FROM input i JOIN fresh f ON f.id = i.id RETURNING id";
const PUSH: &str = "WITH input AS (SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], \
     $5::text[], $6::text[], $7::text[]) AS t(id, sent_ms, chat, remote_id, sender, lane, body)), \
     fresh AS (INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, \
     chat, remote_id, sender) SELECT id, 1, 0, 0, 0, sent_ms, $8, chat, remote_id, sender FROM input ORDER BY id \
     ON CONFLICT (remote_id, chat, remote_part) WHERE remote_id IS NOT NULL DO NOTHING RETURNING id) \
     INSERT INTO journal (id, direction, parked, attempts, accepted_ms, lane, body) \
     SELECT i.id, 1, 0, 0, $8, i.lane, i.body FROM input i JOIN fresh f ON f.id = i.id RETURNING id";
const ATTEMPT: &str = "UPDATE journal SET attempts = attempts + 1 WHERE id = $1";

/// Whether links are written, or left out because one of them belongs to another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    Links,
    NoLinks,
}

/// One transaction in the making.
pub(super) struct Group<'a> {
    pub(super) connection: &'a mut PgConnection,
    pub(super) now_ms: i64,
    /// The writer numbers the rows itself: a number is never used twice while the process runs, even when its row went away.
    pub(super) next_id: i64,
    pub(super) with: With,
}

/// Whether a group needs no transaction around it.
pub(super) fn is_one_statement(operations: &[Operation]) -> bool {
    let only_accepts = operations.iter().all(|operation| matches!(operation, Operation::Accept { .. }));
    let only_pushes = operations
        .iter()
        .all(|operation| matches!(operation, Operation::Push { row: RemoteRow { cursor: None, .. }, .. }));
    only_accepts || only_pushes
}

impl Group<'_> {
    pub(super) async fn apply(&mut self, operations: &[Operation]) -> Result<Vec<Applied>, StoreError> {
        let mut applied: Vec<Applied> = operations.iter().map(|_| Applied::Nothing).collect();
        let mut start = 0;
        for (place, operation) in operations.iter().enumerate() {
            let Operation::Script { script, .. } = operation else { continue };
            self.stretch(&operations[start..place], &mut applied[start..place]).await?;
            applied[place] = self.script(script).await?;
            start = place + 1;
        }
        self.stretch(&operations[start..], &mut applied[start..]).await?;
        Ok(applied)
    }

    async fn stretch(&mut self, operations: &[Operation], applied: &mut [Applied]) -> Result<(), StoreError> {
        self.finish(operations, applied).await?;
        for operation in operations {
            if let Operation::Attempt(id) = operation {
                execute_on(self.connection, ATTEMPT, &[id.0.into()]).await?;
                execute_on(self.connection, TRIED, &[id.0.into()]).await?;
            }
        }
        self.confirm(operations).await?;
        self.accept(operations, applied).await?;
        self.push(operations, applied).await
    }

    async fn accept(&mut self, operations: &[Operation], applied: &mut [Applied]) -> Result<(), StoreError> {
        let first = self.next_id;
        let events: Vec<&MatrixEvent> = operations
            .iter()
            .flat_map(|operation| match operation {
                Operation::Accept { events, .. } => events.as_slice(),
                _ => &[],
            })
            .collect();
        let new = if events.is_empty() { Vec::new() } else { self.insert_events(&events).await? };
        let mut ids = first..;
        let mut new = new.into_iter().peekable();
        for (operation, applied) in operations.iter().zip(applied) {
            let Operation::Accept { events, .. } = operation else { continue };
            let found = ids.by_ref().take(events.len()).map(|id| new.next_if_eq(&id)).collect();
            *applied = Applied::Accept(found);
        }
        Ok(())
    }

    /// The ids of the events that were new, in order.
    async fn insert_events(&mut self, events: &[&MatrixEvent]) -> Result<Vec<i64>, StoreError> {
        let state = |event: &&MatrixEvent| match event.parked {
            Some(_) => small(MessageState::Failed.code()),
            None => small(MessageState::Open.code()),
        };
        let ids = self.take_ids(events.len());
        let query = sqlx::query(ACCEPT)
            .bind(ids)
            .bind(events.iter().map(state).collect::<Vec<i16>>())
            .bind(events.iter().map(|event| event.sent_ms).collect::<Vec<i64>>())
            .bind(events.iter().map(|event| clean(&event.room_id)).collect::<Vec<_>>())
            .bind(events.iter().map(|event| clean(&event.event_id)).collect::<Vec<_>>())
            .bind(events.iter().map(|event| clean(&event.sender)).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.parked.as_deref().map(clean)).collect::<Vec<_>>())
            .bind(events.iter().map(|event| clean(&event.lane)).collect::<Vec<_>>())
            .bind(events.iter().map(|event| clean(&event.body)).collect::<Vec<_>>())
            .bind(self.now_ms);
        sorted_ids(query.fetch_all(&mut *self.connection).await?)
    }

    async fn push(&mut self, operations: &[Operation], applied: &mut [Applied]) -> Result<(), StoreError> {
        let first = self.next_id;
        let rows: Vec<&RemoteRow> = operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Push { row, .. } => Some(row),
                _ => None,
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut new = self.insert_rows(&rows).await?.into_iter().peekable();
        let mut ids = first..;
        for (operation, applied) in operations.iter().zip(applied) {
            if matches!(operation, Operation::Push { .. }) {
                *applied = Applied::Push(ids.next().and_then(|id| new.next_if_eq(&id)));
            }
        }
        self.move_cursors(&rows).await
    }

    /// The ids of the rows that were new, in order.
    async fn insert_rows(&mut self, rows: &[&RemoteRow]) -> Result<Vec<i64>, StoreError> {
        let chat = |row: &&RemoteRow| row.guard.as_ref().map(|(chat, _)| clean(chat.as_str()).into_owned());
        let remote_id = |row: &&RemoteRow| row.guard.as_ref().map(|(_, id)| clean(id.as_str()).into_owned());
        let ids = self.take_ids(rows.len());
        let query = sqlx::query(PUSH)
            .bind(ids)
            .bind(rows.iter().map(|row| row.sent_ms).collect::<Vec<i64>>())
            .bind(rows.iter().map(chat).collect::<Vec<_>>())
            .bind(rows.iter().map(remote_id).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.sender.as_ref().map(|id| clean(id.as_str()))).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| clean(&row.lane)).collect::<Vec<Cow<'_, str>>>())
            .bind(rows.iter().map(|row| clean(&row.body)).collect::<Vec<_>>())
            .bind(self.now_ms);
        sorted_ids(query.fetch_all(&mut *self.connection).await?)
    }

    /// Writes the last place of each stream.
    async fn move_cursors(&mut self, rows: &[&RemoteRow]) -> Result<(), StoreError> {
        let mut written = Vec::new();
        for cursor in rows.iter().rev().filter_map(|row| row.cursor.as_ref()) {
            if written.contains(&(&cursor.login, &cursor.key)) {
                continue;
            }
            written.push((&cursor.login, &cursor.key));
            let place =
                [cursor.login.as_str().into(), cursor.key.as_str().into(), cursor.value.as_str().into()];
            execute_on(self.connection, KV_SET, &place).await?;
        }
        Ok(())
    }

    async fn script(&mut self, script: &Script) -> Result<Applied, StoreError> {
        let mut first = None;
        for step in &script.steps {
            let (touched, returned) = if step.sql.contains("RETURNING") {
                let returned = fetch_on(self.connection, step.sql, &step.params).await?;
                (returned.len() as u64, returned)
            } else {
                (execute_on(self.connection, step.sql, &step.params).await?, Vec::new())
            };
            first.get_or_insert((touched, returned));
            if touched == 0 && !script.to_the_end {
                break;
            }
        }
        let (touched, returned) = first.unwrap_or_default();
        Ok(Applied::Script(touched, returned))
    }

    fn take_ids(&mut self, count: usize) -> Vec<i64> {
        let ids: Vec<i64> = (self.next_id..).take(count).collect();
        self.next_id = ids.last().map_or(self.next_id, |last| last + 1);
        ids
    }
}

/// States and parts are small by construction; a part beyond is refused by the column's own limit.
fn small(value: i64) -> i16 {
    i16::try_from(value).unwrap_or(i16::MAX)
}

fn sorted_ids(rows: Vec<sqlx::postgres::PgRow>) -> Result<Vec<i64>, StoreError> {
    let mut ids = rows.iter().map(|row| row.try_get::<i64, _>(0)).collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    Ok(ids)
}
