//! What is said, by its kind. Numbers of kinds are those on the wire.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Plain words.
pub fn text(words: &str) -> Value {
    json!({"type": 7, "text": words})
}

/// Words that mention people by their ids; the words hold `@`, the name and U+2005 of each.
pub fn mention(words: &str, people: &[&str]) -> Value {
    json!({"type": 7, "text": words, "mentions": people})
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Any file.
    Attachment = 1,
    /// A voice message.
    Audio = 2,
    /// A drawing or a moving picture from a collection.
    Emoticon = 5,
    /// A picture.
    Image = 6,
    /// A video.
    Video = 15,
}

/// A file. From 20 kB on the gateway tells only where it is.
pub fn file(kind: FileKind, name: &str, bytes: &[u8]) -> Value {
    let file = json!({"name": name, "base64": STANDARD.encode(bytes)});
    json!({"type": kind as u8, "filename": name, "file": file})
}

/// A file of which the gateway tells only an address in the web.
pub fn file_at(kind: FileKind, name: &str, url: &str) -> Value {
    json!({"type": kind as u8, "filename": name, "file": {"name": name, "url": url}})
}

/// A link with what is shown of it.
pub fn link(title: &str, description: &str, url: &str) -> Value {
    json!({"type": 14, "url": {"title": title, "description": description, "url": url}})
}

/// A mini program.
pub fn mini_program(title: &str, description: &str) -> Value {
    let program = json!({
        "title": title, "description": description, "appid": "wx58", "username": "gh_1@app", "pagePath": "pages/index",
    });
    json!({"type": 9, "program": program})
}

/// A place.
pub fn place(name: &str, address: &str, (latitude, longitude): (f64, f64)) -> Value {
    let place = json!({
        "name": name, "address": address, "latitude": latitude, "longitude": longitude, "accuracy": 15,
    });
    json!({"type": 8, "place": place})
}

/// Somebody's card.
pub fn card(contact: &str) -> Value {
    json!({"type": 3, "card": contact})
}

/// Messages of another chat in one, as gateways pass them on: WeChat's own XML.
pub fn merged(title: &str, lines: &[&str]) -> Value {
    let items: String = lines
        .iter()
        .map(|line| {
            let (name, words) = line.split_once(": ").unwrap_or(("", line));
            format!("<dataitem datatype=\"1\"><sourcename>{name}</sourcename><datadesc>{words}</datadesc></dataitem>")
        })
        .collect();
    let record = format!("<recordinfo><title>{title}</title><datalist>{items}</datalist></recordinfo>");
    let record = record.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let words = lines.join("\n");
    let xml = format!(
        "<msg><appmsg><title>{title}</title><des>{words}</des><type>19</type><recorditem>{record}</recorditem></appmsg></msg>"
    );
    json!({"type": 4, "text": xml})
}

/// A red packet.
pub fn red_packet(words: &str) -> Value {
    let xml = format!(
        "<msg><appmsg><title>微信红包</title><des>{words}</des><type>2001</type><wcpayinfo><sendertitle>{words}</sendertitle></wcpayinfo></appmsg></msg>"
    );
    json!({"type": 12, "text": xml})
}

/// Money, with the amount as WeChat writes it.
pub fn transfer(amount: &str) -> Value {
    let xml = format!(
        "<msg><appmsg><title>微信转账</title><type>2000</type><wcpayinfo><paysubtype>1</paysubtype><feedesc>{amount}</feedesc></wcpayinfo></appmsg></msg>"
    );
    json!({"type": 11, "text": xml})
}

/// What no version knows yet.
pub fn unknown(words: &str) -> Value {
    json!({"type": 0, "text": words})
}
