//! How files lie on WeChat's file server: AES-128 in ECB mode, filled up by PKCS#7, piece by piece as they stream.
//!
//! Pure. The cipher's mode is WeChat's choice; equal blocks look equal, and nothing tells whether a file was changed on its way.

use aes::{
    Aes128,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};

/// The length of a block, and of a key.
pub(super) const BLOCK_BYTES: usize = 16;

/// A key.
pub(super) type Key = [u8; BLOCK_BYTES];

/// How long a file is once it is sealed.
pub(super) fn sealed_bytes(plain_bytes: u64) -> u64 {
    let block = BLOCK_BYTES as u64;
    (plain_bytes / block).saturating_add(1).saturating_mul(block)
}

/// Bytes as lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key from its 32 hex digits.
pub(super) fn key_of_hex(digits: &str) -> Option<Key> {
    let is_hex = digits.len() == 2 * BLOCK_BYTES && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes))?
}

/// Seals a file.
pub(super) struct Sealer {
    cipher: Aes128,
    rest: Vec<u8>,
}

impl Sealer {
    /// With this key.
    pub fn new(key: &Key) -> Self {
        Self { cipher: Aes128::new(key.into()), rest: Vec::new() }
    }

    /// The next piece, sealed as far as there are whole blocks.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.rest.extend_from_slice(piece);
        let whole = self.rest.len() - self.rest.len() % BLOCK_BYTES;
        let rest = self.rest.split_off(whole);
        let mut sealed = std::mem::replace(&mut self.rest, rest);
        let (blocks, _) = sealed.as_chunks_mut::<BLOCK_BYTES>();
        blocks.iter_mut().for_each(|block| self.cipher.encrypt_block(block.into()));
        sealed
    }

    /// The last block.
    pub fn finish(self) -> [u8; BLOCK_BYTES] {
        let filled = BLOCK_BYTES - self.rest.len();
        let mut block = [u8::try_from(filled).unwrap_or_default(); BLOCK_BYTES];
        block[..self.rest.len()].copy_from_slice(&self.rest);
        self.cipher.encrypt_block((&mut block).into());
        block
    }
}

/// What was to be opened was not sealed with this key, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be decrypted with the key that came with it")]
pub(super) struct Damaged;

/// Opens a file.
pub(super) struct Opener {
    cipher: Aes128,
    rest: Vec<u8>,
}

impl Opener {
    /// With this key.
    pub fn new(key: &Key) -> Self {
        Self { cipher: Aes128::new(key.into()), rest: Vec::new() }
    }

    /// The next piece, opened as far as it is surely not the end.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.rest.extend_from_slice(piece);
        let blocks = self.rest.len().div_ceil(BLOCK_BYTES).saturating_sub(1);
        let rest = self.rest.split_off(blocks * BLOCK_BYTES);
        let mut opened = std::mem::replace(&mut self.rest, rest);
        let (blocks, _) = opened.as_chunks_mut::<BLOCK_BYTES>();
        blocks.iter_mut().for_each(|block| self.cipher.decrypt_block(block.into()));
        opened
    }

    /// The end, without what fills it up.
    pub fn finish(self) -> Result<Vec<u8>, Damaged> {
        let mut block: [u8; BLOCK_BYTES] = self.rest.try_into().map_err(|_| Damaged)?;
        self.cipher.decrypt_block((&mut block).into());
        let filled = usize::from(block[BLOCK_BYTES - 1]);
        let plain = BLOCK_BYTES.checked_sub(filled).filter(|_| filled > 0).ok_or(Damaged)?;
        let (plain, padding) = block.split_at(plain);
        padding.iter().all(|byte| usize::from(*byte) == filled).then(|| plain.to_vec()).ok_or(Damaged)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seal(key: &Key, pieces: &[&[u8]]) -> Vec<u8> {
        let mut sealer = Sealer::new(key);
        let mut sealed: Vec<u8> = pieces.iter().flat_map(|piece| sealer.push(piece)).collect();
        sealed.extend(sealer.finish());
        sealed
    }

    fn open(key: &Key, sealed: &[u8], piece_bytes: usize) -> Result<Vec<u8>, Damaged> {
        let mut opener = Opener::new(key);
        let mut plain: Vec<u8> = sealed.chunks(piece_bytes).flat_map(|piece| opener.push(piece)).collect();
        plain.extend(opener.finish()?);
        Ok(plain)
    }

    #[test]
    fn the_cipher_is_aes() {
        // FIPS 197, appendix C.1.
        let key = key_of_hex("000102030405060708090a0b0c0d0e0f").expect("it is a key");
        let plain = u128::to_be_bytes(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        let sealed = seal(&key, &[&plain]);
        assert_eq!(hex(&sealed[..16]), "69c4e0d86a7b0430d8cdb78070b4c55a");
        assert_eq!(sealed.len(), 32, "a whole block is filled up by another one");
    }

    #[test]
    fn what_is_damaged_is_not_opened() {
        let key = [7; 16];
        let sealed = seal(&key, &[b"birds"]);
        assert_eq!(open(&key, &sealed, 16), Ok(b"birds".to_vec()));
        let longer = [sealed.as_slice(), &[0]].concat();
        let cases: [&[u8]; 3] = [&sealed[..15], &[], &longer];
        for bad in cases {
            assert_eq!(open(&key, bad, 16), Err(Damaged));
        }
        assert_eq!(open(&[8; 16], &sealed, 16), Err(Damaged));
    }

    #[test]
    fn keys_are_read_from_hex() {
        assert_eq!(
            key_of_hex("FF000000000000000000000000000001"),
            Some([255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        );
        for bad in ["", "ff", "+f000000000000000000000000000001", "zz000000000000000000000000000001"] {
            assert_eq!(key_of_hex(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_however_it_is_cut(
            key in any::<[u8; 16]>(), plain in prop::collection::vec(any::<u8>(), 0..200),
            cut in 1_usize..40, piece_bytes in 1_usize..40,
        ) {
            let pieces: Vec<&[u8]> = plain.chunks(cut).collect();
            let sealed = seal(&key, &pieces);
            prop_assert_eq!(sealed.len() as u64, sealed_bytes(plain.len() as u64));
            prop_assert_eq!(open(&key, &sealed, piece_bytes), Ok(plain));
        }

        #[test]
        fn a_key_is_its_hex(key in any::<[u8; 16]>()) {
            prop_assert_eq!(key_of_hex(&hex(&key)), Some(key));
        }

        #[test]
        fn nothing_makes_the_opener_panic(sealed in prop::collection::vec(any::<u8>(), 0..100), piece_bytes in 1_usize..40) {
            let _ = open(&[0; 16], &sealed, piece_bytes);
        }
    }
}
