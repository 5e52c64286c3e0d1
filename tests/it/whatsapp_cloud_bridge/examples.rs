//! The bridge takes every webhook that Meta's description shows, as it is written there and as it is written since 2026.

use magpie_common::message::{RemoteEvent, Tone};
use magpie_tests::{
    openapi::skip,
    whatsapp_cloud::{Forgery, description},
};
use serde_json::{Value, json};

use super::Stage;

/// By which ids people are named in a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// By their number, as in the examples.
    Number,
    /// By both.
    Both,
    /// By their user id alone, because they have a username.
    UserId,
}

const NUMBER: &str = "16505551234";
const USER_ID: &str = "US.13491208655302741918";
const NEXT_USER_ID: &str = "US.90210208655302741918";

/// Writes an example in other words.
fn rewrite(example: &mut Value, names: Names) {
    let value = &mut example["entry"][0]["changes"][0]["value"];
    if names == Names::Number {
        return;
    }
    for (list, id, user_id) in [("contacts", "wa_id", "user_id"), ("messages", "from", "from_user_id")] {
        for item in value[list].as_array_mut().into_iter().flatten() {
            item[user_id] = json!(USER_ID);
            if names == Names::UserId {
                item.as_object_mut().expect("it is an object").remove(id);
                if list == "contacts" {
                    item["profile"]["username"] = json!("@sheena");
                }
            }
            if item["system"].is_object() {
                item["system"]["user_id"] = json!(NEXT_USER_ID);
            }
        }
    }
}

/// What must come of an example: the kind of event, and words in it.
fn expected(name: &str) -> (&'static str, &'static str) {
    match name {
        "Text Message" => ("message", "Does it come in another color?"),
        "Text Message with Context (Product Inquiry)" => ("message", "About the product di9ozbzfi4"),
        "Text Message from Click to WhatsApp Ad" => ("message", "Came from “Chat with us”"),
        "Reaction Message" => ("react", "👍"),
        "Image Message" => ("message", "Taj Mahal"),
        "Location Message" => ("message", "📍 Philz Coffee, 101 Forest Ave"),
        "Contact Sharing Message" => ("message", "👤 Lucía Gómez"),
        "Unsupported Message" => ("message", "Message type is currently not supported."),
        "Button Message" => ("message", "Unsubscribe"),
        "Interactive List Reply Message" => ("message", "Priority Mail Express"),
        "Interactive Button Reply Message" => ("message", "Cancel"),
        "Order Message" => ("message", "2 × di9ozbzfi4"),
        "System Message" => ("message", "changed from 16505551234"),
        "Group Create Message" => ("unknown", "group_lifecycle_update"),
        "Group Settings Update" => ("unknown", "group_settings_update"),
        "Group Remove Participants" => ("unknown", "group_participants_update"),
        other => panic!("{other} is new"),
    }
}

/// What an event says, in one line.
fn says(event: &RemoteEvent) -> String {
    match event {
        RemoteEvent::Message(message) => message.message.text.to_plain(),
        RemoteEvent::React { emoji, .. } => format!("{emoji:?}"),
        RemoteEvent::Unknown { name, .. } => name.clone(),
        _ => String::new(),
    }
}

#[tokio::test]
async fn every_official_webhook_is_taken_in_the_words_of_either_year() {
    let Some(document) = description::document() else {
        skip(
            "every_official_webhook_is_taken_in_the_words_of_either_year",
            "Meta's OpenAPI description is not present (see MAGPIE_SPECS)",
        );
        return;
    };
    let body = &document["paths"]["/whatsapp/webhooks"]["post"]["requestBody"]["content"]["application/json"];
    let examples = body["examples"].as_object().expect("there are examples");
    assert_eq!(examples.len(), 16);
    for (name, example) in examples {
        for names in [Names::Number, Names::Both, Names::UserId] {
            let stage = Stage::new().await;
            let session = stage.connect().await;
            let mut body = example["value"].clone();
            rewrite(&mut body, names);
            let body = body.to_string();
            let posted = stage.sim.forges_webhook(&stage.door.url, body.as_bytes(), Forgery::None).await;
            assert_eq!(posted.expect("it is answered"), 200, "{name}, {names:?}");
            let (kind, words) = expected(name);
            let events: Vec<RemoteEvent> = stage.recorder.events().into_iter().map(|one| one.event).collect();
            let found = events.iter().find(|event| event.name() == kind && says(event).contains(words));
            let Some(found) = found else { panic!("{name}, {names:?}: {events:#?}") };
            let person = if names == Names::Number { NUMBER } else { USER_ID };
            if kind != "unknown" && name != "System Message" {
                let chat = format!("{}/{person}", stage.small.number);
                assert_eq!(found.chat().map(|chat| chat.as_str()), Some(&*chat), "{name}, {names:?}");
            }
            match found {
                RemoteEvent::Message(message) if name == "Unsupported Message" => {
                    assert_eq!(message.message.tone, Tone::Notice)
                }
                RemoteEvent::Message(message) if name == "Image Message" => {
                    assert_eq!(message.message.attachments.len(), 1)
                }
                _ => {}
            }
            if name == "System Message" {
                let now = if names == Names::Number { "12195555358" } else { NEXT_USER_ID };
                let moved = |event: &&RemoteEvent| {
                    let ends = |chat: &str, id: &str| chat.ends_with(&format!("/{id}"));
                    matches!(event, RemoteEvent::Migrated { from, to }
                        if ends(from.as_str(), person) && ends(to.as_str(), now))
                };
                assert!(events.iter().any(|event| moved(&event)), "{names:?}: {events:#?}");
            }
            session.close().await;
        }
    }
}
