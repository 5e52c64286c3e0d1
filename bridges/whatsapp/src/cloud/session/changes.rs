//! What was done to a message: reacted, chosen, changed, taken back. Webhooks come in any order and again for days, so the newest counts, once.
//!
//! It may also come before the message itself; then the message is shown as it is by then.

use magpie_common::{
    clock::TimestampMs,
    ids::{RemoteMessageId, RemoteUserId},
    message::{Emoji, RemoteMessage},
    platform::{Cursor, EventSink, NotStored},
};
use serde::{Deserialize, Serialize};

use super::slots;

/// Deeds within one second are told apart by their ids; more than this are not kept.
const IDS_MAX: usize = 32;

/// What somebody did to one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Change {
    /// The message, and who did it.
    target: String,
    /// The newest reaction or choice.
    #[serde(default)]
    newest_ms: TimestampMs,
    /// The deeds of that moment.
    #[serde(default)]
    ids: Vec<String>,
    /// How the person reacts now.
    #[serde(default)]
    pub emoji: Option<Emoji>,
    /// The message as its author has changed it, and when.
    #[serde(default)]
    pub edit: Option<(TimestampMs, RemoteMessage)>,
    /// The edits of that second.
    #[serde(default)]
    edits: Vec<String>,
    /// Whether its author took it back.
    #[serde(default)]
    pub revoked: bool,
    /// Whether WhatsApp told that it did not arrive.
    #[serde(default)]
    pub failed: bool,
}

/// What is weighed against one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Reactions, edits and deletions.
    Change,
    /// Choices of an answer.
    Choice,
}

impl Deed {
    fn purpose(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Choice => "choice",
        }
    }
}

/// Reads and writes changes.
pub(super) struct Changes(pub EventSink);

impl Changes {
    /// What somebody did to a message, as far as it is remembered.
    pub async fn of(
        &self,
        deed: Deed,
        target: &RemoteMessageId,
        by: &RemoteUserId,
    ) -> Result<Change, NotStored> {
        let target = format!("{target} {by}");
        let stored = self.0.remembered(&slots::key(deed.purpose(), &target)).await?;
        let known = stored.and_then(|stored| serde_json::from_str::<Change>(&stored).ok());
        let known = known.filter(|change| change.target == target);
        Ok(known.unwrap_or_else(|| Change { target, ..Change::default() }))
    }
}

impl Change {
    /// Takes a reaction or a choice in; false when it is known already, or older than the newest.
    pub fn take(&mut self, id: &RemoteMessageId, sent_ms: TimestampMs) -> bool {
        if sent_ms < self.newest_ms || self.ids.iter().any(|known| known == id.as_str()) {
            return false;
        }
        if sent_ms > self.newest_ms {
            self.ids.clear();
        }
        self.newest_ms = sent_ms;
        if self.ids.len() == IDS_MAX {
            self.ids.remove(0);
        }
        self.ids.push(id.to_string());
        true
    }

    /// Takes an edit in; `None` when it is known, or a newer one is. Gives when it counts as made: WhatsApp tells seconds, and edits of the
    /// same second are told apart.
    pub fn take_edit(
        &mut self,
        id: &RemoteMessageId,
        new: &RemoteMessage,
        edited_ms: TimestampMs,
    ) -> Option<TimestampMs> {
        let known_ms = self.edit.as_ref().map(|(known_ms, _)| *known_ms);
        let is_same_second = known_ms.is_some_and(|known_ms| known_ms / 1000 == edited_ms / 1000);
        let is_older = !is_same_second && known_ms.is_some_and(|known_ms| known_ms > edited_ms);
        if self.revoked || is_older || self.edits.iter().any(|known| known == id.as_str()) {
            return None;
        }
        if !is_same_second {
            self.edits.clear();
        }
        if self.edits.len() == IDS_MAX {
            self.edits.remove(0);
        }
        self.edits.push(id.to_string());
        let edited_ms = known_ms.filter(|_| is_same_second).map_or(edited_ms, |known_ms| known_ms + 1);
        self.edit = Some((edited_ms, new.clone()));
        Some(edited_ms)
    }

    /// Takes the end of the message in, with which its words are forgotten; false when it is known.
    pub fn revoke(&mut self) -> bool {
        self.edit = None;
        !std::mem::replace(&mut self.revoked, true)
    }

    /// What is to be stored.
    pub fn cursor(&self, deed: Deed) -> Result<Cursor, NotStored> {
        let value = serde_json::to_string(self).map_err(|error| NotStored(error.to_string()))?;
        Ok(Cursor { key: slots::key(deed.purpose(), &self.target), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_counts_once_whatever_the_order() {
        let id = |id: &str| RemoteMessageId::new(id);
        let mut change = Change::default();
        assert!(change.take(&id("a"), 5_000));
        assert!(!change.take(&id("a"), 5_000), "again");
        assert!(change.take(&id("b"), 5_000), "another one in the same second");
        assert!(!change.take(&id("a"), 5_000), "again, after another one");
        assert!(!change.take(&id("c"), 4_000), "older");
        assert!(change.take(&id("d"), 6_000), "newer");
        assert!(!change.take(&id("b"), 5_000), "older by now");
    }

    #[test]
    fn edits_of_one_second_are_told_apart_and_end_with_the_message() {
        use magpie_common::{
            ids::{AliasSet, RemoteChatId},
            message::{Message, RichText, Sender},
        };
        let id = |id: &str| RemoteMessageId::new(id);
        let new = |words: &str| RemoteMessage {
            chat: RemoteChatId::new("1065/16505551234"),
            id: id("a"),
            sender: Sender {
                ids: AliasSet::single(RemoteUserId::new("16505551234")),
                name: None,
                avatar: None,
            },
            sent_ms: 1_000,
            message: Message::text(RichText::plain(words)),
        };
        let mut change = Change::default();
        assert_eq!(change.take_edit(&id("e1"), &new("one"), 5_000), Some(5_000));
        assert_eq!(change.take_edit(&id("e2"), &new("two"), 5_000), Some(5_001), "the same second");
        assert_eq!(change.take_edit(&id("e1"), &new("one"), 5_000), None, "again");
        assert_eq!(change.take_edit(&id("e0"), &new("zero"), 4_000), None, "older");
        assert_eq!(change.take_edit(&id("e3"), &new("three"), 6_000), Some(6_000), "newer");
        assert!(change.revoke());
        assert_eq!(change.edit, None, "the words are gone");
        assert_eq!(change.take_edit(&id("e4"), &new("four"), 7_000), None, "after the end");
        assert!(!change.revoke(), "again");
    }
}
