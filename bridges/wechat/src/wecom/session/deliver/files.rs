//! Files on their way to WeCom: brought first, then named in a message.

use magpie_common::{
    message::{Attachment, AttachmentKind},
    platform::DeliverError,
};
use serde_json::{Value, json};

use super::Deliverer;
use crate::{
    api::Api,
    media::{self, Brought, essence},
    wecom::session::{
        capabilities::{FILE_BYTES_MAX, VOICE_MIME},
        verdict::verdict_on_question,
    },
};

/// Smaller files are refused (<https://developer.work.weixin.qq.com/document/path/90253>).
const BYTES_MIN: u64 = 6;

/// The largest picture, film and sound that is shown as such.
const SHOWN_BYTES_MAX: u64 = 10 * 1024 * 1024;
const VOICE_BYTES_MAX: u64 = 2 * 1024 * 1024;
const VOICE_MS_MAX: u64 = 60_000;

/// As what a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Image,
    Voice,
    Video,
    File,
}

impl Sort {
    /// What fits a file, by what is known of it; `None` where WeCom takes nothing like it.
    fn of(file: &Attachment) -> Option<Self> {
        let mime = essence(file);
        let within =
            |bytes_max: u64| file.size_bytes.is_none_or(|size| (BYTES_MIN..=bytes_max).contains(&size));
        let is_short = file.info.duration_ms.is_none_or(|length_ms| length_ms <= VOICE_MS_MAX);
        let shown = match file.kind {
            AttachmentKind::Image | AttachmentKind::Sticker => {
                (matches!(mime.as_str(), "image/jpeg" | "image/png") && within(SHOWN_BYTES_MAX))
                    .then_some(Self::Image)
            }
            AttachmentKind::Audio | AttachmentKind::Voice => {
                (mime == VOICE_MIME && is_short && within(VOICE_BYTES_MAX)).then_some(Self::Voice)
            }
            AttachmentKind::Video => (mime == "video/mp4" && within(SHOWN_BYTES_MAX)).then_some(Self::Video),
            AttachmentKind::File => None,
        };
        shown.or_else(|| within(FILE_BYTES_MAX).then_some(Self::File))
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::File => "file",
        }
    }
}

/// Whether WeCom takes such a file; others become links.
pub(super) fn is_fit(file: &Attachment) -> bool {
    Sort::of(file).is_some()
}

impl Deliverer {
    /// `POST /cgi-bin/media/upload`: gives the body of the message. A file that is brought twice has done nothing; it is, where the token had
    /// ended, since a stream can be read once only.
    pub(super) async fn bring(&self, api: &Api, file: &Attachment) -> Result<Value, DeliverError> {
        let mut is_first = true;
        loop {
            let Brought { form, more, size_bytes } = media::bring(&self.sink, file).await?;
            // The size that a message claims may be wrong; this one is not.
            let known = Attachment { size_bytes: size_bytes.or(file.size_bytes), ..file.clone() };
            let Some(sort) = Sort::of(&known) else {
                let words = "WeCom takes files of 6 bytes to 20 MB. Send it as a link.";
                return Err(DeliverError::Rejected(words.to_owned()));
            };
            let kind = sort.kind();
            match api.upload(kind, form, more).await {
                Err(error) if is_first && error.is_ended_token() => is_first = false,
                Err(error) => return Err(verdict_on_question(error)),
                Ok(media_id) => return Ok(json!({"msgtype": kind, kind: {"media_id": media_id}})),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use magpie_common::message::FileSource;

    use super::*;

    #[test]
    fn files_go_as_what_wecom_takes_them_for() {
        use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
        for (kind, mime, size, sort) in [
            (Image, "image/jpeg", 100, Some(Sort::Image)),
            (Sticker, "image/png", 100, Some(Sort::Image)),
            (Image, "image/webp", 100, Some(Sort::File)),
            (Image, "image/jpeg", SHOWN_BYTES_MAX + 1, Some(Sort::File)),
            (Image, "image/jpeg", FILE_BYTES_MAX + 1, None),
            (Voice, "audio/amr", 100, Some(Sort::Voice)),
            (Voice, "audio/ogg; codecs=opus", 100, Some(Sort::File)),
            (Audio, "audio/amr", VOICE_BYTES_MAX + 1, Some(Sort::File)),
            (Video, "video/mp4", 100, Some(Sort::Video)),
            (Video, "video/webm", 100, Some(Sort::File)),
            (File, "image/jpeg", 100, Some(Sort::File)),
            (File, "text/plain", 5, None),
        ] {
            let mut file = Attachment::new(kind, FileSource::Matrix("mxc://example.org/x".into()), "x");
            (file.mime, file.size_bytes) = (Some(mime.to_owned()), Some(size));
            assert_eq!(Sort::of(&file), sort, "{kind:?} {mime} {size}");
        }
        let mut long = Attachment::new(Voice, FileSource::Matrix("mxc://example.org/x".into()), "x");
        (long.mime, long.info.duration_ms) = (Some("audio/amr".to_owned()), Some(VOICE_MS_MAX + 1));
        assert_eq!(Sort::of(&long), Some(Sort::File));
    }
}
