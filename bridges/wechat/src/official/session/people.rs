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

use crate::{official::events::Deed, window::Phase};

/// So many people are kept in memory.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// The last letters of an openid stand for whoever has no name.
const SHORT_ID_CHARS: usize = 6;

const HOUR_MS: i64 = 60 * 60 * 1000;
const MINUTE_MS: i64 = 60 * 1000;

/// So long after the end of a window WeChat is still asked: its clock may be another, and the person's last words may be on their way.
const SLACK_MS: i64 = 10 * MINUTE_MS;

/// How often the account may write, and until when
/// (<https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Window {
    /// When it opened.
    since_ms: TimestampMs,
    /// When it shuts; 0 where there never was one.
    until_ms: TimestampMs,
    /// How many messages are left.
    left: u32,
}

impl Window {
    fn new(at_ms: TimestampMs, length_ms: i64, left: u32) -> Self {
        Self { since_ms: at_ms, until_ms: at_ms.saturating_add(length_ms), left }
    }

    fn is_open(self, now_ms: TimestampMs) -> bool {
        self.left > 0 && self.until_ms > now_ms
    }

    /// Until when it takes something: nothing any more since it opened, where it is used up.
    fn takes_until_ms(self) -> TimestampMs {
        if self.left > 0 { self.until_ms } else { self.since_ms }
    }

