//! `trace`: the whole life of one message.

use std::fmt::Write;

use futures_util::FutureExt;

use super::{
    Command, Desk, Place, Section, age,
    arguments::{Argument, Kind, Needed},
    said,
};
use crate::{
    config::Level,
    store::{Direction, MessageState, StoreError, TraceRow},
};

const MESSAGE: Argument = Argument { name: "event or message id", kind: Kind::Word, needed: Needed::Always };

pub(super) const TRACE: Command = Command {
    name: "trace",
    aliases: &[],
    section: Section::Failures,
    arguments: &[MESSAGE],
    help: "Tells what became of a message, step by step.",
    example: "trace $event",
    level: Level::Admin,
    place: Place::Anywhere,
    effect: |desk, asked| {
        async move { trace(desk, asked.given.word().unwrap_or_default()).await.map(said) }.boxed()
    },
};

async fn trace(desk: &Desk, needle: &str) -> Result<String, StoreError> {
    let rows = desk.store.trace(needle).await?;
    if rows.is_empty() {
        return Ok("This bridge never accepted a message with that id.".to_owned());
    }
    let now_ms = desk.clock.now_ms();
    let mut answer = String::new();
    for row in &rows {
        tell(row, desk.about.name, now_ms, &mut answer);
    }
    Ok(answer.trim_end().to_owned())
}

fn tell(row: &TraceRow, network: &str, now_ms: i64, answer: &mut String) {
    let message = &row.message;
    let way = match message.origin {
        Direction::FromMatrix => format!("from Matrix to {network}"),
        Direction::FromRemote => format!("from {network} to Matrix"),
    };
    let _ =
        writeln!(answer, "{} {way}, part {}: {}", message.id.get(), message.part, state_words(message.state));
    if let Some(reason) = &message.reason {
        let _ = writeln!(answer, "  reason: {reason}");
    }
    let _ = writeln!(answer, "  accepted {} ago", age(row.accepted_ms, now_ms));
    if let Some(done_ms) = row.done_ms {
        let _ = writeln!(answer, "  done {} ms after that", done_ms.saturating_sub(row.accepted_ms));
    }
    if let Some(event_id) = &message.event_id {
        let _ = writeln!(answer, "  event {event_id}");
    }
    if let Some((chat, id)) = message.chat.as_ref().zip(message.remote_id.as_ref()) {
        let _ = writeln!(answer, "  message {id} in chat {chat}");
    }
    if let Some(journal) = &row.journal {
        let state = if journal.parked { "parked" } else { "open" };
        let _ = writeln!(answer, "  {state}, tried {} times", journal.attempts);
    }
}

fn state_words(state: MessageState) -> &'static str {
    match state {
        MessageState::Open => "on its way",
        MessageState::Delivered => "delivered",
        MessageState::Ignored => "nothing to do",
        MessageState::Failed => "failed",
        MessageState::Uncertain => "uncertain",
        MessageState::Dropped => "given up",
        MessageState::Gone => "taken back",
    }
}
