//! What somebody says on WeChat's platforms that is more than words: files by their media id, places, cards, and the bridge's own notices.

use magpie_common::{
    ids::RemoteFileId,
    message::{Attachment, AttachmentKind, FileSource, Message, Node, RichText, Tone, clean_line},
};
use serde_json::Value;

use crate::json::text;

/// What the name of a file begins with.
const MEDIA: &str = "media/";

/// The id of a file in the name that the bridge gives it.
pub(crate) fn media_id(file: &RemoteFileId) -> Option<&str> {
    file.as_str().strip_prefix(MEDIA).filter(|id| is_media_id(id))
}

/// It stands in the address of a request.
pub(crate) fn is_media_id(id: &str) -> bool {
    const CHARS_MAX: usize = 256;
    (1..=CHARS_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// A message that is a file, by its media id.
pub(crate) fn file(id: &Value, kind: AttachmentKind, (name, mime): (&str, Option<&str>)) -> Option<Message> {
    let id = Some(text(id)).filter(|id| is_media_id(id))?;
    let source = FileSource::Remote(RemoteFileId::new(format!("{MEDIA}{id}")));
    let attachment = Attachment { mime: mime.map(str::to_owned), ..Attachment::new(kind, source, name) };
    Some(Message { attachments: vec![attachment], ..Message::default() })
}

/// A place whose degrees are numbers or texts.
pub(crate) fn place(latitude: &Value, longitude: &Value, label: &str) -> Option<RichText> {
    let degrees = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse::<f64>().ok());
    place_at((degrees(latitude)?, degrees(longitude)?), label)
}

/// A place by its latitude and longitude, as a link to a map; `None` for what is nowhere.
pub(crate) fn place_at((latitude, longitude): (f64, f64), label: &str) -> Option<RichText> {
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
        return None;
    }
    let label = clean_line(label);
    let words = if label.is_empty() { "Location" } else { label.as_str() };
    let url = format!(
        "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
    );
    let link = Node::Link { children: vec![Node::Text(url.clone())], url };
    Some(RichText(vec![Node::Text(format!("📍 {words}")), Node::LineBreak, link]))
}

/// A card that leads into the web; `None` where nothing could be shown.
pub(crate) fn link(title: &Value, description: &Value, url: &Value) -> Option<RichText> {
    let url = clean_line(text(url));
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let title = clean_line(text(title));
    let title = if title.is_empty() { url.clone() } else { title };
    let children = vec![Node::Text(title)];
    let mut nodes = vec![match is_web {
        true => Node::Link { url, children },
        false => Node::Strong(children),
    }];
    let description = RichText::plain(text(description));
    if !description.is_blank() {
        nodes.push(Node::LineBreak);
        nodes.extend(description.0);
    }
    Some(RichText(nodes)).filter(|text| !text.is_blank())
}

/// Words of the bridge's.
pub(crate) fn notice(words: &str) -> Message {
    let nodes = vec![Node::Emphasis(vec![Node::Text(words.to_owned())])];
    Message { tone: Tone::Notice, ..Message::text(RichText(nodes)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_on_this_earth() {
        let shown = |latitude: Value, longitude: Value| place(&latitude, &longitude, "Tower");
        let words = "📍 Tower\nhttps://www.openstreetmap.org/?mlat=23.5&mlon=-113.25#map=16/23.5/-113.25";
        for (latitude, longitude) in [(json!(23.5), json!(-113.25)), (json!(" 23.5"), json!("-113.25"))] {
            assert_eq!(shown(latitude, longitude).map(|text| text.to_plain()).as_deref(), Some(words));
        }
        for (latitude, longitude) in [
            (json!("NaN"), json!(1)),
            (json!(1), json!("inf")),
            (json!(91), json!(1)),
            (json!(1), json!("-180.5")),
            (json!("north"), json!(1)),
            (Value::Null, Value::Null),
        ] {
            assert_eq!(shown(latitude.clone(), longitude.clone()), None, "{latitude} {longitude}");
        }
    }
}
