//! What a report needs of a Matrix event, borrowed from the event's text.

use std::borrow::Cow;

use ruma::{EventId, RoomId};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Longer types of messages are nobody's.
const TYPE_CHARS_MAX: usize = 255;

/// The event that a report is about.
#[derive(Debug, Deserialize)]
pub struct Subject<'a> {
    /// The event.
    #[serde(borrow)]
    pub event_id: Cow<'a, str>,
    /// Its room.
    #[serde(borrow)]
    pub room_id: Cow<'a, str>,
    /// Its type.
    #[serde(borrow, rename = "type")]
    pub event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Content<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct Content<'a> {
    /// Untrusted, so it may be no text at all.
    #[serde(borrow, default)]
    msgtype: Option<&'a RawValue>,
}

impl<'a> Subject<'a> {
    /// Reads a stored event. `None` for what is no message of somebody's: state, and what cannot be read.
    pub fn read(body: &'a str) -> Option<Self> {
        let subject: Self = serde_json::from_str(body).ok()?;
        let is_said = matches!(
            &*subject.event_type,
            "m.room.message" | "m.sticker" | "m.reaction" | "m.room.redaction" | "m.room.encrypted"
        );
        is_said.then_some(subject)
    }

    /// A message of which no more is at hand than where it is.
    pub fn of(room_id: &'a RoomId, event_id: &'a EventId) -> Self {
        Self {
            event_id: event_id.as_str().into(),
            room_id: room_id.as_str().into(),
            event_type: "m.room.message".into(),
            content: Content::default(),
        }
    }

    /// The `msgtype` of a message.
    pub fn message_type(&self) -> Option<String> {
        let raw = self.content.msgtype.filter(|_| self.event_type == "m.room.message")?;
        let text: String = serde_json::from_str(raw.get()).ok()?;
        (text.len() <= TYPE_CHARS_MAX).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event_type: &str, content: &str) -> String {
        format!(
            r#"{{"event_id":"$e","room_id":"!r:x","sender":"@a:x","type":"{event_type}","content":{content}}}"#
        )
    }

    #[test]
    fn what_people_do_is_read_and_state_is_not() {
        let body = event("m.room.message", r#"{"msgtype":"m.text","body":"hello"}"#);
        let subject = Subject::read(&body).unwrap();
        assert_eq!((&*subject.event_id, &*subject.room_id), ("$e", "!r:x"));
        assert_eq!(subject.message_type().as_deref(), Some("m.text"));
        assert!(Subject::read(&event("m.room.member", "{}")).is_none());
        assert!(Subject::read("{}").is_none());
    }

    #[test]
    fn a_strange_type_of_message_is_left_out() {
        for content in [
            r#"{"msgtype":7}"#.to_owned(),
            "{}".to_owned(),
            format!(r#"{{"msgtype":"{}"}}"#, "x".repeat(256)),
        ] {
            let body = event("m.room.message", &content);
            assert_eq!(Subject::read(&body).unwrap().message_type(), None, "{content}");
        }
        assert_eq!(
            Subject::read(&event("m.reaction", r#"{"msgtype":"m.text"}"#)).unwrap().message_type(),
            None
        );
    }
}
