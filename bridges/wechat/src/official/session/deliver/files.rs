//! Files on their way to WeChat: brought first, then named in a message.

use magpie_common::{
    message::{Attachment, AttachmentKind},
    platform::DeliverError,
};
use serde_json::{Value, json};

use super::{Deliverer, verdict_on_question};
use crate::{
    json::text,
    media::{self, Brought, essence},
    official::session::capabilities::{IMAGE_BYTES_MAX, SOUND_BYTES_MAX},
};

/// As what a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Image,
    Voice,
}

impl Sort {
    /// What fits a file, by what is known of it; `None` where WeChat takes nothing like it.
    fn of(file: &Attachment) -> Option<Self> {
        let mime = essence(file);
        let within = |bytes_max: u64| file.size_bytes.is_none_or(|size| size <= bytes_max);
        match file.kind {
            AttachmentKind::Image | AttachmentKind::Sticker
                if matches!(mime.as_str(), "image/jpeg" | "image/png" | "image/gif")
                    && within(IMAGE_BYTES_MAX) =>
            {
                Some(Self::Image)
            }
            AttachmentKind::Audio | AttachmentKind::Voice
                if matches!(mime.as_str(), "audio/amr" | "audio/mpeg") && within(SOUND_BYTES_MAX) =>
            {
                Some(Self::Voice)
            }
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
        }
    }
}

/// Whether WeChat takes such a file; others become links.
pub(super) fn is_fit(file: &Attachment) -> bool {
    Sort::of(file).is_some()
}

impl Deliverer {
    /// `POST /cgi-bin/media/upload`: gives the body of the message. A file that is brought twice has done nothing.
    pub(super) async fn bring(&self, file: &Attachment) -> Result<Value, DeliverError> {
        let Some(sort) = Sort::of(file) else {
            return Err(DeliverError::Rejected("WeChat does not take this kind of file.".to_owned()));
        };
        let Brought { form, more, .. } = media::bring(&self.sink, file).await?;
        let path = format!("cgi-bin/media/upload?type={}", sort.kind());
        let answer = self.api.upload(&path, form, more).await.map_err(verdict_on_question)?;
        let media_id = text(&answer["media_id"]);
        if media_id.is_empty() {
            let reason = "WeChat does not say under which name it keeps the file.".to_owned();
            return Err(DeliverError::Retry { after: None, reason });
        }
        Ok(json!({"msgtype": sort.kind(), sort.kind(): {"media_id": media_id}}))
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
            (Video, "video/mp4", 1, None),
            (File, "image/jpeg", 1, None),
        ] {
            let mut file = Attachment::new(kind, FileSource::Matrix("mxc://example.org/x".into()), "x");
            (file.mime, file.size_bytes) = (Some(mime.to_owned()), Some(size));
            assert_eq!(Sort::of(&file), sort, "{kind:?} {mime}");
        }
    }
}
