//! Bringing a SQLite database up to date.

use rusqlite::{Connection, TransactionBehavior};

use super::super::{
    StoreError,
    schema::{self, META, Migration, RECORD, VERSION},
};

/// Runs what is missing, each migration in a transaction of its own.
pub(super) fn run(connection: &mut Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    connection.execute_batch(META)?;
    let found: i64 = connection.query_row(VERSION, [], |row| row.get(0))?;
    let known = schema::known(migrations);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for migration in migrations.iter().filter(|migration| migration.version > found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for statement in schema::statements(migration.sql, &schema::SQLITE) {
            transaction.execute_batch(&statement)?;
        }
        transaction.execute(RECORD, [migration.version])?;
        transaction.commit()?;
    }
    Ok(())
}
