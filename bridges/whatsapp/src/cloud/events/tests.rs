//! A table of what webhooks tell.

use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::{AttachmentKind, Tone},
};
use serde_json::json;

use super::*;

fn origin() -> Origin {
    let sender = Sender {
        ids: AliasSet::single(RemoteUserId::new("16505551234")),
        name: Some("Ada".to_owned()),
        avatar: None,
    };
    Origin { chat: RemoteChatId::new("1065/16505551234"), sender }
}

/// A message of that kind, as a webhook tells it.
fn told(kind: &str, content: Value) -> Value {
    let mut data = json!({"from": "16505551234", "id": "wamid.1", "timestamp": "1700000000", "type": kind});
    if !content.is_null() {
        data[kind] = content;
    }
    data
}

fn said(data: &Value) -> RemoteMessage {
    match read(data, &origin()) {
        Read::Said(message) => message,
        other => panic!("{data} is {other:?}"),
    }
}

type Case = (&'static str, &'static str, Value, &'static str);

fn told_things() -> Vec<Case> {
    vec![
        ("a text", "text", json!({"body": "hello *you*"}), "hello you"),
        (
            "a place",
            "location",
            json!({"latitude": 53.5, "longitude": "10.0", "name": "Home", "address": "Here 1"}),
            "📍 Home, Here 1\nhttps://www.openstreetmap.org/?mlat=53.5&mlon=10#map=16/53.5/10",
        ),
        (
            "a place without a name",
            "location",
            json!({"latitude": 53.5, "longitude": 10}),
            "📍 Location\nhttps://www.openstreetmap.org/?mlat=53.5&mlon=10#map=16/53.5/10",
        ),
        (
            "a place with an address",
            "location",
            json!({"latitude": 1, "longitude": 2, "url": "https://e.org"}),
            "📍 Location\nhttps://www.openstreetmap.org/?mlat=1&mlon=2#map=16/1/2\nhttps://e.org",
        ),
        (
            "a contact",
            "contacts",
            json!([{"name": {"formatted_name": "Bob"}, "phones": [{"phone": "+1", "type": "HOME"}],
            "emails": [{"email": "b@e.org"}], "org": {"company": "Birds", "title": "Owner"}}]),
            "👤 Bob\nBirds, Owner\n+1 (home)\nb@e.org",
        ),
        (
            "two contacts",
            "contacts",
            json!([{"name": {"formatted_name": "A"}}, {"name": {}}]),
            "👤 A\n👤 Contact",
        ),
    ]
}

fn pressed_and_ordered() -> Vec<Case> {
    vec![
        (
            "a pressed button",
            "interactive",
            json!({"type": "button_reply", "button_reply": {"id": "x", "title": "Yes"}}),
            "Yes",
        ),
        (
            "a picked row",
            "interactive",
            json!({"type": "list_reply", "list_reply": {"id": "x", "title": "Tea", "description": "green"}}),
            "Tea\ngreen",
        ),
        (
            "a form",
            "interactive",
            json!({"type": "nfm_reply", "nfm_reply": {"body": "Sent", "name": "flow",
            "response_json": "{\"flow_token\": \"t\", \"size\": 3, \"color\": \"red\"}"}}),
            "Sent\ncolor: red\nsize: 3",
        ),
        (
            "a form that cannot be read",
            "interactive",
            json!({"nfm_reply": {"body": "Sent", "response_json": "{"}}),
            "Sent",
        ),
        (
            "buttons",
            "interactive",
            json!({"type": "button", "body": {"text": "Tea?"}, "action": {"buttons": [
            {"reply": {"id": "1", "title": "Yes"}}, {"reply": {"id": "2", "title": "No"}}]}}),
            "Tea?\n1. Yes\n2. No",
        ),
        (
            "a list",
            "interactive",
            json!({"type": "list", "header": {"text": "Menu"}, "body": {"text": "Which?"}, "action": {
            "sections": [{"rows": [{"id": "1", "title": "Tea"}]}]}}),
            "Menu\nWhich?\n1. Tea",
        ),
        ("a template's button", "button", json!({"text": "Stop", "payload": "stop"}), "Stop"),
        (
            "an order",
            "order",
            json!({"text": "soon please", "product_items": [
            {"product_retailer_id": "seed", "quantity": 2, "item_price": 3.5, "currency": "EUR"}]}),
            "🛒 Order\n- 2 × seed, 3.5 EUR each\nsoon please",
        ),
        ("an opened chat", "request_welcome", Value::Null, "Opened the chat for the first time."),
        (
            "what is not supported",
            "unsupported",
            Value::Null,
            "A message that only the WhatsApp app can show.",
        ),
    ]
}

#[test]
fn every_kind_has_words() {
    for (name, kind, content, expected) in [told_things(), pressed_and_ordered()].concat() {
        let message = said(&told(kind, content));
        assert_eq!(message.message.text.to_plain(), expected, "{name}");
        assert_eq!((message.id.as_str(), message.sent_ms), ("wamid.1", 1_700_000_000_000), "{name}");
    }
}

#[test]
fn files_are_of_their_sort() {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    for (kind, content, sort, name) in [
        (
            "image",
            json!({"id": "5", "mime_type": "image/jpeg", "sha256": "s", "caption": "see"}),
            Image,
            "image.jpg",
        ),
        ("video", json!({"id": "5", "mime_type": "video/mp4"}), Video, "video.mp4"),
        (
            "audio",
            json!({"id": "5", "mime_type": "audio/ogg; codecs=opus", "voice": true}),
            Voice,
            "voice message.ogg",
        ),
        ("audio", json!({"id": "5", "mime_type": "audio/mpeg"}), Audio, "audio.mp3"),
        ("sticker", json!({"id": "5", "mime_type": "image/webp"}), Sticker, "sticker"),
        (
            "document",
            json!({"id": "5", "mime_type": "application/pdf", "filename": "a\u{202e}.pdf"}),
            File,
            "a.pdf",
        ),
        ("document", json!({"id": "5"}), File, "document"),
    ] {
        let message = said(&told(kind, content)).message;
        let [file] = message.attachments.as_slice() else { panic!("{kind} has no file") };
        assert_eq!((file.kind, &*file.name), (sort, name), "{kind}");
        assert!(file.mime.as_ref().is_none_or(|mime| !mime.contains(';')), "{kind}");
    }
    assert_eq!(said(&told("image", json!({"id": "5", "caption": "*see*"}))).message.text.to_plain(), "see");
    let bad = read(&told("image", json!({"id": "../5"})), &origin());
    assert!(matches!(bad, Read::Unknown { name, .. } if name == "image"));
}

#[test]
fn what_stands_around_words_is_shown() {
    let with = |context: Value, referral: Value| {
        let mut data = told("text", json!({"body": "hello"}));
        (data["context"], data["referral"]) = (context, referral);
        said(&data).message
    };
    assert_eq!(with(json!({"forwarded": true}), Value::Null).text.to_plain(), "Forwarded\nhello");
    let many = with(json!({"frequently_forwarded": true}), Value::Null);
    assert_eq!(many.text.to_plain(), "Forwarded many times\nhello");
    let reply = with(json!({"id": "wamid.0", "from": "1"}), Value::Null);
    assert_eq!(reply.reply_to, Some(RemoteMessageId::new("wamid.0")));
    let product =
        with(json!({"id": "wamid.0", "referred_product": {"product_retailer_id": "seed"}}), Value::Null);
    assert_eq!(product.text.to_plain(), "hello\nAbout the product seed");
    let ad = with(Value::Null, json!({"headline": "Birds!", "source_url": "https://e.org/ad"}));
    assert_eq!(ad.text.to_plain(), "hello\nCame from “Birds!”\nhttps://e.org/ad");
}

#[test]
fn deeds_name_their_message() {
    let id = |id: &str| RemoteMessageId::new(id);
    let react = |content| read(&told("reaction", content), &origin());
    let emoji = Some(Emoji::unicode("❤️"));
    assert_eq!(
        react(json!({"message_id": "wamid.0", "emoji": "❤"})),
        Read::Reacted { target: id("wamid.0"), emoji }
    );
    for gone in [json!({"message_id": "wamid.0", "emoji": ""}), json!({"message_id": "wamid.0"})] {
        assert_eq!(react(gone), Read::Reacted { target: id("wamid.0"), emoji: None });
    }
    let revoke = read(&told("revoke", json!({"original_message_id": "wamid.0"})), &origin());
    assert_eq!(revoke, Read::Revoked { target: id("wamid.0") });
    let inner =
        json!({"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "new"}}});
    match read(&told("edit", inner), &origin()) {
        Read::Edited { new } => {
            assert_eq!((new.id, new.message.text.to_plain()), (id("wamid.0"), "new".to_owned()))
        }
        other => panic!("{other:?}"),
    }
    let mut chosen = told(
        "interactive",
        json!({"type": "button_reply", "button_reply": {"id": "magpie-1", "title": "No"}}),
    );
    chosen["context"] = json!({"id": "wamid.0"});
    match read(&chosen, &origin()) {
        Read::Chose { target, answer: 1, said: Some(said) } => {
            assert_eq!((target, said.message.text.to_plain()), (id("wamid.0"), "No".to_owned()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_changed_number_moves_a_person() {
    let person = |id: &str| Some(RemoteUserId::new(id));
    let system = json!({"body": "Ada changed from 1 to 2", "type": "user_changed_number", "wa_id": "16505550000", "user_id": "US.5"});
    let data = told("system", system);
    let expected = Moved { previous: None, user_id: person("US.5"), phone: person("16505550000") };
    assert_eq!(moved(&data), Some(expected));
    let notice = notice_of_move(&data, &origin()).expect("there are words");
    assert_eq!(
        (notice.message.tone, &*notice.message.text.to_plain()),
        (Tone::Notice, "Ada changed from 1 to 2")
    );
    // As Meta writes it of people whose numbers are not shown: nobody sends it.
    let bare = json!({"id": "wamid.2", "timestamp": "1700000000", "type": "system",
        "system": {"type": "user_changed_user_id", "previous_user_id": "US.4", "user_id": "US.5"}});
    assert_eq!(moved(&bare), Some(Moved { previous: person("US.4"), user_id: person("US.5"), phone: None }));
    assert!(notice_of_move(&bare, &origin()).is_some(), "there are words of our own");
    assert_eq!(moved(&told("text", json!({"body": "user_changed_number"}))), None);
    let other = read(&told("system", json!({"body": "Something else", "type": "new_thing"})), &origin());
    assert!(matches!(other, Read::Said(notice) if notice.message.tone == Tone::Notice));
}

#[test]
fn what_is_not_known_is_kept() {
    for (name, data) in [
        ("hologram", told("hologram", json!({"id": "1"}))),
        ("message", json!({})),
        ("message", json!({"type": 5})),
        ("reaction", told("reaction", json!({}))),
        ("group message", json!({"group_id": "g", "type": "text", "text": {"body": "x"}})),
        ("text", told("text", json!({"body": ""}))),
        ("text", json!({"type": "text", "text": {"body": "no time"}, "id": "wamid.1"})),
        ("location", told("location", json!({"latitude": "north"}))),
    ] {
        match read(&data, &origin()) {
            Read::Unknown { name: found, raw } => {
                assert_eq!((&*found, raw), (name, data.to_string()));
            }
            other => panic!("{data} is {other:?}"),
        }
    }
    let long = told("hologram", json!({"x": "ü".repeat(RAW_BYTES_MAX)}));
    assert!(matches!(read(&long, &origin()), Read::Unknown { raw, .. } if raw.len() <= RAW_BYTES_MAX));
}

/// JSON made of WhatsApp's own words in the wrong places.
fn anything() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    const WORDS: [&str; 24] = [
        "type",
        "text",
        "body",
        "id",
        "timestamp",
        "context",
        "reaction",
        "message_id",
        "emoji",
        "interactive",
        "button_reply",
        "list_reply",
        "nfm_reply",
        "response_json",
        "title",
        "contacts",
        "name",
        "order",
        "product_items",
        "location",
        "latitude",
        "system",
        "edit",
        "original_message_id",
    ];
    let word = || prop::sample::select(WORDS.as_slice());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("1700000000")),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(word(), inner, 0..6).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest::proptest! {
    #[test]
    fn whatever_comes_is_read(mut data in anything(), kind in 0_usize..16) {
        const KINDS: [&str; 16] = [
            "text", "image", "video", "audio", "document", "sticker", "location", "contacts", "reaction", "interactive", "button",
            "order", "system", "edit", "revoke", "unsupported",
        ];
        if data.is_object() {
            data["type"] = json!(KINDS[kind]);
        }
        // It means something or is kept; it never ends the program.
        let _ = moved(&data);
        match read(&data, &origin()) {
            Read::Unknown { name, raw } => proptest::prop_assert!(!name.is_empty() && raw.len() <= RAW_BYTES_MAX),
            Read::Said(message) => proptest::prop_assert!(!message.message.is_empty()),
            Read::Reacted { .. } | Read::Chose { .. } | Read::Edited { .. } | Read::Revoked { .. } => {}
        }
    }
}
