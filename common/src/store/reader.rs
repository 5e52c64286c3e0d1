//! Reading: one portable text for both databases, answered from committed state.

use sqlx::postgres::PgPool;

use super::{
    StoreError, postgres, sqlite,
    value::{Row, Value},
};

/// Where reads go.
pub(super) enum Reader {
    Sqlite(sqlite::ReadThread),
    Postgres(PgPool),
}

impl Reader {
    /// All rows of a query.
    pub(super) async fn fetch(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(thread) => thread.fetch(sql, params).await,
            Self::Postgres(pool) => postgres::fetch(pool, sql, &params).await,
        }
    }

    /// The first row of a query.
    pub(super) async fn fetch_one(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, params).await?.into_iter().next())
    }
}
