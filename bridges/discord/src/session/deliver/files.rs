//! Files on their way to Discord: streamed from the homeserver, never held.

use std::time::Duration;

use magpie_common::{
    message::Attachment,
    platform::{DeliverError, Download, EventSink, FileError},
};
use reqwest::{
    Body,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

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
        let entries = self.files.iter().enumerate();
        let entries: Vec<Value> =
            entries.map(|(nth, file)| json!({"id": nth, "filename": file.name})).collect();
        self.json["attachments"] = entries.into();
        let size: u64 = self.files.iter().filter_map(|file| file.download.size_bytes).sum();
        let mut form =
            Form::new().part("payload_json", Part::text(self.json.to_string()).mime_str("application/json")?);
        for (nth, OpenFile { name, download }) in self.files.into_iter().enumerate() {
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
        files.push(OpenFile { name, download });
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
