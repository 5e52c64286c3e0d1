//! `failed`, `retry` and `drop`: what did not get through, and what a person does about it.

use std::fmt::Write;

use futures_util::FutureExt;

use super::{Command, Desk, age, said};
use crate::{
    config::Level,
    store::{Direction, JournalId, MessageState, StoreError},
};

/// So many rows are listed at once.
const LISTED_MAX: usize = 20;

/// More of a reason than this is not shown in the list.
const REASON_CHARS_MAX: usize = 200;

pub(super) const FAILED: Command = Command {
    name: "failed",
    arguments: "",
    help: "Lists what did not get through, with numbers for retry and drop.",
    level: Level::Admin,
    effect: |desk, _| async move { failed(desk).await.map(said) }.boxed(),
};

pub(super) const RETRY: Command = Command {
    name: "retry",
    arguments: "<number>",
    help: "Tries again what did not get through. An uncertain message may then appear twice.",
    level: Level::Admin,
    effect: |desk, asked| {
        async move {
            let Some(id) = number(asked.arguments) else { return Ok(said(usage(desk, "retry"))) };
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
    arguments: "<number>",
    help: "Gives up what did not get through.",
    level: Level::Admin,
    effect: |desk, asked| {
        async move {
            let Some(id) = number(asked.arguments) else { return Ok(said(usage(desk, "drop"))) };
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

fn number(arguments: &str) -> Option<JournalId> {
    arguments.parse().ok().map(JournalId::new)
}

fn usage(desk: &Desk, name: &str) -> String {
    format!(
        "Say which one: `{prefix} {name} <number>`, with a number that `{prefix} failed` shows.",
        prefix = desk.prefix
    )
}
