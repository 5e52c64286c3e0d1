//! Files on their way to WeChat: sealed into a temporary file as they come from the homeserver, announced, and brought from there.
//!
//! WeChat wants to know a file's sum before the file, so it cannot go straight through. A file that is brought twice has done nothing.

use std::{fs, io, time::Duration};

use futures_util::StreamExt;
use magpie_common::{
    message::{Attachment, AttachmentKind, clean_line},
    platform::{DeliverError, FileError},
};
use md5::{Digest, Md5};
use reqwest::{
    Body, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::{fs::File, io::AsyncWriteExt, time::sleep};
use tokio_util::io::ReaderStream;
use url::Url;

use super::Deliverer;
use crate::ilink::{
    api::{ANSWER_WITHIN, transport_error},
    file::spelled,
    seal::{Key, Sealer, hex},
    session::{capabilities::FILE_BYTES_MAX, verdict::verdict_on_question},
};

/// So slow may an upload be at least, in bytes per second, before it is given up.
const BYTES_PER_SECOND_MIN: u64 = 32 * 1024;

/// So often a file is brought, and the pause in between.
const ATTEMPTS_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// A longer parameter is not WeChat's.
const PARAM_BYTES_MAX: usize = 8 * 1024;

/// Longer words of WeChat's are cut.
const WORDS_CHARS_MAX: usize = 200;

/// As what a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Image,
    Video,
    File,
}

impl Sort {
    fn of(file: &Attachment) -> Self {
        match file.kind {
            AttachmentKind::Image | AttachmentKind::Sticker => Self::Image,
            AttachmentKind::Video => Self::Video,
            // The vendor's client sends nothing as speech, so nobody knows how.
            AttachmentKind::Audio | AttachmentKind::Voice | AttachmentKind::File => Self::File,
        }
    }

    /// `media_type` of an upload.
    fn number(self) -> u8 {
        match self {
            Self::Image => 1,
            Self::Video => 2,
            Self::File => 3,
        }
    }
}

/// A file, sealed.
struct Sealed {
    /// To be read once by each attempt.
    copies: Vec<fs::File>,
    facts: Facts,
}

/// What is told of a sealed file.
#[derive(Clone, Debug)]
struct Facts {
    key: Key,
    /// The MD5 of the plain file, in hex.
    sum: String,
    plain_bytes: u64,
    sealed_bytes: u64,
}

/// Why a file is not there.
enum NotBrought {
    /// It is final.
    Refused(String),
    /// Another try may help.
    Away(String),
}

impl Deliverer {
    /// Brings a file; gives the item that shows it.
    pub(super) async fn bring(&self, user: &str, file: &Attachment) -> Result<Value, DeliverError> {
        let sort = Sort::of(file);
        let Sealed { copies, facts } = self.sealed(file).await?;
        let filekey = hex(&self.clock.random_bytes::<16>());
        let wanted = json!({
            "filekey": filekey, "media_type": sort.number(), "to_user_id": user, "rawsize": facts.plain_bytes, "rawfilemd5": facts.sum,
            "filesize": facts.sealed_bytes, "no_need_thumb": true, "aeskey": hex(&facts.key),
        });
        let told = self
            .api
            .post("ilink/bot/getuploadurl", wanted, ANSWER_WITHIN)
            .await
            .map_err(verdict_on_question)?;
        let url = self.files.upload_url(&told, &filekey).ok_or_else(|| {
            let words = "WeChat does not say where to bring the file, or names a host that is not on the list `platform.ilink_hosts`.";
            DeliverError::Rejected(words.to_owned())
        })?;
        let mut last = String::new();
        for (nth, copy) in copies.into_iter().enumerate() {
            if nth > 0 {
                sleep(PAUSE).await;
            }
            match self.post(&url, copy, facts.sealed_bytes).await {
                Ok(param) => return Ok(item(sort, &param, &facts, &file.name)),
                Err(NotBrought::Refused(words)) => return Err(DeliverError::Rejected(words)),
                Err(NotBrought::Away(reason)) => last = reason,
            }
        }
        Err(again(last))
    }

    /// Seals a file of Matrix as it comes.
    async fn sealed(&self, file: &Attachment) -> Result<Sealed, DeliverError> {
        let mut download = self.sink.open(file).await.map_err(|error| match error {
            FileError::Gone => DeliverError::Rejected(format!("{error}.")),
            FileError::Away(reason) => again(reason),
        })?;
        let kept = |error: io::Error| again(format!("The file could not be kept for a moment: {error}."));
        let room = tokio::task::spawn_blocking(nameless);
        let (writing, copies) = room.await.map_err(|error| kept(io::Error::other(error)))?.map_err(kept)?;
        let mut writing = File::from_std(writing);
        let key: Key = self.clock.random_bytes();
        let (mut sealer, mut sum) = (Sealer::new(&key), Md5::new());
        let (mut plain_bytes, mut sealed_bytes) = (0_u64, 0_u64);
        while let Some(piece) = download.stream.next().await {
            let piece = piece.map_err(|error| again(format!("The file broke off: {error}.")))?;
            plain_bytes = plain_bytes.saturating_add(piece.len() as u64);
            if plain_bytes > FILE_BYTES_MAX {
                let mebibytes = FILE_BYTES_MAX / (1024 * 1024);
                return Err(DeliverError::Rejected(format!(
                    "WeChat takes files of {mebibytes} MiB at most."
                )));
            }
            sum.update(&piece);
            let sealed = sealer.push(&piece);
            sealed_bytes += sealed.len() as u64;
            writing.write_all(&sealed).await.map_err(kept)?;
        }
        let end = sealer.finish();
        sealed_bytes += end.len() as u64;
        writing.write_all(&end).await.map_err(kept)?;
        writing.flush().await.map_err(kept)?;
        let sum = hex(sum.finalize().as_slice());
        Ok(Sealed { copies, facts: Facts { key, sum, plain_bytes, sealed_bytes } })
    }

