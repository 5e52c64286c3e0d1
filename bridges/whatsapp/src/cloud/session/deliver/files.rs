//! Files on their way to WhatsApp, in two steps: brought first, streamed from the homeserver and never held, then named in a message.

use std::time::Duration;

use magpie_common::{
    ids::{RemoteMessageId, RemoteUserId},
    message::{Attachment, AttachmentKind},
    platform::{DeliverError, Download, FileError},
};
use reqwest::{
    Body,
    multipart::{Form, Part as FormPart},
};
use serde_json::{Value, json};

use super::{Deliverer, file_id, is_unfit};
use crate::cloud::session::{
    api::ApiError,
    kept::Brought,
    verdict::{verdict, verdict_on_question},
};

/// So slow may an upload be at least, in bytes per second, before it is given up.
const BYTES_PER_SECOND_MIN: u64 = 32 * 1024;

/// What WhatsApp takes for what
/// (<https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#supported-media-types>).
const IMAGE_BYTES_MAX: u64 = 5 * 1024 * 1024;
const STICKER_BYTES_MAX: u64 = 100 * 1024;
const SOUND_BYTES_MAX: u64 = 16 * 1024 * 1024;
const FILM_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The type of a file of which WhatsApp need not know more.
const ANY_MIME: &str = "application/octet-stream";

/// The longest name of a file, in characters.
const NAME_CHARS_MAX: usize = 240;

/// Why a message was not sent.
#[derive(Debug)]
pub(super) enum Unsent {
    /// WhatsApp does not take its file, and took nothing.
    Unfit,
    /// For another reason.
    Other(DeliverError),
}

impl From<DeliverError> for Unsent {
    fn from(error: DeliverError) -> Self {
        Self::Other(error)
    }
}

impl From<Unsent> for DeliverError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Unfit => Self::Rejected("WhatsApp does not take the file.".to_owned()),
            Unsent::Other(error) => error,
        }
    }
}

/// As what a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cloud::session) enum Sort {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Something to listen to.
    Audio,
    /// A voice message.
    Voice,
    /// A sticker.
    Sticker,
    /// Anything.
    Document,
}

impl Sort {
    /// What fits a file, by what is known of it.
    fn of(file: &Attachment, mime: &str, size_bytes: Option<u64>) -> Self {
        let within = |bytes_max: u64| size_bytes.is_none_or(|size| size <= bytes_max);
        let is_sound = matches!(mime, "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg");
        match file.kind {
            AttachmentKind::Sticker if mime == "image/webp" && within(STICKER_BYTES_MAX) => Self::Sticker,
            AttachmentKind::Image | AttachmentKind::Sticker
                if matches!(mime, "image/jpeg" | "image/png") && within(IMAGE_BYTES_MAX) =>
            {
                Self::Image
            }
            AttachmentKind::Video if matches!(mime, "video/mp4" | "video/3gpp") && within(FILM_BYTES_MAX) => {
                Self::Video
            }
            AttachmentKind::Voice if mime == "audio/ogg" && within(SOUND_BYTES_MAX) => Self::Voice,
            AttachmentKind::Audio | AttachmentKind::Voice if is_sound && within(SOUND_BYTES_MAX) => {
                Self::Audio
            }
            AttachmentKind::Image
            | AttachmentKind::Sticker
            | AttachmentKind::Video
            | AttachmentKind::Audio
            | AttachmentKind::Voice
            | AttachmentKind::File => Self::Document,
        }
    }

    /// What the message is called.
    fn kind(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio | Self::Voice => "audio",
            Self::Sticker => "sticker",
            Self::Document => "document",
        }
    }

    /// What stands under its name in a message.
    fn content(self, (file, caption): (&Attachment, &str), id: &str) -> Value {
        let mut content = json!({"id": id});
        if !caption.is_empty() && matches!(self, Self::Image | Self::Video | Self::Document) {
            content["caption"] = json!(caption);
        }
        if self == Self::Document {
            content["filename"] = json!(file_name(file));
        }
        if self == Self::Voice {
            content["voice"] = json!(true);
        }
        content
    }
}

