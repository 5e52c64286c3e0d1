//! The public key inside of a certificate, whatever the certificate's version.
//!
//! The certificate that comes with Wechaty is of version 1, which no library for the web reads any more. Who pins it does not ask it anything
//! but its key, so its parts are only stepped over (RFC 5280, section 4.1).

use rustls::pki_types::SubjectPublicKeyInfoDer;

const SEQUENCE: u8 = 0x30;
/// Where a certificate tells its version; those of version 1 do not.
const VERSION: u8 = 0xa0;

/// Between the version and the key: serial number, signature, issuer, validity, subject.
const PARTS_BEFORE_KEY: usize = 5;

/// The key of a certificate; `None` for what is none.
pub(super) fn of(certificate: &[u8]) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let (outer, _) = part(certificate).filter(|(part, _)| part.tag == SEQUENCE)?;
    let (signed, _) = part(outer.inside).filter(|(part, _)| part.tag == SEQUENCE)?;
    let mut rest = signed.inside;
    if let Some((_, after)) = part(rest).filter(|(part, _)| part.tag == VERSION) {
        rest = after;
    }
    for _ in 0..PARTS_BEFORE_KEY {
        rest = part(rest)?.1;
    }
    let (key, _) = part(rest).filter(|(part, _)| part.tag == SEQUENCE)?;
    Some(SubjectPublicKeyInfoDer::from(key.whole.to_vec()))
}

/// A part of a structure in DER.
struct Part<'a> {
    tag: u8,
    whole: &'a [u8],
    inside: &'a [u8],
}

/// The first part, and what follows it.
fn part(bytes: &[u8]) -> Option<(Part<'_>, &[u8])> {
    /// Lengths above 127 are told in so many bytes at most.
    const LENGTH_BYTES_MAX: usize = 4;
    let (&tag, &first) = (bytes.first()?, bytes.get(1)?);
    let (head, length) = if first < 0x80 {
        (2, usize::from(first))
    } else {
        let count = usize::from(first & 0x7f);
        let told = bytes.get(2..2 + count).filter(|told| (1..=LENGTH_BYTES_MAX).contains(&told.len()))?;
        (2 + count, told.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte)))
    };
    let end = head.checked_add(length)?;
    let whole = bytes.get(..end)?;
    Some((Part { tag, whole, inside: &whole[head..] }, &bytes[end..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    /// A part with those inside of it.
    fn made(tag: u8, inside: &[&[u8]]) -> Vec<u8> {
        let inside = inside.concat();
        let mut whole = vec![tag, 0x82, u8::try_from(inside.len() >> 8).unwrap(), inside.len() as u8];
        whole.extend(inside);
        whole
    }

    #[test]
    fn the_key_is_found_in_either_version() {
        let key = made(SEQUENCE, &[b"\x30\x00", b"\x03\x02\x00\x07"]);
        let others: [&[u8]; 5] =
            [b"\x02\x01\x01", b"\x30\x00", b"\x30\x02\x05\x00", b"\x30\x00", b"\x30\x00"];
        let version: &[u8] = b"\xa0\x03\x02\x01\x02";
        for version in [None, Some(version)] {
            let mut parts: Vec<&[u8]> = version.into_iter().chain(others).collect();
            parts.push(&key);
            let signed = made(SEQUENCE, &parts);
            let certificate = made(SEQUENCE, &[&signed, b"\x30\x00", b"\x03\x01\x00"]);
            assert_eq!(of(&certificate).map(|key| key.as_ref().to_vec()), Some(key.clone()));
            assert_eq!(of(&certificate[..certificate.len() - 1]), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>, head in any::<[u8; 4]>()) {
            let _ = of(&bytes);
            let _ = of(&[&[SEQUENCE, 0x84][..], &head, &bytes].concat());
        }
    }
}
