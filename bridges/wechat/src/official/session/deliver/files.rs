//! Files on their way to WeChat: brought first, then named in a message.

use std::time::Duration;

use magpie_common::{
    message::{Attachment, AttachmentKind},
    platform::DeliverError,
};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{Deliverer, verdict_on_question};
use crate::{
    media::{self, Brought, essence, file_name},
    official::session::capabilities::{FILM_BYTES_MAX, IMAGE_BYTES_MAX, SOUND_BYTES_MAX, VOICE_MS_MAX},
};

/// As what a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Image,
    Voice,
    Film,
}

impl Sort {
    /// What fits a file, by what is known of it; `None` where WeChat takes nothing like it.
    fn of(file: &Attachment) -> Option<Self> {
        let mime = essence(file);
        let within = |bytes_max: u64| file.size_bytes.is_none_or(|size| size <= bytes_max);
        let is_short = file.info.duration_ms.is_none_or(|length_ms| length_ms <= VOICE_MS_MAX);
        match file.kind {
            AttachmentKind::Image | AttachmentKind::Sticker
                if matches!(mime.as_str(), "image/jpeg" | "image/png" | "image/gif")
                    && within(IMAGE_BYTES_MAX) =>
            {
                Some(Self::Image)
            }
            AttachmentKind::Audio | AttachmentKind::Voice
                if matches!(mime.as_str(), "audio/amr" | "audio/mpeg")
                    && is_short
                    && within(SOUND_BYTES_MAX) =>
            {
                Some(Self::Voice)
            }
            AttachmentKind::Video if mime == "video/mp4" && within(FILM_BYTES_MAX) => Some(Self::Film),
            AttachmentKind::Image
            | AttachmentKind::Sticker
            | AttachmentKind::Audio
            | AttachmentKind::Voice
            | AttachmentKind::Video
            | AttachmentKind::File => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Film => "video",
        }
    }
}

/// Whether WeChat takes such a file; others become links.
pub(super) fn is_fit(file: &Attachment) -> bool {
    Sort::of(file).is_some()
}

/// What stands for a film until somebody plays it: WeChat wants a picture with each, and takes only small ones.
const FILM_PICTURE: &[u8] = include_bytes!("film.jpg");

impl Deliverer {
    /// Brings a file, and gives the body of the message. A file that is brought twice has done nothing.
    pub(super) async fn bring(&self, file: &Attachment) -> Result<Value, DeliverError> {
        let Some(sort) = Sort::of(file) else {
            return Err(DeliverError::Rejected("WeChat does not take this kind of file.".to_owned()));
        };
        let kind = sort.kind();
        let mut content = json!({"media_id": self.brought(file, kind).await?});
        if sort == Sort::Film {
            content["thumb_media_id"] = json!(self.film_picture().await?);
            content["title"] = json!(file_name(file));
            content["description"] = json!("");
        }
        Ok(json!({"msgtype": kind, kind: content}))
    }

    /// `POST /cgi-bin/media/upload`: once more where the token had ended, since a stream can be read once only.
    async fn brought(&self, file: &Attachment, kind: &str) -> Result<String, DeliverError> {
        let mut is_first = true;
        loop {
            let Brought { form, more, .. } = media::bring(&self.sink, file).await?;
            match self.api.upload(kind, form, more).await {
                Err(error) if is_first && error.is_ended_token() => is_first = false,
                done => return done.map_err(verdict_on_question),
            }
        }
    }

    async fn film_picture(&self) -> Result<String, DeliverError> {
        let part = Part::bytes(FILM_PICTURE).file_name("film.jpg").mime_str("image/jpeg");
        let part =
            part.map_err(|error| DeliverError::Rejected(format!("The film has no picture: {error}.")))?;
        let form = Form::new().part("media", part);
        self.api.upload("thumb", form, Duration::ZERO).await.map_err(verdict_on_question)
    }
}

#[cfg(test)]
mod tests {
    use magpie_common::message::FileSource;

    use super::*;

    #[test]
    fn files_go_as_what_wechat_takes_them_for() {
        use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
        for (kind, mime, size, sort) in [
            (Image, "image/jpeg", 1, Some(Sort::Image)),
            (Sticker, "image/png", 1, Some(Sort::Image)),
            (Image, "image/webp", 1, None),
            (Image, "image/jpeg", IMAGE_BYTES_MAX + 1, None),
            (Voice, "audio/amr", 1, Some(Sort::Voice)),
            (Voice, "audio/ogg", 1, None),
            (Audio, "audio/mpeg; x=y", 1, Some(Sort::Voice)),
            (Video, "video/mp4", 1, Some(Sort::Film)),
            (Video, "video/mp4", FILM_BYTES_MAX + 1, None),
            (Video, "video/webm", 1, None),
            (File, "image/jpeg", 1, None),
        ] {
            let mut file = Attachment::new(kind, FileSource::Matrix("mxc://example.org/x".into()), "x");
            (file.mime, file.size_bytes) = (Some(mime.to_owned()), Some(size));
            assert_eq!(Sort::of(&file), sort, "{kind:?} {mime}");
        }
        let mut long = Attachment::new(Voice, FileSource::Matrix("mxc://example.org/x".into()), "x");
        (long.mime, long.info.duration_ms) = (Some("audio/mpeg".to_owned()), Some(VOICE_MS_MAX + 1));
        assert_eq!(Sort::of(&long), None);
    }
}
