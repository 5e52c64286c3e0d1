//! The tokens of both sides, and how new ones take the place of old ones without a gap.
//!
//! During a rotation the homeserver may know either pair, since it reads the file at its start only. For a window the bridge
//! accepts both of its tokens, and shows the one that is taken.

use crate::{
    clock::{Clock, TimestampMs},
    config::Secret,
};

/// How long the old tokens count after a rotation: time to restart the homeserver.
pub const ROTATION_MS: TimestampMs = 24 * 60 * 60 * 1000;

/// The tokens of both sides.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// What the bridge shows to the homeserver.
    pub as_token: Secret,
    /// What the homeserver shows to the bridge.
    pub hs_token: Secret,
    /// What counts besides while new tokens are being introduced.
    pub previous: Option<Previous>,
    /// What the bridge's own secrets are derived from when it is not the `as_token`, because that was rotated.
    pub secrets_key: Option<Secret>,
}

/// Tokens that are on their way out.
#[derive(Clone, Debug)]
pub struct Previous {
    /// What the bridge shows while the homeserver does not know the new one.
    pub as_token: Secret,
    /// What the homeserver may still show.
    pub hs_token: Secret,
    /// Until when.
    pub until_ms: TimestampMs,
}

impl Tokens {
    /// New tokens of 32 random bytes each.
    pub fn generate(clock: &Clock) -> Self {
        let token = || Secret::new(super::hex(&clock.random_bytes::<32>()));
        Self { as_token: token(), hs_token: token(), previous: None, secrets_key: None }
    }

    /// New tokens beside these, which count for [`ROTATION_MS`] more. The bridge's own secrets stay readable.
    pub fn rotated(self, clock: &Clock) -> Self {
        let secrets_key = Some(self.key().clone());
        let until_ms = clock.now_ms() + ROTATION_MS;
        let previous = Some(Previous { as_token: self.as_token, hs_token: self.hs_token, until_ms });
        Self { previous, secrets_key, ..Self::generate(clock) }
    }

    /// What the bridge's own secrets are derived from.
    pub fn key(&self) -> &Secret {
        self.secrets_key.as_ref().unwrap_or(&self.as_token)
    }

    /// The tokens on their way out, while they count.
    pub fn previous(&self, now_ms: TimestampMs) -> Option<&Previous> {
        self.previous.as_ref().filter(|previous| now_ms < previous.until_ms)
    }

    /// Whether `given` is a token of the homeserver. Takes the same time for every wrong token of the same length.
    pub fn accepts(&self, given: &[u8], now_ms: TimestampMs) -> bool {
        let current = self.hs_token.matches(given);
        let previous = self.previous(now_ms).is_some_and(|previous| previous.hs_token.matches(given));
        current | previous
    }
}
