//! `failed`, `retry` and `drop`: what did not get through, and what a person does about it.

use std::fmt::Write;

use futures_util::FutureExt;

use super::{
    Command, Desk, Place, Section, age,
    arguments::{Argument, Kind, Needed},
    said,
};
use crate::{
    config::Level,
    store::{Direction, MessageState, StoreError},
};

/// So many rows are listed at once.
const LISTED_MAX: usize = 20;

/// More of a reason than this is not shown in the list.
const REASON_CHARS_MAX: usize = 200;

const NUMBER: Argument = Argument { name: "number", kind: Kind::Number, needed: Needed::Always };

pub(super) const FAILED: Command = Command {
    name: "failed",
    aliases: &[],
    section: Section::Failures,
    arguments: &[],
    help: "Lists what did not get through, with numbers for retry and drop.",
    example: "failed",
    level: Level::Admin,
    place: Place::Anywhere,
    effect: |desk, _| async move { failed(desk).await.map(said) }.boxed(),
};

pub(super) const RETRY: Command = Command {
    name: "retry",
    aliases: &[],
    section: Section::Failures,
    arguments: &[NUMBER],
    help: "Tries again what did not get through. An uncertain message may then appear twice.",
    example: "retry 17",
    level: Level::Admin,
    place: Place::Anywhere,
    effect: |desk, asked| {
        async move {
            let id = asked.given.number();
            Ok(said(match desk.store.retry(id).await? {
                true => format!("{} is on its way again.", id.get()),
                false => format!("Nothing is parked under {}. It may have been retried already.", id.get()),
            }))
        }
        .boxed()
    },
};

pub(super) const DROP: Command = Command {
    name: "drop",
    aliases: &[],
    section: Section::Failures,
    arguments: &[NUMBER],
    help: "Gives up what did not get through.",
    example: "drop 17",
    level: Level::Admin,
    place: Place::Anywhere,
    effect: |desk, asked| {
        async move {
            let id = asked.given.number();
            Ok(said(match desk.store.drop_row(id).await? {
                true => format!("{} is given up.", id.get()),
                false => format!("Nothing is parked under {}.", id.get()),
            }))
        }
        .boxed()
    },
};

async fn failed(desk: &Desk) -> Result<String, StoreError> {
    let rows = desk.store.parked(LISTED_MAX + 1).await?;
    if rows.is_empty() {
        return Ok("Nothing has failed.".to_owned());
    }
    let now_ms = desk.clock.now_ms();
    let mut answer = String::from("Did not get through:\n");
    for row in rows.iter().take(LISTED_MAX) {
        let way = match row.direction {
            Direction::FromMatrix => format!("to {}", desk.about.name),
            Direction::FromRemote => format!("from {}", desk.about.name),
        };
        let state = match row.state {
            MessageState::Uncertain => "uncertain",
            _ => "failed",
        };
        let reason: String =
            row.reason.as_deref().unwrap_or("no reason was kept").chars().take(REASON_CHARS_MAX).collect();
        let _ = writeln!(
            answer,
            "{}: {state}, {way}, {} ago — {reason}",
            row.id.get(),
            age(row.accepted_ms, now_ms)
        );
    }
    if rows.len() > LISTED_MAX {
        answer.push_str("… and more.\n");
    }
    let _ = write!(answer, "`{0} retry <number>` tries again, `{0} drop <number>` gives up.", desk.prefix);
    Ok(answer)
}
