//! Files on their way to Telegram: streamed from the homeserver, never held, and sent as what Telegram takes them for.

use std::time::Duration;

use magpie_common::{
    ids::RemoteMessageId,
    message::{Attachment, AttachmentKind},
    platform::{DeliverError, Download, FileError},
};
use reqwest::{
    Body,
    multipart::{Form, Part as FormPart},
};
use serde_json::{Value, json};

use super::{Deliverer, entities, head, sent};
use crate::{
    format::Part,
    place::Spot,
    session::{
        api::ApiError,
        verdict::{is_unfit, verdict},
    },
};

/// So slow may an upload be at least, in bytes per second, before it is given up.
const BYTES_PER_SECOND_MIN: u64 = 32 * 1024;

/// What is a photo to Telegram: <https://core.telegram.org/bots/api#sendphoto>.
const PHOTO_BYTES_MAX: u64 = 10 * 1024 * 1024;
const PHOTO_SIDES_MAX: u32 = 10_000;
const PHOTO_RATIO_MAX: u32 = 20;

/// What is a sticker to Telegram: <https://core.telegram.org/stickers>.
const STICKER_BYTES_MAX: u64 = 512 * 1024;

/// Why a message was not sent.
#[derive(Debug)]
pub(super) enum Unsent {
    /// Telegram does not take its file, and took nothing.
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
            Unsent::Unfit => Self::Rejected("Telegram does not take the file.".to_owned()),
            Unsent::Other(error) => error,
        }
    }
}

/// As what a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Photo,
    Animation,
    Video,
    Audio,
    Voice,
    Sticker,
    Document,
}

impl Sort {
    /// What fits a file, by what is known of it.
    pub(super) fn of(file: &Attachment, mime: Option<&str>, size_bytes: Option<u64>) -> Self {
        let mime = mime.unwrap_or_default();
        let within = |bytes_max: u64| size_bytes.is_none_or(|size| size <= bytes_max);
        match file.kind {
            AttachmentKind::Sticker if mime == "image/webp" && within(STICKER_BYTES_MAX) => Self::Sticker,
            AttachmentKind::Image | AttachmentKind::Sticker => match mime {
                "image/gif" => Self::Animation,
                "image/jpeg" | "image/png" | "image/webp"
                    if within(PHOTO_BYTES_MAX) && has_photo_sides(file) =>
                {
                    Self::Photo
                }
                _ => Self::Document,
            },
            AttachmentKind::Video if mime == "video/mp4" => Self::Video,
            AttachmentKind::Voice if mime == "audio/ogg" => Self::Voice,
            AttachmentKind::Audio | AttachmentKind::Voice => match mime {
                "audio/mpeg" | "audio/mp3" | "audio/mp4" | "audio/x-m4a" | "audio/aac" => Self::Audio,
                _ => Self::Document,
            },
            AttachmentKind::Video | AttachmentKind::File => Self::Document,
        }
    }

    /// The method that sends it, and the field that holds the file.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Photo => ("sendPhoto", "photo"),
            Self::Animation => ("sendAnimation", "animation"),
            Self::Video => ("sendVideo", "video"),
            Self::Audio => ("sendAudio", "audio"),
            Self::Voice => ("sendVoice", "voice"),
            Self::Sticker => ("sendSticker", "sticker"),
            Self::Document => ("sendDocument", "document"),
        }
    }

    /// What `InputMedia` calls it; a sticker or voice message cannot be put in another's place.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Animation => "animation",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Voice | Self::Sticker | Self::Document => "document",
        }
    }

    /// What is told of the file beside it.
    pub(super) fn describe(self, file: &Attachment, fields: &mut Value) {
        let info = &file.info;
        let is_moving = matches!(self, Self::Animation | Self::Video);
        if is_moving && let (Some(width), Some(height)) = (info.width, info.height) {
            (fields["width"], fields["height"]) = (json!(width), json!(height));
        }
        let has_length = is_moving || matches!(self, Self::Audio | Self::Voice);
        if has_length && let Some(duration_ms) = info.duration_ms {
            fields["duration"] = json!(duration_ms.div_ceil(1000));
        }
        if file.spoiler && (is_moving || self == Self::Photo) {
            fields["has_spoiler"] = json!(true);
        }
    }
}

fn has_photo_sides(file: &Attachment) -> bool {
    let (Some(width), Some(height)) = (file.info.width, file.info.height) else { return true };
    let (long, short) = (width.max(height), width.min(height).max(1));
    width.saturating_add(height) <= PHOTO_SIDES_MAX && long / short < PHOTO_RATIO_MAX
}

