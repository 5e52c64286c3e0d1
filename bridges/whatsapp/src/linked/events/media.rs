//! Files of a message.

use magpie_common::message::{Attachment, AttachmentKind, FileSource, MediaInfo, clean_line};
use wacore::download::Downloadable;
use waproto::whatsapp as wa;

use crate::linked::file::{Bearer, MediaFile, Sort};

/// A waveform of WhatsApp goes from 0 to 100, ours to 1024.
const LOUDEST_THERE: u16 = 100;
const LOUDEST_HERE: u16 = 1_024;

/// The file of a message.
pub(super) struct Files {
    /// The words beside it.
    pub(super) caption: Option<String>,
    /// The file; none when it cannot be fetched.
    pub(super) attachment: Option<Attachment>,
}

/// What is known of a file besides where it is.
struct Facts<'a> {
    sort: Sort,
    kind: AttachmentKind,
    name: String,
    mime: Option<&'a String>,
    info: MediaInfo,
}

impl Files {
    /// The file of a message, if it has one.
    pub(super) fn of(message: &wa::Message, bearer: &Bearer) -> Option<Self> {
        if let Some(image) = message.image_message.as_option() {
            let facts = Facts {
                sort: Sort::Image,
                kind: AttachmentKind::Image,
                name: named("image", image.mimetype.as_ref()),
                mime: image.mimetype.as_ref(),
                info: size(image.width, image.height),
            };
            return Some(Self::new(image, facts, bearer, image.caption.clone()));
        }
        let video = message.video_message.as_option().or_else(|| message.ptv_message.as_option());
        if let Some(video) = video {
            let info =
                MediaInfo { duration_ms: duration_ms(video.seconds), ..size(video.width, video.height) };
            let facts = Facts {
                sort: Sort::Video,
                kind: AttachmentKind::Video,
                name: named(
                    if video.gif_playback == Some(true) { "gif" } else { "video" },
                    video.mimetype.as_ref(),
                ),
                mime: video.mimetype.as_ref(),
                info,
            };
            return Some(Self::new(video, facts, bearer, video.caption.clone()));
        }
        if let Some(audio) = message.audio_message.as_option() {
            return Some(Self::audio(audio, bearer));
        }
        if let Some(sticker) = message.sticker_message.as_option() {
            return Some(Self::sticker(sticker, bearer));
        }
        let document = message.document_message.as_option()?;
        let name = document.file_name.as_ref().or(document.title.as_ref()).map(|name| clean_line(name));
        let facts = Facts {
            sort: Sort::Document,
            kind: AttachmentKind::File,
            name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| "file".to_owned()),
            mime: document.mimetype.as_ref(),
            info: MediaInfo::default(),
        };
        // Phones repeat the file's name as its caption.
        let caption = document.caption.clone().filter(|caption| Some(caption) != document.file_name.as_ref());
        Some(Self::new(document, facts, bearer, caption))
    }

    fn audio(audio: &wa::message::AudioMessage, bearer: &Bearer) -> Self {
        let is_voice = audio.ptt == Some(true);
        let waveform = audio.waveform.as_deref().unwrap_or_default().iter();
        let loudness = |byte: &u8| u16::from(*byte).min(LOUDEST_THERE) * (LOUDEST_HERE / LOUDEST_THERE);
        let facts = Facts {
            sort: Sort::Audio,
            kind: if is_voice { AttachmentKind::Voice } else { AttachmentKind::Audio },
            name: named(if is_voice { "voice" } else { "audio" }, audio.mimetype.as_ref()),
            mime: audio.mimetype.as_ref(),
            info: MediaInfo {
                duration_ms: duration_ms(audio.seconds),
                waveform: waveform.map(loudness).collect(),
                ..MediaInfo::default()
            },
        };
        Self::new(audio, facts, bearer, None)
    }

    fn sticker(sticker: &wa::message::StickerMessage, bearer: &Bearer) -> Self {
        // A drawing that moves comes in an archive that no client of Matrix opens.
        let is_archive = sticker.is_lottie == Some(true);
        let facts = Facts {
            sort: Sort::Sticker,
            kind: if is_archive { AttachmentKind::File } else { AttachmentKind::Sticker },
            name: if is_archive {
                "sticker.was".to_owned()
            } else {
                named("sticker", sticker.mimetype.as_ref())
            },
            mime: sticker.mimetype.as_ref(),
            info: size(sticker.width, sticker.height),
        };
        Self::new(sticker, facts, bearer, None)
    }

    fn new(file: &dyn Downloadable, facts: Facts<'_>, bearer: &Bearer, caption: Option<String>) -> Self {
        let Facts { sort, kind, name, mime, info } = facts;
        let attachment = MediaFile::new(sort, file, bearer).map(|media| Attachment {
            // `audio/ogg; codecs=opus`
            mime: mime.and_then(|mime| mime.split(';').next()).map(clean_line),
            size_bytes: Some(media.size_bytes).filter(|size| *size > 0),
            id: Some(media.sum()),
            info,
            ..Attachment::new(kind, FileSource::Remote(media.id()), name)
        });
        Self { caption, attachment }
    }
}

fn size(width: Option<u32>, height: Option<u32>) -> MediaInfo {
    MediaInfo {
        width: width.filter(|width| *width > 0),
        height: height.filter(|height| *height > 0),
        ..MediaInfo::default()
    }
}

fn duration_ms(secs: Option<u32>) -> Option<u64> {
    secs.map(|secs| u64::from(secs) * 1_000)
}

/// A name for what has none: its sort, and what its type says about the ending.
fn named(sort: &str, mime: Option<&String>) -> String {
    let ending = match mime.and_then(|mime| mime.split(';').next()).map(str::trim) {
        Some("image/jpeg") => "jpg",
        Some("image/png") => "png",
        Some("image/webp") => "webp",
        Some("image/gif") => "gif",
        Some("video/mp4") => "mp4",
        Some("video/3gpp") => "3gp",
        Some("audio/ogg") => "ogg",
        Some("audio/mpeg") => "mp3",
        Some("audio/mp4" | "audio/aac") => "m4a",
        _ => return sort.to_owned(),
    };
    format!("{sort}.{ending}")
}
