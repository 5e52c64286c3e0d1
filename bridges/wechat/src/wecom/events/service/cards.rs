//! What customers pass on that has no form of its own in Matrix: cards, menus and merged records, as words.

use magpie_common::message::{Node, RichText, clean_line};
use serde_json::Value;

use crate::{
    faces,
    json::{number, text},
};

/// So many messages of a merged record are shown.
const MERGED_MAX: usize = 100;

/// Something to read, on one line; `None` when nothing is left of it.
pub(super) fn shown(value: &Value) -> Option<String> {
    Some(clean_line(text(value))).filter(|words| !words.is_empty())
}

/// A card that opens only on a phone.
pub(super) fn card(kind: &str, title: &Value) -> Option<RichText> {
    let title = Node::Strong(vec![Node::Text(shown(title)?)]);
    let hint = Node::Emphasis(vec![Node::Text(format!("{kind}: open it on the phone"))]);
    Some(RichText(vec![title, Node::LineBreak, hint]))
}

/// Something of WeChat Channels.
pub(super) fn channels(content: &Value) -> Option<RichText> {
    let kind = match number(&content["sub_type"]) {
        Some(2) => "Live stream",
        Some(3) => "Channel",
        _ => "Video of a channel",
    };
    let [title, nickname] = ["title", "nickname"].map(|name| shown(&content[name]));
    let words = [nickname, title].into_iter().flatten().collect::<Vec<_>>().join(": ");
    card(kind, &words.into())
}

/// A menu, as it was read.
pub(super) fn menu(content: &Value) -> Option<RichText> {
    let item = |item: &Value| {
        let kind = text(&item["type"]);
        let inside = &item[kind];
        let words = ["content", "title"].iter().find_map(|name| shown(&inside[*name]))?;
        Some(vec![match text(&inside["url"]) {
            url if url.starts_with("https://") || url.starts_with("http://") => {
                Node::Link { url: clean_line(url), children: vec![Node::Text(words)] }
            }
            _ => Node::Text(words),
        }])
    };
    let mut nodes = faces::read(text(&content["head_content"])).0;
    let items: Vec<_> = content["list"].as_array().into_iter().flatten().filter_map(item).collect();
    if !items.is_empty() {
        nodes.push(Node::List { start: None, items });
    }
    nodes.extend(faces::read(text(&content["tail_content"])).0);
    Some(RichText(nodes)).filter(|text| !text.is_blank())
}

/// A record of messages, as a quote of them all.
pub(super) fn merged(content: &Value) -> Option<RichText> {
    let title = shown(&content["title"]).unwrap_or_else(|| "Merged messages".to_owned());
    let items = content["item"].as_array()?;
    let mut quote = Vec::new();
    for item in items.iter().take(MERGED_MAX) {
        if !quote.is_empty() {
            quote.push(Node::LineBreak);
        }
        let name = shown(&item["sender_name"]).unwrap_or_else(|| "Somebody".to_owned());
        quote.push(Node::Text(format!("{name}: {}", part(item))));
    }
    if items.len() > MERGED_MAX {
        quote.push(Node::LineBreak);
        quote.push(Node::Text(format!("… and {} more", items.len() - MERGED_MAX)));
    }
    let title = Node::Strong(vec![Node::Text(title)]);
    Some(RichText(vec![title, Node::Quote(quote)]))
}

/// One message of a record; it is JSON within JSON.
fn part(item: &Value) -> String {
    let kind = text(&item["msgtype"]);
    let inside: Value = serde_json::from_str(text(&item["msg_content"])).unwrap_or_default();
    let content = &inside[kind];
    let words = ["content", "title", "name"].iter().find_map(|name| shown(&content[*name]));
    words.map_or_else(|| format!("[{}]", clean_line(kind)), |words| RichText::to_plain(&faces::read(&words)))
}
