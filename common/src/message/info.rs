//! What a network tells of a chat or a person.

use serde::{Deserialize, Serialize};

use crate::ids::{AliasSet, RemoteChatId, RemoteFileId, RemoteMessageId, RemoteUserId};

/// Longer names are cut: nobody reads them, and they would fill a room's state.
pub const VISIBLE_NAME_CHARS_MAX: usize = 100;

/// A chat as the network shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatInfo {
    /// What sort of chat.
    pub kind: ChatKind,
    /// Its name; a direct chat may have none.
    pub name: Option<String>,
    /// Its topic or description.
    pub topic: Option<String>,
    /// Its picture.
    pub avatar: Option<RemoteFileId>,
    /// The space it belongs to.
    pub parent: Option<RemoteChatId>,
    /// The other person of a direct chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<RemoteUserId>,
    /// The people in it, where the list is short enough to be known; the portal does not wait for it.
    pub members: Vec<RemoteUserId>,
    /// Whether everybody in the space may see it. A private chat is never opened to anyone by the bridge.
    pub private: bool,
    /// The newest message in it, where that is known: what was said up to it may be brought into a new room as its history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<RemoteMessageId>,
    /// When its room is made; `None` leaves that to the bridge's own setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<CreateWhen>,
}

/// What somebody keeps about a chat for themselves. What is absent has not changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Personal {
    /// Whether its messages ring.
    pub muted: Option<bool>,
    /// Whether it stands among the favorites.
    pub favorite: Option<bool>,
    /// Whether it was put aside.
    pub archived: Option<bool>,
    /// Whether it was marked as unread.
    pub unread: Option<bool>,
}

/// When the room of a chat is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreateWhen {
    /// As soon as the chat is known.
    AtOnce,
    /// With its first message.
    FirstMessage,
    /// Only when somebody asks for it by a command.
    OnCommand,
}

impl ChatInfo {
    /// A chat of which no more is known than its kind and name.
    pub fn new(kind: ChatKind, name: Option<String>) -> Self {
        Self {
            kind,
            name,
            topic: None,
            avatar: None,
            parent: None,
            with: None,
            members: Vec::new(),
            private: false,
            newest: None,
            create: None,
        }
    }
}

/// What sort of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// Two people.
    Direct,
    /// A group or channel in which many write.
    Group,
    /// A channel in which few write and many read.
    Broadcast,
    /// Not a chat but what holds chats: a guild, a community.
    Space,
}

/// A person as the network shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserInfo {
    /// Their ids.
    pub ids: AliasSet,
    /// Their name.
    pub name: Option<String>,
    /// Their picture.
    pub avatar: Option<RemoteFileId>,
    /// Whether they are a program.
    pub bot: bool,
}

/// A name fit to be shown: without control and direction characters, on one line, not too long. Empty when nothing is left.
pub fn clean_name(name: &str) -> String {
    let cut: String = clean_line(name).chars().take(VISIBLE_NAME_CHARS_MAX).collect();
    cut.trim_end().to_owned()
}

/// Words on one line, whole, without characters that turn or hide others.
pub fn clean_line(words: &str) -> String {
    let words: Vec<&str> = words.split_whitespace().collect();
    words.join(" ").chars().filter(|c| is_visible(*c)).collect::<String>().trim().to_owned()
}

/// Whether a character shows something, or is an ordinary space. The others turn or hide text: they let one name look like another.
pub fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_deceives_and_keep_the_rest() {
        assert_eq!(clean_name("  Ada\u{202e}ecila\n\tL.  "), "Adaecila L.");
        assert_eq!(clean_name("\u{200f}\u{7}"), "");
        assert_eq!(clean_name("\u{3164}\u{ad}\u{2800}"), "", "blank though not empty");
        assert_eq!(clean_name("Al\u{ad}ex\u{e0041}"), "Alex");
        assert_eq!(clean_name(&"é".repeat(200)).chars().count(), VISIBLE_NAME_CHARS_MAX);
        assert_eq!(clean_name("喜鹊 👩‍🚀"), "喜鹊 👩🚀");
    }
}
