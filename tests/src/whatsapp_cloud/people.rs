//! What people do: write, answer, forward, send files, share places and contacts, react, order, edit, take back.
//!
//! People may do everything here; whether the app would let them is not the simulator's question. All that is more than one of these says
//! in a line can be said with a [`Post`]. Pressed buttons are in `presses`, changed numbers in `identity`.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    WhatsAppCloudSim,
    graph::media,
    ids::Chat,
    model::{Media, Message, Side},
    settings::PayloadAge,
    state::State,
    webhook::{payload, queue},
};

/// Anything that a person can send.
#[derive(Clone, Debug, Default)]
pub struct Post {
    /// `text`, `image` and so on; also kinds that nobody knows yet.
    pub kind: String,
    /// What stands under the kind's name; null for kinds without content.
    pub content: Value,
    /// The message that it answers.
    pub replies_to: Option<String>,
    /// More of the context: `forwarded`, `referred_product`.
    pub context: Value,
    /// What stands beside the content: `referral`, `errors`.
    pub beside: Value,
}

impl Post {
    /// Content of a kind, and nothing else.
    pub fn new(kind: &str, content: Value) -> Self {
        Self { kind: kind.to_owned(), content, ..Self::default() }
    }
}

/// A file that a person sends.
#[derive(Clone, Debug)]
pub struct SentFile {
    /// `image`, `video`, `audio`, `document` or `sticker`.
    pub kind: &'static str,
    /// Its type.
    pub mime: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// What else WhatsApp tells of it: `caption`, `filename`, `voice`, `animated`.
    pub facts: Value,
}

impl SentFile {
    /// A file without anything beside it.
    pub fn new(kind: &'static str, mime: &str, bytes: &[u8]) -> Self {
        Self { kind, mime: mime.to_owned(), bytes: Bytes::copy_from_slice(bytes), facts: json!({}) }
    }

    /// The same with words below it.
    pub fn caption(mut self, caption: &str) -> Self {
        self.facts["caption"] = json!(caption);
        self
    }

    /// The same with a name.
    pub fn filename(mut self, name: &str) -> Self {
        self.facts["filename"] = json!(name);
        self
    }

    /// A voice message.
    pub fn voice(bytes: &[u8]) -> Self {
        let mut file = Self::new("audio", "audio/ogg; codecs=opus", bytes);
        file.facts["voice"] = json!(true);
        file
    }
}

/// Anything at all comes from a person. Gives its id.
pub(crate) fn post(state: &mut State, chat: Chat, post: Post) -> String {
    let digits =
        state.records.people.get(&chat.person).map(|person| person.wa_id.clone()).unwrap_or_default();
    let id = state.ids.message(&state.clock, &digits);
    let now_ms = state.now_ms();
    let message = Message {
        id: id.clone(),
        chat,
        side: Side::Person,
        kind: post.kind,
        content: post.content,
        replies_to: post.replies_to,
        sent_ms: now_ms,
        statuses: Vec::new(),
        error_code: None,
        opaque: None,
        by_user_id: false,
        is_marked_read: false,
        business_reaction: None,
        person_reaction: None,
        is_deleted: false,
    };
    let value = payload::message(state, &message, (&post.context, &post.beside));
    state.records.messages.push(message);
    state.records.heard_ms.insert(chat, now_ms);
    queue::emit(state, chat.number, ("messages", value));
    id
}

impl WhatsAppCloudSim {
    /// Anything that [`Post`] can say comes from a person.
    pub fn person_posts(&self, chat: Chat, wanted: Post) -> String {
        self.inner.change(|state| post(state, chat, wanted))
    }

    /// A person writes.
    pub fn person_says(&self, chat: Chat, text: &str) -> String {
        self.person_posts(chat, Post::new("text", json!({"body": text})))
    }

    /// A person answers a message of either side.
    pub fn person_replies(&self, chat: Chat, to: &str, text: &str) -> String {
        let reply = Post { replies_to: Some(to.to_owned()), ..Post::new("text", json!({"body": text})) };
        self.person_posts(chat, reply)
    }

    /// A person forwards a text from elsewhere; `frequently_forwarded` once it went through many hands.
    pub fn person_forwards(&self, chat: Chat, text: &str, hands: u32) -> String {
        const MANY: u32 = 5;
        let flag = if hands > MANY { "frequently_forwarded" } else { "forwarded" };
        self.person_posts(
            chat,
            Post { context: json!({flag: true}), ..Post::new("text", json!({"body": text})) },
        )
    }

    /// A person comes from an advertisement, as its `referral` says.
    pub fn person_comes_from_ad(&self, chat: Chat, text: &str, referral: Value) -> String {
        self.person_posts(
            chat,
            Post { beside: json!({"referral": referral}), ..Post::new("text", json!({"body": text})) },
        )
    }

    /// A person asks about a product of a catalog.
    pub fn person_asks_about(&self, chat: Chat, text: &str, (catalog, product): (&str, &str)) -> String {
        let inquiry = self.inner.change(|state| state.ids.message(&state.clock, "product"));
        let context = json!({"referred_product": {"catalog_id": catalog, "product_retailer_id": product}});
        let text = Post::new("text", json!({"body": text}));
        self.person_posts(chat, Post { replies_to: Some(inquiry), context, ..text })
    }

