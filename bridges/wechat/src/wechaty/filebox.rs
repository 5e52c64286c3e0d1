//! A file as gateways hand it over: a box in JSON that holds the bytes, their address, or the id under which the gateway keeps them.
//!
//! Boxes are those of the npm package `file-box`, of which the kinds 1, 2, 3 and 7 cross the wire.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use magpie_common::message::clean_line;
use serde_json::{Value, json};

use crate::json::{number, text};

/// Up to this size bytes stand in the box itself; larger files are brought first.
pub(super) const INSIDE_BYTES_MAX: usize = 20 * 1024;

/// More is not read out of a box: the gateway itself puts no more in.
pub(super) const READ_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What is in a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileBox {
    /// The file's name, fit to be shown; empty where there is none.
    pub name: String,
    /// Its size in bytes, where that is told.
    pub size_bytes: Option<u64>,
    /// Where its bytes are.
    pub holds: Holds,
}

/// Where the bytes of a box are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// In it.
    Inside(Bytes),
    /// At this address.
    Url(String),
    /// The gateway has them under this id.
    Uuid(String),
}

impl FileBox {
    /// Reads a box; `None` for what is none, and for one that holds no file.
    pub fn read(json: &str) -> Option<Self> {
        let told: Value = serde_json::from_str(json).ok()?;
        let kind = number(&told["type"]).or_else(|| number(&told["boxType"]))?;
        let holds = match kind {
            1 => {
                let inside = text(&told["base64"]);
                let is_fit = (1..=READ_BYTES_MAX).contains(&inside.len());
                Holds::Inside(STANDARD.decode(is_fit.then_some(inside)?).ok()?.into())
            }
            2 => Holds::Url(Some(text(&told["url"])).filter(|url| !url.is_empty())?.to_owned()),
            7 => Holds::Uuid(Some(text(&told["uuid"])).filter(|uuid| !uuid.is_empty())?.to_owned()),
            _ => return None,
        };
        let size_bytes = match &holds {
            Holds::Inside(bytes) => u64::try_from(bytes.len()).ok(),
            Holds::Url(_) | Holds::Uuid(_) => {
                number(&told["size"]).filter(|size| *size > 0).and_then(|size| u64::try_from(size).ok())
            }
        };
        Some(Self { name: clean_line(text(&told["name"])), size_bytes, holds })
    }

    /// Writes a box; of a voice message with its length in milliseconds.
    pub fn write(&self, voice_ms: Option<u64>) -> String {
        let (kind, field, value) = match &self.holds {
            Holds::Inside(bytes) => (1, "base64", STANDARD.encode(bytes)),
            Holds::Url(url) => (2, "url", url.clone()),
            Holds::Uuid(uuid) => (7, "uuid", uuid.clone()),
        };
        let metadata = voice_ms.map_or_else(|| json!({}), |length_ms| json!({"voiceLength": length_ms}));
        let mut json =
            json!({"type": kind, "boxType": kind, "name": self.name, "metadata": metadata, field: value});
        if let Some(size_bytes) = self.size_bytes {
            json["size"] = json!(size_bytes);
        }
        json.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_oneof, proptest};
    use proptest::strategy::Strategy;

    use super::*;

    #[test]
    fn boxes_of_gateways_are_read() {
        let read = |json: &str| FileBox::read(json).map(|file| (file.name, file.size_bytes, file.holds));
        let name = || "a.png".to_owned();
        for (json, file) in [
            (
                r#"{"type":1,"name":"a.png","metadata":{},"base64":"AAEC","size":9}"#,
                (name(), Some(3), Holds::Inside(Bytes::from_static(&[0, 1, 2]))),
            ),
            (
                r#"{"boxType":7,"name":"a.png","uuid":"u-1","size":40000}"#,
                (name(), Some(40_000), Holds::Uuid("u-1".to_owned())),
            ),
            (
                r#"{"type":2,"name":"a.png","url":"https://example.org/a","headers":{}}"#,
                (name(), None, Holds::Url("https://example.org/a".to_owned())),
            ),
            (r#"{"type":7,"uuid":"u","size":-1}"#, (String::new(), None, Holds::Uuid("u".to_owned()))),
        ] {
            assert_eq!(read(json), Some(file), "{json}");
        }
    }

    #[test]
    fn what_holds_no_file_is_no_box() {
        for json in [
            "",
            "{}",
            "[]",
            r#"{"type":3,"name":"qr","qrCode":"x"}"#,
            r#"{"type":4,"name":"x"}"#,
            r#"{"type":1,"base64":"*"}"#,
            r#"{"type":1,"base64":""}"#,
            r#"{"type":7,"uuid":""}"#,
            r#"{"type":2}"#,
        ] {
            assert_eq!(FileBox::read(json), None, "{json}");
        }
    }

    #[test]
    fn a_voice_message_tells_its_length() {
        let holds = Holds::Uuid("u".to_owned());
        let file = FileBox { name: "a.sil".to_owned(), size_bytes: None, holds };
        let metadata = |voice_ms| {
            serde_json::from_str::<Value>(&file.write(voice_ms)).map(|json| json["metadata"].clone())
        };
        assert_eq!(metadata(Some(1_500)).ok(), Some(json!({"voiceLength": 1_500})));
        assert_eq!(metadata(None).ok(), Some(json!({})));
    }

    proptest! {
        #[test]
        fn boxes_are_read_as_they_were_written(
            name in "[a-zA-Z0-9 鸟.]{0,20}",
            holds in prop_oneof![
                proptest::collection::vec(any::<u8>(), 1..200).prop_map(|bytes| Holds::Inside(bytes.into())),
                "[a-z0-9-]{1,36}".prop_map(Holds::Uuid),
                "https://[a-z]{1,9}\\.example/[a-z]{0,9}".prop_map(Holds::Url),
            ],
            size in 1_u64..1_000_000,
        ) {
            let size_bytes = match &holds {
                Holds::Inside(bytes) => Some(bytes.len() as u64),
                Holds::Url(_) | Holds::Uuid(_) => Some(size),
            };
            let written = FileBox { name: clean_line(&name), size_bytes, holds };
            assert_eq!(FileBox::read(&written.write(None)), Some(written));
        }

        #[test]
        fn no_box_is_too_strange(json in any::<String>()) {
            let _ = FileBox::read(&json);
        }
    }
}
