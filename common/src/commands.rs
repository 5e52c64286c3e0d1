//! The bridge bot's commands: a table of units, each with its name, help, permission and effect.
//!
//! A command must be safe to run twice, because a crash in between repeats it. Next: one file for each group of commands.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use ruma::RoomId;

use crate::{
    clock::Clock,
    config::{About, Level},
    login::Logins,
    portal::{Call, CommandPort, Reply},
    store::{Store, StoreError},
};

mod bridging;
mod help;
mod parked;
mod status;
mod trace;

/// Every command, in the order in which `help` shows them.
const TABLE: &[Command] = &[
    help::HELP,
    help::VERSION,
    status::STATUS,
    bridging::BRIDGE,
    bridging::UNBRIDGE,
    parked::FAILED,
    parked::RETRY,
    parked::DROP,
    trace::TRACE,
];

/// One command.
struct Command {
    name: &'static str,
    /// What follows the name: `<number>`.
    arguments: &'static str,
    /// One line for the list.
    help: &'static str,
    /// Who may give it.
    level: Level,
    effect: Effect,
}

/// What a command does: from what was asked to a reply.
type Effect = for<'a> fn(&'a Desk, Asked<'a>) -> BoxFuture<'a, Result<Reply, StoreError>>;

/// What was asked.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// What followed the name.
    arguments: &'a str,
    /// Where.
    room_id: &'a RoomId,
}

/// A reply in words alone.
fn said(words: String) -> Reply {
    Reply { words, effect: None }
}

/// What commands work with.
#[derive(Clone)]
pub struct Desk {
    /// The network.
    pub about: About,
    /// What a command in a portal starts with.
    pub prefix: String,
    /// The database.
    pub store: Store,
    /// The logins.
    pub logins: Logins,
    /// Time.
    pub clock: Clock,
    /// When this process started, in milliseconds since 1970.
    pub started_ms: i64,
}

/// Runs commands at a [`Desk`].
pub struct Commands(Arc<Desk>);

impl Commands {
    /// Commands at this desk.
    pub fn new(desk: Desk) -> Self {
        Self(Arc::new(desk))
    }
}

#[async_trait]
impl CommandPort for Commands {
    async fn run(&self, call: Call) -> Reply {
        let words = call.words.trim();
        let (name, arguments) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let name = if name.is_empty() { help::HELP.name } else { name };
        let Some(command) = find(name) else {
            return said(format!("There is no command “{name}”. `{} help` lists them all.", self.0.prefix));
        };
        if call.level < command.level {
            return said(format!(
                "“{name}” is for people with the level {}; ask whoever runs this bridge.",
                level_words(command.level)
            ));
        }
        let asked = Asked { arguments: arguments.trim(), room_id: &call.room_id };
        match (command.effect)(&self.0, asked).await {
            Ok(reply) => reply,
            Err(error) => said(format!("That did not work: {error}")),
        }
    }

    fn knows(&self, word: &str) -> bool {
        find(word).is_some()
    }
}

fn find(name: &str) -> Option<&'static Command> {
    TABLE.iter().find(|command| command.name.eq_ignore_ascii_case(name))
}

fn level_words(level: Level) -> &'static str {
    match level {
        Level::None => "none",
        Level::Relay => "relay",
        Level::Commands => "commands",
        Level::User => "user",
        Level::Admin => "admin",
    }
}

/// How long ago a moment was, for people.
fn age(then_ms: i64, now_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(then_ms).max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
