//! What people say to the bot that they bound: words, quotes, pictures, voices, videos, files.
//!
//! All that is more than one of these says in a line can be said with a [`Post`].

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{ILinkSim, cdn, cipher, model::BotId, state::State, trouble};

/// Anything that can come from WeChat.
#[derive(Clone, Debug, Default)]
pub struct Post {
    /// Its items.
    pub items: Vec<Value>,
    /// What else stands in the message, or stands there instead: `group_id`, `message_type`.
    pub beside: Value,
}

impl Post {
    /// One item.
    pub fn item(item: Value) -> Self {
        Self { items: vec![item], beside: Value::Null }
    }

    /// Words.
    pub fn text(text: &str) -> Self {
        Self::item(json!({"type": 1, "text_item": {"text": text}}))
    }
}

/// What a message answers.
#[derive(Clone, Debug)]
pub enum Quote {
    /// Named by its id and nothing else, as newer apps do.
    ById(u64),
    /// With its words, and without an id.
    Whole {
        /// Who said it, as it is shown.
        title: String,
        /// What.
        text: String,
    },
    /// A part of it.
    Part {
        /// Which message.
        id: u64,
        /// All its words.
        text: String,
        /// The part that is meant.
        part: String,
    },
}

/// What a file is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A picture.
    Image,
    /// Something spoken, in SILK.
    Voice,
    /// Any file.
    File,
    /// A video.
    Video,
}

/// How the key of a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySpelling {
    /// The 16 bytes in Base64.
    Bytes,
    /// The 32 hex digits in Base64.
    Digits,
    /// The 32 hex digits beside the media; only of pictures.
    Beside,
    /// There is none: the file lies there as it is.
    None,
}

/// A file that somebody sends.
#[derive(Clone, Debug)]
pub struct SentFile {
    /// As what.
    pub kind: FileKind,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How its key is written.
    pub key: KeySpelling,
    /// Whether its address is given whole.
    pub has_url: bool,
    /// What else stands in the item: `file_name`, `text`, `playtime`.
    pub facts: Value,
}

impl SentFile {
    /// A file with a key in the spelling that is usual for its kind.
    pub fn new(kind: FileKind, bytes: &[u8]) -> Self {
        let key = if kind == FileKind::Image { KeySpelling::Beside } else { KeySpelling::Digits };
        let facts = match kind {
            FileKind::File => {
                json!({"file_name": "birds.txt", "len": bytes.len().to_string(), "md5": cipher::sum(bytes)})
            }
            FileKind::Voice => {
                json!({"encode_type": 6, "sample_rate": 24_000, "bits_per_sample": 16, "playtime": 1_500})
            }
            FileKind::Video => json!({"play_length": 3, "video_md5": cipher::sum(bytes)}),
            FileKind::Image => json!({}),
        };
        Self { kind, bytes: bytes.to_vec(), key, has_url: false, facts }
    }

    /// The same with something else in the item.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.facts[name] = value;
        self
    }

    /// The same with its key in another spelling.
    pub fn keyed(mut self, key: KeySpelling) -> Self {
        self.key = key;
        self
    }

    /// The same with an address that is given whole.
    pub fn with_url(mut self) -> Self {
        self.has_url = true;
        self
    }
}

impl ILinkSim {
    /// Anything comes from a bot's person. Gives its id.
    pub fn person_posts(&self, bot: BotId, post: Post) -> u64 {
        self.inner.change(|state| say(state, bot, post))
    }

    /// A bot's person writes.
    pub fn person_says(&self, bot: BotId, text: &str) -> u64 {
        self.person_posts(bot, Post::text(text))
    }

    /// A bot's person answers something.
    pub fn person_quotes(&self, bot: BotId, quote: &Quote, text: &str) -> u64 {
        self.inner.change(|state| {
            let quoted = quoted(state, quote);
            say(state, bot, Post::item(json!({"type": 1, "text_item": {"text": text}, "ref_msg": quoted})))
        })
    }

    /// A bot's person takes a message back: it comes once more, with the time at which it was deleted. (Read out of the fields that messages
    /// have; nobody has seen it.)
    pub fn person_recalls(&self, bot: BotId, id: u64) {
        self.inner.change(|state| {
            let beside = json!({"message_id": id, "delete_time_ms": state.now_ms()});
            say(state, bot, Post { beside, ..Post::default() });
        });
    }

