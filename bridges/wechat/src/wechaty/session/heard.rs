//! When the gateway was last listened to. It keeps nothing for whoever is away, so after every absence something may be missing, and rooms say
//! so.

use magpie_common::{
    clock::{Clock, TimestampMs},
    ids::RemoteMessageId,
    message::RemoteEvent,
    platform::{Cursor, EventSink, NotStored},
};

use crate::wechaty::account::Own;

const KEY: &str = "heard";

/// It is noted so often.
const NOTE_EVERY_MS: i64 = 60 * 1000;

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

    /// Tells every chat with a room that something may be missing since an earlier session, if there was one; returns when that is stored.
    pub async fn tell_gap(&mut self, own: &Own) -> Result<(), NotStored> {
        let since = self.sink.remembered(KEY).await?;
        if let Some(since_ms) = since.and_then(|noted| noted.parse::<TimestampMs>().ok()) {
            let mut chats = self.sink.chats().await?;
            chats.retain(|seen| !seen.gone && own.native(seen.chat.as_str()).is_some());
            let mut tickets = Vec::new();
            for seen in chats {
                // Nobody knows after which message; when it was tells one gap from another.
                let after = RemoteMessageId::new(format!("away-{since_ms}"));
                let gap = RemoteEvent::Gap { chat: seen.chat, after, fetched_max: None };
                tickets.push(self.sink.push(gap).await);
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
