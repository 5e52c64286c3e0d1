//! A certificate for 127.0.0.1 and an authority that vouches for it, made by the program `openssl`; they hold two days.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use tokio::process::Command;

/// The file with the certificate.
pub(super) const CERTIFICATE: &str = "certificate.pem";

/// The file with the authority's.
pub(super) const AUTHORITY: &str = "authority.pem";

/// The file with the certificate and its key.
pub(super) const BOTH: &str = "identity.pem";

const KEY: &str = "key.pem";
const AUTHORITY_KEY: &str = "authority-key.pem";
const NEW: &str = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";

/// Makes these files in a folder.
///
/// # Errors
/// When `openssl` is missing or refuses.
pub(super) async fn make(folder: &Path) -> anyhow::Result<()> {
    openssl(
        folder,
        &format!("{NEW} -subj /CN=magpie-test-authority -keyout {AUTHORITY_KEY} -out {AUTHORITY}"),
    )
    .await?;
    openssl(
        folder,
        &format!(
            "{NEW} -CA {AUTHORITY} -CAkey {AUTHORITY_KEY} -subj /CN=magpie-test -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
             -addext basicConstraints=critical,CA:FALSE -keyout {KEY} -out {CERTIFICATE}"
        ),
    )
    .await?;
    let read = |name: &str| fs::read_to_string(folder.join(name));
    fs::write(folder.join(BOTH), read(KEY)? + &read(CERTIFICATE)?).context("write the certificate")
}

async fn openssl(folder: &Path, words: &str) -> anyhow::Result<()> {
    let mut command = Command::new("openssl");
    command.args(words.split_whitespace()).current_dir(folder);
    let made = command.output().await.context("the program openssl is needed for a certificate")?;
    ensure!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}