    /// A bot's person sends a file.
    pub fn person_sends_file(&self, bot: BotId, file: SentFile) -> u64 {
        self.inner.change(|state| {
            let item = file_item(state, file);
            say(state, bot, Post::item(item))
        })
    }
}

fn say(state: &mut State, bot: BotId, post: Post) -> u64 {
    let (id, context, now_ms) = (state.next_message(), state.secret("ctx_"), state.now_ms());
    let known = state.records.bot_mut(bot);
    known.said = 0;
    known.heard += 1;
    known.contexts.push((context.clone(), now_ms));
    let mut update = json!({
        "seq": known.heard,
        "message_id": id,
        "from_user_id": known.person.to_string(),
        "to_user_id": known.id.to_string(),
        "client_id": format!("phone-{id}"),
        "create_time_ms": now_ms,
        "update_time_ms": now_ms,
        "session_id": format!("{}#{}", known.person, known.id),
        "message_type": 1,
        "message_state": 2,
        "item_list": post.items,
        "context_token": context,
    });
    if state.settings.ids_as_text {
        update["message_id"] = json!(id.to_string());
    }
    if let (Some(all), Value::Object(beside)) = (update.as_object_mut(), post.beside) {
        all.extend(beside);
    }
    trouble::tell(state, bot, update);
    id
}

fn quoted(state: &State, quote: &Quote) -> Value {
    let id = |id: &u64| if state.settings.ids_as_text { json!(id.to_string()) } else { json!(id) };
    match quote {
        Quote::ById(of) => json!({"svr_id": id(of)}),
        Quote::Whole { title, text } => json!({
            "title": title, "message_item": {"type": 1, "text_item": {"text": text}},
        }),
        Quote::Part { id: of, text, part } => {
            let chars: Vec<char> = part.chars().collect();
            let (first, last) = (chars.first().map(char::to_string), chars.last().map(char::to_string));
            let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
            let at = text.find(part.as_str()).unwrap_or_default();
            // How often either letter comes before the place that is meant.
            let start = text[..at].matches(first.as_str()).count();
            let end = text[..at + part.len()].matches(last.as_str()).count().saturating_sub(1);
            let part_of = json!({
                "start": first, "end": last, "startindex": start, "endindex": end, "quotemd5": cipher::sum(part.as_bytes()),
            });
            json!({"svr_id": id(of), "partial_text": part_of})
        }
    }
}

fn file_item(state: &mut State, file: SentFile) -> Value {
    let key: [u8; 16] = state.clock.random_bytes();
    let digits = cipher::hex(&key);
    let lies = match file.key {
        KeySpelling::None => file.bytes.clone(),
        KeySpelling::Bytes | KeySpelling::Digits | KeySpelling::Beside => cipher::seal(&key, &file.bytes),
    };
    let sealed_bytes = lies.len();
    let param = cdn::keep(state, lies);
    let mut content = if file.facts.is_object() { file.facts } else { json!({}) };
    let mut media = match file.has_url {
        true => json!({"full_url": cdn::download_url(state, &param)}),
        false => json!({"encrypt_query_param": param}),
    };
    match file.key {
        KeySpelling::Bytes => media["aes_key"] = json!(STANDARD.encode(key)),
        KeySpelling::Digits => media["aes_key"] = json!(STANDARD.encode(&digits)),
        KeySpelling::Beside => content["aeskey"] = json!(digits),
        KeySpelling::None => {}
    }
    media["encrypt_type"] = json!(1);
    content["media"] = media;
    let (number, name) = match file.kind {
        FileKind::Image => (2, "image_item"),
        FileKind::Voice => (3, "voice_item"),
        FileKind::File => (4, "file_item"),
        FileKind::Video => (5, "video_item"),
    };
    match file.kind {
        FileKind::Image => content["mid_size"] = json!(sealed_bytes),
        FileKind::Video => content["video_size"] = json!(sealed_bytes),
        FileKind::Voice | FileKind::File => {}
    }
    json!({"type": number, name: content})
}