impl Deliverer {
    /// Sends a file with its caption. What Telegram does not take for what it seems goes as a document.
    pub(super) async fn send_file(
        &self,
        spot: &Spot,
        (file, caption): (&Attachment, &Part),
        answered: Option<i64>,
    ) -> Result<RemoteMessageId, Unsent> {
        let mut download = self.open(file).await?;
        let mut sort = Sort::of(file, download.mime.as_deref(), download.size_bytes);
        loop {
            let (method, field) = sort.names();
            let mut fields = head(spot, answered);
            if !caption.text.is_empty() {
                fields["caption"] = json!(caption.text);
                fields["caption_entities"] = entities(&caption.entities);
            }
            sort.describe(file, &mut fields);
            match self.upload(spot, method, fields, (field, file, download)).await {
                Err(error) if is_unfit(&error) && sort != Sort::Document => {
                    sort = Sort::Document;
                    download = self.open(file).await?;
                }
                Err(error) if is_unfit(&error) => return Err(Unsent::Unfit),
                answer => return Ok(sent(spot, answer)?),
            }
        }
    }

    /// Calls a method with one file under the name `field`.
    pub(super) async fn upload(
        &self,
        spot: &Spot,
        method: &str,
        fields: Value,
        (field, file, download): (&'static str, &Attachment, Download),
    ) -> Result<Value, ApiError> {
        self.api.limiter.pass(spot.chat).await.map_err(ApiError::Limited)?;
        let size = download.size_bytes.unwrap_or_default();
        let form =
            form(fields, (field, file, download)).map_err(|error| ApiError::NotSent(error.to_string()))?;
        let answer = self.api.upload(method, form, Duration::from_secs(size / BYTES_PER_SECOND_MIN)).await;
        self.heed(spot, answer).await
    }

    /// Opens a file of a message, with the type that Matrix claims.
    pub(super) async fn open(&self, file: &Attachment) -> Result<Download, DeliverError> {
        let mut download = match self.sink.open(file).await {
            Ok(download) => download,
            Err(error @ FileError::Gone) => return Err(DeliverError::Rejected(format!("{error}."))),
            Err(FileError::Away(reason)) => return Err(DeliverError::Retry { after: None, reason }),
        };
        let claimed = file.mime.clone().or(download.mime);
        download.mime = claimed.filter(|mime| is_media_type(mime));
        Ok(download)
    }
}

/// A form with all fields and the file: <https://core.telegram.org/bots/api#sending-files>.
fn form(
    fields: Value,
    (field, file, download): (&'static str, &Attachment, Download),
) -> Result<Form, reqwest::Error> {
    let mut form = Form::new();
    for (name, value) in fields.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form = form.text(name.clone(), value);
    }
    let body = Body::wrap_stream(download.stream);
    let part = match download.size_bytes {
        Some(size) => FormPart::stream_with_length(body, size),
        None => FormPart::stream(body),
    };
    let mime = download.mime.unwrap_or_else(|| "application/octet-stream".to_owned());
    Ok(form.part(field, part.file_name(file.name.clone()).mime_str(&mime)?))
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

/// The verdict on a file that was to take another's place.
pub(super) fn replaced(answer: Result<Value, ApiError>) -> Result<(), DeliverError> {
    match answer {
        Err(error) if error.says("not modified") => Ok(()),
        Err(ApiError::Unclear(reason)) => Err(DeliverError::Retry { after: None, reason }),
        answer => answer.map(drop).map_err(verdict),
    }
}

#[cfg(test)]
mod tests {
    use magpie_common::message::{FileSource, MediaInfo};

    use super::*;

    #[test]
    fn files_go_as_what_telegram_takes_them_for() {
        use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
        let big = Some(PHOTO_BYTES_MAX + 1);
        for (kind, mime, sides, size, sort) in [
            (Image, "image/jpeg", (800, 600), Some(1), Sort::Photo),
            (Image, "image/jpeg", (800, 600), big, Sort::Document),
            (Image, "image/png", (9_000, 2_000), Some(1), Sort::Document),
            (Image, "image/png", (2_000, 10), Some(1), Sort::Document),
            (Image, "image/gif", (80, 60), Some(1), Sort::Animation),
            (Image, "image/svg+xml", (80, 60), Some(1), Sort::Document),
            (Sticker, "image/webp", (512, 512), Some(1), Sort::Sticker),
            (Sticker, "image/png", (512, 512), Some(1), Sort::Photo),
            (Video, "video/mp4", (80, 60), Some(1), Sort::Video),
            (Video, "video/webm", (80, 60), Some(1), Sort::Document),
            (Voice, "audio/ogg", (0, 0), Some(1), Sort::Voice),
            (Voice, "audio/mpeg", (0, 0), Some(1), Sort::Audio),
            (Audio, "audio/ogg", (0, 0), Some(1), Sort::Document),
            (File, "image/jpeg", (80, 60), Some(1), Sort::Document),
        ] {
            let source = FileSource::Matrix("mxc://example.org/x".into());
            let info = MediaInfo { width: Some(sides.0), height: Some(sides.1), ..MediaInfo::default() };
            let file = Attachment { info, ..Attachment::new(kind, source, "x") };
            assert_eq!(Sort::of(&file, Some(mime), size), sort, "{kind:?} {mime}");
        }
    }
}
