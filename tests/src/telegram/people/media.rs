//! People send files, stickers, places and contacts.

use serde_json::{Value, json};

use super::Where;
use crate::telegram::{
    TelegramSim,
    files::{self, MediaKind},
    model::{ChatId, FileBytes, MessageId, StickerSet, UserId},
    render,
};

/// A file that somebody can send: its `file_unique_id`.
pub type FileRef = String;

/// A file on its way, with what only its sender knows.
#[derive(Clone, Debug)]
pub struct Media {
    /// What it is sent as.
    pub kind: MediaKind,
    /// Which it is.
    pub file: FileRef,
    /// The words below it; empty for none.
    pub caption: String,
    /// `duration`, `width`, `height`, `length`, `title`, `performer`, `emoji`, `set_name`, `thumbnail` (a [`FileRef`]),
    /// `has_media_spoiler`, as a JSON object.
    pub details: Value,
}

impl Media {
    /// Without words and details.
    pub fn new(kind: MediaKind, file: &str) -> Self {
        Self { kind, file: file.to_owned(), caption: String::new(), details: json!({}) }
    }

    /// The same with words below it.
    pub fn with_caption(mut self, caption: &str) -> Self {
        caption.clone_into(&mut self.caption);
        self
    }

    /// The same with details, a JSON object.
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

impl TelegramSim {
    /// A file that somebody can send.
    pub fn file(&self, name: &str, mime: &str, bytes: FileBytes) -> FileRef {
        self.inner.change(|state| files::keep(state, bytes, (Some(name), Some(mime))))
    }

    /// Somebody sends a file.
    pub fn person_sends_media(&self, chat: ChatId, user: UserId, media: &Media) -> MessageId {
        let body = self.media_body(media);
        self.person_posts(chat, user, body)
    }

    /// The same in a topic or as a reply.
    pub fn person_sends_media_in(&self, place: Where, user: UserId, media: &Media) -> MessageId {
        let body = self.media_body(media);
        self.person_posts_in(place, user, body)
    }

    /// Somebody sends several files as one album.
    pub fn person_sends_album(&self, chat: ChatId, user: UserId, parts: &[Media]) -> Vec<MessageId> {
        let album = self.inner.change(super::State::next_id).to_string();
        let mut sent = Vec::new();
        for media in parts {
            let mut body = self.media_body(media);
            body["media_group_id"] = json!(album);
            sent.push(self.person_posts(chat, user, body));
        }
        sent
    }

    /// Somebody replaces the file of a message. False when it is gone.
    pub fn person_edits_media(&self, place: super::Place, media: &Media) -> bool {
        let body = self.media_body(media);
        self.person_changes(place, render::fields(body))
    }

    /// A sticker set of these files with their emoji; the name is told. `kind` is `regular` or `custom_emoji`.
    pub fn sticker_set(&self, (name, title, kind): (&str, &str, &str), stickers: &[(FileRef, &str)]) {
        self.inner.change(|state| {
            let mut all = Vec::new();
            for (file, emoji) in stickers {
                let mut details = json!({"type": kind, "emoji": emoji, "set_name": name});
                if kind == "custom_emoji" {
                    details["custom_emoji_id"] = json!(state.next_id().to_string());
                }
                let body = files::body(state, MediaKind::Sticker, (file, &render::fields(details)));
                all.push(body["sticker"].clone());
            }
            let (name, title, kind) = (name.to_owned(), title.to_owned(), kind.to_owned());
            state.records.sets.insert(name.clone(), StickerSet { name, title, kind, stickers: all });
        });
    }

    /// Somebody shows where they are.
    pub fn person_sends_location(
        &self,
        chat: ChatId,
        user: UserId,
        (latitude, longitude): (f64, f64),
    ) -> MessageId {
        self.person_posts(chat, user, json!({"location": {"latitude": latitude, "longitude": longitude}}))
    }

    /// Somebody shows a venue.
    pub fn person_sends_venue(
        &self,
        chat: ChatId,
        user: UserId,
        (title, address): (&str, &str),
    ) -> MessageId {
        let place = json!({"latitude": 52.52, "longitude": 13.405});
        let venue = json!({"location": place, "title": title, "address": address});
        self.person_posts(chat, user, json!({"location": place, "venue": venue}))
    }

    /// Somebody passes on a contact.
    pub fn person_sends_contact(&self, chat: ChatId, user: UserId, (name, phone): (&str, &str)) -> MessageId {
        self.person_posts(chat, user, json!({"contact": {"first_name": name, "phone_number": phone}}))
    }

    /// Somebody throws a dice.
    pub fn person_throws_dice(&self, chat: ChatId, user: UserId, value: u8) -> MessageId {
        self.person_posts(chat, user, json!({"dice": {"emoji": "🎲", "value": value}}))
    }

    fn media_body(&self, media: &Media) -> Value {
        let details = render::fields(media.details.clone());
        let mut body = self.inner.change(|state| files::body(state, media.kind, (&media.file, &details)));
        if !media.caption.is_empty() {
            body.insert("caption".to_owned(), json!(media.caption));
        }
        for flag in ["has_media_spoiler", "show_caption_above_media"] {
            if let Some(value) = details.get(flag) {
                body.insert(flag.to_owned(), value.clone());
            }
        }
        Value::Object(body)
    }
}
