//! Template messages: found by name and language, with as many parameters of the right kind as the template has places.

use serde_json::Value;

use crate::whatsapp_cloud::{errors::GraphError, ids::NumberId, model::Template, state::State};

const WHOLE_MAX: usize = 1024;

/// Checks the content of a template message.
pub(super) fn check(state: &State, number: NumberId, content: &Value) -> Result<(), GraphError> {
    let name = content["name"].as_str().ok_or_else(|| GraphError::missing("template['name']"))?;
    let language =
        content["language"]["code"].as_str().ok_or_else(|| GraphError::missing("template['language']"))?;
    let account =
        state.records.numbers.get(&number).and_then(|number| state.records.accounts.get(&number.account));
    let templates = account.into_iter().flat_map(|account| &account.templates);
    let Some(template) = templates.into_iter().find(|it| it.name == name && it.language == language) else {
        let details = format!("template name ({name}) does not exist in {language}");
        return Err(GraphError::new(132_001).details(details));
    };
    match template.status.as_str() {
        "APPROVED" => fits(template, content),
        "PAUSED" => Err(GraphError::new(132_015)),
        "DISABLED" => Err(GraphError::new(132_016)),
        // Not approved yet or never: as if it were not there.
        _ => Err(GraphError::new(132_001).details("The template is not approved.")),
    }
}

fn fits(template: &Template, content: &Value) -> Result<(), GraphError> {
    for component in template.components.as_array().into_iter().flatten() {
        match word(&component["type"]).as_str() {
            kind @ ("BODY" | "HEADER") => texts_fit(component, &parameters(content, kind, None), kind)?,
            "BUTTONS" => buttons_fit(component, content)?,
            _ => {}
        }
    }
    Ok(())
}

fn texts_fit(component: &Value, given: &[&Value], kind: &str) -> Result<(), GraphError> {
    let format = component["format"].as_str().unwrap_or("TEXT");
    if format != "TEXT" {
        let wanted = format.to_lowercase();
        return match given {
            [one] if one["type"] == wanted.as_str() && one[&wanted].is_object() => Ok(()),
            [_] => Err(GraphError::new(132_012)
                .details(format!("{}: Format mismatch, expected {format}", kind.to_lowercase()))),
            _ => Err(mismatch(kind, given.len(), 1)),
        };
    }
    let text = component["text"].as_str().unwrap_or_default();
    let places = places(text);
    if places.len() != given.len() {
        return Err(mismatch(kind, given.len(), places.len()));
    }
    let is_named = places.iter().any(|place| place.parse::<u32>().is_err());
    for parameter in given {
        if is_named && !places.iter().any(|place| parameter["parameter_name"] == *place) {
            return Err(GraphError::new(132_000)
                .details(format!("{}: parameter name does not match", kind.to_lowercase())));
        }
        if !is_text_like(parameter) {
            return Err(GraphError::new(132_012)
                .details(format!("{}: Format mismatch, expected TEXT", kind.to_lowercase())));
        }
    }
    let filled: usize =
        given.iter().map(|it| it["text"].as_str().map_or(0, |text| text.chars().count())).sum();
    if text.chars().count() + filled > WHOLE_MAX {
        return Err(GraphError::new(132_005));
    }
    Ok(())
}

fn is_text_like(parameter: &Value) -> bool {
    match parameter["type"].as_str() {
        Some("text") => parameter["text"].as_str().is_some_and(|text| !text.is_empty()),
        Some(kind @ ("currency" | "date_time")) => parameter[kind]["fallback_value"].is_string(),
        _ => false,
    }
}

fn buttons_fit(component: &Value, content: &Value) -> Result<(), GraphError> {
    for (index, button) in component["buttons"].as_array().into_iter().flatten().enumerate() {
        let wanted = places(button["url"].as_str().unwrap_or_default()).len();
        let given = parameters(content, "BUTTON", Some(index));
        let is_free = word(&button["type"]) == "QUICK_REPLY" && given.len() <= 1;
        if given.len() != wanted && !is_free {
            return Err(mismatch("BUTTON", given.len(), wanted));
        }
    }
    Ok(())
}

fn mismatch(kind: &str, given: usize, wanted: usize) -> GraphError {
    let kind = kind.to_lowercase();
    let words = "does not match the expected number of params";
    GraphError::new(132_000)
        .details(format!("{kind}: number of localizable_params ({given}) {words} ({wanted})"))
}

/// The parameters of a component of a request.
pub(super) fn parameters<'a>(content: &'a Value, kind: &str, index: Option<usize>) -> Vec<&'a Value> {
    let components = content["components"].as_array().into_iter().flatten();
    let is_meant = |component: &&Value| {
        let given = component["index"].as_u64().or_else(|| component["index"].as_str()?.parse().ok());
        word(&component["type"]) == kind && index.is_none_or(|index| given == u64::try_from(index).ok())
    };
    components
        .filter(is_meant)
        .flat_map(|component| component["parameters"].as_array().into_iter().flatten())
        .collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_uppercase()
}

/// The names or numbers in `{{…}}`.
fn places(text: &str) -> Vec<&str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}").map(|(place, _)| place.trim())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_must_fill_the_places() {
        let template = Template {
            id: 1,
            name: "order".to_owned(),
            language: "en".to_owned(),
            category: "UTILITY".to_owned(),
            status: "APPROVED".to_owned(),
            components: json!([
                {"type": "HEADER", "format": "IMAGE"},
                {"type": "BODY", "text": "Hello {{1}}, {{2}} is ready."},
                {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "See", "url": "https://example.org/{{1}}"}]},
            ]),
        };
        let text = |text: &str| json!({"type": "text", "text": text});
        let image = json!({"type": "header", "parameters": [{"type": "image", "image": {"id": "1"}}]});
        let button = json!({"type": "button", "sub_type": "url", "index": "0", "parameters": [text("7")]});
        let body = |all: Value| json!({"type": "body", "parameters": all});
        for (name, components, wanted) in [
            ("all of them", json!([image, body(json!([text("A"), text("B")])), button]), 0),
            ("one too few", json!([image, body(json!([text("A")])), button]), 132_000),
            ("one too many", json!([image, body(json!([text("A"), text("B"), text("C")])), button]), 132_000),
            ("an empty one", json!([image, body(json!([text("A"), text("")])), button]), 132_012),
            ("no image", json!([body(json!([text("A"), text("B")])), button]), 132_000),
            (
                "a text for an image",
                json!([{"type": "header", "parameters": [text("x")]}, body(json!([text("A"), text("B")])), button]),
                132_012,
            ),
            ("no button", json!([image, body(json!([text("A"), text("B")]))]), 132_000),
            (
                "a long one",
                json!([image, body(json!([text(&"x".repeat(1024)), text("B")])), button]),
                132_005,
            ),
        ] {
            let outcome = fits(&template, &json!({"components": components}));
            assert_eq!(outcome.map_or_else(|error| error.code, |()| 0), wanted, "{name}");
        }
    }

    #[test]
    fn places_are_read_from_the_text() {
        assert_eq!(places("Hi {{1}}, {{ name }} and {{2"), ["1", "name"]);
    }
}
