//! Files on their way to Discord: streamed from the homeserver, never held.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use magpie_common::{
    message::Attachment,
    platform::{DeliverError, Download, EventSink, FileError},
};
use reqwest::{
    Body,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::spoken::{self, Spoken};

/// Discord's mark of a hidden file.
const SPOILER: &str = "SPOILER_";

/// So slow may an upload be at least, in bytes per second, before it is given up.
const BYTES_PER_SECOND_MIN: u64 = 32 * 1024;

/// What a request carries: its fields, and files beside them.
#[derive(Default)]
pub(crate) struct Payload {
    pub(crate) json: Value,
    pub(crate) files: Vec<OpenFile>,
}

/// A file that is ready to be read.
pub(crate) struct OpenFile {
    name: String,
    download: Download,
    spoken: Option<Spoken>,
}

impl OpenFile {
    /// Makes it the file of a voice message, if it is fit for one: that takes a look at its first bytes.
    pub(super) async fn speak(&mut self, spoken: &Spoken) -> bool {
        let (mut head, mut pieces) = (Vec::new(), Vec::new());
        while head.len() < spoken::HEAD_BYTES
            && let Some(piece) = self.download.stream.next().await
        {
            head.extend(piece.iter().flatten().take(spoken::HEAD_BYTES));
            let is_last = piece.is_err();
            pieces.push(piece);
            if is_last {
                break;
            }
        }
        let rest = std::mem::replace(&mut self.download.stream, stream::empty().boxed());
        self.download.stream = stream::iter(pieces).chain(rest).boxed();
        let is_fit = spoken::is_opus(&head);
        if is_fit {
            self.download.mime = Some(spoken::MIME.to_owned());
            self.spoken = Some(spoken.clone());
        }
        is_fit
    }

    /// What a request says of it.
    fn entry(&self, nth: usize) -> Value {
        let mut entry = json!({"id": nth, "filename": self.name});
        if let Some(Spoken { duration_secs, waveform }) = &self.spoken {
            entry["duration_secs"] = json!(duration_secs);
            entry["waveform"] = json!(waveform);
        }
        entry
    }
}

impl From<Value> for Payload {
    fn from(json: Value) -> Self {
        Self { json, files: Vec::new() }
    }
}

impl Payload {
    /// The form of a request with files, and how long it may take beyond an ordinary one:
    /// <https://discord.com/developers/docs/reference#uploading-files>.
    pub(crate) fn into_form(mut self) -> Result<(Form, Duration), reqwest::Error> {
        let entries: Vec<Value> = self.files.iter().enumerate().map(|(nth, file)| file.entry(nth)).collect();
        self.json["attachments"] = entries.into();
        let size: u64 = self.files.iter().filter_map(|file| file.download.size_bytes).sum();
        let mut form =
            Form::new().part("payload_json", Part::text(self.json.to_string()).mime_str("application/json")?);
        for (nth, OpenFile { name, download, .. }) in self.files.into_iter().enumerate() {
            let mime = download.mime.unwrap_or_else(|| "application/octet-stream".to_owned());
            let body = Body::wrap_stream(download.stream);
            let part = match download.size_bytes {
                Some(size) => Part::stream_with_length(body, size),
                None => Part::stream(body),
            };
            let part = part.file_name(name).mime_str(&mime)?;
            form = form.part(format!("files[{nth}]"), part);
        }
        Ok((form, Duration::from_secs(size / BYTES_PER_SECOND_MIN)))
    }
}

/// Opens the files of a message.
pub(super) async fn open(
    sink: &EventSink,
    attachments: &[Attachment],
) -> Result<Vec<OpenFile>, DeliverError> {
    let mut files = Vec::with_capacity(attachments.len());
    for attachment in attachments {
        let mut download = match sink.open(attachment).await {
            Ok(download) => download,
            Err(error @ FileError::Gone) => return Err(DeliverError::Rejected(format!("{error}."))),
            Err(FileError::Away(reason)) => return Err(DeliverError::Retry { after: None, reason }),
        };
        let claimed = attachment.mime.clone().or(download.mime);
        download.mime = claimed.filter(|mime| is_media_type(mime));
        let name = if attachment.spoiler {
            format!("{SPOILER}{}", attachment.name)
        } else {
            attachment.name.clone()
        };
        files.push(OpenFile { name, download, spoken: None });
    }
    Ok(files)
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
