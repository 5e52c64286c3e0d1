//! What an edit does to the events of a message. Pure.

use ruma::OwnedEventId;
use serde_json::Value;

use crate::convert::{ORIGIN_KEY, Origin, Part, Piece, Pings, read_pings};

/// How much of a message may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::portal::from_remote) enum Extent {
    /// Everything.
    Whole,
    /// Only what the network adds by itself.
    Preview,
}

/// An event of a message, as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) event_id: OwnedEventId,
    /// What it shows; `None` when somebody took that away.
    pub(super) piece: Option<Piece>,
    /// The words that it showed at first.
    pub(super) body: Option<String>,
    /// Who was pinged by it.
    pub(super) pinged: Pings,
}

/// What is done, in this order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Events that show their piece anew.
    pub(super) edits: Vec<(Shown, Part)>,
    /// Pieces that were not there before.
    pub(super) new: Vec<Part>,
    /// Events whose piece is not there any more.
    pub(super) vanished: Vec<OwnedEventId>,
}

impl Shown {
    /// Reads an event's content.
    pub(super) fn read(event_id: OwnedEventId, content: &Value) -> Self {
        let piece = Origin::read(content).map(|origin| origin.piece.unwrap_or(Piece::Words));
        let body = content.get("body").and_then(Value::as_str).map(str::to_owned);
        Self { event_id, piece, body, pinged: read_pings(content) }
    }
}

/// Plans; new pieces are numbered from `count` on.
pub(super) fn plan(extent: Extent, shown: Vec<Shown>, parts: Vec<Part>, count: usize) -> Plan {
    // What a person took away must not come back, and nobody can tell what it was.
    let may_add = shown.iter().all(|shown| shown.piece.is_some());
    let touches = |piece: &Piece| extent == Extent::Whole || *piece == Piece::Preview;
    let mut plan = Plan::default();
    let mut shown: Vec<Shown> = shown.into_iter().filter(|shown| shown.piece.is_some()).collect();
    for part in parts {
        match shown.iter().position(|shown| shown.piece.as_ref() == Some(&part.piece)) {
            Some(at) => {
                let shown = shown.remove(at);
                if touches(&part.piece) && is_changed(&shown, &part) {
                    plan.edits.push((shown, part));
                }
            }
            None if may_add && (extent == Extent::Whole || part.piece != Piece::Words) => {
                plan.new.push(numbered(part, count + plan.new.len()));
            }
            None => {}
        }
    }
    let vanished = shown.into_iter().filter(|shown| shown.piece.as_ref().is_some_and(touches));
    plan.vanished.extend(vanished.map(|shown| shown.event_id));
    plan
}

/// A file's own event changes only with its caption. Words are always written anew: they may have changed before.
fn is_changed(shown: &Shown, part: &Part) -> bool {
    match part.piece {
        Piece::Words | Piece::Preview => true,
        Piece::File(_) => {
            part.event_type == "m.room.message"
                && part.content.get("body").and_then(Value::as_str) != shown.body.as_deref()
        }
    }
}

fn numbered(mut part: Part, number: usize) -> Part {
    if let Some(origin) = part.content.get_mut(ORIGIN_KEY) {
        origin["part"] = number.into();
    }
    part
}

#[cfg(test)]
mod tests;
