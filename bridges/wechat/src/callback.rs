//! The envelope of what WeChat's platforms tell by HTTP: WeCom and Official Accounts sign and seal it the same way.
//!
//! A signature is a SHA-1 over sorted words, one of which is a shared secret; a body is sealed with AES-256-CBC under a key that both sides
//! know, with the receiver's id inside. Reference: <https://developer.work.weixin.qq.com/document/path/90968>. Next: `hooks`, which looks at
//! callbacks; `xml`, what is inside.

use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::NoPadding};
use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
    },
};
use magpie_common::config::Secret;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

pub(crate) mod hooks;
#[cfg(test)]
pub(crate) mod sealing;
pub(crate) mod xml;

/// An EncodingAESKey has so many letters: 32 bytes without the sign that fills them up.
pub(crate) const KEY_CHARS: usize = 43;

const KEY_BYTES: usize = 32;

/// The key's first bytes are the initialisation vector.
const IV_BYTES: usize = 16;

/// Before the message: random bytes, and the message's length.
const RANDOM_BYTES: usize = 16;
const LENGTH_BYTES: usize = 4;

/// Padding fills blocks of so many bytes, which is twice the cipher's own.
const PADDED_BYTES: usize = 32;

/// The last letter of a key has two bits that mean nothing, and some keys have them set.
const KEY_ENGINE: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What opens the callbacks of one account.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    token: Secret,
    key: Key,
    receiver: String,
}

#[derive(Clone)]
struct Key([u8; KEY_BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// Why a callback was not opened. One kind only: whoever forges learns nothing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was not sealed for this account")]
pub(crate) struct NotOurs;

impl Envelope {
    /// Takes the token, the EncodingAESKey and the id of the account; `None` where the key is none.
    pub fn new(token: Secret, key: &Secret, receiver: impl Into<String>) -> Option<Self> {
        let key = key_bytes(key.expose())?;
        Some(Self { token, key: Key(key), receiver: receiver.into() })
    }

    /// Whether that is the signature of these words and the token.
    pub fn is_signed(&self, signature: &str, words: &[&str]) -> bool {
        let ours = self.signature(words);
        ours.as_bytes().ct_eq(signature.to_ascii_lowercase().as_bytes()).into()
    }

    /// The signature of these words and the token.
    pub fn signature(&self, words: &[&str]) -> String {
        let mut sorted: Vec<&str> = words.to_vec();
        sorted.push(self.token.expose());
        sorted.sort_unstable();
        let digest = sorted.iter().fold(Sha1::new(), |sum, word| sum.chain_update(word)).finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Opens what was sealed for us.
    pub fn open(&self, sealed: &str) -> Result<Vec<u8>, NotOurs> {
        let mut bytes = STANDARD.decode(sealed.trim()).map_err(|_| NotOurs)?;
        let Key(key) = &self.key;
        let iv = key.first_chunk::<IV_BYTES>().ok_or(NotOurs)?;
        let opened = cbc::Decryptor::<aes::Aes256>::new(key.into(), iv.into())
            .decrypt_padded::<NoPadding>(&mut bytes)
            .map_err(|_| NotOurs)?;
        let (length, rest) = unpadded(opened)?
            .get(RANDOM_BYTES..)
            .and_then(|rest| rest.split_first_chunk::<LENGTH_BYTES>())
            .ok_or(NotOurs)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| NotOurs)?;
        let (message, receiver) = rest.split_at_checked(length).ok_or(NotOurs)?;
        let is_ours: bool = receiver.ct_eq(self.receiver.as_bytes()).into();
        is_ours.then(|| message.to_vec()).ok_or(NotOurs)
    }
}

/// The bytes of an EncodingAESKey.
pub(crate) fn key_bytes(key: &str) -> Option<[u8; KEY_BYTES]> {
    (key.len() == KEY_CHARS).then(|| KEY_ENGINE.decode(key).ok())??.try_into().ok()
}

/// Takes the padding off: as many bytes as it says, each of which says it.
fn unpadded(bytes: &[u8]) -> Result<&[u8], NotOurs> {
    let filled = usize::from(*bytes.last().ok_or(NotOurs)?);
    if !(1..=PADDED_BYTES).contains(&filled) || filled > bytes.len() {
        return Err(NotOurs);
    }
    let (message, padding) = bytes.split_at(bytes.len() - filled);
    padding.iter().all(|byte| usize::from(*byte) == filled).then_some(message).ok_or(NotOurs)
}

#[cfg(test)]
mod tests;
