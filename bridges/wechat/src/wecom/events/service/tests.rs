//! Items as WeCom's documentation shows them, and others.

use magpie_common::message::Tone;
use proptest::prelude::{any, proptest};
use serde_json::json;

use super::*;

fn item(kind: &str, content: Value) -> Value {
    json!({
        "msgid": "m1", "open_kfid": "wkAJ2", "external_userid": "wmAJ2", "send_time": 1_615_478_585, "origin": 3, "msgtype": kind,
        kind: content,
    })
}

fn event(content: Value) -> Value {
    let mut content = content;
    content["open_kfid"] = json!("wkAJ2");
    content["external_userid"] = json!("wmAJ2");
    json!({"msgid": "e1", "send_time": 1_615_478_585, "origin": 4, "msgtype": "event", "event": content})
}

fn understood(told: &Value) -> Read {
    let item = read(told).expect("it belongs to a talk");
    assert_eq!(item.service, Service { kf: "wkAJ2".to_owned(), external: "wmAJ2".to_owned() });
    assert_eq!(item.sent_ms, 1_615_478_585_000);
    item.read
}

fn words(told: &Value) -> String {
    match understood(told) {
        Read::Said { message, .. } => message.text.to_plain(),
        other => panic!("{told}: {other:?}"),
    }
}

#[test]
fn everything_that_customers_send_is_readable() {
    let part = json!({"text": {"content": "hi[微笑]"}}).to_string();
    for (told, shown) in [
        (item("text", json!({"content": "hello[微笑]", "menu_id": "101"})), "hello🙂"),
        (
            item(
                "location",
                json!({"latitude": 23.5, "longitude": 113.25, "name": "Tower", "address": "Canton"}),
            ),
            "📍 Tower Canton\nhttps://www.openstreetmap.org/?mlat=23.5&mlon=113.25#map=16/23.5/113.25",
        ),
        (
            item(
                "link",
                json!({"title": "Birds", "desc": "All.", "url": "https://example.org/", "pic_url": "x"}),
            ),
            "Birds (https://example.org/)\nAll.",
        ),
        (item("note", json!({})), "Sent a note, which can be read on a phone alone."),
        (item("business_card", json!({"userid": "ada"})), "Shared the card of ada in the company."),
        (
            item("miniprogram", json!({"title": "Shop", "appid": "wx1", "pagepath": "p"})),
            "Shop\nMini program: open it on the phone",
        ),
        (
            item("channels", json!({"sub_type": 2, "nickname": "Ada", "title": "Live"})),
            "Ada: Live\nLive stream: open it on the phone",
        ),
        (
            item(
                "msgmenu",
                json!({
                    "head_content": "Choose", "tail_content": "Bye", "list": [
                        {"type": "click", "click": {"id": "1", "content": "Yes"}},
                        {"type": "view", "view": {"url": "https://example.org", "content": "There"}},
                    ],
                }),
            ),
            "Choose\n- Yes\n- There (https://example.org)\nBye",
        ),
        (
            item(
                "merged_msg",
                json!({"title": "Record", "item": [
                    {"sender_name": "Ada", "msgtype": "text", "msg_content": part}, {"sender_name": "Bob", "msgtype": "image", "msg_content": "{}"},
                ]}),
            ),
            "Record\n> Ada: hi🙂\n> Bob: [image]",
        ),
    ] {
        assert_eq!(words(&told), shown);
    }
    for (kind, mime) in
        [("image", None), ("voice", Some("audio/amr")), ("video", Some("video/mp4")), ("file", None)]
    {
        let Read::Said { message, .. } = understood(&item(kind, json!({"media_id": "m-1"}))) else {
            panic!("{kind}")
        };
        assert_eq!(message.attachments[0].mime.as_deref(), mime);
    }
}

