//! The restore drill: a bridge with years behind it moves to PostgreSQL and back, and nothing of it is lost.
//!
//! What `export` and `import` say of themselves is held against the databases' own counts, table by table: a table that both forget shows.

use std::{fs, path::Path};

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    discord::{DiscordSim, World},
    harness::{
        bridge::{Bridge, BridgeOptions},
        postgres::Postgres,
        tools::{Component, need, project},
    },
    stage::Stage,
};
use ruma::OwnedRoomId;
use sqlx::{Connection, PgConnection};

use super::{SERVER, command, desk, portal};
use crate::operator::{Ended, call, cast, with};

/// What a bridge has after some years, beside what it does in the drill.
const YEARS: &str = "
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, done_ms, room_id, event_id, chat, remote_id, sender)
SELECT 1000000 + i, i % 2, 1, 0, 0, i, i, i, '!old' || (i % 200) || ':example.org', '$old' || i, 'old' || (i % 200), 'm' || i, 'someone' FROM n;
INSERT INTO portal (chat, room_id, kind, name, state)
SELECT DISTINCT chat, room_id, 'group', 'an old room', 1 FROM message WHERE id > 1000000;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO ghost (user_id, name, registered) SELECT 'g' || i, 'Zoë ' || i || ' 🐦', 1 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
INSERT INTO login (id, owner, name, secret, saved_ms) SELECT 'l' || i, '@p' || i || ':example.org', 'P', '1.sealed', i FROM n;
INSERT INTO portal_login (chat, login, preferred) SELECT p.chat, l.id, 0 FROM portal p CROSS JOIN login l;
INSERT INTO ghost_alias (alias, user_id) SELECT 'a' || user_id, user_id FROM ghost WHERE user_id LIKE 'g%';
INSERT INTO reaction (chat, remote_id, origin, sender, emoji, room_id, event_id)
SELECT chat, remote_id, 1, 'someone', '👍', room_id, '$thumb' || id FROM message WHERE id > 1000000 AND id % 10 = 0;
INSERT INTO journal (id, direction, parked, attempts, accepted_ms, lane, body)
SELECT id, origin, 1, 3, accepted_ms, chat, '{}' FROM message WHERE id > 1000000 AND id % 1000 = 0;
INSERT INTO media (key, mxc, size_bytes, saved_ms)
SELECT 'file' || id, 'mxc://example.org/' || id, id, id FROM message WHERE id > 1000000 AND id % 7 = 0;
INSERT INTO session_kv (login, key, value) SELECT id, 'cursor', '5' FROM login WHERE id LIKE 'l%';
INSERT INTO session_row (login, shelf, key, mark, value)
SELECT l.id, 'keys', 'k' || g.user_id, 1, '1.sealed' FROM login l CROSS JOIN ghost g WHERE l.id LIKE 'l%' AND g.user_id LIKE 'g1%';
INSERT INTO person (user_id) SELECT owner FROM login WHERE id LIKE 'l%';
INSERT INTO chat_moved (old, chat) SELECT 'older' || chat, chat FROM portal WHERE chat LIKE 'old%';
";

/// Tables that belong to a process or to the program, not to the state.
const NOT_CARRIED: [&str; 2] = ["lease", "schema_version"];

/// Every table of a PostgreSQL database with the number of its rows.
const COUNTS: &str = "SELECT table_name::text, (xpath('/row/n/text()', query_to_xml(format('SELECT COUNT(*) AS n FROM %I', table_name), \
     false, true, '')))[1]::text::bigint FROM information_schema.tables WHERE table_schema = current_schema()";

/// What is left of the years as it was written.
const INTACT: &str = "SELECT (SELECT COUNT(*) FROM ghost WHERE name = 'Zoë ' || substr(user_id, 2) || ' 🐦') \
     + (SELECT COUNT(*) FROM message WHERE event_id = '$old' || (id - 1000000) AND remote_id = 'm' || (id - 1000000) AND sent_ms = id - 1000000)";

/// What `export` and `import` say of how much they carried.
fn account(ended: &Ended) -> Vec<(String, u64)> {
    let line = |line: &str| {
        let (rows, table) = line.trim().split_once(' ')?;
        Some((table.to_owned(), rows.parse().ok()?))
    };
    ended.words.lines().filter_map(line).collect()
}

