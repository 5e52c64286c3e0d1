//! What people say, kind by kind, and what stands around it: forwards, products, advertisements.

use magpie_common::message::{Message, Node, RichText, Tone, clean_line};
use serde_json::Value;

use super::{line, media};
use crate::{
    cloud::json::{list, text},
    format::{self, Nobody},
};

/// Longer lists are cut: nobody reads them.
const LINES_MAX: usize = 100;

/// What somebody said; `None` for a kind that is not known.
pub(super) fn message(data: &Value) -> Option<Message> {
    let kind = text(&data["type"]);
    let content = &data[kind];
    match kind {
        "text" => Some(Message::text(words(text(&content["body"])))),
        "image" | "video" | "audio" | "document" | "sticker" => {
            let file = media::read(kind, content)?;
            Some(Message { attachments: vec![file], ..Message::text(words(media::caption(content))) })
        }
        "location" => place(content).map(Message::text),
        "contacts" => Some(Message::text(contacts(list(content)))),
        "interactive" => interactive(content).map(Message::text),
        "button" => Some(Message::text(RichText::plain(&clean_line(text(&content["text"]))))),
        "order" => Some(Message::text(order(content))),
        "request_welcome" => notice("Opened the chat for the first time."),
        "unsupported" => notice(&unsupported(data)),
        // What a template sent from elsewhere says is not told.
        "template" => notice("A template was sent from elsewhere."),
        _ => None,
    }
    .filter(|message| !message.is_empty())
}

/// Words of WhatsApp's own.
pub(super) fn notice(words: &str) -> Option<Message> {
    let words = clean_line(words);
    (!words.is_empty()).then(|| Message { tone: Tone::Notice, ..Message::text(RichText(vec![line(&words)])) })
}

/// Puts around a message what WhatsApp says of it: whether it was forwarded, what product it is about, which advertisement led to it.
pub(super) fn surround(message: &mut Message, data: &Value) {
    let context = &data["context"];
    if context["forwarded"] == true || context["frequently_forwarded"] == true {
        let words =
            if context["frequently_forwarded"] == true { "Forwarded many times" } else { "Forwarded" };
        let mut nodes = vec![line(words)];
        if message.text.0.first().is_some_and(|first| !first.is_block()) {
            nodes.push(Node::LineBreak);
        }
        nodes.append(&mut message.text.0);
        message.text = RichText(nodes);
    }
    let product = clean_line(text(&context["referred_product"]["product_retailer_id"]));
    if !product.is_empty() {
        below(&mut message.text, line(&format!("About the product {product}")));
    }
    let referral = &data["referral"];
    if referral.is_object() {
        let headline = clean_line(text(&referral["headline"]));
        let words =
            if headline.is_empty() { "an advertisement".to_owned() } else { format!("“{headline}”") };
        below(&mut message.text, line(&format!("Came from {words}")));
        if let Some(url) = web(&referral["source_url"]) {
            below(&mut message.text, url);
        }
    }
}

fn words(markup: &str) -> RichText {
    format::read(markup, &Nobody)
}

fn below(body: &mut RichText, node: Node) {
    if body.0.last().is_some_and(|last| !last.is_block()) {
        body.0.push(Node::LineBreak);
    }
    body.0.push(node);
}

/// An address that leads to the web.
fn web(value: &Value) -> Option<Node> {
    let url = clean_line(text(value));
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    is_web.then(|| Node::Link { children: vec![Node::Text(url.clone())], url })
}

/// A place, as a link to a map.
fn place(content: &Value) -> Option<RichText> {
    let degrees = |name: &str| content[name].as_f64().or_else(|| content[name].as_str()?.parse().ok());
    let (latitude, longitude) = (degrees("latitude")?, degrees("longitude")?);
    let named = [clean_line(text(&content["name"])), clean_line(text(&content["address"]))];
    let named: Vec<_> = named.into_iter().filter(|words| !words.is_empty()).collect();
    let words = if named.is_empty() { "Location".to_owned() } else { named.join(", ") };
    let url = format!(
        "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
    );
    let link = Node::Link { children: vec![Node::Text(url.clone())], url };
    let mut body = RichText(vec![Node::Text(format!("📍 {words}")), Node::LineBreak, link]);
    if let Some(url) = web(&content["url"]) {
        below(&mut body, url);
    }
    Some(body)
}

