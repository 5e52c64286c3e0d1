//! Whether a gateway is the right one: by exactly one certificate, by an authority of one's own, or by the authorities of the web.
//!
//! The certificate that comes with Wechaty bears no name that could be compared, so a name is compared only where the operator has set one.
//! Whatever is accepted, the gateway must prove that it holds the certificate's key; of that one everybody does, which [`is_stock`] tells.
//!
//! Only TLS 1.3 is spoken: there the proof of a key can be looked at without the certificate around it, which for Wechaty's own is of a version
//! that is read nowhere any more. Next: `key`.

use std::{fs, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, PeerIncompatible, RootCertStore,
    SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature,
        verify_tls13_signature_with_raw_key,
    },
    pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime, pem::PemObject},
    server::ParsedCertificate,
    version::TLS13,
};
use sha1::{Digest, Sha1};

use super::{endpoint::Proof, key};

/// What the operator does when the certificate is not taken.
pub(super) const REMEDY: &str = "Look whether it runs, and whether `wechaty_certificate` or `wechaty_ca` holds the certificate that it has.";

/// More certificates than this are no proof but a mistake.
const CERTIFICATES_MAX: usize = 16;

/// The certificate and the authority that come with Wechaty, by their SHA-1: enough to know them by, and nothing is trusted for it.
/// `src/auth/ca.ts` of the npm package `wechaty-puppet-service` 1.19.9, which says itself that they are not safe.
const STOCK: [[u8; 20]; 2] = [
    [
        0x98, 0xee, 0x1b, 0xad, 0x5b, 0xd3, 0x18, 0x3d, 0x9b, 0x13, 0x9e, 0xff, 0xe2, 0x5d, 0x85, 0xb7, 0xbe,
        0x8d, 0xac, 0xf9,
    ],
    [
        0x88, 0xee, 0x2f, 0x33, 0x86, 0xb9, 0xc2, 0x2e, 0x34, 0xb4, 0x45, 0xd5, 0x9d, 0xa3, 0x02, 0xda, 0x7d,
        0x2d, 0x32, 0x39,
    ],
];

/// How gRPC is named when a connection begins.
const HTTP2: &[u8] = b"h2";

/// Settings of connections that take such a proof.
///
/// # Errors
/// When a certificate cannot be read, with words for the operator.
pub(super) fn config(proof: &Proof) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(proof, &provider)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| format!("No TLS can be spoken: {error}."))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(config)
}

/// Looks at the certificate that a gateway shows.
#[derive(Debug)]
struct Verifier {
    trusted: Trusted,
    is_named: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

/// What is trusted.
#[derive(Debug)]
enum Trusted {
    /// These certificates and no others, each with its key.
    Exactly(Vec<(CertificateDer<'static>, SubjectPublicKeyInfoDer<'static>)>),
    /// What these authorities vouch for.
    Vouched(RootCertStore),
}

impl Verifier {
    fn new(proof: &Proof, provider: &CryptoProvider) -> Result<Self, String> {
        let trusted = match (&proof.certificate, &proof.ca) {
            (Some(certificate), _) => {
                let pinned =
                    certificates(certificate).map_err(|why| format!("`wechaty_certificate` {why}."))?;
                let with_key = |pinned: CertificateDer<'static>| {
                    let key =
                        key::of(&pinned).ok_or("`wechaty_certificate` holds no certificate.".to_owned())?;
                    Ok::<_, String>((pinned, key))
                };
                Trusted::Exactly(pinned.into_iter().map(with_key).collect::<Result<_, _>>()?)
            }
            (None, Some(ca)) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(ca).map_err(|why| format!("`wechaty_ca` {why}."))? {
                    roots.add(root).map_err(|error| format!("`wechaty_ca` cannot be used: {error}."))?;
                }
                Trusted::Vouched(roots)
            }
            (None, None) => {
                Trusted::Vouched(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
            }
        };
        let algorithms = provider.signature_verification_algorithms;
        Ok(Self { trusted, is_named: proof.is_named, algorithms })
    }

