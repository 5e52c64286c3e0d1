//! Boxes below a message: what a bot writes in them, and what Discord shows of a link.
//!
//! Pictures of a link are left to the reader's own client; the link stands in the words already.

use magpie_common::message::{Node, RichText};
use serde_json::Value;

use super::MessageNames;
use crate::format::{self, Reading};

/// So many boxes of one message are shown; Discord allows ten.
const EMBEDS_MAX: usize = 10;

/// So many fields of a box are shown; Discord allows 25.
const FIELDS_MAX: usize = 25;

/// The boxes of a message, each as a quote.
pub(super) fn read(data: &Value, names: &MessageNames<'_>) -> RichText {
    let embeds = data["embeds"].as_array().into_iter().flatten().take(EMBEDS_MAX);
    RichText(embeds.filter_map(|embed| one(embed, names)).collect())
}

fn one(embed: &Value, names: &MessageNames<'_>) -> Option<Node> {
    let markup = |words: &Value| {
        let words = words.as_str().filter(|words| !words.trim().is_empty())?;
        Some(format::read(words, &Reading { names, everyone: false }).0)
    };
    let mut lines: Vec<Vec<Node>> = Vec::new();
    let above = [&embed["provider"], &embed["author"]];
    lines.extend(above.into_iter().filter_map(|who| plain(&who["name"])).map(|name| vec![name]));
    if let Some(title) = plain(&embed["title"]) {
        let title = match embed["url"].as_str().filter(|url| is_web(url)) {
            Some(url) => Node::Link { url: url.to_owned(), children: vec![title] },
            None => title,
        };
        lines.push(vec![Node::Strong(vec![title])]);
    }
    lines.extend(markup(&embed["description"]));
    for field in embed["fields"].as_array().into_iter().flatten().take(FIELDS_MAX) {
        lines.extend(plain(&field["name"]).map(|name| vec![Node::Strong(vec![name])]));
        lines.extend(markup(&field["value"]));
    }
    // A picture that is all there is of a link is shown by the link itself.
    if embed["type"] == "rich" {
        let image = embed["image"]["url"].as_str().filter(|url| is_web(url));
        lines.extend(image.map(|url| {
            vec![Node::Link { url: url.to_owned(), children: vec![Node::Text("🖼 picture".to_owned())] }]
        }));
    }
    lines.extend(plain(&embed["footer"]["text"]).map(|footer| vec![Node::Emphasis(vec![footer])]));
    let lines: Vec<Node> = lines.join(&Node::LineBreak);
    (!RichText(lines.clone()).is_blank()).then_some(Node::Quote(lines))
}

fn plain(words: &Value) -> Option<Node> {
    let words = words.as_str().map(str::trim).filter(|words| !words.is_empty())?;
    Some(Node::Text(words.to_owned()))
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
