//! A transaction's body as borrowed pieces: events are neither copied nor understood here, only told apart.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// What one `PUT /_matrix/app/v1/transactions/{txnId}` carries.
#[derive(Debug)]
pub struct Transaction<'a> {
    /// The homeserver's id; the same for each repeat, but it may start anew after a restore.
    pub txn_id: &'a str,
    /// The events in order.
    pub events: Vec<Incoming<'a>>,
    /// Typing, receipts and presence. Not sent again when the transaction is repeated.
    pub ephemeral: Vec<&'a RawValue>,
}

/// One entry of a transaction.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// An event that says who, where and what.
    Event(Envelope<'a>),
    /// One that does not; it is to be parked.
    Unreadable(Unreadable<'a>),
}

/// The outside of an event.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The event's id: the guard against repeats.
    pub event_id: Cow<'a, EventId>,
    /// Its room.
    pub room_id: Cow<'a, RoomId>,
    /// Who sent it.
    pub sender: Cow<'a, UserId>,
    /// Its type.
    pub event_type: Cow<'a, str>,
    /// Its state key, for state.
    pub state_key: Option<Cow<'a, str>>,
    /// When its server says that it was sent, in milliseconds since 1970.
    pub origin_server_ts: i64,
    /// The whole event.
    pub raw: &'a RawValue,
}

/// An event whose outside cannot be read.
#[derive(Debug)]
pub struct Unreadable<'a> {
    /// Its own id where it has one, else one that is the same for each repeat of the transaction.
    pub event_id: Cow<'a, str>,
    /// What is wrong, in plain words.
    pub reason: String,
    /// The whole entry.
    pub raw: &'a RawValue,
}

/// Why a body is no transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It is not JSON.
    NotJson(String),
    /// It is JSON of another shape.
    BadJson(String),
}

impl<'a> Transaction<'a> {
    pub(super) fn parse(txn_id: &'a str, body: &'a [u8]) -> Result<Self, BodyError> {
        let body: Body<'a> = serde_json::from_slice(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => BodyError::BadJson(error.to_string()),
            _ => BodyError::NotJson(error.to_string()),
        })?;
        let events =
            body.events.iter().enumerate().map(|(index, raw)| read_event(txn_id, index, raw)).collect();
        let ephemeral = body.ephemeral.or(body.unstable_ephemeral).unwrap_or_default();
        Ok(Self { txn_id, events, ephemeral })
    }
}

/// Both spellings of `ephemeral` may be filled with the same; reading both would double them.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    events: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    ephemeral: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default, rename = "de.sorunome.msc2409.ephemeral")]
    unstable_ephemeral: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow)]
    event_id: Cow<'a, str>,
    #[serde(borrow)]
    room_id: Cow<'a, str>,
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    state_key: Option<Cow<'a, str>>,
    origin_server_ts: i64,
}

fn read_event<'a>(txn_id: &str, index: usize, raw: &'a RawValue) -> Incoming<'a> {
    match read_envelope(raw) {
        Ok(envelope) => Incoming::Event(envelope),
        Err(reason) => {
            let event_id = own_event_id(raw).unwrap_or_else(|| Cow::Owned(made_up_id(txn_id, index, raw)));
            Incoming::Unreadable(Unreadable { event_id, reason, raw })
        }
    }
}

fn read_envelope(raw: &RawValue) -> Result<Envelope<'_>, String> {
    let outside: Outside<'_> = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
    // PostgreSQL stores no NUL in text: one such name would hold up the whole transaction for ever.
    for name in [Some(&outside.event_type), outside.state_key.as_ref()].into_iter().flatten() {
        if name.contains('\0') {
            return Err("`type` or `state_key` contains a NUL character".to_owned());
        }
    }
    let wrong = |key: &str, error: ruma::IdParseError| format!("`{key}` is not valid: {error}");
    Ok(Envelope {
        event_id: match outside.event_id {
            Cow::Borrowed(id) => Cow::Borrowed(<&EventId>::try_from(id).map_err(|e| wrong("event_id", e))?),
            Cow::Owned(id) => Cow::Owned(OwnedEventId::try_from(id).map_err(|e| wrong("event_id", e))?),
        },
        room_id: match outside.room_id {
            Cow::Borrowed(id) => Cow::Borrowed(<&RoomId>::try_from(id).map_err(|e| wrong("room_id", e))?),
            Cow::Owned(id) => Cow::Owned(OwnedRoomId::try_from(id).map_err(|e| wrong("room_id", e))?),
        },
        sender: match outside.sender {
            Cow::Borrowed(id) => Cow::Borrowed(<&UserId>::try_from(id).map_err(|e| wrong("sender", e))?),
            Cow::Owned(id) => Cow::Owned(OwnedUserId::try_from(id).map_err(|e| wrong("sender", e))?),
        },
        event_type: outside.event_type,
        state_key: outside.state_key,
        origin_server_ts: outside.origin_server_ts,
        raw,
    })
}

