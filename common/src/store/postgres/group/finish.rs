//! Records of finished work and of our own events that came back.

use std::borrow::Cow;

use super::{
    super::{
        super::{
            Done, Echo, Links, MessageState, Reach, StoreError,
            operation::{Applied, Operation},
            value::Value,
        },
        execute_on, row,
    },
    Group, With, clean, small,
};

/// Bounding each table by a list of keys keeps the plan to its index, whatever the planner believes of the table's size.
macro_rules! input {
    () => {
        "WITH input AS (SELECT * FROM UNNEST($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::text[], \
         $6::text[], $7::text[]) AS t(id, state, reason, chat, remote_id, room_id, event_id)), "
    };
}
macro_rules! record {
    () => {
        "UPDATE message m SET state = i.state, reason = i.reason, done_ms = $8, chat = COALESCE(i.chat, m.chat), \
         remote_id = COALESCE(i.remote_id, m.remote_id), room_id = COALESCE(i.room_id, m.room_id), \
         event_id = COALESCE(i.event_id, m.event_id) "
    };
}

const CLOSE: &str = concat!(
    input!(),
    "closed AS (DELETE FROM journal WHERE id = ANY($1)) ",
    record!(),
    "FROM input i WHERE m.id = i.id AND m.id = ANY($1)"
);
const PARK: &str = concat!(
    input!(),
    "held AS (UPDATE journal SET parked = 1 WHERE id = ANY($1) RETURNING id) ",
    record!(),
    "FROM input i JOIN held h ON h.id = i.id WHERE m.id = i.id AND m.id = ANY($1)"
);
const ECHOES: &str = "WITH input AS (SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[]) \
     AS t(id, chat, remote_id)), \
     echo AS (DELETE FROM message m USING input i WHERE m.remote_id = i.remote_id AND m.chat = i.chat \
     AND m.remote_part = 0 AND m.event_id IS NULL AND m.id <> i.id AND m.remote_id = ANY($3) RETURNING m.id), \
     closed AS (DELETE FROM journal WHERE id = ANY(ARRAY(SELECT id FROM echo))) SELECT id FROM echo";
const ADD_REMOTE: &str = "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, \
     done_ms, room_id, event_id, chat, remote_id, sender) SELECT $2::bigint, origin, 1, $3::bigint, 0, sent_ms, \
     accepted_ms, $4::bigint, room_id, event_id, $5::text, $6::text, sender FROM message WHERE id = $1 \
     ON CONFLICT DO NOTHING";
const ADD_EVENT: &str = "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, \
     done_ms, room_id, event_id, chat, remote_id, sender) SELECT $2::bigint, origin, 1, 0, $3::bigint, sent_ms, \
     accepted_ms, $4::bigint, $5::text, $6::text, chat, remote_id, sender FROM message WHERE id = $1 \
     ON CONFLICT DO NOTHING";
const SENT: &str = "SELECT i.place, m.id, m.state, CASE WHEN m.event_id IS NULL THEN 1 ELSE 0 END, \
     CASE WHEN EXISTS (SELECT 1 FROM message p WHERE p.remote_id = i.remote_id AND p.chat = i.chat \
     AND p.remote_part = i.part) THEN 1 ELSE 0 END \
     FROM UNNEST($1::text[], $2::text[], $3::smallint[]) WITH ORDINALITY AS i(chat, remote_id, part, place) \
     JOIN message m ON m.remote_id = i.remote_id AND m.chat = i.chat \
     WHERE m.remote_part = 0 AND m.origin = 1 AND m.remote_id = ANY($2)";
const FILL: &str = "UPDATE message SET room_id = $2, event_id = $3 WHERE id = $1 AND event_id IS NULL";
const ARRIVED: &str = "WITH closed AS (DELETE FROM journal WHERE id = $1) \
     UPDATE message SET state = 1, reason = NULL, done_ms = $2 WHERE id = $1";

