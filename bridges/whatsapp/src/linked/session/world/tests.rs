//! What is remembered outlives the session; what was read is told once.

use magpie_common::{ids::LoginId, platform::EventSink, testkit::platform_suite::Recorder};

use super::*;

pub(in crate::linked::session) async fn world(recorder: &Recorder) -> World {
    let sink = EventSink::new(LoginId::new("linked-lid-1"), Arc::new(recorder.clone()));
    let clock = Clock::fixed(0, 1);
    let store = Kept::new(sink.vault(), clock.clone(), Box::new(|_| ()));
    let own = Person::told([&Jid::lid("1"), &Jid::pn("491")]);
    World::load(RemoteUserId::new("lid-1"), own, clock, Arc::default(), (sink, store))
        .await
        .expect("it loads")
}

#[tokio::test]
async fn what_must_outlive_a_session_does() {
    let recorder = Recorder::default();
    let before = world(&recorder).await;
    let (bob, chat, id) =
        (RemoteUserId::new("lid-2"), RemoteChatId::new("lid-1/lid-2"), RemoteMessageId::new("them/A"));
    let learned = before.learn_name(&bob, |names| names.push = Some("Bob".to_owned())).await;
    assert_eq!(learned, Ok(true));
    let again = before.learn_name(&bob, |names| names.push = Some("Bob".to_owned())).await;
    assert_eq!(again, Ok(false), "it is the same name");
    before.learn_name(&bob, |names| names.contact = Some("Bobby".to_owned())).await.expect("it is stored");
    assert_eq!(before.learn_timer(&chat, Timer { secs: 60, set_ms: 5 }).await, Ok(true));
    before.note_placeholder(&chat, &id).await.expect("it is stored");
    let poll = PollMemory { answers: vec!["a".to_owned()], creator: Jid::lid("2"), secret: None };
    before.note_poll(&chat, &id, &poll).await.expect("it is stored");
    let group = RemoteChatId::new("1-2@g.us");
    let known = Group { admins: HashSet::from([bob.clone()]), ..Group::default() };
    before.learn_group(&group, Group::default()).await;
    before.change_group(&group, |group| group.admins = known.admins.clone()).await;
    before.note_reaction(&chat, &id, Some("👍")).await.expect("it is stored");
    before.note_reaction(&chat, &id, Some("🎉")).await.expect("it is stored");
    let after = world(&recorder).await;
    assert_eq!(after.label(&Jid::lid("2")), "Bobby", "the address book comes first");
    assert_eq!(after.named("bob", 9), [(bob, "Bobby".to_owned())]);
    assert_eq!(after.timer_secs(&chat), 60);
    let older = Timer { secs: 0, set_ms: 4 };
    assert_eq!(after.learn_timer(&chat, older).await, Ok(false), "whoever sets it last counts");
    assert_eq!(after.group(&group, Clone::clone), Some(known));
    assert_eq!(after.reaction(&chat, &id).await, Ok(Some("🎉".to_owned())));
    after.note_reaction(&chat, &id, None).await.expect("it is stored");
    assert_eq!(after.reaction(&chat, &id).await, Ok(None));
    assert_eq!(after.poll(&chat, &id).await, Ok(Some(poll)));
    assert!(after.has_placeholder(&chat, &id));
    after.forget_placeholder(&chat, &id).await.expect("it is stored");
    let last = world(&recorder).await;
    assert!(!last.has_placeholder(&chat, &id));
}

#[tokio::test]
async fn everything_up_to_a_message_is_read_at_once() {
    let world = world(&Recorder::default()).await;
    let chat = RemoteChatId::new("1-2@g.us");
    let unread = |stanza: &str| Unread { stanza: stanza.to_owned(), participant: Some(Jid::lid("2")) };
    for stanza in ["a", "b", "c"] {
        world.note_unread(&chat, unread(stanza));
    }
    let read = world.take_read(&chat, unread("b"));
    assert_eq!(read, [unread("a"), unread("b")]);
    world.put_unread_back(&chat, read);
    assert_eq!(world.take_read(&chat, unread("b")), [unread("a"), unread("b")], "what was not told waits");
    assert_eq!(world.take_read(&chat, unread("b")), [unread("b")], "what is not waiting is told alone");
    assert_eq!(world.take_read(&chat, unread("c")), [unread("c")]);
}

#[tokio::test]
async fn what_was_not_read_is_read_at_once_after_a_restart() {
    let recorder = Recorder::default();
    let (before, chat) = (world(&recorder).await, RemoteChatId::new("1-2@g.us"));
    let unread = |stanza: &str| Unread { stanza: stanza.to_owned(), participant: Some(Jid::lid("2")) };
    for stanza in ["a", "b", "c", "d"] {
        before.note_unread(&chat, unread(stanza));
    }
    assert_eq!(before.take_read(&chat, unread("a")), [unread("a")]);
    unread::write(&before).await;
    let after = world(&recorder).await;
    assert_eq!(after.take_read(&chat, unread("c")), [unread("b"), unread("c")]);
    after.forget_read(&chat, "d");
    unread::write(&after).await;
    assert_eq!(world(&recorder).await.take_read(&chat, unread("e")), [unread("e")], "nothing else waits");
}

#[tokio::test]
async fn only_the_latest_messages_are_found_by_their_stanza() {
    let world = world(&Recorder::default()).await;
    let chat = RemoteChatId::new("lid-1/lid-2");
    for number in 0..=SEEN_MAX {
        world.note_seen(&number.to_string(), &chat, &RemoteMessageId::new(format!("them/{number}")));
    }
    assert_eq!(world.seen("0"), None);
    assert_eq!(world.seen("1"), Some((chat, RemoteMessageId::new("them/1"))));
}
