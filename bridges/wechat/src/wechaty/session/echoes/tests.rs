//! Echoes before, after and without an answer.

use magpie_common::ids::RemoteChatId;
use proptest::prelude::{any, prop_assert, proptest};

use super::*;

const CHAT: &str = "7@chatroom";

/// Something that the account said, as it would be pushed.
fn own(id: &str) -> RemoteEvent {
    let chat = Some(RemoteChatId::new(CHAT));
    RemoteEvent::Unknown { chat, name: id.to_owned(), raw: String::new() }
}

/// It comes from the phone.
fn theirs(id: &str) -> Taken {
    Taken::Theirs(Box::new(own(id)))
}

fn heard(echoes: &Echoes, id: &str, words: &str) -> Taken {
    echoes.heard((CHAT, id), Some(&Print::words(words)), own(id))
}

#[tokio::test(start_paused = true)]
async fn the_answer_says_which_of_two_it_was() {
    let echoes = Echoes::default();
    echoes.begin("k/0", CHAT, Print::words("ok"));
    assert_eq!(heard(&echoes, "phone", "ok"), Taken::Held);
    assert_eq!(heard(&echoes, "other words", "no"), theirs("other words"));
    let settled = echoes.answered("k/0", Some("ours".to_owned()));
    assert_eq!(settled, Settled { id: Some("ours".to_owned()), theirs: vec![own("phone")] });
    assert_eq!(heard(&echoes, "ours", "ok"), Taken::Ours);
    assert_eq!(heard(&echoes, "phone again", "ok"), theirs("phone again"));
}

#[tokio::test(start_paused = true)]
async fn without_an_id_the_echo_tells_it() {
    let echoes = Echoes::default();
    echoes.begin("k/0", CHAT, Print::words("one  two"));
    assert_eq!(heard(&echoes, "a", "one\u{2005}two"), Taken::Held);
    let settled = echoes.answered("k/0", None);
    assert_eq!(settled, Settled { id: Some("a".to_owned()), theirs: Vec::new() });
    echoes.begin("k/1", CHAT, Print::Picture);
    assert_eq!(echoes.answered("k/1", None), Settled::default());
    let (waited, _) = tokio::join!(echoes.wait("k/1", KEPT_FOR), async {
        echoes.heard((CHAT, "b"), Some(&Print::Picture), own("b"))
    });
    assert_eq!(waited.as_deref(), Some("b"));
    // The next attempt finds it.
    assert_eq!(echoes.wait("k/1", KEPT_FOR).await.as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_hears_stays_in_doubt() {
    let echoes = Echoes::default();
    let begun = Instant::now();
    assert!(!echoes.knows("unknown"));
    assert_eq!(echoes.wait("unknown", KEPT_FOR).await, None);
    assert_eq!(begun.elapsed(), Duration::ZERO, "of what was never sent nothing is waited for");
    echoes.begin("k/0", CHAT, Print::words("ok"));
    echoes.answered("k/0", None);
    assert!(echoes.knows("k/0"));
    assert_eq!(echoes.wait("k/0", Duration::from_secs(9)).await, None);
    assert_eq!(begun.elapsed(), Duration::from_secs(9));
    tokio::time::advance(KEPT_FOR).await;
    assert_eq!(heard(&echoes, "late", "ok"), theirs("late"), "an hour later it is another one");
}

/// Where a puppet tells no ids and no echo comes, nobody can tell the same words by thumb from one. To take them for it loses a repeat on the
/// phone; not to would show what is said here twice, each time that an echo is late.
#[tokio::test(start_paused = true)]
async fn the_same_words_by_thumb_are_taken_for_a_missing_echo_once_and_for_a_minute() {
    let echoes = Echoes::default();
    echoes.begin("k/0", CHAT, Print::words("ok"));
    assert_eq!(echoes.answered("k/0", None), Settled::default());
    tokio::time::advance(KEPT_FOR - Duration::from_secs(1)).await;
    assert_eq!(heard(&echoes, "thumb", "ok"), Taken::Ours);
    assert_eq!(heard(&echoes, "thumb again", "ok"), theirs("thumb again"));
    echoes.begin("k/1", CHAT, Print::words("ok"));
    assert_eq!(echoes.answered("k/1", None), Settled::default());
    tokio::time::advance(KEPT_FOR).await;
    assert_eq!(heard(&echoes, "later", "ok"), theirs("later"));
}

#[tokio::test(start_paused = true)]
async fn what_did_not_go_gives_back_what_waited() {
    let echoes = Echoes::default();
    echoes.begin("k/0", CHAT, Print::words("ok"));
    assert_eq!(heard(&echoes, "phone", "ok"), Taken::Held);
    assert_eq!(echoes.failed("k/0"), [own("phone")]);
    assert_eq!(heard(&echoes, "more", "ok"), theirs("more"));
    assert!(echoes.failed("k/0").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_settles_gives_back_what_waited() {
    let echoes = Echoes::default();
    assert!(echoes.begin("k/0", CHAT, Print::words("ok")).is_empty());
    assert_eq!(heard(&echoes, "phone", "ok"), Taken::Held);
    tokio::time::advance(KEPT_FOR).await;
    assert!(echoes.begin("k/1", CHAT, Print::Picture).is_empty(), "its answer may still come");
    tokio::time::advance(HELD_FOR - KEPT_FOR).await;
    assert_eq!(echoes.begin("k/2", CHAT, Print::Picture), [own("phone")]);
    assert!(!echoes.knows("k/0"));
    // The same when there are too many.
    echoes.begin("full", CHAT, Print::words("no"));
    assert_eq!(heard(&echoes, "full", "no"), Taken::Held);
    let given: Vec<_> =
        (0..=SENT_MAX).flat_map(|nth| echoes.begin(&format!("more/{nth}"), CHAT, Print::Video)).collect();
    assert_eq!(given, [own("full")]);
}

#[tokio::test(start_paused = true)]
async fn another_chat_and_another_sort_are_something_else() {
    let echoes = Echoes::default();
    echoes.begin("k/0", CHAT, Print::File);
    echoes.answered("k/0", None);
    for (chat, print) in [("other", Some(Print::File)), (CHAT, Some(Print::Video)), (CHAT, None)] {
        assert_eq!(echoes.heard((chat, "x"), print.as_ref(), own("x")), theirs("x"));
    }
}

proptest! {
    /// Of any order of own messages and answers, what was held comes back or is ours, and each message is ours once.
    #[test]
    fn nothing_held_is_lost(before in 0_usize..5, after in 0_usize..5, has_id in any::<bool>(), fails in any::<bool>()) {
        let echoes = Echoes::default();
        echoes.begin("k/0", CHAT, Print::words("ok"));
        let mut phone = 0;
        for nth in 0..before {
            if let Taken::Theirs(_) = heard(&echoes, &format!("before {nth}"), "ok") {
                phone += 1;
            }
        }
        let mut ours = 0;
        if fails {
            phone += echoes.failed("k/0").len();
        } else {
            let settled = echoes.answered("k/0", has_id.then(|| "ours".to_owned()));
            ours += usize::from(settled.id.as_deref().is_some_and(|id| id.starts_with("before")));
            phone += settled.theirs.len();
        }
        for nth in 0..after {
            match heard(&echoes, &format!("after {nth}"), "ok") {
                Taken::Ours => ours += 1,
                Taken::Theirs(_) => phone += 1,
                Taken::Held => panic!("nothing waits once there is an answer"),
            }
        }
        prop_assert!(ours <= 1);
        prop_assert!(ours + phone == before + after);
    }
}
