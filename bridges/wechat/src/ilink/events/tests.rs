//! What messages of iLink's mean.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW_MS: TimestampMs = 1_700_000_000_000;

fn message(items: Value) -> Value {
    json!({
        "seq": 1, "message_id": 7_434_567_890_123_456_789_u64, "from_user_id": "o9@im.wechat", "to_user_id": "b@im.bot",
        "create_time_ms": 1_699_999_999_000_i64, "message_type": 1, "message_state": 2, "item_list": items, "context_token": "c",
    })
}

fn told(items: Value) -> Told {
    match read(&message(items), NOW_MS) {
        Read::Told(told) => *told,
        other => panic!("{other:?}"),
    }
}

fn words(items: Value) -> String {
    told(items).message.text.to_plain()
}

#[test]
fn words_are_read() {
    for (items, shown) in [
        (json!([{"type": 1, "text_item": {"text": "你好[微笑]"}}]), "你好🙂"),
        (json!([{"type": 1, "text_item": {"text": "a\r\nb"}}]), "a\nb"),
        (json!([{"type": 1, "text_item": {"text": "a"}}, {"type": 1, "text_item": {"text": "b"}}]), "a\nb"),
        (json!([{"type": 11}, {"type": 1, "text_item": {"text": "a"}}, {"type": 12}]), "a"),
        (json!([{"type": "1", "text_item": {"text": "a"}}]), "a"),
    ] {
        assert_eq!(words(items.clone()), shown, "{items}");
    }
    let told = told(json!([{"type": 1, "text_item": {"text": "a"}}]));
    assert_eq!((told.id.as_str(), told.sent_ms), ("7434567890123456789", 1_699_999_999_000));
}

#[test]
fn files_are_read_with_what_is_known_of_them() {
    let media = json!({"encrypt_query_param": "p", "aes_key": "AAAAAAAAAAAAAAAAAAAAAA=="});
    let only = |items: Value| {
        let mut told = told(items);
        assert_eq!(told.message.attachments.len(), 1);
        (told.message.attachments.remove(0), told.message.text.to_plain())
    };
    let (picture, _) = only(json!([{"type": 2, "image_item": {"media": media, "mid_size": 9}}]));
    assert_eq!((picture.kind, picture.size_bytes), (AttachmentKind::Image, None));
    let (voice, caption) = only(json!([{"type": 3, "voice_item":
        {"media": media, "encode_type": 6, "playtime": 1500, "text": "hello"}}]));
    assert_eq!((voice.kind, voice.mime.as_deref()), (AttachmentKind::Voice, Some("audio/silk")));
    assert_eq!((voice.info.duration_ms, caption.as_str()), (Some(1_500), "hello"));
    let (file, _) =
        only(json!([{"type": 4, "file_item": {"media": media, "file_name": "a\u{202e}b.pdf", "len": "12"}}]));
    assert_eq!((file.name.as_str(), file.size_bytes), ("ab.pdf", Some(12)));
    let (video, _) = only(json!([{"type": 5, "video_item": {"media": media, "play_length": 3}}]));
    assert_eq!((video.mime.as_deref(), video.info.duration_ms), (Some("video/mp4"), Some(3_000)));
}

#[test]
fn what_is_for_nobody_is_nothing() {
    let text = json!([{"type": 1, "text_item": {"text": "a"}}]);
    for (field, value) in [
        ("message_type", json!(2)),
        ("message_state", json!(1)),
        ("item_list", json!([{"type": 11}])),
        ("item_list", json!([{"type": 0, "create_time_ms": 5}, null])),
    ] {
        let mut told = message(text.clone());
        told[field] = value;
        assert_eq!(read(&told, NOW_MS), Read::Nothing, "{told}");
    }
    let mut gone = message(text);
    gone["delete_time_ms"] = json!(1_700_000_000_000_i64);
    assert_eq!(read(&gone, NOW_MS), Read::Recalled(RemoteMessageId::new("7434567890123456789")));
}

#[test]
fn what_is_not_known_keeps_its_raw_form() {
    let text = json!([{"type": 1, "text_item": {"text": "a"}}]);
    let mut cases = vec![
        json!({}),
        json!("words"),
        message(json!([{"type": 99, "x": 1}])),
        message(json!([{"type": 2}])),
        message(json!([{"hologram_item": {"title": "a bird"}}])),
        message(json!([{"type": 0, "text_item": {"text": "a"}}])),
        message(json!(["words"])),
    ];
    for (field, value) in
        [("group_id", json!("7@chatroom")), ("message_id", json!(0)), ("message_id", json!(-5))]
    {
        let mut told = message(text.clone());
        told[field] = value;
        cases.push(told);
    }
    for told in cases {
        assert!(matches!(read(&told, NOW_MS), Read::Unknown { .. }), "{told}");
    }
    let both = json!([{"type": 1, "text_item": {"text": "a"}}, {"type": 99}]);
    assert!(words(both).starts_with("a\n(There is more"), "words beside it are not lost");
    let crowd = vec![json!({"type": 1, "text_item": {"text": "a"}}); ITEMS_MAX + 1];
    assert!(words(json!(crowd)).ends_with("Look at your phone.)"), "nor is it silent that there is more");
    assert!(!words(json!(crowd[1..])).contains("There is more"));
}

#[test]
fn an_id_has_64_bits_however_it_is_written() {
    for (value, expected) in [
        (json!(u64::MAX), Some("18446744073709551615")),
        (json!("18446744073709551615"), Some("18446744073709551615")),
        (json!("007"), Some("7")),
        (json!("18446744073709551616"), None),
        (json!(1.5), None),
        (json!(-1), None),
        (json!(0), None),
        (json!(""), None),
        (Value::Null, None),
    ] {
        assert_eq!(id(&value).as_ref().map(RemoteMessageId::as_str), expected, "{value}");
    }
    let mut told = message(json!([{"type": 1, "text_item": {"text": "a"}, "msg_id": "9"}]));
    told["message_id"] = Value::Null;
    assert!(matches!(read(&told, NOW_MS), Read::Told(told) if told.id.as_str() == "9"));
}

#[test]
fn the_first_answer_counts() {
    let told = told(json!([{"type": 1, "text_item": {"text": "a"}, "ref_msg": {"svr_id": "5"}}]));
    assert_eq!(told.quote.and_then(|quote| quote.id), Some(RemoteMessageId::new("5")));
}

proptest! {
    #[test]
    fn every_number_is_its_own_id(number in 1..=u64::MAX) {
        let expected = Some(RemoteMessageId::new(number.to_string()));
        prop_assert_eq!(id(&json!(number)), expected.clone());
        prop_assert_eq!(id(&json!(number.to_string())), expected);
    }

    #[test]
    fn nothing_in_an_item_makes_the_reader_panic(
        kind in 0_i64..14, name in "[a-z_]{1,10}", words in any::<String>(), length in any::<i64>(),
    ) {
        let content = json!({
            "text": words, "file_name": words, "len": length, "playtime": length, "play_length": length, "encode_type": length,
            "aeskey": words, "media": {"full_url": words, "aes_key": words},
        });
        let mut item = json!({"type": kind, "ref_msg": {"title": words, "partial_text": {"start": words, "endindex": length}}});
        item[name.as_str()] = content.clone();
        for name in ["text_item", "image_item", "voice_item", "file_item", "video_item"] {
            item[name] = content.clone();
        }
        let _ = read(&message(json!([item])), NOW_MS);
    }
}