/// The database's own word on how much is in each table, in the order of their names.
fn counted_in_sqlite(file: &Path) -> anyhow::Result<Vec<(String, u64)>> {
    let connection = rusqlite::Connection::open(file)?;
    let mut names =
        connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut counted = Vec::new();
    for name in names.into_iter().filter(|name| !NOT_CARRIED.contains(&name.as_str())) {
        let count: i64 =
            connection.query_row(&format!("SELECT COUNT(*) FROM {name}"), [], |row| row.get(0))?;
        counted.push((name, u64::try_from(count)?));
    }
    let intact: i64 = connection.query_row(INTACT, [], |row| row.get(0))?;
    assert_eq!(intact, 55_000, "rows have changed on their way");
    Ok(counted)
}

async fn counted_in_postgres(url: &str) -> anyhow::Result<Vec<(String, u64)>> {
    let mut connection = PgConnection::connect(url).await?;
    let found: Vec<(String, i64)> = sqlx::query_as(COUNTS).fetch_all(&mut connection).await?;
    let intact: i64 = sqlx::query_scalar(INTACT).fetch_one(&mut connection).await?;
    assert_eq!(intact, 55_000, "rows have changed on their way");
    connection.close().await?;
    let mut counted = Vec::new();
    for (name, count) in found.into_iter().filter(|(name, _)| !NOT_CARRIED.contains(&name.as_str())) {
        counted.push((name, u64::try_from(count)?));
    }
    counted.sort();
    Ok(counted)
}

fn sorted(account: &[(String, u64)]) -> Vec<(String, u64)> {
    let mut account = account.to_vec();
    account.sort();
    account
}

fn rows(account: &[(String, u64)], table: &str) -> u64 {
    let found = account.iter().find(|(name, _)| name == table);
    found.unwrap_or_else(|| panic!("{table} is not in {account:?}")).1
}

/// The configuration with another database, as a file.
fn write_config(stage: &Stage, name: &str, database: &str) -> anyhow::Result<String> {
    let text = stage.config_text();
    let old = format!("sqlite:{}", stage.folder().join("bridge.db").display());
    let text = with(&text, &old, database);
    fs::write(stage.folder().join(name), &text)?;
    Ok(text)
}

/// SQLite to PostgreSQL, by the commands of the book. Gives the new configuration, and how much was carried.
async fn moves_to_postgres(
    stage: &Stage,
    file: &Path,
    server: &str,
) -> anyhow::Result<(String, Vec<(String, u64)>)> {
    let counted = counted_in_sqlite(file)?;
    assert!(counted.len() > 10 && counted.iter().all(|(_, rows)| *rows >= 20), "{counted:?}");
    for (table, least) in
        [("portal", 200), ("ghost", 5_000), ("login", 20), ("message", 50_000), ("portal_login", 4_000)]
    {
        assert!(rows(&counted, table) >= least, "{table}: {counted:?}");
    }
    write_config(stage, "sqlite.yaml", &format!("sqlite:{}", file.display()))?;
    let text = write_config(stage, "postgres.yaml", server)?;
    let accounts = follow_the_book(stage.folder(), &["sqlite.yaml", "postgres.yaml"]).await?;
    let [before, arrived, checked] = accounts.as_slice() else { panic!("{accounts:?}") };
    assert!(before == arrived && before == checked, "{accounts:?}");
    assert_eq!(sorted(before), counted, "the export has every row of every table");
    assert_eq!(counted_in_postgres(server).await?, counted, "PostgreSQL has them, too");
    let again = call(stage.folder(), &["--config", "postgres.yaml", "import", "move.export"], &[]).await?;
    again.must("a second import", 5, &["the database is not empty"]);
    Ok((text, before.clone()))
}

