//! Rooms with a ghost in them, and what becomes of each.

use ruma::user_id;
use serde_json::{Value, json};

use super::*;
use crate::homeserver::Creation;

const ALICE: &str = "@alice:example.org";
const GHOST: &str = "@fake_ada:example.org";
const BOT: &str = "@fakebot:example.org";

fn powers(version: &str, levels: Value, additional: &[&str]) -> Powers {
    let parse = |id: &str| UserId::parse(id).unwrap();
    let creation = Creation {
        creator: Some(parse(ALICE)),
        additional_creators: additional.iter().map(|id| parse(id)).collect(),
        version: version.to_owned(),
        ..Creation::default()
    };
    Powers::new(Some(levels), creation)
}

fn trusted() -> Powers {
    let levels = json!({ "users": { ALICE: 100, GHOST: 100 }, "events": { "m.room.power_levels": 100 } });
    powers("11", levels, &[])
}

/// A room with these members, all else as in a trusted private chat.
fn check(members: &[&str], change: impl FnOnce(&mut Seen<'_>), expected: &Ending) {
    check_with(members, &trusted(), change, expected);
}

fn check_powers(members: &[&str], powers: &Powers, expected: &Ending) {
    check_with(members, powers, |_| {}, expected);
}

fn check_with(members: &[&str], powers: &Powers, change: impl FnOnce(&mut Seen<'_>), expected: &Ending) {
    let members: Vec<_> = members.iter().map(|id| UserId::parse(*id).unwrap()).collect();
    let mut seen = Seen {
        members: &members,
        is_management: false,
        is_encrypted: false,
        powers,
        inviter: user_id!("@alice:example.org"),
        ghost: user_id!("@fake_ada:example.org"),
        bot: user_id!("@fakebot:example.org"),
    };
    change(&mut seen);
    assert_eq!(ending(&seen), *expected, "{members:?}");
}

#[test]
fn a_room_of_two_becomes_the_chats_room() {
    check(&[ALICE, GHOST], |_| {}, &Ending::Become);
    check(&[ALICE, GHOST, BOT], |_| {}, &Ending::Become);
}

#[test]
fn a_room_with_others_does_not() {
    let third = Ending::Nothing(THIRD);
    check(&[ALICE, GHOST, "@bob:example.org"], |_| {}, &third);
    check(&[ALICE, GHOST, "@fake_eve:example.org"], |_| {}, &third);
    check(&[GHOST, "@bob:example.org"], |_| {}, &third);
    check(&[GHOST], |_| {}, &Ending::Nothing("Whoever invited me has left."));
    check(&[ALICE, GHOST, BOT], |seen| seen.is_management = true, &Ending::Nothing(MANAGEMENT));
}

#[test]
fn an_encrypted_room_or_one_without_power_is_not_used() {
    check(&[ALICE, GHOST], |seen| seen.is_encrypted = true, &Ending::Elsewhere(ENCRYPTED));
    let usual = powers("11", json!({ "users": { ALICE: 100 } }), &[]);
    check_powers(&[ALICE, GHOST], &usual, &Ending::Elsewhere(UNFIT));
}

#[test]
fn power_comes_from_the_levels_the_creation_or_the_bot_itself() {
    let events = json!({ "m.room.power_levels": 100 });
    let creator = powers("12", json!({ "events": events }), &[GHOST]);
    check_powers(&[ALICE, GHOST], &creator, &Ending::Become);
    let bot = powers("11", json!({ "users": { ALICE: 100, BOT: 50 }, "events": events }), &[]);
    check_powers(&[ALICE, GHOST, BOT], &bot, &Ending::Become);
    let half = powers("11", json!({ "users": { ALICE: 100, GHOST: 50 } }), &[]);
    check_powers(&[ALICE, GHOST], &half, &Ending::Elsewhere(UNFIT));
}
