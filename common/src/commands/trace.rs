//! `trace`: the whole life of one message.
//!
//! What is recorded comes from the store. What was changed later, the homeserver knows: it is asked, and left out where it does not answer.

use std::{fmt::Write, time::Duration};

use futures_util::FutureExt;
use ruma::EventId;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    Command, Desk, Place, Section, age,
    arguments::{Argument, Kind, Needed},
    said,
};
use crate::{
    config::Level,
    convert::content_relations,
    store::{Direction, JournalId, MessageState, ReactionRow, StoreError, TraceRow},
};

/// A homeserver that has not told all within this time is not waited for.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// More changes than this are counted only.
const CHANGES_TOLD_MAX: usize = 5;

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
    let rows = match needle.strip_prefix('#').and_then(|number| number.parse().ok()) {
        Some(number) => desk.store.trace_row(JournalId::new(number)).await?.into_iter().collect(),
        None => desk.store.trace(needle).await?,
    };
    let mut answer = String::new();
    if let Ok(event_id) = <&EventId>::try_from(needle)
        && let Some(reaction) = desk.store.reaction_by_event(event_id).await?
    {
        tell_reaction(&reaction, desk.about.name, &mut answer);
    }
    if rows.is_empty() && answer.is_empty() {
        return Ok(format!(
            "This bridge never accepted a message with that id. If it should have, neither the homeserver nor {} has handed it over: \
             `doctor` tests both ways.",
            desk.about.name
        ));
    }
    let (now_ms, deadline) = (desk.clock.now_ms(), Instant::now() + ANSWER_MAX);
    for row in &rows {
        tell(row, desk.about.name, now_ms, &mut answer);
        if row.message.part == 0 {
            tell_changes(desk, row, deadline, &mut answer).await;
        }
        if let Some((chat, id)) = row.message.chat.as_ref().zip(row.message.remote_id.as_ref()) {
            tell_reactions(&desk.store.reactions(chat, id).await?, desk.about.name, &mut answer);
        }
    }
    Ok(answer.trim_end().to_owned())
}

fn tell_reaction(reaction: &ReactionRow, network: &str, answer: &mut String) {
    let side = match reaction.origin {
        Direction::FromMatrix => "in Matrix",
        Direction::FromRemote => network,
    };
    let _ = writeln!(answer, "A reaction that stands on both sides, put by {} {side}", reaction.sender);
    let _ = writeln!(answer, "  on message {} in chat {}", reaction.target, reaction.chat);
}

/// Which message an event changes, and which events changed it since.
async fn tell_changes(desk: &Desk, row: &TraceRow, deadline: Instant, answer: &mut String) {
    let Some((room_id, event_id)) = row.message.room_id.as_ref().zip(row.message.event_id.as_ref()) else {
        return;
    };
    let bot = desk.homeserver.bot();
    let asking = async { (bot.event(room_id, event_id).await, bot.edits(room_id, event_id).await) };
    let Ok((event, edits)) = timeout_at(deadline, asking).await else { return };
    let content = event.ok().flatten().and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let relations = content.and_then(|event| content_relations(&event["content"]).ok());
    if let Some(target) = relations.and_then(|relations| relations.edits) {
        let _ = writeln!(answer, "  a change of event {target}");
    }
    let edits = edits.unwrap_or_default();
    if !edits.is_empty() {
        let told: Vec<&str> = edits.iter().take(CHANGES_TOLD_MAX).map(|edit| edit.as_str()).collect();
        let _ = writeln!(answer, "  changes since then: {}, the newest {}", edits.len(), told.join(", "));
    }
}

fn tell_reactions(reactions: &[ReactionRow], network: &str, answer: &mut String) {
    let put = |origin| reactions.iter().filter(|reaction| reaction.origin == origin).count();
    let (ours, theirs) = (put(Direction::FromMatrix), put(Direction::FromRemote));
    if ours + theirs > 0 {
        let _ = writeln!(answer, "  reactions: {ours} from Matrix, {theirs} from {network}");
    }
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
    if let Some(sender) = &message.sender {
        let _ = writeln!(answer, "  from {sender}");
    }
    // The clocks of both sides may differ by a little.
    let waited_ms = row.accepted_ms.saturating_sub(message.sent_ms).max(0);
    let _ = writeln!(
        answer,
        "  accepted {} ago, {waited_ms} ms after it was written",
        age(row.accepted_ms, now_ms)
    );
    match row.tries {
        0 => {}
        1 => answer.push_str("  tried again once\n"),
        tries => {
            let _ = writeln!(answer, "  tried again {tries} times");
        }
    }
    if let Some(done_ms) = row.done_ms {
        let _ = writeln!(answer, "  done {} ms after that", done_ms.saturating_sub(row.accepted_ms));
    }
    if let Some(event_id) = &message.event_id {
        let room = message.room_id.as_ref().map(|room_id| format!(" in room {room_id}"));
        let _ = writeln!(answer, "  event {event_id}{}", room.unwrap_or_default());
    }
    if let Some((chat, id)) = message.chat.as_ref().zip(message.remote_id.as_ref()) {
        let _ = writeln!(answer, "  message {id} in chat {chat}");
    }
    if let Some(journal) = &row.journal {
        let state = if journal.parked { "parked: `retry` or `drop` it" } else { "open" };
        let _ = writeln!(answer, "  {state}, in the lane of {}", journal.lane);
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