    /// A person sends a file.
    pub fn person_sends_file(&self, chat: Chat, file: SentFile) -> String {
        self.inner.change(|state| {
            let SentFile { kind, mime, bytes, facts } = file;
            let sum = STANDARD.encode(Sha256::digest(&bytes));
            let filename = facts["filename"].as_str().map(str::to_owned);
            let expires_ms = state.now_ms() + media::RECEIVED_LIFE_MS;
            let stored = Media {
                id: String::new(),
                number: chat.number,
                mime: mime.clone(),
                filename,
                bytes,
                expires_ms,
            };
            let id = media::keep(state, stored);
            let mut content = json!({"mime_type": mime, "sha256": sum, "id": id});
            if let (Some(all), Value::Object(facts)) = (content.as_object_mut(), facts) {
                all.extend(facts);
            }
            post(state, chat, Post::new(kind, content))
        })
    }

    /// A person shares a place: `latitude`, `longitude`, and `name`, `address`, `url` where it has some.
    pub fn person_shares_location(&self, chat: Chat, place: Value) -> String {
        self.person_posts(chat, Post::new("location", place))
    }

    /// A person shares contacts.
    pub fn person_shares_contacts(&self, chat: Chat, contacts: Value) -> String {
        self.person_posts(chat, Post::new("contacts", contacts))
    }

    /// A person reacts to a message of either side.
    pub fn person_reacts(&self, chat: Chat, to: &str, emoji: &str) -> String {
        self.react(chat, to, Some(emoji))
    }

    /// A person takes the reaction back: the emoji is missing.
    pub fn person_unreacts(&self, chat: Chat, to: &str) -> String {
        self.react(chat, to, None)
    }

    fn react(&self, chat: Chat, to: &str, emoji: Option<&str>) -> String {
        let mut content = json!({"message_id": to});
        if let Some(emoji) = emoji {
            content["emoji"] = json!(emoji);
        }
        self.inner.change(|state| {
            if let Some(target) = state.records.message_mut(to) {
                target.person_reaction = emoji.map(str::to_owned);
            }
            post(state, chat, Post::new("reaction", content))
        })
    }

    /// A person orders from the catalog.
    pub fn person_orders(&self, chat: Chat, order: Value) -> String {
        self.person_posts(chat, Post::new("order", order))
    }

    /// A person sends something that the API does not carry.
    pub fn person_sends_unsupported(&self, chat: Chat) -> String {
        let error = json!({
            "code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."},
        });
        self.person_posts(
            chat,
            Post { beside: json!({"errors": [error]}), ..Post::new("unsupported", Value::Null) },
        )
    }

    /// A person opens the chat for the first time, where the business wants to hear of it.
    pub fn person_opens_chat(&self, chat: Chat) -> String {
        self.person_posts(chat, Post::new("request_welcome", Value::Null))
    }

    /// A person changes the text of a message. Only numbers that are in the phone app too hear of it.
    pub fn person_edits(&self, chat: Chat, message: &str, text: &str) -> String {
        let content = json!({"body": text});
        self.inner.change(|state| {
            if let Some(target) = state.records.message_mut(message) {
                target.content.clone_from(&content);
            }
            let edit = json!({"original_message_id": message, "message": {"type": "text", "text": content}});
            post(state, chat, Post::new("edit", edit))
        })
    }

    /// A person takes a message back. Only numbers that are in the phone app too hear of it.
    pub fn person_deletes(&self, chat: Chat, message: &str) -> String {
        self.inner.change(|state| {
            if let Some(target) = state.records.message_mut(message) {
                target.is_deleted = true;
            }
            post(state, chat, Post::new("revoke", json!({"original_message_id": message})))
        })
    }

    /// The owner of the business writes from the phone app.
    pub fn owner_says(&self, chat: Chat, text: &str) -> String {
        self.inner.change(|state| owner_says(state, chat, text))
    }
}

fn owner_says(state: &mut State, chat: Chat, text: &str) -> String {
    let person = state.records.people.get(&chat.person).cloned();
    let mut echo = person.as_ref().map(|person| payload::sender(state, person)).unwrap_or_default();
    // The other way round: the person is whom it is for.
    let to: Vec<(String, Value)> = [("from", "to"), ("from_user_id", "to_user_id")]
        .into_iter()
        .filter_map(|(from, to)| Some((to.to_owned(), echo.remove(from)?)))
        .collect();
    echo.extend(to);
    let mut value = payload::envelope(state, chat.number);
    // Seen in a client only: since the user ids, echoes name the person as other messages do.
    if let Some(person) = person.as_ref().filter(|_| state.settings.age == PayloadAge::UserIds) {
        value["contacts"] = json!([payload::contact(state, person)]);
    }
    let digits = person.map(|person| person.wa_id).unwrap_or_default();
    let id = state.ids.message(&state.clock, &digits);
    let content = json!({"body": text});
    let display = state.records.numbers.get(&chat.number).map(|number| number.display.clone());
    for (name, value) in [
        ("from", json!(display)),
        ("id", json!(id)),
        ("timestamp", json!(payload::seconds(state.now_ms()))),
        ("type", json!("text")),
        ("text", content.clone()),
    ] {
        echo.insert(name.to_owned(), value);
    }
    value["message_echoes"] = json!([echo]);
    let message = Message {
        id: id.clone(),
        chat,
        side: Side::Owner,
        kind: "text".to_owned(),
        content,
        replies_to: None,
        sent_ms: state.now_ms(),
        statuses: Vec::new(),
        error_code: None,
        opaque: None,
        by_user_id: false,
        is_marked_read: false,
        business_reaction: None,
        person_reaction: None,
        is_deleted: false,
    };
    state.records.messages.push(message);
    queue::emit(state, chat.number, ("smb_message_echoes", value));
    id
}
