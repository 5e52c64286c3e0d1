//! Emoji as Discord writes them: in events, and in the routes of reactions.

use magpie_common::{
    ids::RemoteFileId,
    message::{Emoji, FileSource},
};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use crate::{format::is_id, json::text};

/// Stands for the name of an emoji that the server has no more.
const NAMELESS: &str = "emoji";

/// Reads an emoji object: <https://discord.com/developers/docs/resources/emoji#emoji-object>.
pub(crate) fn read(data: &Value) -> Option<Emoji> {
    let (id, name) = (text(&data["id"]), data["name"].as_str());
    if id.is_empty() {
        return name.map(Emoji::unicode);
    }
    let source = is_id(&id).then(|| FileSource::Remote(RemoteFileId::new(format!("emojis/{id}.webp"))))?;
    Some(Emoji::Custom { name: name.unwrap_or(NAMELESS).to_owned(), source })
}

/// An emoji as a segment of a route; `None` when it is not one of Discord's.
pub(crate) fn segment(emoji: &Emoji) -> Option<String> {
    let spelled = match emoji {
        Emoji::Unicode(emoji) => emoji.clone(),
        Emoji::Custom { name, source: FileSource::Remote(file) } => format!("{name}:{}", id(file)?),
        Emoji::Custom { source: FileSource::Matrix(_), .. } => return None,
    };
    Some(byte_serialize(spelled.as_bytes()).collect::<String>().replace('+', "%20"))
}

/// The number of an emoji that its file names.
pub(crate) fn id(file: &RemoteFileId) -> Option<&str> {
    let id = file.as_str().strip_prefix("emojis/")?.split('.').next()?;
    is_id(id).then_some(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_read_is_found_again() {
        let again = |data: Value| read(&data).and_then(|emoji| segment(&emoji));
        assert_eq!(again(json!({"id": null, "name": "👍"})).as_deref(), Some("%F0%9F%91%8D"));
        assert_eq!(again(json!({"id": "7", "name": "wave"})).as_deref(), Some("wave%3A7"));
        assert_eq!(again(json!({"id": "7", "name": null})).as_deref(), Some("emoji%3A7"));
        assert_eq!(again(json!({"id": null, "name": null})), None);
    }
}
