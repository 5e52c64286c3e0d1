//! Files from the Bot API server, and from nowhere else. Their paths expire, so they are asked for when a file is opened. The reader caps the
//! size.

use std::{io::Read, sync::Arc};

use bytes::Bytes;
use flate2::read::GzDecoder;
use futures_util::{StreamExt, stream};
use magpie_common::{
    ids::RemoteFileId,
    message::LOTTIE_TYPE,
    platform::{Download, PlatformError},
};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::{
    api::{Api, ApiError},
    faces::newest,
};
use crate::file::FileName;

/// A drawing is unpacked up to this size: Telegram takes packed ones of 64 KiB (<https://core.telegram.org/stickers>).
const DRAWING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// And not read any longer when it is packed.
const PACKED_BYTES_MAX: usize = 512 * 1024;

/// Opens files.
pub(super) struct Files {
    pub(super) api: Arc<Api>,
    /// The server is our own and, with `--local`, names files on this machine.
    pub(super) is_local: bool,
}

impl Files {
    /// Opens a file under one of our names.
    pub(super) async fn open(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let gone = || PlatformError("The file is not in Telegram any more.".to_owned());
        match FileName::parse(file).ok_or_else(gone)? {
            FileName::File(id) => self.fetch(id).await.map_err(|error| words(&error)),
            FileName::Tgs(id) => unpacked(self.fetch(id).await.map_err(|error| words(&error))?).await,
            FileName::User(user, _) => {
                let fields = json!({"user_id": user, "limit": 1});
                let photos = self.ask("getUserProfilePhotos", fields).await?;
                let id = newest(&photos).and_then(|size| size["file_id"].as_str()).ok_or_else(gone)?;
                self.fetch(id).await.map_err(|error| words(&error))
            }
            FileName::Chat(chat, _) => {
                let chat = self.ask("getChat", json!({"chat_id": chat})).await?;
                let id = chat["photo"]["big_file_id"].as_str().ok_or_else(gone)?;
                self.fetch(id).await.map_err(|error| words(&error))
            }
            FileName::Emoji(id) => {
                let stickers = self.ask("getCustomEmojiStickers", json!({"custom_emoji_ids": [id]})).await?;
                let sticker = &stickers[0];
                // A moving one is shown as it stands; not every client moves small pictures.
                let is_still = sticker["is_animated"] != true && sticker["is_video"] != true;
                let file = if is_still { sticker } else { &sticker["thumbnail"] };
                let id = file["file_id"].as_str().ok_or_else(gone)?;
                self.fetch(id).await.map_err(|error| words(&error))
            }
        }
    }

    async fn ask(&self, method: &str, fields: Value) -> Result<Value, PlatformError> {
        self.api.call(method, &fields).await.map_err(|error| words(&error))
    }

    /// `getFile`, then the file itself.
    async fn fetch(&self, file_id: &str) -> Result<Download, ApiError> {
        let file = self.api.call("getFile", &json!({"file_id": file_id})).await?;
        let path = file["file_path"].as_str().unwrap_or_default();
        if self.is_local && path.starts_with('/') {
            return on_this_machine(path).await;
        }
        let answer = self.api.open(path).await?;
        let mime = answer.headers().get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok()).map(str::to_owned);
        // The server says of most that they are bytes; the message says more.
        let mime = mime.filter(|mime| mime != "application/octet-stream");
        let size_bytes = answer.content_length().or_else(|| file["file_size"].as_u64());
        let broke_off = |error: reqwest::Error| {
            PlatformError(format!("The file could not be fetched from Telegram: {}.", error.without_url()))
        };
        let stream = answer.bytes_stream().map(move |chunk| chunk.map_err(broke_off));
        Ok(Download { mime, size_bytes, stream: stream.boxed() })
    }
}

/// A file that a server with `--local` has put into its folder.
async fn on_this_machine(path: &str) -> Result<Download, ApiError> {
    let failed =
        |error: std::io::Error| ApiError::NotSent(format!("the server's own file cannot be read: {error}"));
    let file = File::open(path).await.map_err(failed)?;
    let size_bytes = Some(file.metadata().await.map_err(failed)?.len());
    let broke_off = |error| PlatformError(format!("The Bot API server's file cannot be read: {error}."));
    let stream = ReaderStream::new(file).map(move |chunk| chunk.map_err(broke_off));
    Ok(Download { mime: None, size_bytes, stream: stream.boxed() })
}

fn words(error: &ApiError) -> PlatformError {
    PlatformError(match error.says("too big") {
        true => "The file is too large for a bot to fetch. Open it in Telegram.".to_owned(),
        false => format!("The file could not be fetched from Telegram: {error}."),
    })
}

/// An animated sticker is a packed Lottie drawing.
async fn unpacked(mut packed: Download) -> Result<Download, PlatformError> {
    let too_large = || PlatformError("The sticker is too large to be unpacked.".to_owned());
    let mut bytes = Vec::new();
    while let Some(chunk) = packed.stream.next().await {
        let chunk = chunk?;
        if bytes.len() + chunk.len() > PACKED_BYTES_MAX {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    let drawing = unpack(&bytes).ok_or_else(too_large)?;
    let size_bytes = u64::try_from(drawing.len()).ok();
    let stream = stream::iter([Ok(Bytes::from(drawing))]).boxed();
    Ok(Download { mime: Some(LOTTIE_TYPE.to_owned()), size_bytes, stream })
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut drawing = Vec::new();
    let limit = u64::try_from(DRAWING_BYTES_MAX).ok()? + 1;
    GzDecoder::new(packed).take(limit).read_to_end(&mut drawing).ok()?;
    (drawing.len() <= DRAWING_BYTES_MAX).then_some(drawing)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(drawing: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(drawing).expect("memory takes it");
        packer.finish().expect("memory takes it")
    }

    #[test]
    fn drawings_are_unpacked_up_to_a_bound() {
        assert_eq!(unpack(&packed(b"{\"v\": 1}")).as_deref(), Some(b"{\"v\": 1}".as_slice()));
        let bomb = packed(&vec![0; DRAWING_BYTES_MAX + 1]);
        assert!(bomb.len() < PACKED_BYTES_MAX, "it looks harmless");
        assert_eq!(unpack(&bomb), None);
        assert_eq!(unpack(b"not packed"), None);
    }
}
