//! What a gateway tells: something happened, by its number and a little JSON. Pure.

use serde_json::Value;

use super::wire::Event;
use crate::json::{number, text};

/// Raw forms are cut at this length.
const RAW_BYTES_MAX: usize = 4 * 1024;

/// More people at once are not read.
const PEOPLE_MAX: usize = 500;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// The gateway lives.
    Heartbeat,
    /// It is ready, or answers a question of nobody's.
    Nothing,
    /// Somebody wrote; the message is asked for by its id.
    Message(String),
    /// Somebody wants to be a friend, or is one now.
    Friendship(String),
    /// Somebody asks the account into a group.
    Invited(String),
    /// People came to a group.
    Joined { room: String, people: Vec<String> },
    /// People left a group, or were removed.
    Left { room: String, people: Vec<String> },
    /// A group has another name.
    Topic { room: String, topic: String },
    /// A code is to be scanned, or was.
    Scan(Scan),
    /// The account is signed in.
    LoggedIn(String),
    /// It is not any more.
    LoggedOut,
    /// What was told of something is old.
    Dirty(Dirty),
    /// The gateway has a fault of its own.
    Fault,
    /// A number that nobody knows (yet).
    Unknown { name: String, raw: String },
}

/// How far a sign-in has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// This is to be scanned.
    Code(String),
    /// It was; the phone asks.
    Scanned,
    /// The phone agreed.
    Confirmed,
    /// The code is too old, or the phone refused; another one follows.
    Over,
}

/// Of what something is old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dirty {
    /// A person.
    Contact(String),
    /// A group.
    Room(String),
    /// Those in a group.
    Members(String),
    /// Something that is not kept here.
    Other,
}

/// Reads an event. What is known but says nothing useful is [`Happening::Unknown`], too.
pub(super) fn read(event: &Event) -> Happening {
    let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    known(event.kind, &payload).unwrap_or_else(|| {
        let mut raw = event.payload.clone();
        raw.truncate(raw.floor_char_boundary(RAW_BYTES_MAX));
        Happening::Unknown { name: format!("gateway event {}", event.kind), raw }
    })
}

fn known(kind: i32, payload: &Value) -> Option<Happening> {
    Some(match kind {
        1 => Happening::Heartbeat,
        // An answer to a ping, something among friends' moments, ready.
        3 | 4 | 23 => Happening::Nothing,
        2 => Happening::Message(id(&payload["messageId"])?),
        16 => Happening::Fault,
        17 => Happening::Friendship(id(&payload["friendshipId"])?),
        18 => Happening::Invited(id(&payload["roomInvitationId"])?),
        19 => Happening::Joined { room: id(&payload["roomId"])?, people: ids(&payload["inviteeIdList"]) },
        20 => Happening::Left { room: id(&payload["roomId"])?, people: ids(&payload["removeeIdList"]) },
        21 => {
            Happening::Topic { room: id(&payload["roomId"])?, topic: text(&payload["newTopic"]).to_owned() }
        }
        22 => Happening::Scan(scan(payload)?),
        25 => Happening::LoggedIn(id(&payload["contactId"])?),
        26 => Happening::LoggedOut,
        27 => Happening::Dirty(dirty(payload)),
        _ => return None,
    })
}

fn scan(payload: &Value) -> Option<Scan> {
    const CODE_CHARS_MAX: usize = 2_000;
    match number(&payload["status"])? {
        0 | 2 => {
            let code = text(&payload["qrcode"]);
            (1..=CODE_CHARS_MAX).contains(&code.len()).then(|| Scan::Code(code.to_owned()))
        }
        3 => Some(Scan::Scanned),
        4 => Some(Scan::Confirmed),
        1 | 5 => Some(Scan::Over),
        _ => None,
    }
}

fn dirty(payload: &Value) -> Dirty {
    let Some(id) = id(&payload["payloadId"]) else { return Dirty::Other };
    match number(&payload["payloadType"]) {
        Some(2) => Dirty::Contact(id),
        Some(3) => Dirty::Room(id),
        // The group, and a member behind a sign that differs from gateway to gateway.
        Some(4) => {
            let end = id.find("chatroom").map_or(id.len(), |at| at + "chatroom".len());
            Dirty::Members(id[..end].to_owned())
        }
        _ => Dirty::Other,
    }
}

fn id(value: &Value) -> Option<String> {
    const ID_BYTES_MAX: usize = 1024;
    Some(text(value)).filter(|id| (1..=ID_BYTES_MAX).contains(&id.len())).map(str::to_owned)
}

fn ids(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().take(PEOPLE_MAX).filter_map(id).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    fn told(kind: i32, payload: &str) -> Happening {
        read(&Event { kind, payload: payload.to_owned() })
    }

    #[test]
    fn events_are_read() {
        let room = || "7@chatroom".to_owned();
        for (kind, payload, happening) in [
            (1, r#"{"data":"x"}"#, Happening::Heartbeat),
            (2, r#"{"messageId":"m1"}"#, Happening::Message("m1".to_owned())),
            (17, r#"{"friendshipId":"f"}"#, Happening::Friendship("f".to_owned())),
            (18, r#"{"roomInvitationId":"i"}"#, Happening::Invited("i".to_owned())),
            (
                19,
                r#"{"roomId":"7@chatroom","inviteeIdList":["a",1,"b"],"inviterId":"c","timestamp":1}"#,
                Happening::Joined { room: room(), people: vec!["a".to_owned(), "b".to_owned()] },
            ),
            (
                20,
                r#"{"roomId":"7@chatroom","removeeIdList":["a"]}"#,
                Happening::Left { room: room(), people: vec!["a".to_owned()] },
            ),
            (
                21,
                r#"{"roomId":"7@chatroom","newTopic":"Birds","oldTopic":""}"#,
                Happening::Topic { room: room(), topic: "Birds".to_owned() },
            ),
            (22, r#"{"status":2,"qrcode":"http://x"}"#, Happening::Scan(Scan::Code("http://x".to_owned()))),
            (22, r#"{"status":3}"#, Happening::Scan(Scan::Scanned)),
            (22, r#"{"status":5}"#, Happening::Scan(Scan::Over)),
            (23, "{}", Happening::Nothing),
            (25, r#"{"contactId":"me"}"#, Happening::LoggedIn("me".to_owned())),
            (26, r#"{"contactId":"me","data":"bye"}"#, Happening::LoggedOut),
            (27, r#"{"payloadType":2,"payloadId":"a"}"#, Happening::Dirty(Dirty::Contact("a".to_owned()))),
            (27, r#"{"payloadType":4,"payloadId":"7@chatroom:a"}"#, Happening::Dirty(Dirty::Members(room()))),
            (27, r#"{"payloadType":1,"payloadId":"m"}"#, Happening::Dirty(Dirty::Other)),
        ] {
            assert_eq!(told(kind, payload), happening, "{kind} {payload}");
        }
    }

    #[test]
    fn what_says_nothing_keeps_its_raw_form() {
        for (kind, payload) in [
            (2, "{}"),
            (2, "no JSON"),
            (2, r#"{"messageId":""}"#),
            (22, r#"{"status":2}"#),
            (99, "{}"),
            (-1, "[]"),
        ] {
            let Happening::Unknown { raw, .. } = told(kind, payload) else { panic!("{kind} {payload}") };
            assert_eq!(raw, payload);
        }
    }

    proptest! {
        #[test]
        fn no_event_is_too_strange(kind in -2..40, payload in any::<String>()) {
            let _ = told(kind, &payload);
        }
    }
}
