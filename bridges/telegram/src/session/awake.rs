//! When updates were last taken in: Telegram keeps them for a day, so after a longer absence something is missing, and rooms say so.

use magpie_common::{
    clock::{Clock, TimestampMs},
    ids::RemoteMessageId,
    message::RemoteEvent,
    platform::{Cursor, EventSink, NotStored},
};

use super::world::World;

const KEY: &str = "awake";

/// For so long Telegram keeps updates: <https://core.telegram.org/bots/api#getting-updates>.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// It is noted so often.
const NOTE_EVERY_MS: i64 = 10 * 60 * 1000;

/// Knows since when updates may be missing.
pub(super) struct Awake {
    clock: Clock,
    noted_ms: Option<TimestampMs>,
}

impl Awake {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, noted_ms: None }
    }

    /// Recalls what an earlier session has noted.
    pub(super) async fn recall(&mut self, sink: &EventSink) -> Result<(), NotStored> {
        self.noted_ms = sink.remembered(KEY).await?.and_then(|noted| noted.parse().ok());
        Ok(())
    }

    /// Since when updates are missing, if any are.
    pub(super) fn missing_since(&self) -> Option<TimestampMs> {
        self.noted_ms.filter(|noted_ms| self.clock.now_ms().saturating_sub(*noted_ms) > KEPT_MS)
    }

    /// Notes that updates are taken in, now and then.
    pub(super) async fn note(&mut self, sink: &EventSink) -> Result<(), NotStored> {
        let now_ms = self.clock.now_ms();
        let is_fresh = |noted_ms: TimestampMs| (0..NOTE_EVERY_MS).contains(&now_ms.saturating_sub(noted_ms));
        if self.noted_ms.is_some_and(is_fresh) {
            return Ok(());
        }
        sink.remember(Cursor { key: KEY.to_owned(), value: now_ms.to_string() }).await?;
        self.noted_ms = Some(now_ms);
        Ok(())
    }
}

/// Tells every chat in use that something may be missing there since then; returns when that is stored.
pub(super) async fn tell_gap(
    sink: &EventSink,
    world: &World,
    since_ms: TimestampMs,
) -> Result<(), NotStored> {
    let mut chats = sink.chats().await?;
    chats.retain(|seen| !seen.gone && world.read().own_spot(&seen.chat).is_some());
    let mut tickets = Vec::new();
    for seen in chats {
        // A bot cannot read back, so no message is named; when it was tells one gap from another.
        let after = RemoteMessageId::new(format!("away-{since_ms}"));
        tickets.push(sink.push(RemoteEvent::Gap { chat: seen.chat, after, fetched_max: None }).await);
    }
    for ticket in tickets {
        ticket.stored().await?;
    }
    Ok(())
}
