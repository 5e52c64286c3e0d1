//! States taken out and put in again, and everything that must be refused.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    clock::Clock,
    config::Secret,
    store::{Durability, Feed, LoginRow, OpenRow, Store},
};

/// How many rows each table has.
const ROWS: i64 = 700;

struct Nobody;

impl Feed for Nobody {
    fn stored(&self, _rows: Vec<OpenRow>) {}
}

pub(in crate::store) fn owner() -> Owner {
    Owner {
        bridge: "echo".to_owned(),
        bot: "@echobot:example.org".to_owned(),
        ghost_prefix: "echo_".to_owned(),
    }
}

pub(in crate::store) struct Folder(TempDir);

impl Folder {
    pub(in crate::store) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(in crate::store) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(in crate::store) fn settings(&self, name: &str) -> StoreSettings {
        let url = format!("sqlite:{}", self.path(name).display());
        StoreSettings { url, durability: Durability::Normal, key: Secret::new("the key of the bridge") }
    }

    /// A database of this version, with rows in every table.
    pub(in crate::store) async fn populated(&self, name: &str) -> StoreSettings {
        let settings = self.settings(name);
        open(&settings).await.close().await;
        let connection = Connection::open(self.path(name)).unwrap();
        for table in &TABLES {
            fill(&connection, table.name);
        }
        settings
    }

    pub(in crate::store) async fn export(&self, settings: &StoreSettings, name: &str) -> Vec<String> {
        let file = self.path(name);
        let carried = export(settings, &owner(), &file).await.unwrap();
        assert_eq!(carried.len(), TABLES.len());
        fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
    }

