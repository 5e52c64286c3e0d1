//! Who is meant by a number, a user id, or both, and what is news of it.

use std::sync::Arc;

use magpie_common::{ids::LoginId, testkit::platform_suite::Recorder};

use super::*;

const PHONE: &str = "16505551234";
const ALICE: &str = "US.1";
const BOB: &str = "US.2";

fn people(recorder: &Recorder) -> People {
    People::new(EventSink::new(LoginId::new("1"), Arc::new(recorder.clone())))
}

/// Everybody is told by another session; gives all ids, and from which one the person has moved.
async fn told(all: &[(&str, &str)]) -> Vec<String> {
    let recorder = Recorder::default();
    let mut found = Vec::new();
    for (phone, user_id) in all {
        let people = people(&recorder);
        let person =
            people.person(&Named::new(phone, user_id), 0).await.expect("it is stored").expect("somebody");
        let mut words = person.ids.all().map(RemoteUserId::as_str).collect::<Vec<_>>().join(" ");
        if let Some(before) = person.moved {
            words = format!("{words}, was {before}");
            let cursor = people.note_phone(&before, (&person.ids.primary, true), 0);
            people.sink.remember(cursor).await.expect("it is stored");
        }
        found.push(words);
    }
    found
}

#[tokio::test]
async fn a_person_is_one_by_whatever_they_are_named() {
    let both = format!("{ALICE} {PHONE}");
    for (name, all, expected) in [
        ("a number", vec![(PHONE, ""), (PHONE, "")], vec![PHONE.to_owned(), PHONE.to_owned()]),
        (
            "a number, then a user id",
            vec![(PHONE, ""), (PHONE, ALICE), (PHONE, ALICE), (PHONE, ""), ("", ALICE)],
            vec![
                PHONE.to_owned(),
                format!("{both}, was {PHONE}"),
                both.clone(),
                both.clone(),
                ALICE.to_owned(),
            ],
        ),
        ("both at once", vec![(PHONE, ALICE), (PHONE, "")], vec![both.clone(), both.clone()]),
        (
            "the number is given to somebody else",
            vec![(PHONE, ALICE), (PHONE, BOB), (PHONE, BOB), (PHONE, "")],
            vec![both.clone(), BOB.to_owned(), BOB.to_owned(), BOB.to_owned()],
        ),
    ] {
        assert_eq!(told(&all).await, expected, "{name}");
    }
}

#[tokio::test]
async fn what_was_looked_up_and_not_told_is_news_still() {
    let recorder = Recorder::default();
    let people = people(&recorder);
    people.person(&Named::new(PHONE, ""), 0).await.expect("it is stored");
    for _ in 0..2 {
        let person =
            people.person(&Named::new(PHONE, ALICE), 0).await.expect("it is stored").expect("somebody");
        assert_eq!(person.moved, Some(RemoteUserId::new(PHONE)));
    }
}

#[tokio::test]
async fn a_number_is_somebodys_own_unless_another_person_had_it() {
    let people = people(&Recorder::default());
    let (phone, alice, bob) = (RemoteUserId::new(PHONE), RemoteUserId::new(ALICE), RemoteUserId::new(BOB));
    assert_eq!(people.is_own(&phone, [&alice, &bob]).await, Ok(true), "nobody has it");
    people.person(&Named::new(PHONE, ALICE), 0).await.expect("it is stored");
    assert_eq!(people.is_own(&phone, [&alice, &bob]).await, Ok(true));
    assert_eq!(people.is_own(&phone, [&bob, &bob]).await, Ok(false));
}
