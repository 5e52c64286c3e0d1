//! What stands in XML inside of a message: titles, merged records, what was taken back.
//!
//! Gateways hand on what the network wrote, some of them in other words. Whatever cannot be read is shown as it stands, or not at all.

use magpie_common::message::{Node, RichText, clean_line};
use serde_json::Value;

use crate::{callback::xml, faces, json::text};

/// More of a merged record is not shown.
const ENTRIES_MAX: usize = 100;

/// Reads the XML in a text, behind the sender that some gateways leave before it.
pub(super) fn document(words: &str) -> Option<Value> {
    let begin = words.find('<')?;
    let before = words[..begin].trim();
    let is_sender = before.is_empty() || before.ends_with(':') && !before.contains(char::is_whitespace);
    if !is_sender {
        return None;
    }
    xml::read(&words[begin..]).ok().filter(Value::is_object)
}

/// What a message is called.
pub(super) fn title(words: &str) -> Option<String> {
    let title = clean_line(text(&document(words)?["appmsg"]["title"]));
    (!title.is_empty()).then_some(title)
}

/// Which message was taken back: the text is its id, or tells it.
pub(super) fn recalled(words: &str) -> Option<String> {
    const ID_BYTES_MAX: usize = 512;
    let told = document(words);
    let inside = told.as_ref().map(|told| text(&told["revokemsg"]["newmsgid"])).unwrap_or_default();
    let id = if inside.is_empty() { words.trim() } else { inside.trim() };
    let is_id = (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    (is_id && !id.contains('<')).then(|| id.to_owned())
}

/// Messages that somebody has gathered and handed on.
pub(super) fn merged(words: &str) -> RichText {
    let told = document(words).unwrap_or_default();
    let app = &told["appmsg"];
    let heading = clean_line(text(&app["title"]));
    let heading = if heading.is_empty() { "Messages of another chat" } else { heading.as_str() };
    let mut nodes = vec![Node::Text("📜 ".to_owned()), Node::Strong(vec![Node::Text(heading.to_owned())])];
    let entries = xml::read(text(&app["recorditem"])).map(|record| entries(&record)).unwrap_or_default();
    let inside = if entries.is_empty() {
        // The few words that WeChat itself shows, or whatever the gateway made of it.
        let short = if told.is_object() { text(&app["des"]) } else { words };
        RichText::plain(short.trim()).0
    } else {
        entries
    };
    if !inside.is_empty() {
        nodes.push(Node::LineBreak);
        nodes.push(Node::Quote(inside));
    }
    RichText(nodes)
}

fn entries(record: &Value) -> Vec<Node> {
    let items = &record["datalist"]["dataitem"];
    let items: Vec<&Value> = match items {
        Value::Array(several) => several.iter().collect(),
        Value::Object(_) => vec![items],
        _ => Vec::new(),
    };
    let mut nodes = Vec::new();
    for item in items.iter().take(ENTRIES_MAX) {
        if !nodes.is_empty() {
            nodes.push(Node::LineBreak);
        }
        let name = clean_line(text(&item["sourcename"]));
        if !name.is_empty() {
            nodes.push(Node::Strong(vec![Node::Text(format!("{name}:"))]));
            nodes.push(Node::Text(" ".to_owned()));
        }
        let mut said = ["datadesc", "datatitle"].into_iter().map(|field| text(&item[field]).trim());
        match said.find(|said| !said.is_empty()) {
            Some(said) => nodes.extend(faces::read(said).0),
            None => nodes.push(Node::Emphasis(vec![Node::Text("something to see on your phone".to_owned())])),
        }
    }
    if items.len() > ENTRIES_MAX {
        nodes.push(Node::LineBreak);
        nodes.push(Node::Text("…".to_owned()));
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_records_are_read_entry_by_entry() {
        let record = "&lt;recordinfo&gt;&lt;datalist count=\"2\"&gt;\
            &lt;dataitem datatype=\"1\"&gt;&lt;sourcename&gt;Ada&lt;/sourcename&gt;&lt;datadesc&gt;hi[微笑]&lt;/datadesc&gt;&lt;/dataitem&gt;\
            &lt;dataitem datatype=\"2\"&gt;&lt;sourcename&gt;Bob&lt;/sourcename&gt;&lt;/dataitem&gt;\
            &lt;/datalist&gt;&lt;/recordinfo&gt;";
        let told = format!(
            "<msg><appmsg><title>Ada and Bob</title><recorditem>{record}</recorditem></appmsg></msg>"
        );
        let shown = "📜 Ada and Bob\n> Ada: hi🙂\n> Bob: something to see on your phone";
        assert_eq!(merged(&told).to_plain(), shown);
        assert_eq!(merged(&format!("wxid_a:\n{told}")).to_plain(), shown);
    }

    #[test]
    fn what_is_no_record_is_shown_as_it_stands() {
        for (words, shown) in [
            ("Ada: hi\nBob: ho", "📜 Messages of another chat\n> Ada: hi\n> Bob: ho"),
            ("<msg><appmsg><title>T</title><des>Ada: hi</des></appmsg></msg>", "📜 T\n> Ada: hi"),
            ("", "📜 Messages of another chat"),
        ] {
            assert_eq!(merged(words).to_plain(), shown, "{words}");
        }
    }

    #[test]
    fn what_was_taken_back_is_found() {
        let xml = "<sysmsg type=\"revokemsg\"><revokemsg><msgid>1</msgid><newmsgid>8888</newmsgid></revokemsg></sysmsg>";
        for (words, id) in
            [("8888", Some("8888")), (xml, Some("8888")), ("", None), ("a message", None), ("<a/>", None)]
        {
            assert_eq!(recalled(words).as_deref(), id, "{words}");
        }
    }

    #[test]
    fn only_xml_has_a_title() {
        for (words, shown) in [
            ("<msg><appmsg><title>Birds</title></appmsg></msg>", Some("Birds")),
            ("wxid_a:\n<msg><appmsg><title>Birds</title></appmsg></msg>", Some("Birds")),
            ("I say <msg>", None),
            ("words", None),
        ] {
            assert_eq!(title(words).as_deref(), shown, "{words}");
        }
    }
}
