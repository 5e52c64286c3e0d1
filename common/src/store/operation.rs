//! The closed set of things that the writer can be asked to do, and what happens once a group is committed or refused.
//!
//! The order after a commit is an invariant: first newly stored work goes to the feed, in commit order, then callers are answered.

use std::collections::HashSet;

use tokio::sync::oneshot;

use super::{
    Accepted, Direction, Done, Echo, Feed, JournalId, MatrixEvent, OpenRow, PushOrder, RemoteRow, StoreError,
    Stored,
    queue::Queue,
    value::{Row, Value},
};
use crate::clock::TimestampMs;

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

pub(super) enum Operation {
    Accept { events: Vec<MatrixEvent>, reply: Reply<Accepted> },
    Push { row: RemoteRow, order: PushOrder, reply: Reply<Stored> },
    Finish { done: Done, reply: Option<Reply<()>> },
    Confirm(Echo),
    Attempt(JournalId),
    Script { script: Script, reply: Reply<u64> },
}

impl Operation {
    pub(super) fn is_awaited(&self) -> bool {
        !matches!(self, Self::Confirm(_) | Self::Attempt(_) | Self::Finish { reply: None, .. })
    }
}

/// Portable statements that run in order.
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    /// Whether all of them run; otherwise they stop at the first that touches nothing.
    pub(super) to_the_end: bool,
    /// Whether the first step returns journal rows that are open again and go to the feed.
    pub(super) feeds: bool,
}

pub(super) struct Step {
    pub(super) sql: &'static str,
    pub(super) params: Vec<Value>,
}

/// What an operation did inside the transaction, kept until the commit.
pub(super) enum Applied {
    /// The ids of new rows; `None` for known events.
    Accept(Vec<Option<i64>>),
    Push(Option<i64>),
    /// Echoes that were stored first and are gone.
    Finish(Vec<i64>),
    /// How many rows the first step touched, and what it returned.
    Script(u64, Vec<Row>),
    Nothing,
}

/// Hands stored work to the feed and answers the callers of a committed group.
pub(super) fn settle(
    operations: &mut Vec<Operation>,
    applied: Vec<Applied>,
    now_ms: TimestampMs,
    feed: &dyn Feed,
) {
    let mut rows = Vec::new();
    let mut gone = HashSet::new();
    let mut answers: Vec<Answer> = Vec::with_capacity(applied.len());
    for (operation, applied) in operations.drain(..).zip(applied) {
        match (operation, applied) {
            (Operation::Accept { events, reply }, Applied::Accept(ids)) => {
                let new = ids.iter().flatten().count();
                answers.push(Answer::Accept(reply, Accepted { new, known: ids.len() - new }));
                rows.extend(
                    events.into_iter().zip(ids).filter_map(|(event, id)| open_event(event, id?, now_ms)),
                );
            }
            (Operation::Push { row, reply, .. }, Applied::Push(id)) => {
                answers.push(Answer::Push(reply, if id.is_some() { Stored::New } else { Stored::Known }));
                rows.extend(id.filter(|_| !row.held).map(|id| open_remote(row, id, now_ms)));
            }
            (Operation::Finish { reply, .. }, Applied::Finish(echoes)) => {
                gone.extend(echoes);
                answers.extend(reply.map(Answer::Finish));
            }
            (Operation::Script { script, reply }, Applied::Script(touched, returned)) => {
                answers.push(Answer::Script(reply, touched));
                if script.feeds {
                    rows.extend(returned.into_iter().filter_map(|row| open_row(row).ok()));
                }
            }
            _ => {}
        }
    }
    if !gone.is_empty() {
        rows.retain(|row: &OpenRow| !gone.contains(&row.id.0));
    }
    if !rows.is_empty() {
        // PostgreSQL numbers a group by kind; the numbers are the order.
        rows.sort_by_key(|row| row.id);
        feed.stored(rows);
    }
    answers.into_iter().for_each(Answer::send);
}

/// Refuses the pushes whose order was broken by one before them. Called by the writer for all that it is about to store.
pub(super) fn turn_away(operations: &mut Vec<Operation>) {
    let is_late = |operation: &mut Operation| match operation {
        Operation::Push { order, .. } => order.is_broken(),
        _ => false,
    };
    for operation in operations.extract_if(.., is_late) {
        if let Operation::Push { reply, .. } = operation {
            let why = "an earlier event of the same stream was not stored".to_owned();
            let _ = reply.send(Err(StoreError::Refused(why)));
        }
    }
}

/// Answers the callers of a group that was not stored; what nobody waits for is tried again later if that can help.
pub(super) fn refuse(operations: &mut Vec<Operation>, error: &StoreError, queue: &Queue) {
    let mut riders = Vec::new();
    for operation in operations.drain(..) {
        match operation {
            Operation::Accept { reply, .. } => drop(reply.send(Err(error.clone()))),
            Operation::Push { reply, order, .. } => {
                order.end();
                let _ = reply.send(Err(error.clone()));
            }
            Operation::Finish { reply: Some(reply), .. } => drop(reply.send(Err(error.clone()))),
            Operation::Script { reply, .. } => drop(reply.send(Err(error.clone()))),
            rider if error.is_passing() => riders.push(rider),
            Operation::Finish { done, reply: None } => {
                tracing::error!(id = done.id.0, %error, "A record of finished work is lost, its row stays open.");
            }
            Operation::Confirm(_) | Operation::Attempt(_) => {
                tracing::warn!(%error, "A note about open work is lost.");
            }
        }
    }
    if !riders.is_empty() {
        queue.put_back(riders);
    }
}

/// Reads id, direction, lane, body, attempts, accepted_ms.
pub(super) fn open_row(mut row: Row) -> Result<OpenRow, StoreError> {
    let mut row = OpenRow {
        id: JournalId(row.int()?),
        direction: Direction::from_code(row.int()?),
        lane: row.text()?.into(),
        body: row.text()?,
        attempts: u32::try_from(row.int()?).unwrap_or(u32::MAX),
        accepted_ms: row.int()?,
        sent_ms: 0,
    };
    row.sent_ms = row.accepted_ms;
    Ok(row)
}

enum Answer {
    Accept(Reply<Accepted>, Accepted),
    Push(Reply<Stored>, Stored),
    Finish(Reply<()>),
    Script(Reply<u64>, u64),
}

impl Answer {
    /// A caller that went away needs no answer.
    fn send(self) {
        match self {
            Self::Accept(reply, accepted) => drop(reply.send(Ok(accepted))),
            Self::Push(reply, stored) => drop(reply.send(Ok(stored))),
            Self::Finish(reply) => drop(reply.send(Ok(()))),
            Self::Script(reply, touched) => drop(reply.send(Ok(touched))),
        }
    }
}

fn open_event(event: MatrixEvent, id: i64, accepted_ms: TimestampMs) -> Option<OpenRow> {
    event.parked.is_none().then_some(OpenRow {
        id: JournalId(id),
        direction: Direction::FromMatrix,
        lane: event.lane,
        body: event.body,
        attempts: 0,
        accepted_ms,
        sent_ms: event.sent_ms,
    })
}

fn open_remote(row: RemoteRow, id: i64, accepted_ms: TimestampMs) -> OpenRow {
    OpenRow {
        id: JournalId(id),
        direction: Direction::FromRemote,
        lane: row.lane,
        body: row.body,
        attempts: 0,
        accepted_ms,
        sent_ms: row.sent_ms,
    }
}
