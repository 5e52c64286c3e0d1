//! Polls: their words for rooms, and votes in those that the bot itself has opened, since Telegram tells of no others.

use magpie_common::message::{Node, RemoteEvent, RichText};
use serde_json::Value;

use super::sender;
use crate::{json::text, session::world::Known};

/// The answers of a poll.
pub(super) fn answers(poll: &Value) -> Vec<String> {
    let options = poll["options"].as_array().into_iter().flatten();
    options.map(|option| text(&option["text"]).to_owned()).collect()
}

/// A poll as words: the question, the answers with their votes, and where one can vote.
pub(super) fn words(poll: &Value) -> RichText {
    let mut nodes = vec![Node::Strong(RichText::plain(&format!("📊 {}", text(&poll["question"]))).0)];
    let options = poll["options"].as_array().into_iter().flatten();
    let item = |option: &Value| {
        let votes = option["voter_count"].as_u64().unwrap_or_default();
        let counted = if votes > 0 { format!(" ({votes})") } else { String::new() };
        vec![Node::Text(format!("{}{counted}", text(&option["text"])).replace('\n', " "))]
    };
    nodes.push(Node::List { start: Some(1), items: options.map(item).collect() });
    let how = if poll["is_closed"] == true { "The poll is closed." } else { "Vote in Telegram." };
    nodes.push(Node::Emphasis(vec![Node::Text(how.to_owned())]));
    RichText(nodes)
}

/// A vote; nothing for a poll that is not the bot's, or was opened too long ago.
pub(super) fn answered(told: &Value, known: &Known) -> Vec<RemoteEvent> {
    let vote = || {
        let (spot, number) = known.polls.peek(text(&told["poll_id"]))?;
        let answers = told["option_ids"].as_array()?.iter();
        let answers = answers.filter_map(|nth| u32::try_from(nth.as_u64()?).ok()).collect();
        let sender = sender::actor(&told["user"], &told["voter_chat"])?;
        Some(RemoteEvent::Vote { chat: spot.id(), target: spot.message(*number), sender, answers })
    };
    vote().into_iter().collect()
}