    /// The key of a certificate that is pinned; `None` where others are asked.
    fn pinned(&self, shown: &CertificateDer<'_>) -> Option<Result<&SubjectPublicKeyInfoDer<'static>, Error>> {
        let Trusted::Exactly(pinned) = &self.trusted else { return None };
        let known = pinned.iter().find(|(known, _)| known.as_ref() == shown.as_ref());
        let strange = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        Some(known.map(|(_, key)| key).ok_or(strange))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trusted {
            // It was compared by whoever wrote it down, so neither its end nor its name says more.
            Trusted::Exactly(_) => {
                self.pinned(end_entity).transpose()?;
            }
            Trusted::Vouched(roots) => {
                let certificate = ParsedCertificate::try_from(end_entity)?;
                let algorithms = self.algorithms.all;
                verify_server_cert_signed_by_trust_anchor(
                    &certificate,
                    roots,
                    intermediates,
                    now,
                    algorithms,
                )?;
                if self.is_named {
                    verify_server_name(&certificate, server_name)?;
                }
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.pinned(certificate).transpose()? {
            Some(key) => verify_tls13_signature_with_raw_key(message, key, signed, &self.algorithms),
            None => verify_tls13_signature(message, certificate, signed, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether it is proved by what comes with Wechaty, of which everybody has the key.
pub(super) fn is_stock(proof: &Proof) -> bool {
    let Some(written) = proof.certificate.as_ref().or(proof.ca.as_ref()) else { return false };
    certificates(written)
        .is_ok_and(|found| found.iter().any(|found| STOCK.contains(&Sha1::digest(found).into())))
}

/// Certificates from PEM, or from a file of it.
fn certificates(written: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = if written.trim_start().starts_with("-----BEGIN") {
        written.as_bytes().to_vec()
    } else {
        fs::read(written.trim()).map_err(|error| format!("names a file that cannot be read: {error}"))?
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).take(CERTIFICATES_MAX).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err("holds no certificate in the form PEM".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of a certificate as is stepped over until its key.
    const PINNED: &str = "-----BEGIN CERTIFICATE-----\nMA8wDQIBATAAMAAwADAAMAA=\n-----END CERTIFICATE-----\n";
    const BYTES: &[u8] = b"\x30\x0f\x30\x0d\x02\x01\x01\x30\x00\x30\x00\x30\x00\x30\x00\x30\x00";

    fn proof(certificate: Option<&str>, ca: Option<&str>) -> Proof {
        Proof {
            server_name: "insecure".to_owned(),
            is_named: false,
            certificate: certificate.map(str::to_owned),
            ca: ca.map(str::to_owned),
        }
    }

    fn looks(proof: &Proof, shown: &'static [u8]) -> Result<ServerCertVerified, Error> {
        let verifier = Verifier::new(proof, &ring::default_provider()).expect("it can be used");
        let name = ServerName::try_from("insecure").expect("a name");
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
        verifier.verify_server_cert(&CertificateDer::from(shown), &[], &name, &[], now)
    }

    #[test]
    fn only_the_pinned_certificate_is_taken() {
        let pinned = proof(Some(PINNED), None);
        assert!(looks(&pinned, BYTES).is_ok());
        for other in [&BYTES[1..], &BYTES[..BYTES.len() - 1], b"\x30\x00", b""] {
            assert!(looks(&pinned, other).is_err());
        }
        assert!(looks(&proof(None, None), BYTES).is_err(), "it is no certificate");
    }

    #[test]
    fn what_is_no_certificate_is_said_so() {
        for bad in [
            "",
            "no such file.pem",
            "-----BEGIN CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAAEC\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(config(&proof(Some(bad), None)).is_err(), "{bad}");
        }
        assert!(config(&proof(None, Some(PINNED))).is_err(), "an authority must be a certificate");
        assert!(config(&proof(None, None)).is_ok());
    }
}
