//! The part of a request that says what a message shall be; the same for bots and webhooks.

use serde_json::{Map, Value, json};

use super::{answer::ApiError, call::Call, upload::Upload};
use crate::discord::{
    files,
    mentions::AllowedMentions,
    model::{File, FileBytes},
    snowflake::Snowflake,
    state::State,
};

const CONTENT_CHARACTERS_MAX: usize = 2000;
const EMBEDS_MAX: usize = 10;
const FILES_MAX: usize = 10;
/// A voice message.
const VOICE: u64 = 1 << 13;
/// Flags a sender may set: no embeds from links, no notification, spoken.
const SETTABLE_FLAGS: u64 = 1 << 2 | 1 << 12 | VOICE;

/// A checked form. What the request does not mention is none.
#[derive(Clone, Debug)]
pub(crate) struct MessageForm {
    pub content: Option<String>,
    pub embeds: Option<Vec<Value>>,
    pub flags: Option<u64>,
    pub allowed: AllowedMentions,
    /// The files of the message that stay, where the request says so.
    pub kept: Option<Vec<Snowflake>>,
    /// Files that came.
    pub files: Vec<NewFile>,
}

/// A file that came, with what the request says of it.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    pub upload: Upload,
    pub voice: Option<(f64, String)>,
}

impl MessageForm {
    /// Reads and checks the form.
    pub fn read(call: &Call) -> Result<Self, ApiError> {
        if !call.body.as_ref().is_some_and(Value::is_object) {
            return Err(ApiError::not_json());
        }
        for later in ["sticker_ids", "poll", "components"] {
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
        if call.uploads.len() > FILES_MAX {
            return Err(ApiError::too_long("files", FILES_MAX));
        }
        let (kept, files) = attachments(call);
        let is_voice = flags.is_some_and(|flags| flags & VOICE != 0);
        if is_voice
            && (files.len() != 1
                || files[0].voice.is_none()
                || content.as_ref().is_some_and(|it| !it.is_empty()))
        {
            return Err(ApiError::new(400, 50_160, "Voice messages must have a single audio attachment"));
        }
        Ok(Self { content, embeds, flags, allowed, kept, files })
    }

    /// Whether a message of this form would show nothing.
    pub fn is_empty(&self) -> bool {
        self.content.as_deref().unwrap_or_default().is_empty()
            && self.embeds.as_ref().is_none_or(Vec::is_empty)
            && self.files.is_empty()
    }

    /// The files as they will stand, if the guild takes files of their size.
    pub fn take_files(&self, state: &mut State, guild: Snowflake) -> Result<Vec<File>, ApiError> {
        let bytes_max = files::bytes_max(&state.records, guild);
        if self.files.iter().any(|file| file.upload.bytes.size() > bytes_max) {
            return Err(ApiError::too_large());
        }
        let taken = self.files.iter().map(|NewFile { upload, voice }| File {
            id: state.next_id(),
            filename: upload.filename.clone(),
            content_type: upload.content_type.clone(),
            dimensions: match &upload.bytes {
                FileBytes::Kept(bytes) => files::dimensions(bytes),
                FileBytes::Made { .. } | FileBytes::Counted { .. } => None,
            },
            bytes: upload.bytes.clone(),
            voice: voice.clone(),
        });
        Ok(taken.collect())
    }
}

/// Which files stay and which come. Without a word all stay.
fn attachments(call: &Call) -> (Option<Vec<Snowflake>>, Vec<NewFile>) {
    let listed = call.field("attachments").as_array();
    let id = |entry: &Value| serde_json::from_value::<Snowflake>(entry["id"].clone()).ok();
    let is_new = |id: Snowflake| call.uploads.iter().any(|upload| upload.number == id.0);
    let kept = listed.map(|list| list.iter().filter_map(id).filter(|id| !is_new(*id)).collect());
    let files = call.uploads.iter().map(|upload| {
        let said = listed.into_iter().flatten().find(|entry| id(entry) == Some(Snowflake(upload.number)));
        let voice =
            said.and_then(|it| Some((it["duration_secs"].as_f64()?, it["waveform"].as_str()?.to_owned())));
        NewFile { upload: upload.clone(), voice }
    });
    (kept, files.collect())
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
