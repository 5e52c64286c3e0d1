//! Who of a room is shown with an id, and what is remembered of it.

use super::*;

fn person(id: &str, name: &str) -> (OwnedUserId, Profile) {
    let display_name = Some(name.to_owned()).filter(|name| !name.is_empty());
    (UserId::parse(id).unwrap(), Profile { display_name, avatar_url: None })
}

#[test]
fn all_who_look_alike_in_a_room_are_shown_with_their_ids_and_nobody_else() {
    let members = compared(vec![
        person("@alex:example.org", "Alex"),
        person("@alex:other.org", "ALEX"),
        person("@fake:evil.org", "Аlех"),
        person("@bob:example.org", "Bob"),
        person("@carol:example.org", ""),
        person("@mallory:evil.org", "carol"),
    ]);
    let mut shown: Vec<_> = members.values().map(|known| known.name.as_str()).collect();
    shown.sort_unstable();
    let expected = [
        "ALEX (@alex:other.org)",
        "Alex (@alex:example.org)",
        "Bob",
        "carol (@carol:example.org)",
        "carol (@mallory:evil.org)",
        "Аlех (@fake:evil.org)",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_crowd_is_not_compared() {
    let crowd = |count: usize| (0..count).map(|nth| person(&format!("@p{nth}:example.org"), "")).collect();
    assert_eq!(compared(crowd(MEMBERS_COMPARED_MAX)).len(), MEMBERS_COMPARED_MAX);
    assert!(compared(crowd(MEMBERS_COMPARED_MAX + 1)).is_empty());
}

#[test]
fn so_many_people_are_remembered_and_no_more() {
    let mut rooms = Rooms { cache: LruCache::new(ROOMS_CACHED_MAX), members: 0, forgotten: 0 };
    let room = |nth: usize| RoomId::parse(format!("!r{nth}:example.org")).unwrap();
    let people = |count: usize| {
        let one = |nth: usize| person(&format!("@p{nth}:example.org"), "");
        Arc::new(compared((0..count).map(one).collect()))
    };
    let many = people(MEMBERS_COMPARED_MAX);
    let fit = MEMBERS_CACHED_MAX / MEMBERS_COMPARED_MAX;
    for nth in 0..fit {
        rooms.put(&room(nth), &many);
    }
    rooms.put(&room(fit - 1), &many);
    assert_eq!((rooms.cache.len(), rooms.members), (fit, MEMBERS_CACHED_MAX));
    rooms.put(&room(fit), &people(1));
    assert_eq!((rooms.cache.len(), rooms.members), (fit, MEMBERS_CACHED_MAX - MEMBERS_COMPARED_MAX + 1));
    assert!(rooms.cache.peek(&room(0)).is_none(), "the one that was used longest ago goes");
    rooms.forget(&room(fit));
    rooms.forget(&room(0));
    assert_eq!((rooms.members, rooms.forgotten), (MEMBERS_CACHED_MAX - MEMBERS_COMPARED_MAX, 2));
}
