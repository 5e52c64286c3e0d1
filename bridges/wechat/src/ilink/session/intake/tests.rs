//! What is pushed, and when the cursor moves.

use magpie_common::{
    ids::{LoginId, RemoteMessageId},
    testkit::platform_suite::Recorder,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const PERSON: &str = "o9@im.wechat";
const BOT: &str = "b0@im.bot";
const NOW_MS: i64 = 1_700_000_000_000;

fn intake(recorder: &Recorder) -> Intake {
    let sink = EventSink::new(LoginId::new("ilink-b0@im.bot"), Arc::new(recorder.clone()));
    Intake {
        bot_id: BOT.to_owned(),
        clock: Clock::fixed(NOW_MS, 0),
        contexts: Arc::new(Contexts::new(sink.clone())),
        recent: Arc::default(),
        sink,
    }
}

fn said(id: u64, item: Value) -> Value {
    json!({
        "seq": id, "message_id": id, "from_user_id": PERSON, "to_user_id": BOT, "create_time_ms": NOW_MS, "message_type": 1,
        "message_state": 2, "item_list": [item], "context_token": format!("ctx{id}"),
    })
}

fn words(words: &str) -> Value {
    json!({"type": 1, "text_item": {"text": words}})
}

fn page(messages: Vec<Value>, cursor: &str) -> Page {
    Page::read(json!({"msgs": messages, "get_updates_buf": cursor}))
}

fn shown(recorder: &Recorder) -> Vec<(String, String, Option<RemoteMessageId>)> {
    let messages = recorder.messages().into_iter();
    messages.map(|it| (it.id.to_string(), it.message.text.to_plain(), it.message.reply_to)).collect()
}

#[tokio::test]
async fn the_cursor_moves_only_after_all_is_stored() {
    let recorder = Recorder::default();
    let intake = intake(&recorder);
    assert_eq!(intake.recall().await.expect("it can be read"), "");
    recorder.refuse(true);
    intake.take(page(vec![said(1, words("a"))], "one"), "").await.expect_err("nothing is stored");
    assert_eq!(intake.recall().await.expect("it can be read"), "", "the cursor stays");
    recorder.refuse(false);
    let next = intake.take(page(vec![said(1, words("a")), said(2, words("b"))], "two"), "").await;
    assert_eq!(next.expect("it is stored").as_deref(), Some("two"));
    assert_eq!(intake.recall().await.expect("it can be read"), "two");
    assert_eq!(recorder.events().len(), 2);
    let same = intake.take(page(Vec::new(), "two"), "two").await.expect("there is nothing to store");
    assert_eq!(same, None);
}

#[tokio::test]
async fn a_token_is_stored_with_its_message_and_outlives_the_session() {
    let recorder = Recorder::default();
    let first = intake(&recorder);
    first.take(page(vec![said(1, words("a"))], "one"), "").await.expect("it is stored");
    assert!(recorder.events()[0].cursor.as_ref().is_some_and(|cursor| cursor.value.contains("ctx1")));
    let later = intake(&recorder);
    let context = later.contexts.of(PERSON).await.expect("it can be read");
    assert_eq!(context.usable(NOW_MS), Ok(Some("ctx1")));
}

#[tokio::test]
async fn a_message_from_the_future_does_not_outdate_those_that_come_after_it() {
    let recorder = Recorder::default();
    let intake = intake(&recorder);
    let mut early = said(1, words("a"));
    early["create_time_ms"] = json!(NOW_MS * 1_000);
    intake.take(page(vec![early, said(2, words("b"))], "one"), "").await.expect("it is stored");
    let context = intake.contexts.of(PERSON).await.expect("it can be read");
    assert_eq!(context.usable(NOW_MS), Ok(Some("ctx2")));
    assert_eq!(context.open_until_ms(), NOW_MS + 24 * 60 * 60 * 1_000);
}

#[tokio::test]
async fn what_is_quoted_is_found_or_shown() {
    let recorder = Recorder::default();
    let intake = intake(&recorder);
    let mut known = words("yes");
    known["ref_msg"] = json!({"svr_id": 1});
    let mut part = words("this");
    part["ref_msg"] =
        json!({"svr_id": "1", "partial_text": {"start": "b", "end": "d", "startindex": 0, "endindex": 0}});
    let mut unknown = words("no");
    unknown["ref_msg"] = json!({"svr_id": 99, "title": "Ada", "message_item": words("hello")});
    let messages = vec![said(1, words("a bird flies")), said(2, known), said(3, part), said(4, unknown)];
    intake.take(page(messages, "one"), "").await.expect("it is stored");
    let id = |id: &str| Some(RemoteMessageId::new(id));
    let found = shown(&recorder);
    assert_eq!(found[1], ("2".to_owned(), "yes".to_owned(), id("1")));
    assert!(found[2].1.starts_with("> bird") && found[2].1.ends_with("this"), "{found:?}");
    assert_eq!(found[2].2, id("1"));
    assert!(found[3].1.starts_with("> Ada: hello") && found[3].1.ends_with("no"), "{found:?}");
    assert_eq!(found[3].2, id("99"));
}

#[tokio::test]
async fn what_belongs_to_no_chat_is_kept_and_changes_nothing() {
    let recorder = Recorder::default();
    let intake = intake(&recorder);
    let (mut group, mut nobody) = (said(1, words("a")), said(2, words("b")));
    group["group_id"] = json!("7@chatroom");
    nobody["from_user_id"] = json!("a/b");
    let mut ours = said(3, words("c"));
    ours["message_type"] = json!(2);
    intake.take(page(vec![group, nobody, ours], "one"), "").await.expect("it is stored");
    let events = recorder.events();
    assert_eq!(events.len(), 2);
    assert!(
        events.iter().all(|it| matches!(it.event, RemoteEvent::Unknown { chat: None, .. })),
        "{events:?}"
    );
    assert!(!intake.contexts.of(PERSON).await.expect("it can be read").is_known());
}

#[tokio::test]
async fn what_nobody_can_read_is_told_once_and_not_whole_where_it_is_long() {
    let recorder = Recorder::default();
    let mut long = said(1, json!({"type": 99, "x": "x".repeat(100_000)}));
    let mut nobody = said(2, words("b"));
    (nobody["from_user_id"], nobody["message_id"]) = (json!("a/b"), Value::Null);
    let messages = || vec![long.clone(), nobody.clone()];
    for _ in 0..2 {
        // A kill between what is pushed and the cursor makes it come again, to another process.
        intake(&recorder).take(page(messages(), "one"), "").await.expect("it is stored");
    }
    let raws = |recorder: &Recorder| -> Vec<usize> {
        let events = recorder.events().into_iter();
        let raw = |event| match event {
            RemoteEvent::Unknown { raw, .. } => Some(raw.len()),
            _ => None,
        };
        events.filter_map(|it| raw(it.event)).collect()
    };
    let told = raws(&recorder);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|length| *length <= 16 * 1024), "{told:?}");
    (long["message_id"], nobody["from_user_id"]) = (json!(3), json!("c/d"));
    intake(&recorder).take(page(vec![long, nobody], "two"), "one").await.expect("it is stored");
    assert_eq!(raws(&recorder).len(), 4, "others are told");
    let context = intake(&recorder).contexts.of(PERSON).await.expect("it can be read");
    assert_eq!(context.usable(NOW_MS), Ok(Some("ctx1")), "and how it can be answered is known");
}

