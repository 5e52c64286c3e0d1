//! Whose room stays, case by case.

use ruma::OwnedRoomId;

use super::*;

/// A portal in a word: `.` for none, `o` for one without a room, else a room: `r` one of ours, `p` people's own, in capitals when somebody
/// has unbridged it, `g` when its chat seems gone.
fn portal(chat: &str, word: char) -> Option<PortalRow> {
    let room_id = OwnedRoomId::try_from(format!("!{chat}:example.org")).expect("a room id");
    let state = match word {
        'R' | 'P' => PortalState::Unbridged,
        'g' => PortalState::Gone,
        _ => PortalState::Active,
    };
    let portal = PortalRow {
        room_id: Some(room_id).filter(|_| word != 'o'),
        state,
        plumbed: word.eq_ignore_ascii_case(&'p'),
        ..PortalRow::new(RemoteChatId::new(chat), ChatKind::Group)
    };
    (word != '.').then_some(portal)
}

#[test]
fn the_room_with_people_and_history_stays_unless_somebody_wanted_the_other() {
    use Heir::{Former, Latter};
    for (name, words, heir, stays, leaves) in [
        ("neither is known", "..", Former, "", ""),
        ("only the former is known", "o.", Former, "", ""),
        ("only the latter is known", ".o", Latter, "", ""),
        ("both are known, without rooms", "oo", Latter, "", ""),
        ("a new id", "r.", Former, "former", ""),
        ("a new id that was heard of", "ro", Former, "former", ""),
        ("only the latter has a room", "or", Latter, "latter", ""),
        ("the former was never heard of", ".r", Latter, "latter", ""),
        ("both have rooms", "rr", Former, "former", "latter"),
        ("the former seems gone, as it does while it moves", "gr", Former, "former", "latter"),
        ("people joined a room to the latter", "rp", Latter, "latter", "former"),
        ("people joined a room to the former", "pr", Former, "former", "latter"),
        ("people joined a room to both", "pp", Former, "former", "latter"),
        ("the former was unbridged", "Rr", Latter, "latter", "former"),
        ("the former was unbridged, and has no other", "R.", Former, "former", ""),
        ("the latter was unbridged", "rR", Former, "former", "latter"),
        ("people's own was unbridged", "rP", Former, "former", "latter"),
        ("both were unbridged", "RR", Former, "former", "latter"),
    ] {
        let mut letters = words.chars();
        let mut next = |chat| portal(chat, letters.next().expect("two letters"));
        let planned = plan(next("former"), next("latter"));
        let named = |portal: &Option<PortalRow>| portal.as_ref().map_or("", |it| it.chat.as_str()).to_owned();
        assert_eq!(
            (planned.heir, &*named(&planned.stays), &*named(&planned.leaves)),
            (heir, stays, leaves),
            "{name}"
        );
    }
}