    /// Opens it as the other is, unless that is no newer: callbacks are repeated, and a repeat gives no new messages.
    fn renew(&mut self, other: Self) {
        if other.since_ms >= self.since_ms && other.until_ms > self.until_ms {
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
    /// What their room says about what may be written.
    pub shown: Phase,
    /// Since they wrote last: five messages in 48 hours.
    said: Window,
    /// Since they pressed something last: three messages in a minute.
    pressed: Window,
}

impl Met {
    /// The windows that there were.
    fn windows(&self) -> impl Iterator<Item = Window> {
        [self.said, self.pressed].into_iter().filter(|window| window.until_ms > 0)
    }

    /// Whether all time is surely over. Whether messages are left WeChat says, which counts too.
    pub fn is_over(&self, now_ms: TimestampMs) -> bool {
        let last_ms = self.windows().map(|window| window.until_ms).max();
        last_ms.is_some_and(|last_ms| last_ms.saturating_add(SLACK_MS) <= now_ms)
    }

    /// How many messages are left, as far as that was counted here; `None` where no window is known to be running.
    pub fn left(&self, now_ms: TimestampMs) -> Option<u32> {
        let running = self.windows().filter(|window| window.until_ms > now_ms);
        running.map(|window| window.left).reduce(u32::saturating_add)
    }

    /// Until when the account may write, which may be over; `None` where nobody knows.
    pub fn open_until_ms(&self) -> Option<TimestampMs> {
        self.windows().map(Window::takes_until_ms).max()
    }

    /// What their room is to say. Of the minute after something was pressed it says nothing, which would be over before it is read.
    pub fn phase(&self, now_ms: TimestampMs) -> Phase {
        match self.said {
            Window { until_ms: 0, .. } => Phase::Unknown,
            Window { left, until_ms, .. } => Phase::of(left, until_ms, now_ms),
        }
    }

    /// What somebody did opens a window or shuts both.
    pub fn did(&mut self, deed: Deed, at_ms: TimestampMs) {
        match deed {
            Deed::Wrote => self.said.renew(Window::new(at_ms, 48 * HOUR_MS, 5)),
            Deed::Pressed => self.pressed.renew(Window::new(at_ms, MINUTE_MS, 3)),
            // What was done since counts, not a repeat of what was before.
            Deed::Left if at_ms >= self.said.since_ms.max(self.pressed.since_ms) => {
                (self.said, self.pressed) = (Window::new(at_ms, 0, 0), Window::default());
            }
            Deed::Left | Deed::Other => {}
        }
    }

    /// One message less.
    pub fn spend(&mut self, now_ms: TimestampMs) {
        // The shorter one first: it is lost sooner.
        let window = if self.pressed.is_open(now_ms) { &mut self.pressed } else { &mut self.said };
        window.left = window.left.saturating_sub(1);
    }

    /// WeChat says that no message is left.
    pub fn use_up(&mut self) {
        (self.said.left, self.pressed.left) = (0, 0);
    }

    /// WeChat says that time is over.
    pub fn shut(&mut self, now_ms: TimestampMs) {
        self.use_up();
        self.said.until_ms = self.said.until_ms.min(now_ms);
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

    /// Those in memory whose rooms say something else than what is so now.
    pub fn shown_wrongly(&self, now_ms: TimestampMs) -> Vec<String> {
        let wrong = |met: &Met| met.shown != met.phase(now_ms);
        self.lock().iter().filter(|(_, met)| wrong(met)).map(|(openid, _)| openid.clone()).collect()
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
        assert_eq!((met.left(1), met.open_until_ms(), met.is_over(1)), (None, None, false));
        met.did(Deed::Wrote, 1);
        for left in (0..5).rev() {
            met.spend(HOUR_MS);
            assert_eq!(met.left(HOUR_MS), Some(left));
        }
        assert_eq!(
            (met.open_until_ms(), met.phase(HOUR_MS)),
            (Some(1), Phase::Shut),
            "five messages are used up"
        );
        met.did(Deed::Wrote, 1);
        assert_eq!(met.left(HOUR_MS), Some(0), "a repeat gives no new ones");
        met.did(Deed::Pressed, HOUR_MS);
        assert_eq!(met.left(HOUR_MS), Some(3));
        assert_eq!(met.left(HOUR_MS + MINUTE_MS), Some(0));
        met.did(Deed::Wrote, HOUR_MS);
        met.spend(HOUR_MS);
        assert_eq!((met.pressed.left, met.said.left), (2, 5), "what ends sooner is used first");
        let end_ms = HOUR_MS + 48 * HOUR_MS;
        assert_eq!((met.left(end_ms), met.phase(end_ms)), (None, Phase::Shut));
        assert!(
            !met.is_over(end_ms) && met.is_over(end_ms + SLACK_MS),
            "WeChat is asked for some minutes more"
        );
    }

    #[test]
    fn whoever_leaves_shuts_both_and_a_late_repeat_does_not() {
        let mut met = Met::default();
        met.did(Deed::Wrote, 1000);
        met.did(Deed::Left, 2000);
        assert_eq!((met.left(2000), met.phase(2000)), (None, Phase::Shut));
        met.did(Deed::Wrote, 1000);
        assert_eq!(met.phase(2000), Phase::Shut, "what was said before comes again");
        met.did(Deed::Pressed, 3000);
        met.did(Deed::Wrote, 3000);
        met.did(Deed::Left, 2000);
        assert_eq!(met.left(3000), Some(8));
    }

    #[test]
    fn what_wechat_counted_is_taken_over() {
        let mut met = Met::default();
        met.did(Deed::Wrote, 1000);
        met.use_up();
        assert_eq!((met.left(2000), met.phase(2000)), (Some(0), Phase::Shut));
        met.did(Deed::Wrote, 3000);
        assert_eq!(met.left(3000), Some(5));
        met.shut(4000);
        assert_eq!((met.left(4000), met.phase(4000)), (None, Phase::Shut));
        met.did(Deed::Wrote, 5000);
        assert_eq!(met.left(5000), Some(5));
    }

    #[test]
    fn whoever_has_no_name_has_a_short_id() {
        assert_eq!(Met::default().shown("oVAZ-5x12ab"), "WeChat user 5x12ab");
        assert_eq!(Met::default().shown("ab"), "WeChat user ab");
        assert_eq!(Met { name: Some("Ada".to_owned()), ..Met::default() }.shown("x"), "Ada");
    }
}
