//! A look at a PostgreSQL database without changing it.

use std::str::FromStr;

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    super::{
        StoreError,
        examine::{Examined, SEALED_LOGINS, compare},
        schema::VERSION,
    },
    fetch_on, lease,
};

const MAY_CREATE: &str = "SELECT COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)";
const HAS_VERSION: &str = "SELECT to_regclass('schema_version') IS NOT NULL";

/// Looks whether the bridge could use this database.
pub(in super::super) async fn examine(url: &str) -> Result<Examined, StoreError> {
    let mut connection = connect(url).await?;
    let found = look(&mut connection).await;
    // Frees the lock; the server notices by itself when this fails.
    let _ = connection.close().await;
    found
}

/// The saved accounts, each with its sealed secret.
pub(in super::super) async fn sealed_logins(url: &str) -> Result<Vec<(String, String)>, StoreError> {
    let mut connection = connect(url).await?;
    let found = fetch_on(&mut connection, SEALED_LOGINS, &[]).await;
    let _ = connection.close().await;
    found?.into_iter().map(|mut row| Ok::<_, StoreError>((row.text()?, row.text()?))).collect()
}

async fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Address("postgres:…".to_owned()))?
        .application_name("magpie doctor");
    lease::connect(&options).await
}

async fn look(connection: &mut PgConnection) -> Result<Examined, StoreError> {
    if !lease::lock(connection).await? {
        return Err(StoreError::Held);
    }
    if !is_so(connection, MAY_CREATE).await? {
        return Err(StoreError::ReadOnly);
    }
    if !is_so(connection, HAS_VERSION).await? {
        return Ok(Examined::Fresh);
    }
    let found = fetch_on(connection, VERSION, &[]).await?.pop().map_or(Ok(0), |mut row| row.int())?;
    compare(found)
}

async fn is_so(connection: &mut PgConnection, question: &'static str) -> Result<bool, StoreError> {
    let mut found = fetch_on(connection, question, &[]).await?;
    found.pop().map_or(Ok(0), |mut row| row.int()).map(|answer| answer == 1)
}
