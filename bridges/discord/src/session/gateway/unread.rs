//! Listens to serenity's log, and keeps it from everybody else's.
//!
//! A frame that serenity cannot read is gone: it says so in its log alone, with the whole text in it. Our logs must not show what
//! people write, and what is lost must be fetched again. So the gateway's thread has a log of its own, which is not written
//! anywhere; a warning from the file that reads frames ends the connection.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::mpsc;
use tracing::{
    Event, Level, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};

/// Where serenity reads frames.
const READER: &str = "serenity::gateway::ws";

/// Why the connection ends then.
pub(super) const UNREADABLE: &str =
    "Discord sent a frame that cannot be read; what was in it is fetched again.";

/// Takes the place of the log in the gateway's thread.
pub(super) struct Unread {
    /// Set as soon as something was lost.
    pub lost: Arc<AtomicBool>,
    /// Told why.
    pub tell: mpsc::Sender<&'static str>,
    /// Spans are counted only because they must differ.
    pub spans: AtomicU64,
}

impl Subscriber for Unread {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::WARN && metadata.target() == READER
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if self.enabled(event.metadata()) {
            self.lost.store(true, Ordering::Relaxed);
            // One word is enough; further ones find the channel full.
            let _ = self.tell.try_send(UNREADABLE);
        }
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
