//! The tables, as numbered migrations.
//!
//! One text serves both databases; `{id}` and `{packed}` are the two words that differ. Each migration runs in a transaction of
//! its own together with its number. A migration that was released is never edited: a change is a new one.

/// A numbered change of the schema. Statements end with `;` at the end of a line.
pub(super) struct Migration {
    pub(super) version: i64,
    pub(super) sql: &'static str,
}

/// Made before anything else, outside the numbering.
pub(super) const META: &str = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)";
pub(super) const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
pub(super) const RECORD: &str = "INSERT INTO schema_version (version) VALUES ($1)";

/// All migrations, oldest first.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("schema/0001.sql") },
    Migration { version: 2, sql: include_str!("schema/0002.sql") },
    Migration { version: 3, sql: include_str!("schema/0003.sql") },
    Migration { version: 4, sql: include_str!("schema/0004.sql") },
    Migration { version: 5, sql: include_str!("schema/0005.sql") },
    Migration { version: 6, sql: include_str!("schema/0006.sql") },
    Migration { version: 7, sql: include_str!("schema/0007.sql") },
    Migration { version: 8, sql: include_str!("schema/0008.sql") },
];

/// The newest version that this binary knows.
pub(super) fn known(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |newest| newest.version)
}

/// The words that differ between the databases.
pub(super) struct Dialect {
    pub(super) id: &'static str,
    pub(super) packed: &'static str,
}

/// `INTEGER PRIMARY KEY` makes the id SQLite's own row number; any other spelling costs a second tree.
pub(super) const SQLITE: Dialect = Dialect { id: "INTEGER PRIMARY KEY", packed: "WITHOUT ROWID" };
pub(super) const POSTGRES: Dialect = Dialect { id: "BIGINT PRIMARY KEY", packed: "" };

/// The statements of a migration in one dialect.
pub(super) fn statements(sql: &str, dialect: &Dialect) -> Vec<String> {
    let sql = sql.replace("{id}", dialect.id).replace("{packed}", dialect.packed);
    let bare: String = sql.lines().filter(|line| !line.trim_start().starts_with("--")).fold(
        String::new(),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    );
    bare.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}
