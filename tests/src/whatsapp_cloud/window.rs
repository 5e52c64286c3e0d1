//! The customer service window: for 24 hours after a person wrote last, the business may write freely.
//!
//! Outside of it only templates go. Every message of a person opens it again, reactions and pressed buttons included.

use super::{WhatsAppCloudSim, ids::Chat, model::Records};

/// How long the window stays open.
pub const WINDOW_MS: i64 = 24 * 60 * 60 * 1000;

/// When the window closes or closed; none where the person never wrote.
pub(crate) fn closes_ms(records: &Records, chat: Chat) -> Option<i64> {
    records.heard_ms.get(&chat).map(|heard_ms| heard_ms + WINDOW_MS)
}

impl WhatsAppCloudSim {
    /// How long the business may still write freely; zero when the window is closed.
    pub fn window_left_ms(&self, chat: Chat) -> i64 {
        let state = self.inner.lock();
        closes_ms(&state.records, chat).map_or(0, |closes_ms| (closes_ms - state.now_ms()).max(0))
    }
}