impl Group<'_> {
    pub(super) async fn finish(
        &mut self,
        operations: &[Operation],
        applied: &mut [Applied],
    ) -> Result<(), StoreError> {
        let done: Vec<&Done> = operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Finish { done, .. } => Some(done),
                _ => None,
            })
            .collect();
        if done.is_empty() {
            return Ok(());
        }
        // All echoes are reported with the first record: it only matters that they are not fed.
        let mut gone = self.remove_echoes(&done).await?;
        let (parked, closed): (Vec<_>, Vec<_>) = done.iter().partition(|done| done.outcome.parks());
        self.record(CLOSE, &closed).await?;
        self.record(PARK, &parked).await?;
        if self.with == With::Links {
            for done in &done {
                self.add_parts(done).await?;
            }
        }
        for (operation, applied) in operations.iter().zip(applied) {
            if matches!(operation, Operation::Finish { .. }) {
                *applied = Applied::Finish(std::mem::take(&mut gone));
            }
        }
        Ok(())
    }

    async fn remove_echoes(&mut self, done: &[&Done]) -> Result<Vec<i64>, StoreError> {
        let (mut owners, mut chats, mut remote_ids) = (Vec::new(), Vec::new(), Vec::new());
        for done in done {
            let Links::Remote { chat, ids } = &done.links else { continue };
            for id in ids {
                owners.push(done.id.0);
                chats.push(clean(chat.as_str()));
                remote_ids.push(clean(id.as_str()));
            }
        }
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let query = sqlx::query(ECHOES).bind(owners).bind(chats).bind(remote_ids);
        query.fetch_all(&mut *self.connection).await?.iter().map(|found| row(found)?.int()).collect()
    }

    async fn record(&mut self, sql: &'static str, done: &[&&Done]) -> Result<(), StoreError> {
        if done.is_empty() {
            return Ok(());
        }
        let links: Vec<FirstLink<'_>> = done.iter().map(|done| first_link(done, self.with)).collect();
        let query = sqlx::query(sql)
            .bind(done.iter().map(|done| done.id.0).collect::<Vec<i64>>())
            .bind(done.iter().map(|done| small(done.outcome.state().code())).collect::<Vec<i16>>())
            .bind(done.iter().map(|done| done.outcome.reason().map(clean)).collect::<Vec<_>>())
            .bind(links.iter().map(|link| link.chat.clone()).collect::<Vec<_>>())
            .bind(links.iter().map(|link| link.remote_id.clone()).collect::<Vec<_>>())
            .bind(links.iter().map(|link| link.room_id).collect::<Vec<_>>())
            .bind(links.iter().map(|link| link.event_id).collect::<Vec<_>>())
            .bind(self.now_ms);
        query.execute(&mut *self.connection).await?;
        Ok(())
    }

    async fn add_parts(&mut self, done: &Done) -> Result<(), StoreError> {
        let (sql, owner, ids): (_, &str, Vec<&str>) = match &done.links {
            Links::None => return Ok(()),
            Links::Remote { chat, ids } => {
                (ADD_REMOTE, chat.as_str(), ids.iter().map(|id| id.as_str()).collect())
            }
            Links::Matrix { room_id, event_ids } => {
                (ADD_EVENT, room_id.as_str(), event_ids.iter().map(|id| id.as_str()).collect())
            }
        };
        for (part, id) in ids.into_iter().enumerate().skip(1) {
            self.add_part(sql, done.id.0, part as u64, (owner, id)).await?;
        }
        Ok(())
    }

    async fn add_part(
        &mut self,
        sql: &'static str,
        of: i64,
        part: u64,
        (owner, id): (&str, &str),
    ) -> Result<(), StoreError> {
        let new = self.next_id;
        self.next_id += 1;
        let part = i64::try_from(part).unwrap_or(i64::MAX);
        let params: [Value; 6] =
            [of.into(), new.into(), part.into(), self.now_ms.into(), owner.into(), id.into()];
        execute_on(self.connection, sql, &params).await.map(drop)
    }

    pub(super) async fn confirm(&mut self, operations: &[Operation]) -> Result<(), StoreError> {
        let echoes: Vec<&Echo> = operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Confirm(echo) => Some(echo),
                _ => None,
            })
            .collect();
        if echoes.is_empty() {
            return Ok(());
        }
        let query = sqlx::query(SENT)
            .bind(echoes.iter().map(|echo| clean(echo.chat.as_str())).collect::<Vec<_>>())
            .bind(echoes.iter().map(|echo| clean(echo.remote_id.as_str())).collect::<Vec<_>>())
            .bind(echoes.iter().map(|echo| small(echo.part.into())).collect::<Vec<i16>>());
        for found in query.fetch_all(&mut *self.connection).await? {
            let mut found = row(&found)?;
            let place = usize::try_from(found.int()? - 1).unwrap_or(usize::MAX);
            let Some(echo) = echoes.get(place) else { continue };
            let sent = Sent {
                id: found.int()?,
                state: found.int()?,
                missing: found.int()? == 1,
                part: found.int()? == 1,
            };
            self.confirm_one(echo, &sent).await?;
        }
        Ok(())
    }

    async fn confirm_one(&mut self, echo: &Echo, sent: &Sent) -> Result<(), StoreError> {
        let (room_id, event_id) = (echo.room_id.as_str(), echo.event_id.as_str());
        if echo.part == 0 && sent.missing {
            execute_on(self.connection, FILL, &[sent.id.into(), room_id.into(), event_id.into()]).await?;
        }
        if echo.part > 0 && !sent.part {
            self.add_part(ADD_EVENT, sent.id, echo.part.into(), (room_id, event_id)).await?;
        }
        if echo.reach == Reach::Whole && sent.state != MessageState::Delivered.code() {
            execute_on(self.connection, ARRIVED, &[sent.id.into(), self.now_ms.into()]).await?;
        }
        Ok(())
    }
}

/// What the database knows of a remote message whose event came back.
struct Sent {
    id: i64,
    state: i64,
    missing: bool,
    part: bool,
}

#[derive(Default)]
struct FirstLink<'a> {
    chat: Option<Cow<'a, str>>,
    remote_id: Option<Cow<'a, str>>,
    room_id: Option<&'a str>,
    event_id: Option<&'a str>,
}

fn first_link<'a>(done: &'a Done, with: With) -> FirstLink<'a> {
    match &done.links {
        Links::Remote { chat, ids } if with == With::Links && !ids.is_empty() => FirstLink {
            chat: Some(clean(chat.as_str())),
            remote_id: Some(clean(ids[0].as_str())),
            ..FirstLink::default()
        },
        Links::Matrix { room_id, event_ids } if with == With::Links && !event_ids.is_empty() => FirstLink {
            room_id: Some(room_id.as_str()),
            event_id: Some(event_ids[0].as_str()),
            ..FirstLink::default()
        },
        _ => FirstLink::default(),
    }
}
