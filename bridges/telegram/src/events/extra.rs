//! What stands around the words of a message, and what has no words of its own: origins, quotes, buttons, places, contacts, dice.

use magpie_common::message::{Node, RichText, clean_line};
use serde_json::Value;

use crate::{
    format::{self, Entity},
    json::{name, text, user_name},
    session::world::{Known, chat_title},
};

/// More buttons than this are not listed.
const BUTTONS_MAX: usize = 30;

/// Where a forwarded message comes from; `None` when it was not forwarded. A post in the discussion group of its channel was, too, but says so
/// already by its sender.
pub(super) fn forwarded(message: &Value) -> Option<Node> {
    let origin = Some(&message["forward_origin"]).filter(|origin| origin.is_object())?;
    if message["is_automatic_forward"] == true {
        return None;
    }
    Some(line(&format!("Forwarded from {}", origin_name(origin))))
}

/// Whom a message that was forwarded, or is answered elsewhere, comes from.
fn origin_name(origin: &Value) -> String {
    let chat = |chat: &Value| chat_title(chat).unwrap_or_else(|| "a chat".to_owned());
    let who = match text(&origin["type"]) {
        "user" => user_name(&origin["sender_user"]),
        "hidden_user" => name(&origin["sender_user_name"]),
        "chat" => Some(chat(&origin["sender_chat"])),
        "channel" => Some(chat(&origin["chat"])),
        _ => None,
    };
    let who = who.unwrap_or_else(|| "somebody".to_owned());
    match name(&origin["author_signature"]) {
        Some(signature) => format!("{who} ({signature})"),
        None => who,
    }
}

/// What is answered, where a reply alone does not show it: a part of a message, a message elsewhere, a story.
pub(super) fn quoted(message: &Value, known: &Known) -> Vec<Node> {
    let mut nodes = Vec::new();
    let external = &message["external_reply"];
    if external.is_object() {
        nodes.push(line(&format!("In reply to {}", origin_name(&external["origin"]))));
    }
    if message["reply_to_story"].is_object() {
        nodes.push(line("In reply to a story"));
    }
    let quote = &message["quote"];
    if quote["is_manual"] == true || external.is_object() {
        nodes.extend(format::read_quote(text(&quote["text"]), &Entity::list(&quote["entities"]), known));
    }
    if nodes.last().is_some_and(|node| !node.is_block()) {
        nodes.push(Node::LineBreak);
    }
    nodes
}

/// What stands below the words: through which bot it was said, and who signed it.
pub(super) fn notes(message: &Value) -> Vec<Node> {
    let mut notes = Vec::new();
    if let Some(bot) = name(&message["via_bot"]["username"]) {
        notes.push(line(&format!("via @{bot}")));
    }
    if let Some(bot) = name(&message["sender_business_bot"]["username"]) {
        notes.push(line(&format!("written by @{bot}")));
    }
    // A post in a discussion group is signed in its channel.
    if let Some(signature) = name(&message["author_signature"])
        .filter(|_| message["sender_chat"].is_object() || message["from"].is_null())
    {
        notes.push(line(&format!("— {signature}")));
    }
    notes
}

/// Buttons below a message. Only those with an address can be used from Matrix; a bot cannot press another's.
pub(super) fn buttons(message: &Value) -> Vec<Node> {
    let rows = message["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|row| row.as_array().into_iter().flatten());
    let read = |button: &Value| {
        let words = vec![Node::Text(format!("[{}]", name(&button["text"])?))];
        let url =
            button["url"].as_str().filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        Some(match url {
            Some(url) => Node::Link { url: url.to_owned(), children: words },
            None => Node::Emphasis(words),
        })
    };
    let mut nodes = Vec::new();
    for button in buttons.take(BUTTONS_MAX).filter_map(read) {
        if !nodes.is_empty() {
            nodes.push(Node::Text(" ".to_owned()));
        }
        nodes.push(button);
    }
    nodes
}

/// What a message of a sort without words says; `None` when it has none of these.
pub(super) fn said(message: &Value) -> Option<RichText> {
    if message["venue"].is_object() {
        let venue = &message["venue"];
        let words = format!("{}, {}", clean_line(text(&venue["title"])), clean_line(text(&venue["address"])));
        return place(&venue["location"], &words);
    }
    if message["location"].is_object() {
        let is_live = message["location"]["live_period"].is_u64();
        return place(&message["location"], if is_live { "Live location" } else { "Location" });
    }
    if message["contact"].is_object() {
        let contact = &message["contact"];
        let who = user_name(contact).unwrap_or_else(|| "Contact".to_owned());
        return Some(RichText::plain(&format!("👤 {who}: {}", clean_line(text(&contact["phone_number"])))));
    }
    if message["dice"].is_object() {
        let (emoji, value) = (text(&message["dice"]["emoji"]), message["dice"]["value"].as_u64()?);
        return Some(RichText::plain(&format!("{emoji} {value}")));
    }
    if message["game"].is_object() {
        let game = &message["game"];
        let words =
            format!("🎮 {}: {}", clean_line(text(&game["title"])), clean_line(text(&game["description"])));
        return Some(RichText::plain(&words));
    }
    if message["story"].is_object() {
        return Some(RichText(vec![line("Shared a story. Open it in Telegram.")]));
    }
    None
}

/// A place, as a link to a map.
fn place(location: &Value, words: &str) -> Option<RichText> {
    let (latitude, longitude) = (location["latitude"].as_f64()?, location["longitude"].as_f64()?);
    let url = format!(
        "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
    );
    let link = Node::Link { children: vec![Node::Text(url.clone())], url };
    Some(RichText(vec![Node::Text(format!("📍 {words}")), Node::LineBreak, link]))
}

/// Words of Telegram's, not of the sender's.
pub(super) fn line(words: &str) -> Node {
    Node::Emphasis(vec![Node::Text(words.to_owned())])
}
