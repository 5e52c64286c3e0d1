//! Files of WhatsApp: an id that holds all it takes to fetch one, and to have it uploaded anew when it has gone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use magpie_common::ids::RemoteFileId;
use serde::{Deserialize, Serialize};
use wacore::download::{Downloadable, MediaType};
use wacore_binary::Jid;

/// An encrypted file on WhatsApp's servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MediaFile {
    pub(super) sort: Sort,
    pub(super) path: String,
    key: String,
    sum: String,
    sealed_sum: String,
    pub(super) size_bytes: u64,
    /// The message that bears it, for the phone to find it again.
    pub(super) bearer: Bearer,
}

/// With which keys a file is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sort {
    Image,
    Video,
    Audio,
    Document,
    Sticker,
}

/// A message as WhatsApp finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bearer {
    pub(super) chat: Jid,
    pub(super) stanza: String,
    pub(super) from_me: bool,
    pub(super) participant: Option<Jid>,
}

/// What can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RemoteFile {
    /// A file of a message.
    Media(Box<MediaFile>),
    /// The picture of a person or group. Its number changes with it.
    Picture(Jid),
}

const MEDIA: &str = "media/";
const PICTURE: &str = "picture/";

impl MediaFile {
    /// The file of a message; `None` when it cannot be fetched, since something is missing.
    pub(super) fn new(sort: Sort, file: &dyn Downloadable, bearer: &Bearer) -> Option<Self> {
        let pack = |bytes: Option<&[u8]>| bytes.map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        Some(Self {
            sort,
            path: file.direct_path().filter(|path| path.starts_with('/'))?.to_owned(),
            key: pack(file.media_key())?,
            sum: pack(file.file_sha256())?,
            sealed_sum: pack(file.file_enc_sha256())?,
            size_bytes: file.file_length().unwrap_or_default(),
            bearer: bearer.clone(),
        })
    }

    pub(super) fn id(&self) -> RemoteFileId {
        RemoteFileId::new(format!("{MEDIA}{}", serde_json::to_string(self).expect("plain fields")))
    }

    /// What tells the file from others, wherever its bytes lie.
    pub(super) fn sum(&self) -> RemoteFileId {
        RemoteFileId::new(self.sum.clone())
    }

    /// The same file at another place.
    pub(super) fn moved(self, path: String) -> Self {
        Self { path, ..self }
    }

    pub(super) fn key(&self) -> Vec<u8> {
        unpack(&self.key)
    }

    /// What the library downloads.
    pub(super) fn params(&self) -> whatsapp_rust::download::DownloadParams {
        let sort = match self.sort {
            Sort::Image => MediaType::Image,
            Sort::Video => MediaType::Video,
            Sort::Audio => MediaType::Audio,
            Sort::Document => MediaType::Document,
            Sort::Sticker => MediaType::Sticker,
        };
        let (key, sum, sealed_sum) = (self.key(), unpack(&self.sum), unpack(&self.sealed_sum));
        let path = self.path.clone();
        whatsapp_rust::download::DownloadParams::encrypted(
            path,
            &key,
            &sum,
            &sealed_sum,
            self.size_bytes,
            sort,
        )
    }
}

impl RemoteFile {
    /// What an id stands for; `None` for what is no file of this bridge.
    pub(super) fn of(id: &RemoteFileId) -> Option<Self> {
        let id = id.as_str();
        if let Some(media) = id.strip_prefix(MEDIA) {
            let file: MediaFile = serde_json::from_str(media).ok()?;
            return file.path.starts_with('/').then(|| Self::Media(Box::new(file)));
        }
        let (jid, _number) = id.strip_prefix(PICTURE)?.split_once('/')?;
        Some(Self::Picture(jid.parse().ok()?))
    }

    /// The id of a picture.
    pub(super) fn picture(of: &Jid, number: &str) -> RemoteFileId {
        RemoteFileId::new(format!("{PICTURE}{}/{number}", of.to_non_ad_string()))
    }
}

fn unpack(text: &str) -> Vec<u8> {
    // A damaged id names a file that is not there.
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use waproto::whatsapp::message::ImageMessage;

    use super::*;

    fn bearer() -> Bearer {
        let chat: Jid = "1@lid".parse().expect("an address");
        Bearer { chat, stanza: "3EB0".to_owned(), from_me: false, participant: None }
    }

    #[test]
    fn an_id_holds_all_that_fetching_takes() {
        let image = ImageMessage {
            direct_path: Some("/v/t62".to_owned()),
            media_key: Some(vec![1; 32]),
            file_sha256: Some(vec![2; 32]),
            file_enc_sha256: Some(vec![3; 32]),
            file_length: Some(77),
            ..ImageMessage::default()
        };
        let file = MediaFile::new(Sort::Image, &image, &bearer()).expect("a file");
        assert_eq!(RemoteFile::of(&file.id()), Some(RemoteFile::Media(Box::new(file.clone()))));
        let params = file.params();
        assert_eq!((params.media_key, params.file_length), (Some(vec![1; 32]), 77));
        for missing in [
            ImageMessage { media_key: None, ..image.clone() },
            ImageMessage { direct_path: Some("https://elsewhere.example".to_owned()), ..image },
        ] {
            assert_eq!(MediaFile::new(Sort::Image, &missing, &bearer()), None);
        }
    }

    #[test]
    fn what_is_no_file_is_none() {
        for bad in ["", "media/", "media/{}", "picture/", "https://example.org"] {
            assert_eq!(RemoteFile::of(&RemoteFileId::new(bad)), None, "{bad}");
        }
        let group: Jid = "1-2@g.us".parse().expect("an address");
        assert_eq!(RemoteFile::of(&RemoteFile::picture(&group, "17")), Some(RemoteFile::Picture(group)));
    }
}
