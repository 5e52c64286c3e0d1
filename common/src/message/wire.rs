//! The stored form of the two enums: JSON with a version tag.
//!
//! A row written by an older version is read by a newer one; a row of an unknown version is refused by name instead of guessed at.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// The version that this build writes, and the newest that it reads.
pub const WIRE_VERSION: u32 = 1;

/// A stored value with the version it was written in.
pub struct Wire;

/// Why a stored value could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Written by a newer build.
    #[error("stored in form {found}, this build reads up to {WIRE_VERSION}: run the newer version again")]
    Newer {
        /// The version found.
        found: u32,
    },
    /// Not what we write.
    #[error("stored value cannot be read: {0}")]
    Broken(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Out<'a, T> {
    v: u32,
    d: &'a T,
}

#[derive(Deserialize)]
struct In<'a> {
    v: u32,
    #[serde(borrow)]
    d: &'a RawValue,
}

impl Wire {
    /// Writes a value with its version.
    ///
    /// # Errors
    /// When the value has no JSON form.
    pub fn write<T: Serialize>(value: &T) -> Result<String, WireError> {
        Ok(serde_json::to_string(&Out { v: WIRE_VERSION, d: value })?)
    }

    /// Reads a value of this or an older version.
    ///
    /// # Errors
    /// When it was written by a newer build, or is broken.
    pub fn read<T: DeserializeOwned>(stored: &str) -> Result<T, WireError> {
        let In { v, d } = serde_json::from_str(stored)?;
        if v > WIRE_VERSION {
            return Err(WireError::Newer { found: v });
        }
        Ok(serde_json::from_str(d.get())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{AliasSet, RemoteChatId, RemoteMessageId, RemoteUserId},
        message::{Message, RemoteEvent, RemoteMessage, RichText, Sender},
    };

    #[test]
    fn a_stored_event_comes_back_and_a_newer_one_is_named() {
        let sender = Sender { ids: AliasSet::single(RemoteUserId::new("u")), name: None, avatar: None };
        let event = RemoteEvent::Message(RemoteMessage {
            chat: RemoteChatId::new("c"),
            id: RemoteMessageId::new("m"),
            sender,
            sent_ms: 1,
            message: Message::text(RichText::plain("hi\nthere")),
        });
        let stored = Wire::write(&event).unwrap();
        assert!(stored.starts_with("{\"v\":1,"), "{stored}");
        assert_eq!(Wire::read::<RemoteEvent>(&stored).unwrap(), event);
        let newer = stored.replacen("\"v\":1", "\"v\":2", 1);
        assert!(matches!(Wire::read::<RemoteEvent>(&newer), Err(WireError::Newer { found: 2 })));
        assert!(matches!(Wire::read::<RemoteEvent>("{}"), Err(WireError::Broken(_))));
    }
}
