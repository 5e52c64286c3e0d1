//! What a sign-in leaves for the session: the rows of the library's store, as the secret of the saved login.
//!
//! While a device is being linked there is no login yet whose vault could hold its keys, so they are held in memory. The first session puts them
//! into the vault, and from then on the vault alone counts. A login that was renewed brings other rows, and takes the place of the old ones.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use magpie_common::{
    config::Secret,
    platform::{Keeping, Kept as Row, NotStored, Vault},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store;

/// What tells which seed stands in the vault.
const SHELF: &str = "seed";

/// The rows of a device that was just linked.
#[derive(Serialize, Deserialize)]
pub(super) struct Seed {
    rows: Vec<(String, String, i64, String)>,
}

/// The secret holds no rows that could be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the saved login holds no linked device")]
pub(super) struct NoSeed;

impl Seed {
    /// The rows, each with its shelf.
    pub(super) fn new(rows: impl IntoIterator<Item = (String, Row)>) -> Self {
        let pack =
            |(shelf, row): (String, Row)| (shelf, row.key, row.mark, STANDARD_NO_PAD.encode(&row.value));
        Self { rows: rows.into_iter().map(pack).collect() }
    }

    /// The form in which the login is saved.
    pub(super) fn to_secret(&self) -> Secret {
        Secret::new(serde_json::to_string(self).expect("rows are plain text"))
    }

    /// Puts the rows of a saved login into the vault, unless they went there before.
    pub(super) async fn plant(secret: &Secret, vault: &Vault) -> Result<(), PlantError> {
        let mark: Vec<u8> = Sha256::digest(secret.expose().as_bytes()).to_vec();
        if vault.get(SHELF, SHELF).await? == Some(mark.clone()) {
            return Ok(());
        }
        let seed: Self = serde_json::from_str(secret.expose()).map_err(|_| NoSeed)?;
        // What the bridge itself remembers of people and chats is as true for the new device.
        let mut changes: Vec<Keeping> =
            store::shelves().into_iter().map(|shelf| Keeping::Clear { shelf }).collect();
        for (shelf, key, mark, value) in seed.rows {
            let value = STANDARD_NO_PAD.decode(value).map_err(|_| NoSeed)?;
            changes.push(Keeping::Put { shelf, row: Row { key, mark, value } });
        }
        let row = Row { key: SHELF.to_owned(), mark: 0, value: mark };
        changes.push(Keeping::Put { shelf: SHELF.to_owned(), row });
        Ok(vault.keep(changes).await?)
    }
}

/// Why a seed does not stand in the vault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlantError {
    /// It is none.
    #[error(transparent)]
    Unreadable(#[from] NoSeed),
    /// The database does not take it.
    #[error(transparent)]
    NotStored(#[from] NotStored),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use magpie_common::{ids::LoginId, platform::EventSink, testkit::platform_suite::Recorder};

    use super::*;

    fn row(key: &str, value: &[u8]) -> (String, Row) {
        ("session".to_owned(), Row { key: key.to_owned(), mark: 3, value: value.to_vec() })
    }

    #[tokio::test]
    async fn a_seed_is_planted_once_and_a_renewed_login_takes_its_place() {
        let vault = EventSink::new(LoginId::new("1"), Arc::new(Recorder::default())).vault();
        let secret = Seed::new([row("a", b"\0\xff"), row("b", b"")]).to_secret();
        Seed::plant(&secret, &vault).await.expect("it is planted");
        assert_eq!(vault.get("session", "a").await, Ok(Some(b"\0\xff".to_vec())));
        let newer = Keeping::Put { shelf: "session".to_owned(), row: row("a", b"newer").1 };
        vault.keep(vec![newer]).await.expect("it is stored");
        Seed::plant(&secret, &vault).await.expect("it stands already");
        assert_eq!(vault.get("session", "a").await, Ok(Some(b"newer".to_vec())), "what grew stays");
        let name = Keeping::Put { shelf: "name".to_owned(), row: row("lid-2", b"Bob").1 };
        vault.keep(vec![name]).await.expect("it is stored");
        let renewed = Seed::new([row("c", b"c")]).to_secret();
        Seed::plant(&renewed, &vault).await.expect("it is planted");
        assert_eq!(vault.get("session", "a").await, Ok(None), "nothing of the old device stays");
        assert_eq!(vault.get("session", "c").await, Ok(Some(b"c".to_vec())));
        assert_eq!(
            vault.get("name", "lid-2").await,
            Ok(Some(b"Bob".to_vec())),
            "what the bridge has learned stays"
        );
    }

    #[tokio::test]
    async fn what_is_no_seed_changes_nothing() {
        let vault = EventSink::new(LoginId::new("1"), Arc::new(Recorder::default())).vault();
        for bad in ["", "token", "{}", r#"{"rows":[["a","b",0,"*"]]}"#] {
            let planted = Seed::plant(&Secret::new(bad), &vault).await;
            assert_eq!(planted, Err(PlantError::Unreadable(NoSeed)), "{bad}");
        }
        assert_eq!(vault.get(SHELF, SHELF).await, Ok(None));
    }
}
