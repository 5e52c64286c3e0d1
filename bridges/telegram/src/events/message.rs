//! Reading a message: words, reply, file, and what stands around them.

use std::hash::{DefaultHasher, Hash, Hasher};

use magpie_common::{
    ids::RemoteMessageId,
    message::{Message, Node, RemoteEvent, RemoteMessage, RichText, Tone},
};
use serde_json::Value;

use super::{
    Reach, extra,
    media::{self, Borne},
    poll, sender, service,
};
use crate::{
    format::{self, Entity},
    json::{at_ms, text},
    place::{Scope, Spot},
    session::world::Known,
};

/// A live location that moves is shown anew only so often, in seconds.
const LIVE_EVERY_SECS: i64 = 60;

/// A new message; nothing when it is ours.
pub(super) fn created(data: &Value, known: &mut Known, reach: Reach) -> Option<Vec<RemoteEvent>> {
    let spot = Spot::of_message(data, known.me)?;
    if let Some(events) = service::read(data, &spot, known) {
        return Some(events);
    }
    if sender::is_own(data, known) {
        return Some(Vec::new());
    }
    let message = read(data, &spot, known, reach)?;
    note_look(data, &spot, known);
    if data["poll"].is_object() {
        let answers = poll::answers(&data["poll"]);
        let choices_max = if data["poll"]["allows_multiple_answers"] == true { answers.len() } else { 1 };
        let choices_max = u32::try_from(choices_max).unwrap_or(u32::MAX);
        return Some(vec![RemoteEvent::Poll { message, answers, choices_max }]);
    }
    Some(vec![RemoteEvent::Message(message)])
}

/// A changed message; nothing when nothing that is shown has changed: Telegram also tells of buttons and of what it counts.
pub(super) fn edited(data: &Value, known: &mut Known, reach: Reach) -> Option<Vec<RemoteEvent>> {
    let spot = Spot::of_message(data, known.me)?;
    if sender::is_own(data, known) || !note_look(data, &spot, known) {
        return Some(Vec::new());
    }
    let edited_ms = at_ms(&data["edit_date"]).or_else(|| at_ms(&data["date"]))?;
    let new = read(data, &spot, known, reach)?;
    Some(vec![RemoteEvent::Edit { new, edited_ms }])
}

/// Remembers what a message shows; false when that was so already.
fn note_look(data: &Value, spot: &Spot, known: &mut Known) -> bool {
    let Some(number) = data["message_id"].as_i64() else { return true };
    let mut look = DefaultHasher::new();
    for key in [
        "text",
        "entities",
        "caption",
        "caption_entities",
        "reply_markup",
        "venue",
        "contact",
        "rich_message",
        "poll",
        "checklist",
    ] {
        data[key].to_string().hash(&mut look);
    }
    media::unique(data).hash(&mut look);
    let place = &data["location"];
    if place["live_period"].is_u64() {
        // So often its place may change.
        (data["edit_date"].as_i64().unwrap_or_default() / LIVE_EVERY_SECS).hash(&mut look);
    } else {
        place.to_string().hash(&mut look);
    }
    let look = look.finish();
    known.looks.put((spot.chat, number), look) != Some(look)
}

fn read(data: &Value, spot: &Spot, known: &Known, reach: Reach) -> Option<RemoteMessage> {
    let id = spot.message(data["message_id"].as_i64()?);
    let sender = sender::of(data)?;
    let sent_ms = at_ms(&data["date"])?;
    let mut message = spoken(data, known, reach)?;
    (message.reply_to, message.thread) = answered(data, spot, known);
    Some(RemoteMessage { chat: spot.id(), id, sender, sent_ms, message })
}