/// Shared contacts, one after the other with all that is told of them.
fn contacts(contacts: &[Value]) -> RichText {
    let mut lines = Vec::new();
    for contact in contacts {
        let name = clean_line(text(&contact["name"]["formatted_name"]));
        lines.push(format!("👤 {}", if name.is_empty() { "Contact" } else { name.as_str() }));
        let org = [
            text(&contact["org"]["company"]),
            text(&contact["org"]["department"]),
            text(&contact["org"]["title"]),
        ];
        lines.push(clean_line(
            &org.map(str::trim).into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", "),
        ));
        lines.extend(list(&contact["phones"]).iter().map(|phone| labeled(phone, "phone")));
        lines.extend(list(&contact["emails"]).iter().map(|email| labeled(email, "email")));
        lines.extend(list(&contact["urls"]).iter().map(|url| labeled(url, "url")));
        lines.extend(list(&contact["addresses"]).iter().map(address));
        lines.push(clean_line(text(&contact["birthday"])));
    }
    lines.retain(|line| !line.is_empty());
    lines.truncate(LINES_MAX);
    RichText::plain(&lines.join("\n"))
}

fn labeled(entry: &Value, name: &str) -> String {
    let (value, label) = (clean_line(text(&entry[name])), clean_line(text(&entry["type"])));
    match (value.is_empty(), label.is_empty()) {
        (true, _) => String::new(),
        (false, true) => value,
        (false, false) => format!("{value} ({})", label.to_lowercase()),
    }
}

fn address(entry: &Value) -> String {
    let parts = ["street", "city", "state", "zip", "country"].map(|name| clean_line(text(&entry[name])));
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// What somebody pressed, picked or filled in.
fn interactive(content: &Value) -> Option<RichText> {
    let pressed =
        ["button_reply", "list_reply"].into_iter().map(|kind| &content[kind]).find(|it| it.is_object());
    if let Some(pressed) = pressed {
        let mut body = RichText::plain(&clean_line(text(&pressed["title"])));
        let description = clean_line(text(&pressed["description"]));
        if !description.is_empty() {
            below(&mut body, line(&description));
        }
        return Some(body);
    }
    let form = &content["nfm_reply"];
    if form.is_object() {
        let mut body = RichText::plain(&clean_line(text(&form["body"])));
        let filled: Value = serde_json::from_str(text(&form["response_json"])).unwrap_or_default();
        for (name, value) in filled.as_object().into_iter().flatten().take(LINES_MAX) {
            // It only says which form it was.
            if name != "flow_token" {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                below(&mut body, Node::Text(format!("{}: {}", clean_line(name), clean_line(&value))));
            }
        }
        return Some(body);
    }
    offered(content)
}

/// Buttons and lists that the business itself has sent, from elsewhere: all words that are to be seen.
fn offered(content: &Value) -> Option<RichText> {
    let mut body = RichText::default();
    for part in ["header", "body", "footer"] {
        let words = format::read(text(&content[part]["text"]), &Nobody);
        for node in words.0 {
            body.0.push(node);
        }
        if !body.0.is_empty()
            && body.0.last().is_some_and(|last| *last != Node::LineBreak && !last.is_block())
        {
            body.0.push(Node::LineBreak);
        }
    }
    let action = &content["action"];
    let buttons = list(&action["buttons"]).iter().map(|button| &button["reply"]["title"]);
    let rows =
        list(&action["sections"]).iter().flat_map(|section| list(&section["rows"])).map(|row| &row["title"]);
    let items: Vec<Vec<Node>> = buttons
        .chain(rows)
        .map(|title| clean_line(text(title)))
        .filter(|title| !title.is_empty())
        .take(LINES_MAX)
        .map(|title| vec![Node::Text(title)])
        .collect();
    if !items.is_empty() {
        body.0.push(Node::List { start: Some(1), items });
    }
    (!body.is_blank()).then_some(body)
}

/// An order from the catalog.
fn order(content: &Value) -> RichText {
    let items = list(&content["product_items"]).iter().take(LINES_MAX).map(|item| {
        let number = |name: &str| match &item[name] {
            Value::String(number) => clean_line(number),
            Value::Number(number) => number.to_string(),
            _ => "?".to_owned(),
        };
        let (product, currency) =
            (clean_line(text(&item["product_retailer_id"])), clean_line(text(&item["currency"])));
        vec![Node::Text(format!(
            "{} × {product}, {} {currency} each",
            number("quantity"),
            number("item_price")
        ))]
    });
    let mut body =
        RichText(vec![Node::Text("🛒 Order".to_owned()), Node::List { start: None, items: items.collect() }]);
    let words = clean_line(text(&content["text"]));
    if !words.is_empty() {
        body.0.push(Node::Text(words));
    }
    body
}

/// What WhatsApp says of a message that it does not give to businesses.
fn unsupported(data: &Value) -> String {
    let error = &data["errors"][0];
    let details = clean_line(text(&error["error_data"]["details"]));
    match details.is_empty() {
        true => "A message that only the WhatsApp app can show.".to_owned(),
        false => format!("A message that only the WhatsApp app can show. {details}"),
    }
}