    async fn import(&self, lines: &[String], name: &str) -> Result<Carried, ArchiveError> {
        let file = self.path("given");
        fs::write(&file, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        import(&self.settings(name), &owner(), &file).await
    }
}

fn saved(id: &crate::ids::LoginId) -> LoginRow {
    LoginRow {
        id: id.clone(),
        owner: "@alice:example.org".try_into().unwrap(),
        name: "Alice".to_owned(),
        remote_user: None,
        secret: Some(Secret::new("hunter2")),
        space_room: None,
    }
}

async fn open(settings: &StoreSettings) -> Store {
    Store::open(settings, Clock::fixed(1, 1), Arc::new(Nobody)).await.unwrap()
}

/// Text of all kinds, numbers, and nothing where nothing may be.
fn fill(connection: &Connection, table: &str) {
    let mut info =
        connection.prepare("SELECT type, \"notnull\" OR pk FROM pragma_table_info(?1) ORDER BY cid").unwrap();
    let columns: Vec<(String, bool)> =
        info.query_map([table], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let cell = |row: i64, (kind, is_needed): &(String, bool)| match kind.as_str() {
        _ if !is_needed && row % 3 == 0 => "NULL".to_owned(),
        "TEXT" => format!("'{row} of \"{table}\" \u{1f426}\\ ''\n{}'", "x".repeat(row as usize)),
        "SMALLINT" => (row % 2).to_string(),
        _ => (row * 1_000_000_007).to_string(),
    };
    let rows: Vec<String> = (1..=ROWS)
        .map(|row| columns.iter().map(|column| cell(row, column)).collect::<Vec<_>>().join(","))
        .collect();
    connection.execute_batch(&format!("INSERT INTO {table} VALUES ({})", rows.join("),("))).unwrap();
}

#[tokio::test]
async fn a_state_that_went_out_and_in_again_is_the_same() {
    let folder = Folder::new();
    let first = folder.populated("a.db").await;
    let out = folder.export(&first, "a").await;
    assert_eq!(out.len() as i64, 1 + TABLES.len() as i64 * (1 + ROWS) + 1);
    let carried = folder.import(&out, "b.db").await.unwrap();
    assert_eq!(carried, TABLES.map(|table| (table.name, ROWS as u64)));
    assert_eq!(folder.export(&folder.settings("b.db"), "b").await, out);
    let mode = fs::metadata(folder.path("a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let store = open(&folder.settings("b.db")).await;
    assert_eq!(store.parked(1).await.unwrap().len(), 1, "the bridge can use it");
    store.close().await;
}

#[test]
fn every_table_is_carried_over() {
    let mut connection = Connection::open_in_memory().unwrap();
    for migration in schema::MIGRATIONS {
        for statement in schema::statements(migration.sql, &schema::SQLITE) {
            connection.execute_batch(&statement).unwrap();
        }
    }
    let transaction = connection.transaction().unwrap();
    let mut all = transaction.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let all: BTreeSet<String> = all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let carried = TABLES.iter().map(|table| table.name).chain(["lease"]);
    assert_eq!(all, carried.map(str::to_owned).collect());
}

#[tokio::test]
async fn an_export_shows_one_moment_of_a_running_bridge() {
    let folder = Folder::new();
    let settings = folder.settings("a.db");
    let store = open(&settings).await;
    let login = crate::ids::LoginId::new("one");
    store.kv_set(&login, "cursor", "5").await.unwrap();
    store.save_login(&saved(&login)).await.unwrap();
    let out = folder.export(&settings, "a").await;
    store.kv_set(&login, "cursor", "6").await.unwrap();
    store.close().await;
    assert!(out.contains(&json!(["one", "cursor", "5"]).to_string()), "{out:?}");
    let error = export(&settings, &owner(), &folder.path("a")).await.unwrap_err();
    assert!(error.to_string().contains("already there"), "{error}");
    assert!(!out.concat().contains("hunter2"), "secrets stay sealed");
    folder.import(&out, "b.db").await.unwrap();
    let store = open(&folder.settings("b.db")).await;
    let kept = store.login(&login).await.unwrap().unwrap();
    assert_eq!(kept.secret.unwrap().expose(), "hunter2");
    store.close().await;
}

#[tokio::test]
async fn a_damaged_file_leaves_nothing_behind() {
    let folder = Folder::new();
    let settings = folder.settings("a.db");
    let store = open(&settings).await;
    for key in ["a", "b", "c"] {
        store.kv_set(&crate::ids::LoginId::new("one"), key, "5").await.unwrap();
    }
    store.close().await;
    let whole = folder.export(&settings, "a").await;
    let place = whole.iter().position(|line| line.starts_with('[')).unwrap();
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = whole.clone();
        change(&mut lines);
        lines
    };
    let cases: [(&str, Vec<String>); 10] = [
        ("a row is missing", changed(&|lines| drop(lines.remove(place)))),
        ("a row is twice there", changed(&|lines| lines.insert(place, lines[place].clone()))),
        ("a row is another", changed(&|lines| lines[place] = lines[place].replace('5', "6"))),
        ("a row is longer", changed(&|lines| lines[place] = lines[place].replace('5', "5\",\"6"))),
        ("a row is no row", changed(&|lines| lines[place] = "[{}]".to_owned())),
        ("no end", changed(&|lines| drop(lines.pop()))),
        ("something after the end", changed(&|lines| lines.push("[]".to_owned()))),
        ("an unknown table", changed(&|lines| lines[place - 1] = lines[place - 1].replace("_kv", "_vk"))),
        (
            "an unknown column",
            changed(&|lines| lines[place - 1] = lines[place - 1].replace("\"key\"", "\"key) --\"")),
        ),
        ("a table twice", changed(&|lines| lines.insert(place - 1, lines[place - 1].clone()))),
    ];
    for (name, lines) in cases {
        let error = folder.import(&lines, "b.db").await.expect_err(name);
        let is_told = matches!(error, ArchiveError::Damaged(_) | ArchiveError::Store(StoreError::Refused(_)));
        assert!(is_told, "{name}: {error:?}");
    }
    assert_eq!(folder.import(&whole, "b.db").await.unwrap().len(), TABLES.len(), "nothing is in the way");
}

#[tokio::test]
async fn what_is_not_ours_is_refused_with_words() {
    let folder = Folder::new();
    let error = export(&folder.settings("a.db"), &owner(), &folder.path("a")).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Nothing), "{error:?}");
    let settings = folder.settings("a.db");
    open(&settings).await.close().await;
    let whole = folder.export(&settings, "a").await;
    let head = |from: &str, to: &str| {
        let mut lines = whole.clone();
        assert!(lines[0].contains(from), "{}", lines[0]);
        lines[0] = lines[0].replace(from, to);
        lines
    };
    let schema = format!("\"schema\":{}", schema::known(schema::MIGRATIONS));
    for (lines, words) in [
        (vec!["no head".to_owned()], "no export"),
        (vec!["{\"a\":1}".to_owned()], "no export"),
        (head("_export\":1", "_export\":2"), "newer version"),
        (head(&schema, "\"schema\":999"), "newer version"),
        (head("example.org", "example.com"), "the echo bridge with @echobot:example.com"),
        (head("\"echo\"", "\"discord\""), "the discord bridge"),
        (head("\"key_mark\":\"", "\"key_mark\":\"A"), "put back the registration"),
    ] {
        let error = folder.import(&lines, "b.db").await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!folder.path("b.db").exists(), "{words}");
    }
    let error = folder.import(&whole, "a.db").await.unwrap_err();
    assert!(matches!(error, ArchiveError::NotEmpty), "{error:?}");
    let store = open(&folder.settings("a.db")).await;
    let error = folder.import(&whole, "a.db").await.unwrap_err();
    assert!(matches!(error, ArchiveError::Store(StoreError::Held)), "{error:?}");
    store.close().await;
}

#[tokio::test]
async fn the_state_of_an_older_version_is_brought_up_to_date_at_the_next_start() {
    let folder = Folder::new();
    let settings = folder.settings("a.db");
    let head =
        Head { magpie_export: FORM, owner: owner(), schema: 1, key_mark: Seal::new(&settings.key).mark() };
    let mut writer = ArchiveWriter::begin(Vec::new(), &head).unwrap();
    let columns = ["key", "mxc", "size_bytes", "saved_ms"].map(str::to_owned);
    let media = TABLES.iter().find(|table| table.name == "media").unwrap();
    writer.table(media, &columns).unwrap();
    writer.row(&["a".into(), "mxc://b/c".into(), 5.into(), 6.into()]).unwrap();
    let (lines, _) = writer.end().unwrap();
    fs::write(folder.path("old"), lines).unwrap();
    import(&settings, &owner(), &folder.path("old")).await.unwrap();
    let error = export(&settings, &owner(), &folder.path("new")).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Older), "{error:?}");
    let store = open(&settings).await;
    assert_eq!(store.media("a").await.unwrap().unwrap().size_bytes, 5);
    store.close().await;
    export(&settings, &owner(), &folder.path("new")).await.unwrap();
}
