//! Ids of real shape: 32 random bytes in base64, because that is what indexes are slow with.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{RngCore, SeedableRng, rngs::SmallRng};

/// Makes ids. The same seed makes the same ids, so each use has a seed of its own.
pub(super) struct Ids(SmallRng);

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// `$` and 43 characters.
    pub(super) fn event_id(&mut self) -> String {
        let mut id = String::with_capacity(44);
        id.push('$');
        URL_SAFE_NO_PAD.encode_string(self.bytes::<32>(), &mut id);
        id
    }

    /// The 22 characters that remote ids and keys have.
    pub(super) fn key(&mut self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<16>())
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}
