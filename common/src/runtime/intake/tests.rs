//! One table: an event of a transaction, and what becomes of it.

use std::borrow::Cow;

use ruma::{EventId, RoomId, server_name};
use serde_json::value::RawValue;

use super::*;

/// What is expected of an event.
#[derive(Debug, PartialEq)]
enum Becomes {
    Stored,
    Profile(&'static str),
    Nothing,
}

use Becomes::{Nothing, Profile, Stored};

const PERSON: &str = "@alice:example.org";
const BOT: &str = "@discordbot:example.org";
const GHOST: &str = "@discord_5:example.org";

fn names() -> GhostNames {
    GhostNames::new("discord_", "discordbot", server_name!("example.org")).unwrap()
}

fn raw() -> Box<RawValue> {
    RawValue::from_string(r#"{"odd":true}"#.to_owned()).unwrap()
}

fn sorted(events: Vec<Incoming<'_>>) -> Intake {
    sort(&Transaction { txn_id: "1", events, ephemeral: Vec::new() }, &names(), |_| false)
}

fn envelope<'a>(
    raw: &'a RawValue,
    sender: &'a str,
    event_type: &'a str,
    key: Option<&'a str>,
) -> Incoming<'a> {
    Incoming::Event(Envelope {
        event_id: Cow::Borrowed(<&EventId>::try_from("$e").unwrap()),
        room_id: Cow::Borrowed(<&RoomId>::try_from("!r:example.org").unwrap()),
        sender: Cow::Borrowed(<&UserId>::try_from(sender).unwrap()),
        event_type: Cow::Borrowed(event_type),
        state_key: key.map(Cow::Borrowed),
        origin_server_ts: 7,
        raw,
    })
}

#[test]
fn every_kind_of_event_has_its_fate() {
    let table = [
        ("a message", PERSON, "m.room.message", None, Stored),
        ("a sticker", PERSON, "m.sticker", None, Stored),
        ("a reaction", PERSON, "m.reaction", None, Stored),
        ("a deletion", PERSON, "m.room.redaction", None, Stored),
        ("an encrypted event", PERSON, "m.room.encrypted", None, Stored),
        ("our bot's message", BOT, "m.room.message", None, Nothing),
        ("a ghost's message", GHOST, "m.room.message", None, Nothing),
        ("a ghost of another server", "@discord_5:other.org", "m.room.message", None, Stored),
        ("a message type as state", PERSON, "m.room.message", Some(""), Nothing),
        ("the bot invited", PERSON, "m.room.member", Some(BOT), Stored),
        ("a ghost invited", PERSON, "m.room.member", Some(GHOST), Stored),
        ("the bot's own joining", BOT, "m.room.member", Some(BOT), Nothing),
        ("a person's new name", PERSON, "m.room.member", Some(PERSON), Profile(PERSON)),
        ("a member that is no user", PERSON, "m.room.member", Some("nobody"), Nothing),
        ("a member event that is no state", PERSON, "m.room.member", None, Nothing),
        ("a room that is closed", PERSON, "m.room.tombstone", Some(""), Stored),
        ("a room that we close ourselves", BOT, "m.room.tombstone", Some(""), Nothing),
        ("a tombstone under another key", PERSON, "m.room.tombstone", Some("x"), Nothing),
        ("a tombstone that is no state", PERSON, "m.room.tombstone", None, Nothing),
        ("a poll", PERSON, "org.matrix.msc3381.poll.start", None, Stored),
        ("a vote", PERSON, "m.poll.response", None, Stored),
        ("our ghost's vote", GHOST, "org.matrix.msc3381.poll.response", None, Nothing),
        ("what is no poll", PERSON, "m.poll.other", None, Nothing),
        ("pins", PERSON, "m.room.pinned_events", Some(""), Stored),
        ("pins that we set ourselves", BOT, "m.room.pinned_events", Some(""), Nothing),
        ("a name", PERSON, "m.room.name", Some(""), Stored),
        ("a name that we give ourselves", BOT, "m.room.name", Some(""), Nothing),
        ("other state", PERSON, "m.room.guest_access", Some(""), Nothing),
        ("what nobody knows", PERSON, "org.example.odd", None, Nothing),
    ];
    for (name, sender, event_type, key, expected) in table {
        let raw = raw();
        let intake = sorted(vec![envelope(&raw, sender, event_type, key)]);
        let becomes = match (intake.events.len(), intake.changed_profiles.as_slice()) {
            (1, []) => Stored,
            (0, [(room, person)]) if room == "!r:example.org" => {
                Profile(if person == PERSON { PERSON } else { "somebody else" })
            }
            (0, []) => Nothing,
            _ => panic!("{name}: {intake:?}"),
        };
        assert_eq!(becomes, expected, "{name}");
    }
}

#[test]
fn a_stored_event_goes_into_its_rooms_lane_as_it_is() {
    let raw = raw();
    let intake = sorted(vec![envelope(&raw, PERSON, "m.room.message", None)]);
    let expected = MatrixEvent {
        event_id: "$e".to_owned(),
        room_id: "!r:example.org".to_owned(),
        sender: PERSON.to_owned(),
        sent_ms: 7,
        lane: "!r:example.org".into(),
        body: r#"{"odd":true}"#.to_owned(),
        parked: None,
    };
    assert_eq!(intake.events, [expected]);
}

#[test]
fn what_nobody_can_read_is_stored_as_parked_in_its_place() {
    let raw = raw();
    let unreadable = Incoming::Unreadable(Unreadable {
        event_id: Cow::Borrowed("$odd"),
        reason: "it has no sender".to_owned(),
        raw: &raw,
    });
    let first = envelope(&raw, PERSON, "m.room.message", None);
    let last = envelope(&raw, PERSON, "m.reaction", None);
    let intake = sorted(vec![first, unreadable, last]);
    assert_eq!(intake.events.len(), 3, "the rest goes on");
    assert_eq!(intake.events[1].event_id, "$odd");
    assert_eq!(intake.events[1].parked.as_deref(), Some("it has no sender"));
    assert_eq!(intake.events[1].body, raw.get());
}

#[test]
fn what_bears_our_mark_is_pointed_out() {
    let raw = raw();
    let event = |sender| envelope(&raw, sender, "m.room.message", None);
    let transaction = Transaction {
        txn_id: "1",
        events: vec![event(GHOST), event(PERSON), event(PERSON)],
        ephemeral: Vec::new(),
    };
    let seen = std::cell::Cell::new(0);
    let second = |_: &Envelope<'_>| {
        seen.set(seen.get() + 1);
        seen.get() == 2
    };
    let intake = sort(&transaction, &names(), second);
    assert_eq!((intake.events.len(), intake.seem_ours), (2, vec![1]));
}
