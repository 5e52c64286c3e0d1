//! PostgreSQL.

use sqlx::postgres::PgPool;

use super::{
    Durability, StoreError, Writing,
    reader::Reader,
    value::{Row, Value},
};

/// Connects.
pub(super) async fn open(
    _url: &str,
    _durability: Durability,
    _writing: Writing,
) -> Result<Reader, StoreError> {
    Err(StoreError::Unreachable("not built in yet".to_owned()))
}

pub(super) async fn fetch(
    _pool: &PgPool,
    _sql: &'static str,
    _params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    Err(StoreError::Closed)
}
