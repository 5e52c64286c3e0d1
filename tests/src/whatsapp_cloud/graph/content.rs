//! Whether the content of a message is one that the API takes, kind by kind.
//!
//! Only what servers check at once is in here; the description is checked apart. Texts of errors follow Meta's where they are known.

use serde_json::Value;

use super::{media, templates};
use crate::whatsapp_cloud::{errors::GraphError, ids::NumberId, state::State};

const KINDS: [&str; 11] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
];
const TEXT_MAX: usize = 4096;
const CAPTION_MAX: usize = 1024;
const BUTTONS_MAX: usize = 3;
const BUTTON_TITLE_MAX: usize = 20;
const ROWS_MAX: usize = 10;
const ROW_TITLE_MAX: usize = 24;

/// What one check gives back.
type Check = Result<(), GraphError>;

/// The kind of a message; texts need not say so.
pub(super) fn kind(body: &Value) -> Result<&str, GraphError> {
    let kind = match &body["type"] {
        Value::Null => "text",
        other => other.as_str().unwrap_or_default(),
    };
    if KINDS.contains(&kind) {
        return Ok(kind);
    }
    let known = KINDS.map(str::to_uppercase).join(", ");
    Err(GraphError::parameter(format!("Param type must be one of {{{known}}} - got \"{kind}\".")))
}

/// Checks the content of a message of a kind.
pub(super) fn check(state: &State, number: NumberId, (kind, content): (&str, &Value)) -> Check {
    if content.is_null() {
        return Err(GraphError::missing(kind));
    }
    match kind {
        "text" => text(content),
        "image" | "video" | "audio" | "document" | "sticker" => file(state, number, (kind, content)),
        "location" => location(content),
        "contacts" => contacts(content),
        "reaction" => reaction(content),
        "interactive" => interactive(content),
        _ => templates::check(state, number, content),
    }
}

fn length(text: &Value) -> usize {
    text.as_str().map_or(0, |text| text.chars().count())
}

fn text(content: &Value) -> Check {
    match length(&content["body"]) {
        0 => Err(GraphError::missing("text['body']")),
        size if size > TEXT_MAX => Err(GraphError::parameter(format!(
            "Param text['body'] must be at most {TEXT_MAX} characters long."
        ))),
        _ => Ok(()),
    }
}

fn file(state: &State, number: NumberId, (kind, content): (&str, &Value)) -> Check {
    if length(&content["caption"]) > CAPTION_MAX {
        return Err(GraphError::parameter(format!(
            "Param {kind}['caption'] must be at most {CAPTION_MAX} characters long."
        )));
    }
    if !content["caption"].is_null() && matches!(kind, "audio" | "sticker") {
        return Err(GraphError::parameter(format!("Unexpected key \"caption\" on param \"{kind}\".")));
    }
    match (content["id"].as_str(), content["link"].as_str()) {
        (Some(id), None) => {
            // Which code an unknown id gets is not written anywhere; that of a failed upload is the nearest.
            let Some(media) = media::find(state, id, Some(number)) else {
                return Err(
                    GraphError::new(131_053).details("The media id is unknown, expired or another number's.")
                );
            };
            match media::fits(&media.mime, kind) {
                true => Ok(()),
                false => {
                    Err(GraphError::new(131_053).details(format!("{} cannot be sent as {kind}.", media.mime)))
                }
            }
        }
        (None, Some(link)) if link.starts_with("https://") || link.starts_with("http://") => Ok(()),
        (None, Some(_)) => Err(GraphError::parameter(format!("Param {kind}['link'] is not a valid URL."))),
        _ => Err(GraphError::parameter(format!("Exactly one of id and link must be given for {kind}."))),
    }
}

fn location(content: &Value) -> Check {
    let within = |name: &str, max: f64| {
        let value = &content[name];
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
        match number {
            Some(number) if number.abs() <= max => Ok(()),
            Some(_) => Err(GraphError::new(131_009).details(format!("{name} is out of range."))),
            None => Err(GraphError::missing(&format!("location['{name}']"))),
        }
    };
    within("latitude", 90.0)?;
    within("longitude", 180.0)
}

fn contacts(content: &Value) -> Check {
    let Some(contacts) = content.as_array().filter(|list| !list.is_empty()) else {
        return Err(GraphError::parameter("Param contacts must be a non-empty array."));
    };
    match contacts.iter().all(|contact| length(&contact["name"]["formatted_name"]) > 0) {
        true => Ok(()),
        false => Err(GraphError::new(131_008).details("contacts['name']['formatted_name'] is required.")),
    }
}

fn reaction(content: &Value) -> Check {
    if length(&content["message_id"]) == 0 {
        return Err(GraphError::missing("reaction['message_id']"));
    }
    match &content["emoji"] {
        Value::String(_) => Ok(()),
        _ => Err(GraphError::missing("reaction['emoji']")),
    }
}

