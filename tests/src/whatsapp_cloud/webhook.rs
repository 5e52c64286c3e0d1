//! Webhooks: what the business is told, how it is written, and how it gets there.
//!
//! An event becomes a payload ([`payload`]), waits in the queue ([`queue`]) and is posted with a signature until the answer is 200
//! ([`delivery`]). Before an address is used it must pass the handshake ([`handshake`]). What tests can make go wrong is in [`trouble`].

pub(crate) mod delivery;
pub(crate) mod handshake;
pub(crate) mod payload;
pub(crate) mod queue;
pub mod trouble;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The header that bears the signature.
pub const SIGNATURE_HEADER: &str = "X-Hub-Signature-256";

/// The signature over exactly these bytes.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key may have any length");
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_standard() {
        // RFC 4231, test case 2.
        let known = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign("Jefe", b"what do ya want for nothing?"), known);
    }
}