#[test]
fn staff_is_told_from_customers() {
    let mut told = item("text", json!({"content": "hello"}));
    assert!(matches!(understood(&told), Read::Said { by: By::Customer, .. }));
    (told["origin"], told["servicer_userid"]) = (json!(5), json!("ada"));
    let Read::Said { by, .. } = understood(&told) else { panic!("it was said") };
    assert_eq!(by, By::Staff("ada".to_owned()));
    told["origin"] = json!(9);
    assert!(matches!(understood(&told), Read::Unknown { .. }));
}

#[test]
fn events_are_told_in_words() {
    assert_eq!(
        words(&event(json!({"event_type": "enter_session", "scene": "oldsource"}))),
        "Opened the chat."
    );
    let recalled = event(json!({"event_type": "user_recall_msg", "recall_msgid": "m1"}));
    let of = |by| Read::Recalled { by, id: RemoteMessageId::new("m1") };
    assert_eq!(understood(&recalled), of(By::Customer));
    let recalled =
        event(json!({"event_type": "servicer_recall_msg", "recall_msgid": "m1", "servicer_userid": "ada"}));
    assert_eq!(understood(&recalled), of(By::Staff("ada".to_owned())));
    let failed = event(json!({"event_type": "msg_send_fail", "fail_msgid": "ours", "fail_type": 6}));
    let Read::Failed { id, words: why } = understood(&failed) else { panic!("it failed") };
    assert!(id.as_str() == "ours" && why.contains("five messages"), "{why}");
    let unknown = event(json!({"event_type": "msg_send_fail", "fail_msgid": "ours", "fail_type": 99}));
    assert!(matches!(understood(&unknown), Read::Failed { words, .. } if words.contains("99")));
    for (change, by, shown) in [
        (1, "bob", "Answers the customer from now on, in WeCom's app."),
        (2, "ada", "Hands the customer on to bob."),
        (3, "ada", "Ended the conversation with the customer."),
        (4, "bob", "Took the conversation with the customer up again."),
    ] {
        let told = event(json!({
            "event_type": "session_status_change", "change_type": change, "old_servicer_userid": "ada", "new_servicer_userid": "bob",
        }));
        let Read::Said { by: who, message } = understood(&told) else { panic!("{change}") };
        assert_eq!((who, message.text.to_plain().as_str()), (By::Staff(by.to_owned()), shown));
        assert_eq!(message.tone, Tone::Notice);
    }
}

#[test]
fn whoever_comes_may_be_welcomed_by_a_code() {
    let came = |code: &str| read(&event(json!({"event_type": "enter_session", "welcome_code": code})));
    let code = |code: &str| came(code).expect("it belongs to a talk").welcome;
    assert_eq!(code("CODE").as_ref().map(Secret::expose), Some("CODE"));
    assert!(code("").is_none() && code(&"x".repeat(10_000)).is_none());
}

#[test]
fn what_belongs_to_no_talk_is_left_to_the_caller() {
    let staff = json!({
        "msgid": "e2", "send_time": 1_615_478_585, "origin": 4, "msgtype": "event",
        "event": {"event_type": "servicer_status_change", "servicer_userid": "ada", "status": 1, "open_kfid": "wkAJ2"},
    });
    assert!(read(&staff).is_none() && is_of_staff(&staff));
    for bad in
        [json!({}), json!("words"), json!({"msgid": "m1", "open_kfid": "../x", "external_userid": "a"})]
    {
        assert!(read(&bad).is_none() && !is_of_staff(&bad), "{bad}");
    }
    assert!(matches!(understood(&item("hologram", json!({}))), Read::Unknown { .. }));
    assert!(matches!(understood(&event(json!({"event_type": "dance"}))), Read::Unknown { .. }));
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_panic(kind in "[a-z_]{0,20}", value in any::<String>(), number in any::<i64>()) {
        let told = item(&kind, json!({"content": value, "media_id": value, "title": value, "latitude": number, "item": [value], "list": [value]}));
        let _ = read(&told);
        let _ = read(&event(json!({"event_type": kind, "change_type": number, "fail_msgid": value, "recall_msgid": value})));
    }
}