fn interactive(content: &Value) -> Check {
    let invalid = |words: &str| Err(GraphError::new(131_009).details(words));
    if length(&content["body"]["text"]) == 0 {
        return Err(GraphError::new(131_008).details("interactive['body']['text'] is required."));
    }
    let action = &content["action"];
    match content["type"].as_str() {
        Some("button") => {
            let buttons: Vec<&Value> =
                action["buttons"].as_array().into_iter().flatten().map(|it| &it["reply"]).collect();
            if !(1..=BUTTONS_MAX).contains(&buttons.len()) {
                return invalid("There must be 1 to 3 buttons.");
            }
            let is_fine = |button: &&Value| {
                (1..=BUTTON_TITLE_MAX).contains(&length(&button["title"])) && length(&button["id"]) > 0
            };
            if !buttons.iter().all(is_fine) {
                return invalid("A button has an id and a title of at most 20 characters.");
            }
            distinct(buttons.iter().map(|button| &button["id"]))
        }
        Some("list") => {
            let rows: Vec<&Value> = rows(content).collect();
            if !(1..=ROWS_MAX).contains(&rows.len()) {
                return invalid("There must be 1 to 10 rows.");
            }
            let is_fine =
                |row: &&Value| (1..=ROW_TITLE_MAX).contains(&length(&row["title"])) && length(&row["id"]) > 0;
            if !rows.iter().all(is_fine) || !(1..=BUTTON_TITLE_MAX).contains(&length(&action["button"])) {
                return invalid(
                    "A row has an id and a title of at most 24 characters; the list's button has at most 20.",
                );
            }
            distinct(rows.iter().map(|row| &row["id"]))
        }
        _ => invalid("This kind of interactive message is not simulated."),
    }
}

/// All rows of a list.
pub(crate) fn rows(interactive: &Value) -> impl Iterator<Item = &Value> {
    let sections = interactive["action"]["sections"].as_array().into_iter().flatten();
    sections.flat_map(|section| section["rows"].as_array().into_iter().flatten())
}

fn distinct<'a>(ids: impl Iterator<Item = &'a Value>) -> Check {
    let mut seen = Vec::new();
    for id in ids {
        if seen.contains(&id) {
            return Err(GraphError::new(131_009).details("Two of the choices have the same id."));
        }
        seen.push(id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(outcome: Check) -> u32 {
        outcome.map_or_else(|error| error.code, |()| 0)
    }

    #[test]
    fn texts_and_places_have_limits() {
        for (name, outcome, wanted) in [
            ("a text", text(&json!({"body": "x".repeat(TEXT_MAX)})), 0),
            ("a long text", text(&json!({"body": "x".repeat(TEXT_MAX + 1)})), 100),
            ("an empty text", text(&json!({"body": ""})), 100),
            ("a place", location(&json!({"latitude": 37.7, "longitude": "-122.4"})), 0),
            ("no place", location(&json!({"latitude": 97.7, "longitude": 0})), 131_009),
            ("half a place", location(&json!({"latitude": 7.7})), 100),
            ("a contact", contacts(&json!([{"name": {"formatted_name": "A"}}])), 0),
            ("a nameless contact", contacts(&json!([{"name": {}}])), 131_008),
            ("a reaction taken back", reaction(&json!({"message_id": "wamid.1", "emoji": ""})), 0),
            ("a reaction without emoji", reaction(&json!({"message_id": "wamid.1"})), 100),
        ] {
            assert_eq!(code(outcome), wanted, "{name}");
        }
    }

    #[test]
    fn choices_have_limits() {
        let body = json!({"text": "Which?"});
        let list = |rows: Value| {
            let action = json!({"button": "Choose", "sections": [{"title": "All", "rows": rows}]});
            json!({"type": "list", "body": body, "action": action})
        };
        let button = |id: &str| json!({"type": "reply", "reply": {"id": id, "title": id}});
        let buttons = |all: Vec<Value>| json!({"type": "button", "body": body, "action": {"buttons": all}});
        for (name, content, wanted) in [
            ("a list", list(json!([{"id": "a", "title": "A"}])), 0),
            ("an empty list", list(json!([])), 131_009),
            (
                "twice the same row",
                list(json!([{"id": "a", "title": "A"}, {"id": "a", "title": "B"}])),
                131_009,
            ),
            ("three buttons", buttons(["a", "b", "c"].map(button).to_vec()), 0),
            ("four buttons", buttons(["a", "b", "c", "d"].map(button).to_vec()), 131_009),
            ("a long button", buttons(vec![button("a button with a long title")]), 131_009),
            ("no body", json!({"type": "button", "action": {}}), 131_008),
        ] {
            assert_eq!(code(interactive(&content)), wanted, "{name}");
        }
    }
}
