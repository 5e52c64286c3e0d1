//! The part of a request that says what a message shall be; the same for bots and webhooks.

use serde_json::{Map, Value, json};

use super::{answer::ApiError, call::Call};
use crate::discord::mentions::AllowedMentions;

const CONTENT_CHARACTERS_MAX: usize = 2000;
const EMBEDS_MAX: usize = 10;
/// Flags a sender may set: no embeds from links, no notification.
const SETTABLE_FLAGS: u64 = 1 << 2 | 1 << 12;

/// A checked form. What the request does not mention is none.
#[derive(Clone, Debug)]
pub(crate) struct MessageForm {
    pub content: Option<String>,
    pub embeds: Option<Vec<Value>>,
    pub flags: Option<u64>,
    pub allowed: AllowedMentions,
}

impl MessageForm {
    /// Reads and checks the form.
    pub fn read(call: &Call) -> Result<Self, ApiError> {
        if !call.body.as_ref().is_some_and(Value::is_object) {
            return Err(ApiError::not_json());
        }
        for later in ["sticker_ids", "poll", "components", "attachments"] {
            let value = call.field(later);
            if value.as_array().map_or(!value.is_null(), |list| !list.is_empty()) {
                return Err(ApiError::form(
                    later,
                    "SIMULATOR_CANNOT",
                    "This simulator does not do this yet.",
                ));
            }
        }
        let content = match call.field("content") {
            Value::Null if call.body.as_ref().is_some_and(|body| body.get("content").is_none()) => None,
            Value::Null => Some(String::new()),
            Value::String(text) => Some(trimmed(text)),
            _ => return Err(ApiError::form("content", "BASE_TYPE_BAD_STRING", "Must be a string.")),
        };
        if content.as_ref().is_some_and(|text| text.chars().count() > CONTENT_CHARACTERS_MAX) {
            return Err(ApiError::too_long("content", CONTENT_CHARACTERS_MAX));
        }
        let embeds = call.field("embeds").as_array().map(|list| list.iter().map(embed).collect::<Vec<_>>());
        if embeds.as_ref().is_some_and(|list| list.len() > EMBEDS_MAX) {
            return Err(ApiError::too_long("embeds", EMBEDS_MAX));
        }
        let allowed = AllowedMentions::from_json(call.field("allowed_mentions")).map_err(|problem| {
            ApiError::form("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", &problem)
        })?;
        let flags = call.field("flags").as_u64().map(|bits| bits & SETTABLE_FLAGS);
        Ok(Self { content, embeds, flags, allowed })
    }

    /// Whether a message of this form would show nothing.
    pub fn is_empty(&self) -> bool {
        self.content.as_deref().unwrap_or_default().is_empty()
            && self.embeds.as_ref().is_none_or(Vec::is_empty)
    }
}

/// Discord strips white space at both ends.
fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

fn embed(given: &Value) -> Value {
    let fields = given.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let mut it: Map<String, Value> = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    it.insert("type".to_owned(), json!("rich"));
    it.into()
}
