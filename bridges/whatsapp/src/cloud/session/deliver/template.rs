//! Templates, by command: what Meta has approved, with values in its places. They are all that goes when the window is shut.
//!
//! Reference: <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview>.

use magpie_common::{
    ids::RemoteUserId,
    message::{ChatCommand, clean_line},
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Value, json};

use super::Deliverer;
use crate::cloud::session::capabilities::{TEMPLATE, TEMPLATE_HELP};

/// Longer names are none.
const NAME_CHARS_MAX: usize = 512;

/// More values than this has no template.
const VALUES_MAX: usize = 64;

/// Kinds of files that stand over a template.
const FILES: [&str; 3] = ["image", "video", "document"];

impl Deliverer {
    /// Performs a command of WhatsApp's own.
    pub(super) async fn command(
        &self,
        person: &RemoteUserId,
        command: &ChatCommand,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        if command.name != TEMPLATE {
            return Err(DeliverError::Unsupported(format!("WhatsApp has no command “{}”.", command.name)));
        }
        let content = template(&command.words)
            .ok_or_else(|| DeliverError::Rejected(format!("The command `{TEMPLATE}` {TEMPLATE_HELP}.")))?;
        self.single(person, ("template", content), key).await
    }
}

/// The template that words ask for: a name, a language, values.
fn template(words: &str) -> Option<Value> {
    let (name, rest) = words.trim().split_once(char::is_whitespace)?;
    let rest = rest.trim();
    let (language, values) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let is_plain = |word: &str| {
        (1..=NAME_CHARS_MAX).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !is_plain(name) || !is_plain(language) {
        return None;
    }
    let values: Vec<String> = values.split('|').map(clean_line).filter(|value| !value.is_empty()).collect();
    (values.len() <= VALUES_MAX).then_some(())?;
    let mut content = json!({"name": name, "language": {"code": language}});
    let components = components(&values);
    if !components.is_empty() {
        content["components"] = json!(components);
    }
    Some(content)
}

fn components(values: &[String]) -> Vec<Value> {
    let (mut header, mut body, mut buttons) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match place(value) {
            Some(("header", value)) => header.push(json!({"type": "text", "text": value})),
            Some((kind, link)) if FILES.contains(&kind) => {
                header.push(json!({"type": kind, kind: {"link": link}}))
            }
            Some(("button", value)) => buttons.push(json!({"type": "text", "text": value})),
            Some((name, value)) => body.push(json!({"type": "text", "parameter_name": name, "text": value})),
            None => body.push(json!({"type": "text", "text": value})),
        }
    }
    let mut components = Vec::new();
    for (kind, parameters) in [("header", header), ("body", body)] {
        if !parameters.is_empty() {
            components.push(json!({"type": kind, "parameters": parameters}));
        }
    }
    for (index, parameter) in buttons.into_iter().enumerate() {
        components.push(json!({
            "type": "button", "sub_type": "url", "index": index.to_string(), "parameters": [parameter],
        }));
    }
    components
}

/// Where a value goes, where it says so.
fn place(value: &str) -> Option<(&str, &str)> {
    let (name, rest) = value.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_name.then(|| (name, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_a_template_and_fills_its_places() {
        let bare = json!({"name": "hello_world", "language": {"code": "en_US"}});
        assert_eq!(template("hello_world en_US"), Some(bare));
        let text = |text: &str| json!({"type": "text", "text": text});
        let filled = template("order_ready de header=Hi | Ada Lovelace | 7 | button=x7").expect("it is one");
        let expected = json!([
            {"type": "header", "parameters": [text("Hi")]},
            {"type": "body", "parameters": [text("Ada Lovelace"), text("7")]},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [text("x7")]},
        ]);
        assert_eq!(filled["components"], expected);
        let named = template("order_ready de name=Ada | see https://e.org/?a=b").expect("it is one");
        let expected = json!([{"type": "text", "parameter_name": "name", "text": "Ada"}, text("see https://e.org/?a=b")]);
        assert_eq!(named["components"][0]["parameters"], expected);
        let picture = template("sale de image=https://e.org/a.jpg").expect("it is one");
        assert_eq!(picture["components"][0]["parameters"][0]["image"]["link"], "https://e.org/a.jpg");
        for bad in ["", "hello_world", "hello/world en", "hello_world en-US"] {
            assert_eq!(template(bad), None, "{bad}");
        }
    }
}
