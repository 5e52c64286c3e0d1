//! How files lie on the server: AES-128-ECB with PKCS#7 padding, and the sums that announce them.

use aes::{
    Aes128, Block,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use md5::{Digest, Md5};

const BLOCK_BYTES: usize = 16;

/// A file, sealed.
pub(crate) fn seal(key: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    let cipher = Aes128::new(key.into());
    let filled = BLOCK_BYTES - plain.len() % BLOCK_BYTES;
    let mut bytes = plain.to_vec();
    bytes.resize(plain.len() + filled, u8::try_from(filled).unwrap_or_default());
    for chunk in bytes.chunks_exact_mut(BLOCK_BYTES) {
        let mut block = Block::try_from(&*chunk).expect("a chunk is as long as a block");
        cipher.encrypt_block(&mut block);
        chunk.copy_from_slice(&block);
    }
    bytes
}

/// A file, opened; `None` when the key is another one, or what was sealed is damaged.
pub(crate) fn open(key: &[u8; 16], sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = Aes128::new(key.into());
    if sealed.is_empty() || !sealed.len().is_multiple_of(BLOCK_BYTES) {
        return None;
    }
    let mut bytes = sealed.to_vec();
    for chunk in bytes.chunks_exact_mut(BLOCK_BYTES) {
        let mut block = Block::try_from(&*chunk).ok()?;
        cipher.decrypt_block(&mut block);
        chunk.copy_from_slice(&block);
    }
    let filled = usize::from(*bytes.last()?);
    let plain = bytes.len().checked_sub(filled)?;
    let is_padding =
        (1..=BLOCK_BYTES).contains(&filled) && bytes[plain..].iter().all(|it| usize::from(*it) == filled);
    bytes.truncate(plain);
    is_padding.then_some(bytes)
}

/// How long a file is once it is sealed.
pub(crate) fn sealed_bytes(plain_bytes: u64) -> u64 {
    (plain_bytes / BLOCK_BYTES as u64 + 1) * BLOCK_BYTES as u64
}

/// The MD5 sum of bytes, in hex.
pub(crate) fn sum(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// Bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key from its 32 hex digits.
pub(crate) fn key(digits: &str) -> Option<[u8; 16]> {
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_can_be_opened() {
        let right = key("000102030405060708090a0b0c0d0e0f").expect("it is a key");
        // FIPS 197, appendix C.1.
        let plain = u128::to_be_bytes(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        let sealed = seal(&right, &plain);
        assert_eq!(hex(&sealed[..16]), "69c4e0d86a7b0430d8cdb78070b4c55a");
        for length in [0, 1, 15, 16, 17, 32, 1000] {
            let plain = vec![7; length];
            let sealed = seal(&right, &plain);
            assert_eq!(sealed.len() as u64, sealed_bytes(length as u64));
            assert_eq!(open(&right, &sealed), Some(plain));
        }
        assert_eq!(open(&right, &sealed[..15]), None);
        assert_eq!(sum(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
