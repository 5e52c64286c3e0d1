//! What nobody can read is told once, although WeChat may tell it again: no message comes of it by whose id the store would know it.

use std::collections::VecDeque;

use magpie_common::{
    message::RemoteEvent,
    platform::{Cursor, NotStored},
};
use md5::{Digest, Md5};
use serde_json::Value;

use super::Intake;
use crate::ilink::{events, seal::hex};

/// Where it is remembered.
const KEY: &str = "strange";

/// So much of it is remembered.
const KEPT_MAX: usize = 64;

impl Intake {
    /// Pushes what nobody can read, unless that was done before; returns when it is stored.
    pub(super) async fn tell_strange(&self, told: &Value, event: RemoteEvent) -> Result<(), NotStored> {
        let stored = self.sink.remembered(KEY).await?.unwrap_or_default();
        let mut marks: VecDeque<String> = serde_json::from_str(&stored).unwrap_or_default();
        let mark = mark(told);
        if marks.contains(&mark) {
            return Ok(());
        }
        marks.push_back(mark);
        while marks.len() > KEPT_MAX {
            marks.pop_front();
        }
        let value = serde_json::to_string(&marks).map_err(|error| NotStored(error.to_string()))?;
        let cursor = Cursor { key: KEY.to_owned(), value };
        self.sink.push_with_cursor(event, cursor).await.stored().await
    }
}

/// By what it is known again: its id, else what it is.
fn mark(told: &Value) -> String {
    match events::id(&told["message_id"]) {
        Some(id) => id.to_string(),
        None => hex(&Md5::digest(told.to_string())),
    }
}