#[tokio::test]
async fn what_was_taken_back_is_taken_back() {
    let recorder = Recorder::default();
    let mut gone = said(5, words("a"));
    gone["delete_time_ms"] = json!(NOW_MS);
    intake(&recorder).take(page(vec![gone], "one"), "").await.expect("it is stored");
    let events = recorder.events();
    let RemoteEvent::Redact { ids, by, .. } = &events[0].event else { panic!("it is taken back") };
    assert_eq!(ids, &[RemoteMessageId::new("5")]);
    assert_eq!(by.as_ref().map(|by| by.as_str()), Some("ilink/b0@im.bot/o9@im.wechat"));
}

proptest! {
    #[test]
    fn messages_are_put_into_order(seqs in prop::collection::vec(1_i64..50, 0..10)) {
        let mut messages: Vec<Value> = seqs.iter().map(|seq| json!({"seq": seq})).collect();
        in_order(&mut messages);
        let mut sorted = seqs.clone();
        sorted.sort_unstable();
        let found: Vec<i64> = messages.iter().filter_map(|it| it["seq"].as_i64()).collect();
        prop_assert_eq!(found, sorted);
        let mut uncounted: Vec<Value> = seqs.iter().map(|seq| json!({"seq": seq})).collect();
        uncounted.push(json!({}));
        let before = uncounted.clone();
        in_order(&mut uncounted);
        prop_assert_eq!(uncounted, before, "without all numbers nothing is moved");
    }
}
