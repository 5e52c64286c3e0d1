//! Places in the database for what is remembered of messages: there are so many, and the newest takes a place from whoever had it.

use sha2::{Digest, Sha256};

/// So many messages are remembered for each purpose.
const SLOTS: u32 = 8_192;

/// The key of the place for what `id` names.
pub(super) fn key(purpose: &str, id: &str) -> String {
    let digest = Sha256::digest(id);
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % SLOTS;
    format!("{purpose}/{number}")
}
