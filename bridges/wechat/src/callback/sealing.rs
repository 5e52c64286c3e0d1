//! Seals as the platforms do it, for tests of whatever opens it.

use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{IV_BYTES, PADDED_BYTES, RANDOM_BYTES, key_bytes};

/// Seals a message for a receiver.
pub(crate) fn seal(key: &str, message: &[u8], receiver: &str) -> String {
    let mut plain = vec![7; RANDOM_BYTES];
    plain.extend(u32::try_from(message.len()).expect("it is short").to_be_bytes());
    plain.extend(message);
    plain.extend(receiver.as_bytes());
    let filled = PADDED_BYTES - plain.len() % PADDED_BYTES;
    plain.extend(std::iter::repeat_n(u8::try_from(filled).expect("it is small"), filled));
    seal_raw(key, plain)
}

/// Seals what is laid out and filled up already, rightly or not.
pub(crate) fn seal_raw(key: &str, mut plain: Vec<u8>) -> String {
    let key = key_bytes(key).expect("the key is one");
    let iv = *key.first_chunk::<IV_BYTES>().expect("it is long enough");
    let length = plain.len();
    cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into())
        .encrypt_padded::<NoPadding>(&mut plain, length)
        .expect("it fills whole blocks");
    STANDARD.encode(plain)
}
