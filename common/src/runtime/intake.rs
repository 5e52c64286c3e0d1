//! What becomes of each event of a transaction, before anything is stored. Pure.
//!
//! Our own events coming back and what no bridge cares for are let go; what a person did is stored for its room's lane; what nobody can
//! read is stored as parked, because refusing it would stop the homeserver's queue for ever.

use std::sync::Arc;

use ruma::{OwnedRoomId, OwnedUserId, UserId};

use crate::{
    appservice::{Envelope, Incoming, Transaction, Unreadable},
    ids::GhostNames,
    store::MatrixEvent,
};

/// What a transaction leads to.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// To be stored, in order.
    pub(crate) events: Vec<MatrixEvent>,
    /// Which of them, by their places, we seem to have sent ourselves as somebody in Matrix.
    pub(crate) seem_ours: Vec<usize>,
    /// People whose name or picture may have changed, and the room that says so.
    pub(crate) changed_profiles: Vec<(OwnedRoomId, OwnedUserId)>,
}

/// Sorts the events of a transaction; `is_marked` says whether an event bears our own mark.
pub(crate) fn sort(
    transaction: &Transaction<'_>,
    names: &GhostNames,
    is_marked: impl Fn(&Envelope<'_>) -> bool,
) -> Intake {
    let mut intake = Intake::default();
    for event in &transaction.events {
        match event {
            Incoming::Event(envelope) => match fate(envelope, names) {
                Fate::Keep => {
                    if is_marked(envelope) {
                        intake.seem_ours.push(intake.events.len());
                    }
                    intake.events.push(row(envelope));
                }
                Fate::Profile(user_id) => {
                    intake.changed_profiles.push((envelope.room_id.clone().into_owned(), user_id));
                }
                Fate::LetGo => {}
            },
            Incoming::Unreadable(Unreadable { event_id, reason, raw }) => {
                intake.events.push(MatrixEvent {
                    event_id: event_id.to_string(),
                    room_id: String::new(),
                    sender: String::new(),
                    sent_ms: 0,
                    lane: Arc::from(""),
                    body: raw.get().to_owned(),
                    parked: Some(reason.clone()),
                });
            }
        }
    }
    intake
}

enum Fate {
    Keep,
    Profile(OwnedUserId),
    LetGo,
}

fn fate(event: &Envelope<'_>, names: &GhostNames) -> Fate {
    if names.is_ours(&event.sender) {
        return Fate::LetGo;
    }
    match (&*event.event_type, event.state_key.as_deref()) {
        ("m.room.message" | "m.sticker" | "m.reaction" | "m.room.redaction" | "m.room.encrypted", None) => {
            Fate::Keep
        }
        (other, None) if is_about_poll(other) => Fate::Keep,
        ("m.room.tombstone" | "m.room.pinned_events" | "m.room.name" | "m.room.topic", Some("")) => {
            Fate::Keep
        }
        ("m.room.member", Some(member)) => match <&UserId>::try_from(member) {
            Ok(member) if names.is_ours(member) => Fate::Keep,
            Ok(member) => Fate::Profile(member.to_owned()),
            Err(_) => Fate::LetGo,
        },
        _ => Fate::LetGo,
    }
}

/// Both spellings of MSC3381.
fn is_about_poll(event_type: &str) -> bool {
    let deed =
        event_type.strip_prefix("m.poll.").or_else(|| event_type.strip_prefix("org.matrix.msc3381.poll."));
    matches!(deed, Some("start" | "response" | "end"))
}

fn row(event: &Envelope<'_>) -> MatrixEvent {
    MatrixEvent {
        event_id: event.event_id.to_string(),
        room_id: event.room_id.to_string(),
        sender: event.sender.to_string(),
        sent_ms: event.origin_server_ts,
        lane: Arc::from(event.room_id.as_str()),
        body: event.raw.get().to_owned(),
        parked: None,
    }
}

#[cfg(test)]
mod tests;
