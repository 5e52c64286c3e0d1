//! Bodies with files: `payload_json` and `files[n]`, as the reference says under "Uploading Files".

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use multer::Multipart;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::discord::model::FileBytes;

/// More of a file is summed and not kept.
const KEPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A file as it came.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// The number in `files[n]`.
    pub number: u64,
    /// The name.
    pub filename: String,
    /// Its type, as the sender says.
    pub content_type: Option<String>,
    /// The bytes.
    pub bytes: FileBytes,
}

/// A body with files, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub json: Option<Value>,
    pub uploads: Vec<Upload>,
}

/// Reads a body. The error says what is wrong with it.
pub(crate) async fn read(body: Body, boundary: &str) -> Result<Form, String> {
    let mut parts: Multipart<'_> = Multipart::new(stream(body), boundary);
    let mut form = Form::default();
    while let Some(mut part) = parts.next_field().await.map_err(|error| error.to_string())? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "payload_json" {
            let bytes = part.bytes().await.map_err(|error| error.to_string())?;
            form.json = Some(serde_json::from_slice(&bytes).map_err(|error| error.to_string())?);
            continue;
        }
        let number = name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
        let number = number.ok_or_else(|| format!("`{name}` is no part of a message"))?;
        let filename = part.file_name().unwrap_or_default().to_owned();
        let content_type = part.content_type().map(ToString::to_string);
        let mut taken = Taken::default();
        while let Some(piece) = part.chunk().await.map_err(|error| error.to_string())? {
            taken.add(&piece);
        }
        form.uploads.push(Upload { number, filename, content_type, bytes: taken.bytes() });
    }
    Ok(form)
}

fn stream(body: Body) -> BodyDataStream {
    body.into_data_stream()
}

#[derive(Default)]
struct Taken {
    kept: BytesMut,
    sum: Sha256,
    size: u64,
}

impl Taken {
    fn add(&mut self, piece: &Bytes) {
        self.size += piece.len() as u64;
        self.sum.update(piece);
        if self.kept.len() + piece.len() <= KEPT_BYTES_MAX {
            self.kept.extend_from_slice(piece);
        }
    }

    fn bytes(self) -> FileBytes {
        if self.kept.len() as u64 == self.size {
            return FileBytes::Kept(self.kept.freeze());
        }
        let sha256 = self.sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        FileBytes::Counted { size: self.size, sha256 }
    }
}
