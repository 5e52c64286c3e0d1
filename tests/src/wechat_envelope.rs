//! The envelope of callbacks, from the platforms' side: what signs and seals, and what opens for whoever answers sealed.
//!
//! Written apart from the bridge's, and judged by three libraries of other people (`tests/judges/wechat_crypto_*`). Used by every simulator
//! that calls back: of Official Accounts, of WeCom.

pub mod judge;

use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// Padding fills blocks of so many bytes.
const BLOCK_BYTES: usize = 32;
const RANDOM_BYTES: usize = 16;

/// The secrets of one account's callbacks.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// What signs.
    pub token: String,
    /// What seals: 43 letters.
    pub aes_key: String,
    /// For whom: an AppID, or a corp's id.
    pub receiver: String,
}

impl Envelope {
    /// An envelope of these secrets.
    pub fn new(token: &str, aes_key: &str, receiver: &str) -> Self {
        Self { token: token.to_owned(), aes_key: aes_key.to_owned(), receiver: receiver.to_owned() }
    }

    /// The signature over these words and the token.
    pub fn sign(&self, words: &[&str]) -> String {
        let mut all = [words, &[self.token.as_str()]].concat();
        all.sort_unstable();
        Sha1::digest(all.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals a message, after bytes that should be random.
    pub fn seal(&self, message: &str, random: [u8; RANDOM_BYTES]) -> String {
        let length = u32::try_from(message.len()).expect("a message is short").to_be_bytes();
        let mut plain = [&random[..], &length, message.as_bytes(), self.receiver.as_bytes()].concat();
        let filled = BLOCK_BYTES - plain.len() % BLOCK_BYTES;
        plain.resize(plain.len() + filled, u8::try_from(filled).expect("a block is short"));
        let (key, iv) = self.key();
        let length = plain.len();
        cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into())
            .encrypt_padded::<NoPadding>(&mut plain, length)
            .expect("it fills whole blocks");
        STANDARD.encode(plain)
    }

    /// Opens what somebody sealed for this account; `None` for what nobody sealed for it.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let mut bytes = STANDARD.decode(sealed).ok()?;
        let (key, iv) = self.key();
        let plain = cbc::Decryptor::<aes::Aes256>::new(&key.into(), &iv.into())
            .decrypt_padded::<NoPadding>(&mut bytes)
            .ok()?;
        let filled = usize::from(*plain.last()?);
        let rest = plain.get(RANDOM_BYTES..plain.len().checked_sub(filled)?)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (message, receiver) =
            rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let is_theirs = receiver == self.receiver.as_bytes();
        is_theirs.then(|| String::from_utf8(message.to_vec()).ok()).flatten()
    }

    fn key(&self) -> ([u8; 32], [u8; 16]) {
        let bytes = STANDARD.decode(format!("{}=", self.aes_key)).expect("the key is base64 of 32 bytes");
        let key: [u8; 32] = bytes.try_into().expect("the key is base64 of 32 bytes");
        let iv = *key.first_chunk().expect("it is long enough");
        (key, iv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody's.
    const KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aQ";

    #[test]
    fn what_is_sealed_is_opened_by_its_receiver_alone() {
        let envelope = Envelope::new("QDG6eK", KEY, "wx5823bf96d3bd56c7");
        for message in ["", "a", "<xml><Content>鸟 🐦</Content></xml>", &"x".repeat(1000)] {
            let sealed = envelope.seal(message, [7; 16]);
            assert_eq!(envelope.open(&sealed).as_deref(), Some(message));
            assert_eq!(Envelope { receiver: "wx0".to_owned(), ..envelope.clone() }.open(&sealed), None);
        }
        assert_eq!(envelope.open("AAAA"), None);
    }

    #[test]
    fn signatures_are_over_sorted_words() {
        let envelope = Envelope::new("b", KEY, "wx5823bf96d3bd56c7");
        assert_eq!(envelope.sign(&["c", "a"]), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