    /// `POST {cdn}/upload?…`: gives the parameter by which it is fetched.
    async fn post(&self, url: &Url, copy: fs::File, sealed_bytes: u64) -> Result<String, NotBrought> {
        let file = File::from_std(copy);
        let within = ANSWER_WITHIN + Duration::from_secs(sealed_bytes / BYTES_PER_SECOND_MIN);
        let request = self
            .api
            .http()
            .post(url.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, sealed_bytes)
            .body(Body::wrap_stream(ReaderStream::new(file)))
            .timeout(within);
        let response = request.send().await.map_err(|error| {
            NotBrought::Away(format!("The file could not be brought to WeChat: {}.", transport_error(error)))
        })?;
        brought(&response)
    }
}

/// A file without a name, to write it and to read it in every attempt. It loses its name before anything is in it, so none is left by a kill.
fn nameless() -> io::Result<(fs::File, Vec<fs::File>)> {
    let named = NamedTempFile::new()?;
    let copies = (0..ATTEMPTS_MAX).map(|_| named.reopen()).collect::<io::Result<_>>()?;
    Ok((named.into_file(), copies))
}

/// What the file server says.
fn brought(response: &Response) -> Result<String, NotBrought> {
    let head =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let status = response.status();
    if status.is_client_error() {
        let said: String = clean_line(head("x-error-message")).chars().take(WORDS_CHARS_MAX).collect();
        let said = if said.is_empty() { format!("status {}", status.as_u16()) } else { said };
        return Err(NotBrought::Refused(format!("WeChat does not take the file: {said}.")));
    }
    let param = head("x-encrypted-param");
    let is_there = status == StatusCode::OK && (1..=PARAM_BYTES_MAX).contains(&param.len());
    is_there.then(|| param.to_owned()).ok_or_else(|| {
        NotBrought::Away(format!("WeChat did not say that it has the file (status {}).", status.as_u16()))
    })
}

/// The item that shows a file.
fn item(sort: Sort, param: &str, facts: &Facts, name: &str) -> Value {
    let media = json!({"encrypt_query_param": param, "aes_key": spelled(&facts.key), "encrypt_type": 1});
    match sort {
        Sort::Image => json!({"type": 2, "image_item": {"media": media, "mid_size": facts.sealed_bytes}}),
        Sort::Video => json!({"type": 5, "video_item": {"media": media, "video_size": facts.sealed_bytes}}),
        Sort::File => {
            let len = facts.plain_bytes.to_string();
            json!({"type": 4, "file_item": {"media": media, "file_name": file_name(name), "len": len}})
        }
    }
}

fn file_name(name: &str) -> String {
    const CHARS_MAX: usize = 100;
    let name: String = clean_line(name).chars().take(CHARS_MAX).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}

fn again(reason: String) -> DeliverError {
    DeliverError::Retry { after: None, reason }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::unix::fs::MetadataExt,
    };

    use super::*;

    #[test]
    fn files_are_shown_as_what_they_are() {
        let facts = Facts { key: [0xab; 16], sum: String::new(), plain_bytes: 5, sealed_bytes: 16 };
        let media = json!({
            "encrypt_query_param": "p", "aes_key": "YWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWI=", "encrypt_type": 1,
        });
        for (sort, expected) in [
            (Sort::Image, json!({"type": 2, "image_item": {"media": media, "mid_size": 16}})),
            (Sort::Video, json!({"type": 5, "video_item": {"media": media, "video_size": 16}})),
            (Sort::File, json!({"type": 4, "file_item": {"media": media, "file_name": "a b", "len": "5"}})),
        ] {
            assert_eq!(item(sort, "p", &facts, "a\n\u{202e}b"), expected);
        }
        assert_eq!(file_name("\u{7}"), "file");
    }

    #[test]
    fn a_file_on_its_way_leaves_nothing_behind_and_is_read_anew_each_time() {
        let (mut writing, copies) = nameless().expect("there is room");
        writing.write_all(b"forty-two birds").expect("there is room");
        assert_eq!(writing.metadata().expect("it is there").nlink(), 0, "it has no name any more");
        assert_eq!(copies.len(), ATTEMPTS_MAX as usize);
        for mut copy in copies {
            let mut whole = String::new();
            copy.read_to_string(&mut whole).expect("it can be read");
            assert_eq!(whole, "forty-two birds");
        }
    }

    fn said(status: u16, head: Option<(&str, &str)>) -> Result<String, NotBrought> {
        let mut answer = http::Response::builder().status(status);
        if let Some((name, value)) = head {
            answer = answer.header(name, value);
        }
        brought(&Response::from(answer.body("").expect("the head is well formed")))
    }

    #[test]
    fn the_file_servers_word_decides() {
        assert!(matches!(said(200, Some(("x-encrypted-param", "p+/="))), Ok(param) if param == "p+/="));
        let refused = said(403, Some(("x-error-message", "too large")));
        assert!(matches!(refused, Err(NotBrought::Refused(words)) if words.contains("too large")));
        assert!(matches!(said(400, None), Err(NotBrought::Refused(words)) if words.contains("400")));
        for (status, head) in [(200, None), (200, Some(("x-encrypted-param", ""))), (500, None), (302, None)]
        {
            assert!(matches!(said(status, head), Err(NotBrought::Away(_))), "{status}");
        }
    }
}