#[tokio::test]
async fn real_postgres_restore_drill_keeps_rooms_ghosts_logins_and_messages() -> anyhow::Result<()> {
    let Some(_) = need(Component::Postgres) else { return Ok(()) };
    let postgres = Postgres::start().await?;
    let server = postgres.create_database("bridge").await?;
    let (world, small) = World::small();
    let discord = DiscordSim::start(world).await?;
    let mut stage = Stage::set(cast(SERVER, &discord))?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let alice = fake.person("alice");
    let mut bridge = stage.start().await?;
    let room = portal(&fake).await;
    let desk = desk(&fake).await;
    alice.sends(&room, "first");
    discord.wait_for_message(small.general, |message| message.content == "first").await?;
    assert!(bridge.stop().await?.success());
    let file = stage.folder().join("bridge.db");
    rusqlite::Connection::open(&file)?.execute_batch(YEARS)?;
    let (text, before) = moves_to_postgres(&stage, &file, &server).await?;

    // The bridge goes on there, in the room it had.
    assert_eq!(named(&fake), 1);
    let options = BridgeOptions { config: text, ..stage.options() };
    let mut bridge = Bridge::start(options).await?;
    alice.sends(&room, "from PostgreSQL");
    discord.wait_for_message(small.general, |message| message.content == "from PostgreSQL").await?;
    discord.person_sends(small.general, small.bob, "an answer");
    fake.wait_for_body(&room, "an answer").await;
    assert!(command(&fake, &desk, "status").await.contains("Discord"));
    // As a backup does it: while the bridge runs.
    let beside = call(stage.folder(), &["--config", "postgres.yaml", "export", "beside.export"], &[]).await?;
    beside.must("an export beside the bridge", 0, &["beside.export"]);
    let out = call(stage.folder(), &["--config", "postgres.yaml", "export", "-"], &[]).await?;
    out.must(
        "an export to the standard output",
        0,
        &["{\"magpie_export\":1", "\"sha256\"", "Wrote -.", " portal_login"],
    );
    assert!(bridge.stop().await?.success());

    // Backup and restore by the book, into a new SQLite file.
    write_config(&stage, "config.yaml", &server)?;
    let new = format!("sqlite:{}", stage.folder().join("new.db").display());
    let exported =
        follow(stage.folder(), "magpie-discord --config config.yaml export discord.export").await?;
    let text = write_config(&stage, "config.yaml", &new)?;
    let imported =
        follow(stage.folder(), "magpie-discord --config config.yaml import discord.export").await?;
    assert_eq!(imported, exported);
    assert_eq!(counted_in_sqlite(&stage.folder().join("new.db"))?, sorted(&imported));
    for table in ["portal", "ghost", "login", "portal_login", "person", "message"] {
        assert!(rows(&imported, table) >= rows(&before, table), "{table}: {before:?}, then {imported:?}");
    }
    follow(stage.folder(), "magpie-discord --config config.yaml export back.export").await?;
    same(stage.folder(), "discord.export", "back.export");
    let options = BridgeOptions { config: text, ..stage.options() };
    let mut bridge = Bridge::start(options).await?;
    alice.sends(&room, "from SQLite again");
    discord.wait_for_message(small.general, |message| message.content == "from SQLite again").await?;
    assert!(bridge.stop().await?.success());
    assert_eq!(named(&fake), 1, "no room was made anew");
    let said: Vec<_> = discord.messages(small.general).into_iter().map(|message| message.content).collect();
    assert_eq!(said, ["first", "from PostgreSQL", "an answer", "from SQLite again"]);
    postgres.stop().await
}

/// Does what the book's block about these files says, line by line; gives what the commands tell of how much they carried.
async fn follow_the_book(folder: &Path, files: &[&str]) -> anyhow::Result<Vec<Vec<(String, u64)>>> {
    let page = fs::read_to_string(project().join("docs/backup.md"))?;
    let mut blocks = page.split("```\n").skip(1).step_by(2);
    let block = blocks.find(|block| files.iter().all(|file| block.contains(file)));
    let mut accounts = Vec::new();
    for line in block.expect("the book has such a block").lines() {
        match line.strip_prefix("cmp ").and_then(|files| files.split_once(' ')) {
            Some((one, other)) => same(folder, one, other),
            None => accounts.push(follow(folder, line).await?),
        }
    }
    Ok(accounts)
}

async fn follow(folder: &Path, line: &str) -> anyhow::Result<Vec<(String, u64)>> {
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let ended = call(folder, &words, &[]).await?;
    ended.must(line, 0, &[words[3]]);
    Ok(account(&ended))
}

/// How many rooms the channel "general" has.
fn named(fake: &FakeHomeserver) -> usize {
    let is_general = |room: &OwnedRoomId| {
        fake.state(room, "m.room.name", "").is_some_and(|content| content["name"] == "general")
    };
    fake.rooms().iter().filter(|room| is_general(room)).count()
}

/// Equal states make equal files.
fn same(folder: &Path, one: &str, other: &str) {
    let [one, other] = [one, other].map(|name| fs::read(folder.join(name)).expect("it was written"));
    assert!(one == other, "the files differ");
}