fn own_event_id(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct OnlyId<'a> {
        #[serde(borrow)]
        event_id: Cow<'a, str>,
    }
    let only: OnlyId<'_> = serde_json::from_str(raw.get()).ok()?;
    <&EventId>::try_from(only.event_id.as_ref()).is_ok().then_some(only.event_id)
}

/// The content is part of it, because transaction ids may start anew after a restore.
fn made_up_id(txn_id: &str, index: usize, raw: &RawValue) -> String {
    let mut hash = Sha256::new();
    hash.update(txn_id.as_bytes());
    hash.update([0]);
    hash.update(index.to_be_bytes());
    hash.update(raw.get().as_bytes());
    format!("$unreadable-{}", URL_SAFE_NO_PAD.encode(&hash.finalize()[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Transaction<'_> {
        Transaction::parse("7", body.as_bytes()).unwrap()
    }

    fn event(extra: &str) -> String {
        format!(
            r#"{{"event_id":"$e","room_id":"!r:x","sender":"@a:x","type":"m.room.message","origin_server_ts":1,"content":{{}}{extra}}}"#
        )
    }

    #[test]
    fn a_readable_event_is_borrowed_from_the_body() {
        let body = format!(r#"{{"events":[{}]}}"#, event(""));
        let Incoming::Event(envelope) = parse(&body).events.remove(0) else { panic!("unreadable") };
        assert!(matches!(envelope.event_id, Cow::Borrowed(_)));
        assert!(matches!(envelope.sender, Cow::Borrowed(_)));
        assert_eq!((envelope.event_id.as_str(), envelope.origin_server_ts), ("$e", 1));
        assert_eq!(envelope.state_key, None);
        assert_eq!(envelope.raw.get(), event(""));
    }

    #[test]
    fn escaped_names_and_rooms_without_a_server_are_read() {
        let body = event(r#","state_key":"a\"b""#).replace("!r:x", "!hash").replace("@a:x", r"@a\/b:x");
        let body = format!(r#"{{"events":[{body}]}}"#);
        let Incoming::Event(envelope) = parse(&body).events.remove(0) else { panic!("unreadable") };
        assert_eq!(envelope.state_key.as_deref(), Some("a\"b"));
        assert_eq!((envelope.room_id.as_str(), envelope.sender.as_str()), ("!hash", "@a/b:x"));
    }

    #[test]
    fn an_unreadable_event_stays_in_its_place_and_the_rest_goes_on() {
        let odd = [
            r#"5"#.to_owned(),
            r#"{"event_id":"$own","room_id":7}"#.to_owned(),
            event("").replace("@a:x", "nobody"),
            event("").replace(r#""origin_server_ts":1"#, r#""origin_server_ts":"yesterday""#),
            event("").replace("m.room.message", r"a\u0000b"),
            event(r#","type":"twice""#),
        ];
        let body = format!(r#"{{"events":[{},{},{}]}}"#, event(""), odd.join(","), event(""));
        let transaction = parse(&body);
        assert!(matches!(transaction.events[0], Incoming::Event(_)));
        assert!(matches!(transaction.events[odd.len() + 1], Incoming::Event(_)));
        let ids: Vec<_> = transaction.events[1..=odd.len()]
            .iter()
            .map(|incoming| match incoming {
                Incoming::Unreadable(unreadable) => {
                    assert!(!unreadable.reason.is_empty());
                    unreadable.event_id.to_string()
                }
                Incoming::Event(envelope) => panic!("read {envelope:?}"),
            })
            .collect();
        assert!(ids[0].starts_with("$unreadable-"), "{}", ids[0]);
        assert_eq!(ids[1], "$own");
    }

    #[test]
    fn a_made_up_id_is_the_same_for_a_repeat_and_another_for_all_else() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let id = made_up_id("7", 0, &raw("5"));
        assert_eq!(id, made_up_id("7", 0, &raw("5")));
        for other in
            [made_up_id("8", 0, &raw("5")), made_up_id("7", 1, &raw("5")), made_up_id("7", 0, &raw("6"))]
        {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn ephemeral_events_are_taken_from_one_key_only() {
        let both = r#"{"events":[],"ephemeral":[{}],"de.sorunome.msc2409.ephemeral":[{}]}"#;
        assert_eq!(parse(both).ephemeral.len(), 1);
        let old = r#"{"events":[],"de.sorunome.msc2409.ephemeral":[{},{}]}"#;
        assert_eq!(parse(old).ephemeral.len(), 2);
        let more = r#"{"de.sorunome.msc2409.to_device":[{}],"org.matrix.msc3202.device_lists":{}}"#;
        assert!(parse(more).ephemeral.is_empty());
    }
}
