//! What takes the place of words of ours, and who sets timers.

use std::sync::Arc;

use magpie_common::{
    ids::{LoginId, RemoteChatId, RemoteMessageId},
    message::{Message, RichText},
    platform::EventSink,
    testkit::platform_suite::Recorder,
};
use tokio_util::sync::CancellationToken;
use wacore::types::message::MessageInfo;
use wacore_binary::Jid;

use super::*;
use crate::linked::{
    identity::Person,
    place::Writer,
    session::{ending::End, scene::Scene, undecrypted::Undecrypted, world::tests::world},
};

const SENT_MS: i64 = 7_000;

fn taken<'a>(info: &'a MessageInfo, chat: &str) -> Taken<'a> {
    let (jid, bob) = (Jid::lid("2"), Person::told([&Jid::lid("2")]));
    let is_direct = chat.contains('/');
    let scene = Scene {
        chat: RemoteChatId::new(chat),
        jid,
        writer: Writer::Other(RemoteUserId::new("lid-2")),
        person: bob.clone(),
        other: is_direct.then_some(bob),
    };
    Taken { scene, info, id: RemoteMessageId::new("them/A"), sent_ms: SENT_MS, secret: None }
}

fn said(world: &World, taken: &Taken<'_>, words: &str) -> RemoteMessage {
    RemoteMessage {
        chat: taken.scene.chat.clone(),
        id: taken.id.clone(),
        sender: taken.scene.sender(world).expect("a sender"),
        sent_ms: SENT_MS,
        message: Message::text(RichText::plain(words)),
    }
}

#[tokio::test]
async fn a_message_takes_the_place_of_words_whether_they_were_told_or_not() {
    let (world, info) = (world(&Recorder::default()).await, MessageInfo::default());
    let taken = taken(&info, "lid-1/lid-2");
    let new = said(&world, &taken, "hello");
    let told = in_place(&world, &taken, vec![RemoteEvent::Message(new.clone())]);
    let edit = RemoteEvent::Edit { new: new.clone(), edited_ms: SENT_MS };
    assert_eq!(told, [RemoteEvent::Message(new), edit], "the same each time it comes");
}

#[tokio::test]
async fn a_poll_takes_the_place_of_words_in_words() {
    let (world, info) = (world(&Recorder::default()).await, MessageInfo::default());
    let taken = taken(&info, "lid-1/lid-2");
    let poll = RemoteEvent::Poll {
        message: said(&world, &taken, "Tea?"),
        answers: vec!["Yes".to_owned(), "No".to_owned()],
        choices_max: 1,
    };
    let told = in_place(&world, &taken, vec![poll.clone()]);
    let [first, RemoteEvent::Edit { new, .. }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(first, &poll);
    assert_eq!(new.message.text.to_plain(), "Tea?");
}

#[tokio::test]
async fn words_go_when_the_message_shows_nothing() {
    let (world, info) = (world(&Recorder::default()).await, MessageInfo::default());
    let taken = taken(&info, "lid-1/lid-2");
    let told = in_place(&world, &taken, Vec::new());
    let [RemoteEvent::Message(words), RemoteEvent::Redact { ids, .. }] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((&words.id, ids.as_slice()), (&taken.id, std::slice::from_ref(&taken.id)));
}

#[tokio::test]
async fn a_timer_is_set_by_whoever_sets_it_last_and_in_groups_by_the_server() {
    let (recorder, info) = (Recorder::default(), MessageInfo::default());
    let (world, end) = (Arc::new(world(&recorder).await), End::default());
    let sink = EventSink::new(LoginId::new("linked-lid-1"), Arc::new(recorder));
    let setup = (end.clone(), CancellationToken::new());
    let undecrypted = Undecrypted::load(Arc::clone(&world), sink.clone(), setup).await.expect("it loads");
    let intake = Intake { world: Arc::clone(&world), sink, undecrypted, end };
    let direct = taken(&info, "lid-1/lid-2");
    let set = |secs, set_ms| events::Timer { secs, set_ms };
    let (chat, timer) = intake.new_timer(&direct, set(60, None)).expect("it is new");
    assert_eq!(timer, Timer { secs: 60, set_ms: SENT_MS });
    assert!(intake.timer(&direct, set(60, None)).is_some(), "it is told until it is stored");
    world.learn_timer(&chat, timer).await.expect("it is stored");
    assert_eq!(intake.timer(&direct, set(60, None)), None, "it is told already");
    assert_eq!(intake.timer(&direct, set(0, Some(SENT_MS - 1))), None, "it was set before");
    assert!(intake.timer(&direct, set(0, Some(SENT_MS + 1))).is_some());
    let group = taken(&info, "1-2@g.us");
    assert_eq!(intake.timer(&group, set(60, Some(SENT_MS))), None, "anybody may write that in a group");
}
