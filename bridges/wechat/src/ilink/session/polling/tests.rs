//! Polls that fail, stay without an answer, or lead no further.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use magpie_common::{
    clock::Clock, ids::LoginId, message::RemoteEvent, platform::EventSink, testkit::platform_suite::Recorder,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

use super::*;
use crate::{
    config::WeChatConfig,
    ilink::{
        api::{Refusal, STALE},
        session::contexts::Contexts,
    },
};

fn refused(code: i64) -> ApiError {
    ApiError::Refused(Refusal { code, message: String::new() })
}

#[test]
fn failures_are_paused_for_and_the_third_longer() {
    let mut failures = Failures::default();
    for expected in [PAUSE, PAUSE, LONG_PAUSE, PAUSE, PAUSE, LONG_PAUSE] {
        assert_eq!(failures.count(&refused(7)), Ok(expected));
    }
    assert!(failures.are_over() && !failures.are_over());
    assert_eq!(failures.count(&refused(7)), Ok(PAUSE));
    assert!(!failures.are_over());
}

#[test]
fn who_cannot_be_reached_or_is_signed_out_ends_the_session() {
    let away = || ApiError::NotSent("no".to_owned());
    let mut failures = Failures::default();
    assert_eq!((failures.count(&away()), failures.count(&away())), (Ok(PAUSE), Ok(PAUSE)));
    assert!(matches!(failures.count(&away()), Err(ConnectError::Transient(_))));
    let ended = Failures::default().count(&refused(STALE));
    assert!(matches!(ended, Err(ConnectError::BadCredentials(_))));
}

#[test]
fn the_same_messages_again_are_asked_for_more_and_more_slowly() {
    let mut pauses = Pauses::default();
    let seconds = |is_empty: &bool| pauses.next(*is_empty).as_secs();
    let told = [true, true, false, false, false, false, false, false, true, false];
    assert_eq!(told.iter().map(seconds).collect::<Vec<_>>(), [1, 1, 2, 4, 8, 16, 30, 30, 1, 2]);
}

#[test]
fn a_cursor_that_cannot_be_wechats_is_a_failure() {
    let page = |length: usize| Page::checked(json!({"msgs": [1], "get_updates_buf": "b".repeat(length)}));
    assert!(page(CURSOR_BYTES_MAX).is_ok());
    let failed = page(CURSOR_BYTES_MAX + 1).expect_err("nobody could go on from it");
    assert!(matches!(&failed, ApiError::Unclear(words) if words.contains("too long")), "{failed}");
}

/// Polls of a bot whose WeChat is at this address.
fn polling(address: SocketAddr) -> (Polling, Recorder) {
    let url = format!("http://{address}");
    let config = WeChatConfig { ilink_api_url: url, ..WeChatConfig::default() };
    let recorder = Recorder::default();
    let sink = EventSink::new(LoginId::new("ilink-b@im.bot"), Arc::new(recorder.clone()));
    let clock = Clock::fixed(0, 0);
    let api = Arc::new(Api::new(&config, clock.clone()).expect("a client can be made"));
    let intake = Intake {
        bot_id: "b@im.bot".to_owned(),
        contexts: Arc::new(Contexts::new(sink.clone())),
        clock,
        recent: Arc::default(),
        sink,
    };
    (Polling { api, intake }, recorder)
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_polls_and_answers_nothing_is_shown_as_away() {
    // Connections come about, and nobody reads from them.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let (polling, recorder) = polling(deaf.local_addr().expect("it has one"));
    let away = |recorder: &Recorder| {
        let events = recorder.events().into_iter();
        let is_away = |event: &RemoteEvent| {
            matches!(event, RemoteEvent::StateChanged(SessionState::Disconnected { .. }))
        };
        events.filter(|it| is_away(&it.event)).count()
    };
    let mut polls = Box::pin(polling.run());
    let until = POLL + POLL_GRACE;
    assert!(timeout(until * 2, &mut polls).await.is_err(), "it goes on");
    assert_eq!(away(&recorder), 0, "WeChat may be quiet");
    assert!(timeout(until * 2, &mut polls).await.is_err(), "it goes on");
    assert_eq!(away(&recorder), 1);
}

/// Answers every question with the same message and no cursor, so many times; more are not answered.
async fn repeats(listener: TcpListener, asked: Arc<AtomicUsize>, most: usize) {
    let body = json!({"ret": 0, "msgs": [{
        "seq": 1, "message_id": 1, "from_user_id": "o9@im.wechat", "message_type": 1, "message_state": 2, "context_token": "c",
        "item_list": [{"type": 1, "text_item": {"text": "again"}}],
    }]});
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
    let mut open = Vec::new();
    loop {
        let (mut line, _) = listener.accept().await.expect("somebody asks");
        // A question ends with its body, which is an object.
        let (mut question, mut piece) = (Vec::new(), [0; 4096]);
        while !question.ends_with(b"}") {
            let count = line.read(&mut piece).await.expect("the question is whole");
            assert!(count > 0, "the question broke off");
            question.extend_from_slice(&piece[..count]);
        }
        if asked.fetch_add(1, Ordering::Relaxed) < most {
            let _ = line.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).await;
        } else {
            open.push(line);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_without_a_new_cursor_are_not_asked_for_at_the_speed_of_the_line() {
    const MOST: usize = 50;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let (polling, recorder) = polling(listener.local_addr().expect("it has one"));
    let asked = Arc::<AtomicUsize>::default();
    let answering = tokio::spawn(repeats(listener, Arc::clone(&asked), MOST));
    assert!(timeout(Duration::from_secs(60), polling.run()).await.is_err(), "it goes on");
    answering.abort();
    // After 0, 2, 6, 14, 30 and 60 seconds.
    let count = asked.load(Ordering::Relaxed);
    assert!((2..=6).contains(&count), "it was asked {count} times");
    assert!(!recorder.messages().is_empty(), "and what came was taken in");
}

#[test]
fn an_answer_is_read_within_bounds() {
    let page =
        Page::read(json!({"ret": 0, "msgs": [1], "get_updates_buf": "b", "longpolling_timeout_ms": 50_000}));
    let expected =
        Page { messages: vec![json!(1)], cursor: Some("b".to_owned()), hold: Some(Duration::from_secs(50)) };
    assert_eq!(page, expected);
    for (told, hold) in [
        (json!({"longpolling_timeout_ms": 1}), Some(Duration::from_secs(1))),
        (json!({"longpolling_timeout_ms": i64::MAX}), Some(Duration::from_secs(300))),
        (json!({"longpolling_timeout_ms": -1, "msgs": {}, "get_updates_buf": ""}), None),
        (json!({"get_updates_buf": "b".repeat(CURSOR_BYTES_MAX + 1)}), None),
    ] {
        assert_eq!(Page::read(told), Page { messages: Vec::new(), cursor: None, hold });
    }
}
