//! Secrets at rest: sealed with AES-256-GCM under a key derived from the bridge's own by HKDF-SHA256 (RFC 5869).
//!
//! A sealed text is bound to the place where it is kept, so that a row cannot be given another row's secret.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};

use super::StoreError;
use crate::{clock::Clock, config::Secret};

/// Which form a sealed text has; another one gets another word.
const FORM: &str = "1.";

/// How long the mark of a key is.
const MARK_BYTES: usize = 12;

struct MarkLength;

impl KeyType for MarkLength {
    fn len(&self) -> usize {
        MARK_BYTES
    }
}

/// Seals and opens.
pub(super) struct Seal {
    key: LessSafeKey,
    mark: String,
}

impl Seal {
    pub(super) fn new(key: &Secret) -> Self {
        let extracted = Salt::new(HKDF_SHA256, b"magpie").extract(key.expose().as_bytes());
        let derived = extracted.expand(&[b"secrets of logins"], &AES_256_GCM).map(UnboundKey::from);
        let mut mark = [0; MARK_BYTES];
        extracted
            .expand(&[b"mark of the key"], MarkLength)
            .and_then(|mark_of_key| mark_of_key.fill(&mut mark))
            .expect("a mark is not too long for HKDF");
        Self {
            key: LessSafeKey::new(derived.expect("one key is not too long for HKDF")),
            mark: STANDARD_NO_PAD.encode(mark),
        }
    }

    /// Tells keys apart without telling anything of them.
    pub(super) fn mark(&self) -> String {
        self.mark.clone()
    }

    /// The text that is kept at `place`.
    pub(super) fn seal(&self, place: &str, secret: &Secret, clock: &Clock) -> Result<String, StoreError> {
        self.seal_bytes(place, secret.expose().as_bytes(), clock)
    }

    /// The same for bytes.
    pub(super) fn seal_bytes(&self, place: &str, secret: &[u8], clock: &Clock) -> Result<String, StoreError> {
        let nonce: [u8; NONCE_LEN] = clock.random_bytes();
        let mut sealed = secret.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(|_| StoreError::Refused("a secret is too long".to_owned()))?;
        Ok(format!("{FORM}{}", STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat())))
    }

    /// The secret that was sealed for `place`; none when the key is another one, or the text was changed.
    pub(super) fn open(&self, place: &str, sealed: &str) -> Option<Secret> {
        Some(Secret::new(String::from_utf8(self.open_bytes(place, sealed)?).ok()?))
    }

    /// The same for bytes.
    pub(super) fn open_bytes(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD_NO_PAD.decode(sealed.strip_prefix(FORM)?).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        self.key.open_in_place(nonce, Aad::from(place), &mut opened).ok().map(|opened| opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_with_its_key_at_its_place() {
        let clock = Clock::fixed(0, 1);
        let seal = Seal::new(&Secret::new("the bridge's key"));
        let sealed = seal.seal("login/a", &Secret::new("hunter2"), &clock).unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_eq!(seal.open("login/a", &sealed).unwrap().expose(), "hunter2");
        assert!(seal.open("login/b", &sealed).is_none(), "it belongs to another row");
        assert!(Seal::new(&Secret::new("another key")).open("login/a", &sealed).is_none());
        assert!(seal.open("login/a", &sealed.replace('1', "2")).is_none());
        assert!(seal.open("login/a", "1.").is_none() && seal.open("login/a", "hunter2").is_none());
        let again = seal.seal("login/a", &Secret::new("hunter2"), &clock).unwrap();
        assert_ne!(sealed, again, "equal secrets do not look equal");
    }
}
