//! Entities as JSON.

use serde_json::json;

use super::*;

#[test]
fn every_kind_is_read_and_written_as_the_bot_api_spells_it() {
    let user = json!({"id": 5, "is_bot": true, "first_name": "Bob"});
    let entities = json!([
        {"type": "mention", "offset": 0, "length": 1},
        {"type": "hashtag", "offset": 0, "length": 1},
        {"type": "cashtag", "offset": 0, "length": 1},
        {"type": "bot_command", "offset": 0, "length": 1},
        {"type": "url", "offset": 0, "length": 1},
        {"type": "email", "offset": 0, "length": 1},
        {"type": "phone_number", "offset": 0, "length": 1},
        {"type": "bold", "offset": 0, "length": 1},
        {"type": "italic", "offset": 0, "length": 1},
        {"type": "underline", "offset": 0, "length": 1},
        {"type": "strikethrough", "offset": 0, "length": 1},
        {"type": "spoiler", "offset": 0, "length": 1},
        {"type": "blockquote", "offset": 0, "length": 1},
        {"type": "expandable_blockquote", "offset": 0, "length": 1},
        {"type": "code", "offset": 0, "length": 1},
        {"type": "pre", "offset": 0, "length": 1},
        {"type": "pre", "offset": 0, "length": 1, "language": "rust"},
        {"type": "text_link", "offset": 0, "length": 1, "url": "https://e.org"},
        {"type": "text_mention", "offset": 0, "length": 1, "user": user},
        {"type": "custom_emoji", "offset": 0, "length": 1, "custom_emoji_id": "5"},
        {"type": "date_time", "offset": 0, "length": 1, "unix_time": 7, "date_time_format": "wDT"},
        {"type": "date_time", "offset": 0, "length": 1, "unix_time": 7},
    ]);
    let read = Entity::list(&entities);
    assert!(read.iter().all(|entity| !matches!(entity.kind, Kind::Unknown(_))), "{read:?}");
    assert_eq!(serde_json::to_value(&read).unwrap(), entities);
}

#[test]
fn what_is_strange_costs_no_other_entity() {
    let entities = json!([
        {"type": "sparkle", "offset": 1, "length": 2, "color": {"deep": []}},
        {"type": "bold", "offset": -3, "length": 5},
        {"type": "bold", "offset": 3, "length": -5},
        {"type": "bold", "offset": "3", "length": 5},
        {"type": "bold", "offset": 1.5, "length": 5},
        {"type": "bold"},
        "bold",
        null,
        {"type": "text_link", "offset": 0, "length": 1},
        {"type": "text_mention", "offset": 0, "length": 1, "user": {"name": "x"}},
        {"type": "text_mention", "offset": 0, "length": 1, "user": {"id": 9, "username": "x"}},
        {"type": "italic", "offset": 9_007_199_254_740_993_i64, "length": 1, "language": "x"},
    ]);
    let expected = [
        e(Kind::Unknown("sparkle".into()), 1, 2),
        bold(0, 0),
        bold(3, 0),
        e(Kind::Unknown("text_link".into()), 0, 1),
        who(9, "", 0, 1),
        italic(9_007_199_254_740_993, 1),
    ];
    assert_eq!(Entity::list(&entities), expected);
    assert_eq!(Entity::list(&json!({"type": "bold"})), []);
    assert_eq!(Entity::list(&serde_json::Value::Null), []);
}
