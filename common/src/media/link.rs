//! The token inside a public link: when it ends and which file it opens, under a signature.
//!
//! `base64url(end of life, 8 bytes | HMAC-SHA256, 32 bytes | "server/id")`. The end of life is a step in time, so that
//! the same picture keeps the same address for days and remote networks can cache it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use ruma::{MxcUri, OwnedMxcUri};
use sha2::Sha256;

use crate::clock::TimestampMs;

/// A link lives for at least one step and at most two.
const STEP_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// A Matrix media address is far shorter; anything longer is not ours.
const TOKEN_BYTES_MAX: usize = 1024;
const SIGNATURE_AT: usize = 8;
const ADDRESS_AT: usize = SIGNATURE_AT + 32;

/// Signs and checks.
#[derive(Clone)]
pub(super) struct Signer(Hmac<Sha256>);

/// Why a token opens nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadToken {
    /// We did not make it.
    Forged,
    /// Its time is over.
    Expired,
}

impl Signer {
    /// Signs links to pictures. A key of its own is derived, so that `secret` may serve other ends too.
    pub(super) fn new(secret: &[u8]) -> Self {
        Self::derived(secret, b"magpie public media")
    }

    /// Signs links to files of any type: a link to a picture must not open one.
    pub(super) fn of_files(secret: &[u8]) -> Self {
        Self::derived(secret, b"magpie public files")
    }

    fn derived(secret: &[u8], end: &[u8]) -> Self {
        let mut derive = hmac(secret);
        derive.update(end);
        Self(hmac(&derive.finalize().into_bytes()))
    }

    /// `None` for what is no media address.
    pub(super) fn token(&self, mxc: &MxcUri, now_ms: TimestampMs) -> Option<String> {
        let (server, id) = mxc.parts().ok()?;
        let ends = ((now_ms.div_euclid(STEP_MS) + 2) * STEP_MS).to_be_bytes();
        let address = format!("{server}/{id}");
        let mut token = Vec::with_capacity(ADDRESS_AT + address.len());
        token.extend_from_slice(&ends);
        token.extend_from_slice(&self.mac(&ends, address.as_bytes()).finalize().into_bytes());
        token.extend_from_slice(address.as_bytes());
        (token.len() <= TOKEN_BYTES_MAX).then(|| URL_SAFE_NO_PAD.encode(token))
    }

    /// The signature is checked in constant time, and before anything is believed.
    pub(super) fn open(&self, token: &str, now_ms: TimestampMs) -> Result<OwnedMxcUri, BadToken> {
        if token.len() > TOKEN_BYTES_MAX * 4 / 3 + 4 {
            return Err(BadToken::Forged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken::Forged)?;
        let (ends, rest) = bytes.split_first_chunk::<SIGNATURE_AT>().ok_or(BadToken::Forged)?;
        let (signature, address) =
            rest.split_at_checked(ADDRESS_AT - SIGNATURE_AT).ok_or(BadToken::Forged)?;
        self.mac(ends, address).verify_slice(signature).map_err(|_| BadToken::Forged)?;
        if i64::from_be_bytes(*ends) <= now_ms {
            return Err(BadToken::Expired);
        }
        let address = std::str::from_utf8(address).map_err(|_| BadToken::Forged)?;
        Ok(OwnedMxcUri::from(format!("mxc://{address}")))
    }

    fn mac(&self, ends: &[u8], address: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(ends);
        mac.update(address);
        mac
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use ruma::mxc_uri;

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    #[test]
    fn a_link_opens_its_file_for_a_step_and_no_longer_than_two() {
        let signer = Signer::new(b"key");
        let mxc = mxc_uri!("mxc://example.org/abc");
        let token = signer.token(mxc, NOW).unwrap();
        assert_eq!(signer.open(&token, NOW), Ok(mxc.to_owned()));
        assert_eq!(signer.open(&token, NOW + STEP_MS), Ok(mxc.to_owned()));
        assert_eq!(signer.open(&token, NOW + 2 * STEP_MS), Err(BadToken::Expired));
        assert_eq!(signer.token(mxc, NOW + 1).unwrap(), token, "the address is stable within a step");
    }

    #[test]
    fn what_we_did_not_sign_opens_nothing() {
        let signer = Signer::new(b"key");
        let token = signer.token(mxc_uri!("mxc://example.org/abc"), NOW).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(signer.open(&changed, NOW), Err(BadToken::Forged), "byte {at}");
        }
        for forged in ["", "AAAA", "not base64!", &token[..token.len() - 2], &"A".repeat(4096)] {
            assert_eq!(signer.open(forged, NOW), Err(BadToken::Forged), "{forged}");
        }
        assert_eq!(Signer::new(b"other").open(&token, NOW), Err(BadToken::Forged));
        assert_eq!(Signer::of_files(b"key").open(&token, NOW), Err(BadToken::Forged));
    }

    #[test]
    fn what_is_no_media_address_gets_no_link() {
        let signer = Signer::new(b"key");
        for odd in ["", "https://example.org/a", "mxc://example.org", "mxc://example.org/../a"] {
            let mxc = OwnedMxcUri::from(odd);
            assert_eq!(signer.token(&mxc, NOW), None, "{odd}");
        }
    }
}
