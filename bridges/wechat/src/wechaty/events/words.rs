//! What messages of other kinds than files become in words.

use magpie_common::message::{Message, Node, RichText, Tone, clean_line};
use serde_json::Value;

use super::{
    lines,
    mentions::{self, Named},
    records,
};
use crate::{
    json::text as field,
    said,
    wechaty::wire::{MiniProgram, Place, UrlLink},
};

/// Words of the bridge's.
pub(in crate::wechaty) fn notice(words: &str) -> Message {
    let nodes = vec![Node::Emphasis(vec![Node::Text(words.to_owned())])];
    Message { tone: Tone::Notice, ..Message::text(RichText(nodes)) }
}

/// What somebody wrote, with what they answer above it. Gateways tell answers only in words, so they lead nowhere.
pub(super) fn text(words: &str, named: &[Named]) -> RichText {
    let Some((quote, words)) = quoted(words) else { return mentions::read(words, named) };
    let mut nodes = vec![Node::Quote(lines(quote))];
    nodes.extend(mentions::read(words, named).0);
    RichText(nodes)
}

/// What is quoted between corners, over a line of dashes, and what stands below.
fn quoted(words: &str) -> Option<(&str, &str)> {
    let (quote, rest) = words.strip_prefix('「')?.split_once("」\n")?;
    let (dashes, words) = rest.split_once('\n')?;
    let is_rule = dashes.len() >= 3 && dashes.chars().all(|letter| matches!(letter, '-' | '—' | ' '));
    (is_rule && !words.trim().is_empty()).then_some((quote, words))
}

/// A contact's card.
pub(super) fn card(name: &str) -> RichText {
    let name = clean_line(name);
    let name = if name.is_empty() { "somebody" } else { name.as_str() };
    RichText(vec![Node::Text("👤 Contact: ".to_owned()), Node::Strong(vec![Node::Text(name.to_owned())])])
}

/// A link with its title.
pub(super) fn link(link: &UrlLink) -> Option<RichText> {
    titled(&link.title, &link.description, Some(&link.url))
}

/// A mini program, which only a phone opens.
pub(super) fn program(program: &MiniProgram) -> Option<RichText> {
    let shown = titled(&program.title, &program.description, None)?;
    let mut nodes = vec![Node::Text("🧩 Mini program: ".to_owned())];
    nodes.extend(shown.0);
    nodes.extend([Node::LineBreak, Node::Emphasis(vec![Node::Text("Open it on your phone.".to_owned())])]);
    Some(RichText(nodes))
}

/// A place, as a link to a map.
pub(in crate::wechaty) fn place(place: &Place) -> Option<RichText> {
    let (name, address) = (clean_line(&place.name), clean_line(&place.address));
    let label = match (name.is_empty(), address.is_empty()) {
        (false, false) if name != address => format!("{name}, {address}"),
        (false, _) => name,
        (true, _) => address,
    };
    said::place_at((place.latitude, place.longitude), &label)
}

/// What a group's owner has everybody read.
pub(super) fn group_note(words: &str) -> RichText {
    let told = told(words).unwrap_or_default();
    let mut nodes = vec![Node::Text("📢 ".to_owned())];
    nodes.extend(told.0);
    RichText(nodes)
}

/// A red packet, which is never opened here.
pub(super) fn red_packet(words: &str) -> String {
    let about = about(words, &["sendertitle", "title"]);
    format!("🧧 Red packet{about}. Open it on your phone.")
}

/// Money, which is never taken here.
pub(super) fn transfer(words: &str) -> String {
    let about = about(words, &["feedesc", "title"]);
    format!("💸 Transfer{about}. Take or return it on your phone.")
}

/// What is told of money, as far as it is.
fn about(words: &str, fields: &[&str]) -> String {
    let told = records::document(words);
    let app = told.as_ref().map_or(&Value::Null, |told| &told["appmsg"]);
    let found = |name: &&str| {
        let told = [&app["wcpayinfo"][*name], &app[*name]].map(|value| clean_line(field(value)));
        told.into_iter().find(|words| !words.is_empty())
    };
    let about = match &told {
        Some(_) => fields.iter().find_map(found).unwrap_or_default(),
        None => clean_line(words).chars().take(100).collect(),
    };
    if about.is_empty() { about } else { format!(" “{about}”") }
}

/// What the text of a message tells of it: a title and a link in XML, or plain words.
pub(super) fn told(words: &str) -> Option<RichText> {
    match records::document(words) {
        Some(told) => {
            let app = &told["appmsg"];
            titled(field(&app["title"]), field(&app["des"]), Some(field(&app["url"])))
        }
        None => {
            Some(RichText(lines(words))).filter(|text| !text.is_blank() && !words.trim().starts_with('<'))
        }
    }
}

fn titled(title: &str, description: &str, url: Option<&str>) -> Option<RichText> {
    let url = clean_line(url.unwrap_or_default());
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let title = clean_line(title);
    let title = if title.is_empty() { url.clone() } else { title };
    let children = vec![Node::Text(title.clone())];
    let mut nodes = Vec::new();
    if is_web {
        nodes.push(Node::Link { url, children });
    } else if !title.is_empty() {
        nodes.push(Node::Strong(children));
    }
    let description = lines(description);
    if !description.is_empty() && !nodes.is_empty() {
        nodes.push(Node::LineBreak);
    }
    nodes.extend(description);
    Some(RichText(nodes)).filter(|text| !text.is_blank())
}