/// What is answered, and the post whose comments it belongs to.
fn answered(data: &Value, spot: &Spot, known: &Known) -> (Option<RemoteMessageId>, Option<RemoteMessageId>) {
    let answered = &data["reply_to_message"];
    let number = answered["message_id"].as_i64();
    let thread = data["message_thread_id"].as_i64();
    if data["is_topic_message"] == true {
        // Every message of a topic answers the one that made it, which is no reply.
        return (number.filter(|number| Some(*number) != thread).map(|number| spot.message(number)), None);
    }
    let is_post = |number: i64| spot.scope == Scope::Chat && known.posts.contains(&(spot.chat, number));
    let is_below_post = answered["is_automatic_forward"] == true;
    let root = thread.filter(|thread| is_post(*thread) || is_below_post && number == Some(*thread));
    let reply_to = number.filter(|number| root != Some(*number));
    (reply_to.map(|number| spot.message(number)), root.map(|root| spot.message(root)))
}

/// What somebody said, or words that say what it was.
fn spoken(data: &Value, known: &Known, reach: Reach) -> Option<Message> {
    let mut message = Message::default();
    let mut body = words(data, known);
    match media::read(data, reach) {
        Some(Borne::File(file)) => message.attachments.push(*file),
        Some(Borne::Words(node)) => join(&mut body, vec![node]),
        None => {}
    }
    if data["poll"].is_object() {
        join(&mut body, poll::words(&data["poll"]).0);
    } else if let Some(said) = extra::said(data) {
        join(&mut body, said.0);
    }
    if body.is_empty() && message.attachments.is_empty() {
        body = unsupported(data);
        message.tone = Tone::Notice;
    }
    let mut nodes = Vec::new();
    join(&mut nodes, extra::forwarded(data).into_iter().collect());
    let quoted = extra::quoted(data, known);
    if !nodes.is_empty() && !quoted.is_empty() {
        nodes.push(Node::LineBreak);
    }
    nodes.extend(quoted);
    if !nodes.is_empty()
        && !body.is_empty()
        && nodes.last().is_some_and(|node| !node.is_block() && *node != Node::LineBreak)
    {
        nodes.push(Node::LineBreak);
    }
    nodes.extend(body);
    join(&mut nodes, extra::buttons(data));
    for note in extra::notes(data) {
        join(&mut nodes, vec![note]);
    }
    message.text = RichText(nodes).bounded();
    Some(message)
}

/// Puts more below what is there.
fn join(nodes: &mut Vec<Node>, more: Vec<Node>) {
    if !nodes.is_empty() && !more.is_empty() && nodes.last().is_some_and(|node| !node.is_block()) {
        nodes.push(Node::LineBreak);
    }
    nodes.extend(more);
}

/// The text or caption.
fn words(data: &Value, known: &Known) -> Vec<Node> {
    let (words, entities) = match data["text"].as_str() {
        Some(words) => (words, &data["entities"]),
        None => (text(&data["caption"]), &data["caption_entities"]),
    };
    format::read(words, &Entity::list(entities), known).0
}

/// A message of a sort that this bridge does not know: what words there are, and that there is more.
fn unsupported(data: &Value) -> Vec<Node> {
    let mut nodes = vec![extra::line("A message that only Telegram can show.")];
    let more = plain_words(&data["rich_message"], 0);
    let more = if more.is_empty() { plain_words(&data["checklist"], 0) } else { more };
    if !more.is_empty() {
        join(&mut nodes, RichText::plain(&more.join("\n")).0);
    }
    nodes
}

/// Every text in a piece of JSON that nobody knows the shape of.
fn plain_words(data: &Value, depth: usize) -> Vec<String> {
    const DEPTH_MAX: usize = 12;
    const LINES_MAX: usize = 200;
    let mut lines = Vec::new();
    match data {
        _ if depth > DEPTH_MAX => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(words) if matches!(key.as_str(), "text" | "title") => lines.push(words.to_owned()),
                    Some(_) => {}
                    None => lines.extend(plain_words(value, depth + 1)),
                }
            }
        }
        Value::Array(items) => lines.extend(items.iter().flat_map(|item| plain_words(item, depth + 1))),
        _ => {}
    }
    lines.truncate(LINES_MAX);
    lines
}
