//! When the gateway was last listened to, and which rooms know that something may be missing since. It keeps nothing for whoever is away, so
//! after every absence something may be missing, and rooms say so.
//!
//! INVARIANT: behind the last thing that a room shows, a gap is marked. So a room where nothing happened since its last mark needs no other: that
//! mark stands at its end, and holds for every absence since.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use magpie_common::{
    clock::{Clock, TimestampMs},
    ids::{RemoteChatId, RemoteMessageId},
    message::RemoteEvent,
    platform::{Cursor, EventSink, NotStored},
};

use crate::wechaty::account::Own;

const KEY: &str = "heard";

/// It is noted so often.
const NOTE_EVERY_MS: i64 = 60 * 1000;

/// What is noted of a chat whose room ends in a mark, and of one where something happened behind it.
const MARKED: &str = "marked";
const GONE_ON: &str = "gone on";

/// Knows since when something may be missing.
pub(super) struct Heard {
    clock: Clock,
    sink: EventSink,
    noted_ms: TimestampMs,
}

impl Heard {
    pub fn new(clock: Clock, sink: EventSink) -> Self {
        Self { clock, sink, noted_ms: 0 }
    }

    /// Tells every chat with a room that something may be missing since an earlier session, if there was one, but for those whose rooms end in
    /// such a mark; returns when that is stored.
    pub async fn tell_gap(&mut self, own: &Own) -> Result<(), NotStored> {
        let since = self.sink.remembered(KEY).await?;
        if let Some(since_ms) = since.and_then(|noted| noted.parse::<TimestampMs>().ok()) {
            let mut chats = self.sink.chats().await?;
            chats.retain(|seen| !seen.gone && own.native(seen.chat.as_str()).is_some());
            let mut tickets = Vec::new();
            for seen in chats {
                let key = key(&seen.chat);
                if self.sink.remembered(&key).await?.as_deref() == Some(MARKED) {
                    continue;
                }
                // Nobody knows after which message; when it was tells one gap from another.
                let after = RemoteMessageId::new(format!("away-{since_ms}"));
                let gap = RemoteEvent::Gap { chat: seen.chat, after, fetched_max: None };
                let marked = Cursor { key, value: MARKED.to_owned() };
                tickets.push(self.sink.push_with_cursor(gap, marked).await);
            }
            for ticket in tickets {
                ticket.stored().await?;
            }
        }
        self.note().await
    }

    /// Something was heard; noted now and then.
    pub async fn alive(&mut self) -> Result<(), NotStored> {
        let is_fresh = (0..NOTE_EVERY_MS).contains(&self.clock.now_ms().saturating_sub(self.noted_ms));
        if is_fresh { Ok(()) } else { self.note().await }
    }

    async fn note(&mut self) -> Result<(), NotStored> {
        let now_ms = self.clock.now_ms();
        self.sink.remember(Cursor { key: KEY.to_owned(), value: now_ms.to_string() }).await?;
        self.noted_ms = now_ms;
        Ok(())
    }
}

/// The chats of which it is noted in this session that something happened in them.
#[derive(Default)]
pub(super) struct GoneOn(Mutex<HashSet<RemoteChatId>>);

impl GoneOn {
    /// What is to be stored with the next thing that happens in a chat; nothing where it is.
    pub fn next(&self, chat: &RemoteChatId) -> Option<Cursor> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!noted.contains(chat)).then(|| Cursor { key: key(chat), value: GONE_ON.to_owned() })
    }

    /// It is stored.
    pub fn noted(&self, chat: RemoteChatId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(chat);
    }
}

fn key(chat: &RemoteChatId) -> String {
    format!("gap/{chat}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use magpie_common::{ids::LoginId, testkit::platform_suite::Recorder};

    use super::*;

    fn marks(recorder: &Recorder) -> usize {
        let is_mark = |event: &RemoteEvent| matches!(event, RemoteEvent::Gap { .. });
        recorder.events().iter().filter(|recorded| is_mark(&recorded.event)).count()
    }

    #[tokio::test]
    async fn behind_the_last_thing_that_a_room_shows_a_gap_is_marked() {
        let recorder = Recorder::default();
        let sink = EventSink::new(LoginId::new("wechaty-wxid_me"), Arc::new(recorder.clone()));
        let own = Own("wxid_me".to_owned());
        let li = own.chat("wxid_li").expect("it is a chat");
        let message = || RemoteEvent::Redact { chat: li.clone(), ids: Vec::new(), by: None };
        let begin = async || {
            let mut heard = Heard::new(Clock::fixed(1_000, 1), sink.clone());
            heard.tell_gap(&own).await.expect("it is stored");
        };
        // The first session: nothing can be missing, and something happens.
        begin().await;
        let gone_on = GoneOn::default();
        let cursor = gone_on.next(&li).expect("nothing is noted");
        sink.push_with_cursor(message(), cursor).await.stored().await.expect("it is stored");
        gone_on.noted(li.clone());
        assert_eq!(gone_on.next(&li), None, "once in a session");
        assert_eq!(marks(&recorder), 0);
        // However often the bridge begins anew, one mark is enough.
        for _ in 0..3 {
            begin().await;
            assert_eq!(marks(&recorder), 1);
        }
        // Something happens behind it.
        let cursor = GoneOn::default().next(&li).expect("it is another session");
        sink.push_with_cursor(message(), cursor).await.stored().await.expect("it is stored");
        begin().await;
        assert_eq!(marks(&recorder), 2);
    }
}
