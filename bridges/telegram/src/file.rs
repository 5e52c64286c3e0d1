//! How files are named. Only this file makes and parses such names; `session/files` opens them.
//!
//! | id | what it names |
//! |---|---|
//! | `file/<file_id>` | a file; its path on the server is asked for when it is opened, because it expires |
//! | `tgs/<file_id>` | an animated sticker, unpacked when it is opened |
//! | `user/<number>/<unique>`, `chat/<number>/<unique>` | a picture of a person or chat; the same as long as the picture is |
//! | `emoji/<id>` | a custom emoji |

use magpie_common::ids::RemoteFileId;

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileName<'a> {
    File(&'a str),
    Tgs(&'a str),
    User(i64, &'a str),
    Chat(i64, &'a str),
    Emoji(&'a str),
}

pub(crate) fn file(file_id: &str) -> RemoteFileId {
    RemoteFileId::new(format!("file/{file_id}"))
}

pub(crate) fn tgs(file_id: &str) -> RemoteFileId {
    RemoteFileId::new(format!("tgs/{file_id}"))
}

pub(crate) fn user_picture(user: i64, unique: &str) -> RemoteFileId {
    RemoteFileId::new(format!("user/{user}/{unique}"))
}

pub(crate) fn chat_picture(chat: i64, unique: &str) -> RemoteFileId {
    RemoteFileId::new(format!("chat/{chat}/{unique}"))
}

pub(crate) fn custom_emoji(id: &str) -> RemoteFileId {
    RemoteFileId::new(format!("emoji/{id}"))
}

impl<'a> FileName<'a> {
    /// Reads a name; `None` for what names no file.
    pub fn parse(id: &'a RemoteFileId) -> Option<Self> {
        let (kind, rest) = id.as_str().split_once('/')?;
        let picture = || rest.split_once('/').and_then(|(owner, unique)| Some((owner.parse().ok()?, unique)));
        match kind {
            "file" => Some(Self::File(rest)),
            "tgs" => Some(Self::Tgs(rest)),
            "user" => picture().map(|(owner, unique)| Self::User(owner, unique)),
            "chat" => picture().map(|(owner, unique)| Self::Chat(owner, unique)),
            "emoji" => Some(Self::Emoji(rest)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_made() {
        for (id, name) in [
            (file("AgAC-x"), FileName::File("AgAC-x")),
            (tgs("CAAC"), FileName::Tgs("CAAC")),
            (user_picture(42, "AQAD"), FileName::User(42, "AQAD")),
            (chat_picture(-100_123, "AQAD"), FileName::Chat(-100_123, "AQAD")),
            (custom_emoji("536"), FileName::Emoji("536")),
        ] {
            assert_eq!(FileName::parse(&id), Some(name));
        }
        for bad in ["", "file", "user/x/y", "user/5", "else/5"] {
            assert_eq!(FileName::parse(&RemoteFileId::new(bad)), None, "{bad}");
        }
    }
}