impl Deliverer {
    /// Sends a file with its caption. What WhatsApp does not take for what it seems goes as a document. What was brought is not brought
    /// again when only the message did not go.
    pub(super) async fn send_file(
        &self,
        person: &RemoteUserId,
        (file, caption): (&Attachment, &str),
        (body, key): (Value, &str),
    ) -> Result<RemoteMessageId, Unsent> {
        let mut is_plain = false;
        loop {
            self.pass(person).await.map_err(verdict)?;
            let known = self.kept.file(key);
            let is_known = known.is_some();
            let brought = match known {
                Some(brought) => Ok(brought),
                None => self.bring(file, &mut is_plain).await?,
            };
            let refusal = match brought {
                Ok(brought) => {
                    let mut body = body.clone();
                    body["type"] = json!(brought.sort.kind());
                    body[brought.sort.kind()] = brought.sort.content((file, caption), &brought.id);
                    self.kept.keep_file(key, Some(brought));
                    match self.send_now(person, body, key).await {
                        Ok(id) => {
                            self.kept.keep_file(key, None);
                            return Ok(id);
                        }
                        Err(error) if is_unfit(&error) => error,
                        Err(error) => return Err(verdict(error).into()),
                    }
                }
                Err(error) if is_unfit(&error) => error,
                // A file that is brought twice has done nothing.
                Err(error) => return Err(verdict_on_question(error).into()),
            };
            tracing::debug!(%refusal, is_plain, "WhatsApp does not take a file as it is.");
            self.kept.keep_file(key, None);
            // What WhatsApp had may have been forgotten there.
            if is_known {
                continue;
            }
            if is_plain {
                return Err(Unsent::Unfit);
            }
            is_plain = true;
        }
    }

    /// Brings a file to WhatsApp as what it is, or as anything: a file without a type that is known is plain already.
    async fn bring(
        &self,
        file: &Attachment,
        is_plain: &mut bool,
    ) -> Result<Result<Brought, ApiError>, Unsent> {
        let download = self.open(file).await?;
        let mime = download.mime.clone().filter(|_| !*is_plain).unwrap_or_else(|| ANY_MIME.to_owned());
        *is_plain = mime == ANY_MIME;
        let sort = if *is_plain { Sort::Document } else { Sort::of(file, &mime, download.size_bytes) };
        match self.upload(file, (&mime, download)).await {
            Ok(answer) => Ok(Ok(Brought { id: file_id(&answer)?, sort })),
            Err(error) => Ok(Err(error)),
        }
    }

    /// `POST /{Phone-Number-ID}/media`
    async fn upload(&self, file: &Attachment, (mime, download): (&str, Download)) -> Result<Value, ApiError> {
        let size = download.size_bytes.unwrap_or_default();
        let broken = |error: reqwest::Error| ApiError::NotSent(error.to_string());
        let body = Body::wrap_stream(download.stream);
        let part = match download.size_bytes {
            Some(size) => FormPart::stream_with_length(body, size),
            None => FormPart::stream(body),
        };
        let part = part.file_name(file_name(file)).mime_str(mime).map_err(broken)?;
        let form = Form::new()
            .text("messaging_product", "whatsapp")
            .text("type", mime.to_owned())
            .part("file", part);
        let more = Duration::from_secs(size / BYTES_PER_SECOND_MIN);
        self.api.upload(&format!("{}/media", self.number), form, more).await
    }

    /// Opens a file of a message, with the type that Matrix claims.
    async fn open(&self, file: &Attachment) -> Result<Download, DeliverError> {
        let mut download = match self.sink.open(file).await {
            Ok(download) => download,
            Err(error @ FileError::Gone) => return Err(DeliverError::Rejected(format!("{error}."))),
            Err(FileError::Away(reason)) => return Err(DeliverError::Retry { after: None, reason }),
        };
        let claimed = file.mime.clone().or(download.mime);
        let essence = claimed.and_then(|mime| Some(mime.split(';').next()?.trim().to_ascii_lowercase()));
        download.mime = essence.filter(|mime| is_media_type(mime));
        Ok(download)
    }
}

fn file_name(file: &Attachment) -> String {
    let name: String = magpie_common::message::clean_line(&file.name).chars().take(NAME_CHARS_MAX).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}

fn is_media_type(mime: &str) -> bool {
    let token = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+' | b'_'))
    };
    mime.split_once('/').is_some_and(|(kind, rest)| token(kind) && token(rest))
}

#[cfg(test)]
mod tests {
    use magpie_common::message::FileSource;

    use super::*;

    #[test]
    fn files_go_as_what_whatsapp_takes_them_for() {
        use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
        for (kind, mime, size, sort) in [
            (Image, "image/jpeg", 1, Sort::Image),
            (Image, "image/jpeg", IMAGE_BYTES_MAX + 1, Sort::Document),
            (Image, "image/gif", 1, Sort::Document),
            (Sticker, "image/webp", 1, Sort::Sticker),
            (Sticker, "image/webp", STICKER_BYTES_MAX + 1, Sort::Document),
            (Sticker, "image/png", 1, Sort::Image),
            (Video, "video/mp4", 1, Sort::Video),
            (Video, "video/webm", 1, Sort::Document),
            (Voice, "audio/ogg", 1, Sort::Voice),
            (Voice, "audio/mpeg", 1, Sort::Audio),
            (Audio, "audio/ogg", 1, Sort::Audio),
            (Audio, "audio/flac", 1, Sort::Document),
            (File, "image/jpeg", 1, Sort::Document),
        ] {
            let file = Attachment::new(kind, FileSource::Matrix("mxc://example.org/x".into()), "x");
            assert_eq!(Sort::of(&file, mime, Some(size)), sort, "{kind:?} {mime}");
        }
    }
}
