//! A file on WeChat's file server, as the bridge finds it again. Only this file makes and reads such ids.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use magpie_common::ids::RemoteFileId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::seal::{Key, hex, key_of_hex};
use crate::json::text;

/// What the ids begin with.
const PREFIX: &str = "ilink/";

/// A longer parameter or address is not WeChat's.
const PLACE_BYTES_MAX: usize = 8 * 1024;

/// Where a file is, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CdnFile {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The key in hex; without one it is not sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// At this address, which is not looked at before somebody goes there.
    Url(String),
    /// At the file server, under this parameter.
    Param(String),
}

impl CdnFile {
    /// Reads the `media` of an item, with the key that stands beside it in pictures. `None` where it cannot be fetched or opened.
    pub fn told(media: &Value, key_beside: &Value) -> Option<Self> {
        let of = |name: &str| {
            let words = text(&media[name]).trim();
            ((1..=PLACE_BYTES_MAX).contains(&words.len())).then(|| words.to_owned())
        };
        let place = of("full_url").map(Place::Url).or_else(|| of("encrypt_query_param").map(Place::Param))?;
        let key = match (text(key_beside).trim(), text(&media["aes_key"]).trim()) {
            ("", "") => None,
            ("", spelled) => Some(key_of_base64(spelled)?),
            (digits, _) => Some(key_of_hex(digits)?),
        };
        Some(Self { place, key: key.map(|key| hex(&key)) })
    }

    /// What opens it.
    pub fn key(&self) -> Option<Key> {
        self.key.as_deref().and_then(key_of_hex)
    }

    /// The id by which it is found again.
    pub fn id(&self) -> RemoteFileId {
        let spelled = serde_json::to_vec(self).unwrap_or_default();
        RemoteFileId::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(spelled)))
    }

    /// Reads such an id.
    pub fn read(id: &RemoteFileId) -> Option<Self> {
        let spelled = URL_SAFE_NO_PAD.decode(id.as_str().strip_prefix(PREFIX)?).ok()?;
        let file: Self = serde_json::from_slice(&spelled).ok()?;
        (file.key.is_none() || file.key().is_some()).then_some(file)
    }
}

/// A key in Base64, which is of its bytes or of its hex digits. Which one the length tells.
fn key_of_base64(spelled: &str) -> Option<Key> {
    let bytes = STANDARD.decode(spelled).ok()?;
    match Key::try_from(bytes.as_slice()) {
        Ok(key) => Some(key),
        Err(_) => key_of_hex(std::str::from_utf8(&bytes).ok()?),
    }
}

/// A key as WeChat wants it in a message: Base64 of its hex digits.
pub(super) fn spelled(key: &Key) -> String {
    STANDARD.encode(hex(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_in_every_spelling() {
        let key = key_of_hex("00112233445566778899aabbccddeeff").expect("it is a key");
        let media = |spelled: &str| json!({"encrypt_query_param": "p+/=", "aes_key": spelled});
        for (media, beside) in [
            (media(&STANDARD.encode(key)), Value::Null),
            (media(&STANDARD.encode(hex(&key))), Value::Null),
            (media(&spelled(&key)), Value::Null),
            (media("nonsense"), json!("00112233445566778899AABBCCDDEEFF")),
        ] {
            let file = CdnFile::told(&media, &beside).expect("it is one");
            assert_eq!((file.key(), &file.place), (Some(key), &Place::Param("p+/=".to_owned())), "{media}");
        }
        let bare = CdnFile::told(&media(""), &Value::Null).expect("it is not sealed");
        assert_eq!(bare.key(), None);
        for bad in ["AAAA", "!", &STANDARD.encode("z".repeat(32))] {
            assert_eq!(CdnFile::told(&media(bad), &Value::Null), None, "{bad}");
        }
        assert_eq!(CdnFile::told(&media(""), &json!("zz")), None);
    }

    #[test]
    fn a_whole_address_counts_first() {
        let media = json!({"encrypt_query_param": "p", "full_url": "https://example.org"});
        let file = CdnFile::told(&media, &Value::Null).expect("it is one");
        assert_eq!(file.place, Place::Url("https://example.org".to_owned()));
        for bad in [json!({}), Value::Null, json!({"full_url": "x".repeat(PLACE_BYTES_MAX + 1)})] {
            assert_eq!(CdnFile::told(&bad, &Value::Null), None);
        }
    }

    proptest! {
        #[test]
        fn ids_are_read_as_they_were_made(param in "[ -~]{1,60}", key in prop::option::of(any::<[u8; 16]>())) {
            let media = json!({"encrypt_query_param": param, "aes_key": key.map(|key| spelled(&key))});
            prop_assume!(!param.trim().is_empty());
            let file = CdnFile::told(&media, &Value::Null).expect("it is one");
            prop_assert_eq!(file.key(), key);
            prop_assert_eq!(CdnFile::read(&file.id()), Some(file));
        }

        #[test]
        fn nothing_else_is_taken_for_an_id(id in any::<String>()) {
            prop_assert_eq!(CdnFile::read(&RemoteFileId::new(id)), None);
        }
    }
}
