//! The echo platform: one answer to each message, under ids that follow from the key.

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    ids::RemoteChatId,
    message::{Message, Outgoing, OutgoingMessage, RemoteEvent, RichText},
    platform::{ConnectError, DeliveryKey, EventSink, Platform, Session},
    testkit::platform_suite::Recorder,
};
use magpie_tests::echo::{AnswerIn, Echo, EchoConfig, answer_id, answerer, delivered_id, pair};

async fn session(config: EchoConfig, recorder: &Recorder) -> Arc<dyn Session> {
    let echo = Echo::new(config, Clock::fixed(5, 0)).expect("echo is always built");
    let login = echo.configured_logins().pop().expect("echo is always signed in");
    let sink = EventSink::new(login.id.clone(), Arc::new(recorder.clone()));
    echo.connect(&login, sink).await.expect("echo is always there")
}

async fn say(session: &dyn Session, chat: &RemoteChatId, nth: usize) {
    let message = Message::text(RichText::plain(&format!("message {nth}")));
    let outgoing = Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: 1 });
    let key = DeliveryKey { key: format!("k{nth}"), in_doubt: None };
    let delivered = session.deliver(chat, &outgoing, &key).await.expect("echo takes everything");
    assert_eq!(delivered.ids, [delivered_id(&format!("k{nth}"))]);
}

async fn answers(config: EchoConfig, expected_in: &RemoteChatId) {
    let recorder = Recorder::default();
    let session = session(config, &recorder).await;
    for nth in 0..3_000 {
        say(&*session, &RemoteChatId::new("load-7"), nth).await;
    }
    let all = |recorder: &Recorder| (recorder.events().len() >= 3_000).then(|| recorder.messages());
    let messages = recorder.wait_for("three thousand answers", all).await;
    for (nth, message) in messages.iter().enumerate() {
        assert_eq!(&message.chat, expected_in);
        assert_eq!(message.id, answer_id(&format!("k{nth}")));
        assert_eq!(message.sender.ids.primary, answerer(expected_in));
        assert_eq!(message.message.text.to_plain(), format!("message {nth}"));
    }
    session.close().await;
    assert_eq!(session.ended().await, ConnectError::Closed);
}

#[tokio::test]
async fn each_message_is_answered_once_in_the_paired_chat_in_order() {
    answers(EchoConfig::default(), &RemoteChatId::new("load-7-echo")).await;
}

#[tokio::test]
async fn each_message_is_answered_once_in_the_same_chat_when_so_configured() {
    let config = EchoConfig { answer_in: AnswerIn::Same, ..EchoConfig::default() };
    answers(config, &RemoteChatId::new("load-7")).await;
}

#[tokio::test]
async fn announced_chats_come_first() {
    let recorder = Recorder::default();
    let session = session(EchoConfig { announce_chats: 2, ..EchoConfig::default() }, &recorder).await;
    say(&*session, &RemoteChatId::new("load-0"), 1).await;
    let three = |recorder: &Recorder| (recorder.events().len() == 3).then(|| recorder.events());
    let events = recorder.wait_for("two chats and an answer", three).await;
    let names: Vec<_> = events.iter().map(|recorded| recorded.event.name()).collect();
    assert_eq!(names, ["chat_changed", "chat_changed", "message"]);
    let RemoteEvent::ChatChanged { chat, .. } = &events[1].event else { unreachable!("named above") };
    assert_eq!(chat.as_str(), "load-1");
}

#[test]
fn a_pair_of_a_pair_is_the_chat_itself() {
    let chat = RemoteChatId::new("load-7");
    assert_ne!(pair(&chat), chat);
    assert_eq!(pair(&pair(&chat)), chat);
}
