//! One table: what was shown, what is there now, and what is done about it.

use ruma::OwnedEventId;
use serde_json::json;

use super::*;
use crate::convert::Shortened;

fn shown(event_id: &str, piece: Option<Piece>) -> Shown {
    let event_id = OwnedEventId::try_from(event_id).unwrap();
    Shown { event_id, piece, body: Some("old".to_owned()), pinged: Pings::default() }
}

fn file(id: &str) -> Piece {
    Piece::File(id.to_owned())
}

fn part(piece: Piece, body: &str) -> Part {
    let content = json!({ "body": body, ORIGIN_KEY: { "chat": "c", "id": "m", "part": 0 } });
    Part { event_type: "m.room.message", content, shortened: Shortened::No, pings: Pings::default(), piece }
}

/// The plan in short: `~` edited, `+` new with its number, `-` taken away.
fn done(extent: Extent, before: Vec<Shown>, now: Vec<Part>) -> String {
    let count = before.len();
    let plan = plan(extent, before, now, count);
    let edits = plan.edits.iter().map(|(shown, _)| format!("~{}", shown.event_id));
    let new = plan.new.iter().map(|part| format!("+{:?}@{}", part.piece, part.content[ORIGIN_KEY]["part"]));
    let vanished = plan.vanished.iter().map(|event_id| format!("-{event_id}"));
    edits.chain(new).chain(vanished).collect::<Vec<_>>().join(" ")
}

#[test]
fn edits_touch_what_changed_and_nothing_else() {
    use Extent::{Preview as Late, Whole};
    use Piece::{Preview, Words};
    let words = || shown("$w", Some(Words));
    let (one, two) = (|| shown("$1", Some(file("1"))), || shown("$2", Some(file("2"))));
    let preview = || shown("$p", Some(Preview));
    for (name, extent, before, now, expected) in [
        ("words", Whole, vec![words()], vec![part(Words, "new")], "~$w"),
        (
            "a file came",
            Whole,
            vec![words()],
            vec![part(Words, "new"), part(file("1"), "old")],
            "~$w +File(\"1\")@1",
        ),
        ("a file went", Whole, vec![one(), two()], vec![part(file("1"), "old")], "-$2"),
        ("a caption changed", Whole, vec![one()], vec![part(file("1"), "new")], "~$1"),
        ("a caption stayed", Whole, vec![one()], vec![part(file("1"), "old")], ""),
        ("the files went, words came", Whole, vec![one()], vec![part(Words, "new")], "+Words@1 -$1"),
        (
            "a late preview",
            Late,
            vec![words()],
            vec![part(Words, "same"), part(Preview, "box")],
            "+Preview@1",
        ),
        (
            "a preview changed",
            Late,
            vec![words(), preview()],
            vec![part(Words, "same"), part(Preview, "x")],
            "~$p",
        ),
        ("a preview went", Late, vec![words(), preview()], vec![part(Words, "same")], "-$p"),
        ("words that come with a preview only", Late, vec![one()], vec![part(Words, "what")], ""),
        (
            "a late preview with a picture",
            Late,
            vec![words()],
            vec![part(Words, "same"), part(file("1"), "pic")],
            "+File(\"1\")@1",
        ),
        (
            "what a moderator took away stays away",
            Whole,
            vec![shown("$r", None), one()],
            vec![part(Words, "rude"), part(file("1"), "old")],
            "",
        ),
    ] {
        assert_eq!(done(extent, before, now), expected, "{name}");
    }
}
