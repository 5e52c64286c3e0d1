//! The judge is strict: each kind of fault is found, and a good thing passes.

use serde_json::json;

use super::*;
use crate::telegram::render::fields;

fn spec() -> Spec {
    let field = |name: &str, types: &[&str], required: bool, description: &str| json!({"name": name, "types": types, "required": required, "description": description});
    let document = json!({
        "methods": {"sendMessage": {
            "fields": [
                field("chat_id", &["Integer", "String"], true, "The chat"),
                field("text", &["String"], true, "Text of the message to be sent, 1-8 characters after entities parsing"),
                field("entities", &["Array of MessageEntity"], false, "The entities"),
                field("silent", &["Boolean"], false, "Whether it is"),
                field("photo", &["InputFile", "String"], false, "A photo"),
            ],
            "returns": ["Message"],
        }},
        "types": {
            "Message": {"fields": [field("message_id", &["Integer"], true, ""), field("kind", &["Kind"], false, "")]},
            "MessageEntity": {"fields": [
                field("type", &["String"], true, ""),
                field("offset", &["Integer"], true, ""),
                field("length", &["Integer"], true, ""),
            ]},
            "Kind": {"subtypes": ["KindA", "KindB"]},
            "KindA": {"fields": [field("type", &["String"], true, "Type, always \"a\""), field("a", &["Float"], true, "")]},
            "KindB": {"fields": [field("type", &["String"], true, "Type, always \"b\""), field("b", &["Integer"], true, "")]},
            "Update": {"fields": [field("update_id", &["Integer"], true, ""), field("message", &["Message"], false, "")]},
        },
    });
    Spec::new(serde_json::from_value(document).expect("it is a description"))
}

fn request(params: Value) -> Vec<String> {
    let found = spec().check_request("sendmessage", &fields(params), &["shot".to_owned()]);
    found.into_iter().map(|finding| finding.problem).collect()
}

#[test]
fn requests_are_held_against_types_lengths_and_bounds() {
    let none: [&str; 0] = [];
    assert_eq!(request(json!({"chat_id": 1, "text": "hi"})), none);
    assert_eq!(request(json!({"chat_id": "1", "text": "hi", "silent": "true"})), none);
    assert_eq!(request(json!({"chat_id": 1})), ["text: is missing"]);
    assert_eq!(request(json!({"chat_id": 1.5, "text": "hi"})), ["chat_id: is no Integer but 1.5"]);
    assert_eq!(request(json!({"chat_id": 1, "text": "hi", "silent": 1})), ["silent: is no Boolean but 1"]);
    assert_eq!(request(json!({"chat_id": 1, "text": "hi", "colour": 1})), ["colour: is no parameter"]);
    assert_eq!(request(json!({"chat_id": 1, "text": "😀😀😀😀😀"})), ["text: has 10 UTF-16 units, not 1-8"]);
    assert_eq!(request(json!({"chat_id": 1, "text": "hi", "photo": "attach://shot"})), none);
    let missing = ["attach://shop: is not in the form"];
    assert_eq!(request(json!({"chat_id": 1, "text": "hi", "photo": "attach://shop"})), missing);
    let entity = |offset: i64| json!({"chat_id": 1, "text": "a😀b", "entities": [{"type": "bold", "offset": offset, "length": 2}]});
    assert_eq!(request(entity(1)), none);
    assert_eq!(request(entity(2)).len(), 1);
    assert_eq!(request(entity(3)).len(), 1);
}

#[test]
fn answers_are_held_against_the_least_wrong_type() {
    let spec = spec();
    let check = |result: Value| -> Vec<String> {
        spec.check_answer("sendmessage", &result).into_iter().map(|finding| finding.problem).collect()
    };
    assert_eq!(check(json!({"message_id": 1, "kind": {"type": "b", "b": 1}})), Vec::<String>::new());
    assert_eq!(check(json!({"message_id": 1, "kind": {"type": "b"}})), ["result.kind.b: is missing"]);
    assert_eq!(check(json!({"message_id": 1, "more": 1})), ["result.more: is no field of Message"]);
    assert_eq!(spec.check_update("message", &json!({"message": {"message_id": 1}})).len(), 1);
}
