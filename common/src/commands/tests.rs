//! Each command through the table, against a real store.

use std::sync::Arc;

use ruma::{owned_room_id, owned_user_id};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::store::{Durability, Feed, MatrixEvent, OpenRow, StoreSettings};

struct NoFeed;

impl Feed for NoFeed {
    fn stored(&self, _rows: Vec<OpenRow>) {}
}

const ABOUT: About = crate::config::about::DISCORD;

async fn commands(dir: &tempfile::TempDir) -> Commands {
    let clock = Clock::fixed(1_000_000, 1);
    let url = format!("sqlite:{}", dir.path().join("test.db").display());
    let settings = StoreSettings { url, durability: Durability::Normal };
    let store = Store::open(&settings, clock.clone(), Arc::new(NoFeed)).await.unwrap();
    store
        .accept(vec![MatrixEvent {
            event_id: "$broken".to_owned(),
            room_id: "!r:example.org".to_owned(),
            sender: "@a:example.org".to_owned(),
            sent_ms: 1,
            lane: "!r:example.org".into(),
            body: "{}".to_owned(),
            parked: Some("it has no sender".to_owned()),
        }])
        .await
        .unwrap();
    let logins = Logins::new(clock.clone(), CancellationToken::new());
    let desk = Desk { about: ABOUT, prefix: "!t".to_owned(), store, logins, clock, started_ms: 940_000 };
    Commands::new(desk)
}

async fn say(commands: &Commands, level: Level, words: &str) -> String {
    let call = Call {
        sender: owned_user_id!("@a:example.org"),
        level,
        room_id: owned_room_id!("!r:example.org"),
        words: words.to_owned(),
    };
    commands.run(call).await.words
}

#[tokio::test]
async fn every_command_answers_and_needs_its_level() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    for command in TABLE {
        assert!(commands.knows(command.name));
        let allowed = say(&commands, command.level, command.name).await;
        assert!(!allowed.is_empty() && !allowed.contains("is for people with the level"), "{allowed}");
        if command.level > Level::Commands {
            let refused = say(&commands, Level::Commands, command.name).await;
            assert!(refused.contains("is for people with the level admin"), "{refused}");
        }
    }
    assert!(say(&commands, Level::Admin, "nonsense").await.contains("There is no command “nonsense”"));
}

#[tokio::test]
async fn a_parked_row_is_listed_traced_and_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    let listed = say(&commands, Level::Admin, "failed").await;
    assert!(listed.contains("1: failed") && listed.contains("it has no sender"), "{listed}");
    let traced = say(&commands, Level::Admin, "trace $broken").await;
    assert!(traced.contains("failed") && traced.contains("parked"), "{traced}");
    assert_eq!(say(&commands, Level::Admin, "drop 1").await, "1 is given up.");
    assert_eq!(say(&commands, Level::Admin, "drop 1").await, "Nothing is parked under 1.");
    assert_eq!(say(&commands, Level::Admin, "failed").await, "Nothing has failed.");
    assert!(say(&commands, Level::Admin, "trace $other").await.contains("never accepted"));
}

#[tokio::test]
async fn status_says_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    let status = say(&commands, Level::Commands, "status").await;
    assert!(status.starts_with("Running for 1 min."), "{status}");
    assert!(status.contains("1 parked"), "{status}");
}
