//! What is remembered of the people who follow the account: how long it may write to them, and what they are called. Kept in the database, with
//! the newest in memory.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use magpie_common::{
    clock::TimestampMs,
    platform::{Cursor, EventSink, NotStored},
};
use serde::{Deserialize, Serialize};

use crate::official::events::Deed;

/// So many people are kept in memory.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// The last letters of an openid stand for whoever has no name.
const SHORT_ID_CHARS: usize = 6;

const HOUR_MS: i64 = 60 * 60 * 1000;
const MINUTE_MS: i64 = 60 * 1000;

/// How often the account may write, and until when
/// (<https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    /// When it shuts.
    until_ms: TimestampMs,
    /// How many messages are left.
    left: u32,
}

impl Window {
    fn new(at_ms: TimestampMs, length_ms: i64, left: u32) -> Self {
        Self { until_ms: at_ms.saturating_add(length_ms), left }
    }

    fn is_open(self, now_ms: TimestampMs) -> bool {
        self.left > 0 && self.until_ms > now_ms
    }

    /// Opens it as the other is, unless it is no older: callbacks are repeated, and a repeat gives no new messages.
    fn renew(&mut self, other: Self) {
        if other.until_ms > self.until_ms {
            *self = other;
        }
    }
}

/// What is remembered of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Met {
    /// What the account's staff call them; WeChat tells no other names.
    pub name: Option<String>,
    /// The id under which all accounts of one owner know them.
    pub union: Option<String>,
    /// Since they wrote last: five messages in 48 hours.
    said: Window,
    /// Since they pressed something last: three messages in a minute.
    pressed: Window,
}

impl Met {
    /// Whether the account may write now. WeChat itself counts; this is only what is known here.
    pub fn is_open(&self, now_ms: TimestampMs) -> bool {
        self.said.is_open(now_ms) || self.pressed.is_open(now_ms)
    }

    /// Until when the account may write; 0 where it may not.
    pub fn open_until_ms(&self) -> TimestampMs {
        let until = |window: Window| if window.left > 0 { window.until_ms } else { 0 };
        until(self.said).max(until(self.pressed))
    }

    /// What somebody did opens a window or shuts both.
    pub fn did(&mut self, deed: Deed, at_ms: TimestampMs) {
        match deed {
            Deed::Wrote => self.said.renew(Window::new(at_ms, 48 * HOUR_MS, 5)),
            Deed::Pressed => self.pressed.renew(Window::new(at_ms, MINUTE_MS, 3)),
            Deed::Left => (self.said, self.pressed) = Default::default(),
            Deed::Other => {}
        }
    }

    /// One message less.
    pub fn spend(&mut self, now_ms: TimestampMs) {
        // The shorter one first: it is lost sooner.
        let window = if self.pressed.is_open(now_ms) { &mut self.pressed } else { &mut self.said };
        window.left = window.left.saturating_sub(1);
    }

    /// How they are shown.
    pub fn shown(&self, openid: &str) -> String {
        self.name.clone().unwrap_or_else(|| {
            let end: Vec<char> = openid.chars().rev().take(SHORT_ID_CHARS).collect();
            format!("WeChat user {}", end.into_iter().rev().collect::<String>())
        })
    }
}

pub(super) struct People {
    sink: EventSink,
    met: Mutex<LruCache<String, Met>>,
}

impl People {
    pub fn new(sink: EventSink) -> Self {
        Self { sink, met: Mutex::new(LruCache::new(PEOPLE_MAX)) }
    }

    /// What is remembered of somebody; nothing of whom was never met.
    pub async fn met(&self, openid: &str) -> Result<Met, NotStored> {
        if let Some(met) = self.cached(openid) {
            return Ok(met);
        }
        let stored = self.sink.remembered(&key(openid)).await?;
        let met: Met = stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
        // Somebody may have noted more while the database was asked.
        let mut known = self.lock();
        Ok(known.get_or_insert(openid.to_owned(), || met).clone())
    }

    /// The same from memory alone.
    pub fn cached(&self, openid: &str) -> Option<Met> {
        self.lock().get(openid).cloned()
    }

    /// Changes what is remembered of somebody. Gives what is to be stored; nothing where it stays as it was.
    pub async fn note(
        &self,
        openid: &str,
        change: impl FnOnce(&mut Met),
    ) -> Result<Option<Cursor>, NotStored> {
        self.met(openid).await?;
        let mut known = self.lock();
        let met = known.get_or_insert_mut(openid.to_owned(), Met::default);
        let before = met.clone();
        change(met);
        if *met == before {
            return Ok(None);
        }
        let value = serde_json::to_string(met).map_err(|error| NotStored(error.to_string()))?;
        Ok(Some(Cursor { key: key(openid), value }))
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Met>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(openid: &str) -> String {
    format!("person/{openid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted() {
        let mut met = Met::default();
        met.did(Deed::Wrote, 0);
        for _ in 0..5 {
            assert!(met.is_open(HOUR_MS));
            met.spend(HOUR_MS);
        }
        assert!(!met.is_open(HOUR_MS) && met.open_until_ms() == 0, "five messages are used up");
        met.did(Deed::Wrote, 0);
        assert!(!met.is_open(HOUR_MS), "a repeat gives no new ones");
        met.did(Deed::Pressed, HOUR_MS);
        assert!(met.is_open(HOUR_MS) && !met.is_open(HOUR_MS + MINUTE_MS));
        met.did(Deed::Wrote, HOUR_MS);
        met.spend(HOUR_MS);
        assert_eq!((met.pressed.left, met.said.left), (2, 5), "what ends sooner is used first");
        assert!(!met.is_open(HOUR_MS + 48 * HOUR_MS));
        met.did(Deed::Left, HOUR_MS);
        assert!(!met.is_open(HOUR_MS));
    }

    #[test]
    fn whoever_has_no_name_has_a_short_id() {
        assert_eq!(Met::default().shown("oVAZ-5x12ab"), "WeChat user 5x12ab");
        assert_eq!(Met::default().shown("ab"), "WeChat user ab");
        assert_eq!(Met { name: Some("Ada".to_owned()), ..Met::default() }.shown("x"), "Ada");
    }
}
