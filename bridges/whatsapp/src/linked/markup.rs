//! Words of WhatsApp as the rich-text tree and back, by the bridge's one reader and writer (`format`), with mentions as linked devices know
//! them: an `@` with the digits of an address.

use magpie_common::{ids::RemoteUserId, message::RichText};
use wacore_binary::Jid;

use super::identity;
use crate::format::{self, Names, Part};

/// The longest text of one message, in characters.
pub(super) const TEXT_CHARS_MAX: usize = 65_536;

/// Whom the digits behind an `@` name, and how they are called.
pub(super) type Mentioned<'a> = dyn Fn(&str) -> Option<(RemoteUserId, String)> + 'a;

/// Those whom a message names beside its text.
struct Named<'a>(&'a Mentioned<'a>);

impl Names for Named<'_> {
    fn mentioned(&self, digits: &str) -> Option<(RemoteUserId, String)> {
        (self.0)(digits)
    }

    fn digits(&self, _: &RemoteUserId) -> Option<String> {
        None
    }
}

/// Everybody who has an address.
struct Addressed;

impl Names for Addressed {
    fn mentioned(&self, _: &str) -> Option<(RemoteUserId, String)> {
        None
    }

    fn digits(&self, user: &RemoteUserId) -> Option<String> {
        identity::address_of(user).map(|jid| jid.user_base().to_owned())
    }
}

/// Reads words.
pub(super) fn read(text: &str, mentioned: &Mentioned<'_>) -> RichText {
    format::read(text, &Named(mentioned))
}

/// Words to send, and whom they mention.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) mentions: Vec<Jid>,
}

/// Writes words as one message, however long.
pub(super) fn write(text: &RichText) -> Written {
    let parts = format::write(text, &Addressed, TEXT_CHARS_MAX);
    let mentions = parts.iter().flat_map(|part| &part.mentions).filter_map(identity::address_of).collect();
    let words: Vec<String> = parts.into_iter().map(|Part { text, .. }| text).collect();
    Written { text: words.join("\n"), mentions }
}

#[cfg(test)]
mod tests {
    use magpie_common::message::{Mention, MentionTarget, Node, Person};

    use super::*;

    #[test]
    fn digits_that_the_message_names_are_mentions() {
        let mentioned =
            |digits: &str| (digits == "100001").then(|| (RemoteUserId::new("lid-100001"), "Bob".to_owned()));
        let cases = [
            ("hi @100001!", "hi @Bob!", 1),
            ("@1000012 and @200002", "@1000012 and @200002", 0),
            ("mail@example.org @", "mail@example.org @", 0),
            ("two\nlines @100001", "two\nlines @Bob", 1),
        ];
        for (text, words, mentions) in cases {
            let read = read(text, &mentioned);
            assert_eq!((read.to_plain().as_str(), read.mentions().len()), (words, mentions), "{text}");
        }
    }

    #[test]
    fn people_are_mentioned_by_their_digits() {
        let person = |id: &str| {
            let target = MentionTarget::Person(Person::Remote(RemoteUserId::new(id)));
            Node::Mention(Mention { target, label: "Bob".to_owned() })
        };
        let text = RichText(vec![
            Node::Strong(vec![Node::Text("hi ".to_owned()), person("lid-100001")]),
            Node::Text(", ".to_owned()),
            person("not an id"),
        ]);
        let written = write(&text);
        assert_eq!(written.text, "*hi @100001*, @Bob");
        assert_eq!(written.mentions, [Jid::lid("100001")]);
    }
}
