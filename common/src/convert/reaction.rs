//! Reactions (`m.reaction`), read and written.
//!
//! A custom emoji stands in the key as the address of its picture, with its name beside it (MSC4027). Must never make an emoji of a key that is
//! not one: words stay words.

use ruma::{EventId, OwnedEventId, OwnedMxcUri};
use serde_json::{Value, json};

use super::words::{clean_words, cut, one_line};
use crate::message::{Emoji, FileSource};

const SHORTCODE_KEYS: [&str; 2] = ["shortcode", "com.beeper.reaction.shortcode"];
const NAME_BYTES_MAX: usize = 64;

/// What somebody reacted with, and to which event; `None` when the content says neither.
pub fn read_reaction(content: &Value) -> Option<(OwnedEventId, Emoji)> {
    let relation = content.get("m.relates_to")?;
    if relation.get("rel_type")?.as_str()? != "m.annotation" {
        return None;
    }
    let target = EventId::parse(relation.get("event_id")?.as_str()?).ok()?;
    let key = relation.get("key")?.as_str().filter(|key| !key.trim().is_empty())?;
    if !key.starts_with("mxc://") {
        return Some((target, Emoji::unicode(&clean_words(key))));
    }
    let source = Some(OwnedMxcUri::from(key)).filter(|uri| uri.is_valid())?;
    let shortcode = SHORTCODE_KEYS.iter().find_map(|key| content.get(key)?.as_str());
    let name = one_line(shortcode.unwrap_or("emoji"));
    let name = cut(name.trim_matches(':'), NAME_BYTES_MAX).to_owned();
    Some((target, Emoji::Custom { name, source: FileSource::Matrix(source) }))
}

/// A reaction's content. A custom emoji whose picture is not in the media store is written as its name.
pub fn write_reaction(target: &EventId, emoji: &Emoji) -> Value {
    let (key, name) = match emoji {
        Emoji::Unicode(emoji) => (emoji.clone(), None),
        Emoji::Custom { name, source: FileSource::Matrix(mxc) } => (mxc.to_string(), Some(name)),
        Emoji::Custom { name, source: FileSource::Remote(_) } => (format!(":{}:", one_line(name)), None),
    };
    let mut content =
        json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": target, "key": key } });
    if let Some(name) = name {
        let shortcode = format!(":{}:", one_line(name));
        for key in SHORTCODE_KEYS {
            content[key] = json!(shortcode);
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use ruma::event_id;

    use super::*;
    use crate::ids::RemoteFileId;

    #[test]
    fn reactions_come_back_as_they_were() {
        let custom =
            Emoji::Custom { name: "wave".into(), source: FileSource::Matrix("mxc://e.org/a".into()) };
        for emoji in [Emoji::unicode("👍"), Emoji::unicode("❤"), custom] {
            let content = write_reaction(event_id!("$a"), &emoji);
            assert_eq!(read_reaction(&content), Some((event_id!("$a").to_owned(), emoji)));
        }
        let remote =
            Emoji::Custom { name: "wave".into(), source: FileSource::Remote(RemoteFileId::new("1")) };
        assert_eq!(write_reaction(event_id!("$a"), &remote)["m.relates_to"]["key"], ":wave:");
    }

    #[test]
    fn what_is_no_reaction_is_none() {
        for relation in [
            json!({}),
            json!({ "rel_type": "m.reference", "event_id": "$a", "key": "x" }),
            json!({ "rel_type": "m.annotation", "event_id": "a", "key": "x" }),
            json!({ "rel_type": "m.annotation", "event_id": "$a", "key": " " }),
            json!({ "rel_type": "m.annotation", "event_id": "$a", "key": "mxc://" }),
            json!({ "rel_type": "m.annotation", "event_id": "$a", "key": 7 }),
        ] {
            assert_eq!(read_reaction(&json!({ "m.relates_to": relation })), None, "{relation}");
        }
    }
}
