//! The description's own examples against the amended description.

use super::*;
use crate::openapi::SeenRequest;

/// Examples of things that the simulator does not serve: payments and drafts.
const NOT_SERVED: [&str; 2] = ["Send Order Details Message", "Send Order Status Message"];

/// One names a placeholder for the type of its header, one forgets its own type.
const SLIPS: [&str; 2] = ["Send Multi-Product Message", "Send Reply to List Message"];

fn examples(document: &Value, path: &str) -> Vec<(String, Value)> {
    let body = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
    let examples = body["examples"].as_object().expect("the description has examples");
    examples.iter().map(|(name, example)| (name.clone(), example["value"].clone())).collect()
}

fn problems(path: &str, body: &Value) -> Vec<String> {
    let request = SeenRequest {
        method: "POST",
        path,
        query: &[],
        media_type: Some("application/json"),
        body: Some(body),
    };
    let spec = description().expect("the description is present");
    spec.check_request(&request).iter().map(ToString::to_string).collect()
}

#[test]
fn every_example_of_a_webhook_fits() {
    let Some(document) = document() else {
        return crate::openapi::skip("every_example_of_a_webhook_fits", "Meta's description is not present");
    };
    let examples = examples(&document, WEBHOOK_PATH);
    assert_eq!(examples.len(), 16);
    for (name, body) in examples {
        assert_eq!(problems(WEBHOOK_PATH, &body), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn every_example_of_a_message_fits() {
    let Some(document) = document() else {
        return crate::openapi::skip("every_example_of_a_message_fits", "Meta's description is not present");
    };
    let examples = examples(&document, SERVED[0].0);
    assert_eq!(examples.len(), 50);
    let mut refused = Vec::new();
    for (name, body) in examples {
        let found = problems("/number/v23.0/1/messages", &body);
        if !found.is_empty() && !NOT_SERVED.contains(&name.as_str()) {
            refused.push((name, found));
        }
    }
    let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, SLIPS, "{refused:#?}");
}

#[test]
fn what_is_wrong_is_found() {
    if document().is_none() {
        return crate::openapi::skip("what_is_wrong_is_found", "Meta's description is not present");
    }
    let text = |more: Value| {
        let mut body = json!({"messaging_product": "whatsapp", "to": "16505551234", "type": "text", "text": {"body": "x"}});
        body.as_object_mut().expect("it is one").extend(more.as_object().expect("it is one").clone());
        problems("/number/v23.0/1/messages", &body).len()
    };
    assert_eq!(text(json!({})), 0);
    for (name, more) in [
        ("an unknown field", json!({"too": "16505551234"})),
        ("a wrong type", json!({"text": {"body": 1}})),
        ("an unknown kind", json!({"type": "smell"})),
        ("another kind's content", json!({"type": "image"})),
        ("another product", json!({"messaging_product": "messenger"})),
        ("too much data", json!({"biz_opaque_callback_data": "x".repeat(513)})),
    ] {
        assert_ne!(text(more), 0, "{name}");
    }
}

#[test]
fn every_served_path_is_described() {
    let Some(document) = document() else {
        return crate::openapi::skip("every_served_path_is_described", "Meta's description is not present");
    };
    for (path, _) in SERVED {
        assert!(document["paths"][path].is_object(), "{path}");
    }
}
