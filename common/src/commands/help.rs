//! `help` and `version`.

use std::fmt::Write;

use futures_util::FutureExt;

use super::{Command, TABLE, level_words, said};
use crate::config::Level;

pub(super) const HELP: Command = Command {
    name: "help",
    arguments: "",
    help: "Lists the commands.",
    level: Level::Commands,
    effect: |desk, _| {
        async move {
            let mut answer = format!("Commands of the {} bridge:\n", desk.about.name);
            for command in TABLE {
                let space = if command.arguments.is_empty() { "" } else { " " };
                let usage = format!("{} {}{space}{}", desk.prefix, command.name, command.arguments);
                let whom = match command.level {
                    Level::Commands => String::new(),
                    level => format!(" (level {})", level_words(level)),
                };
                let _ = writeln!(answer, "{usage} — {}{whom}", command.help);
            }
            Ok(said(answer.trim_end().to_owned()))
        }
        .boxed()
    },
};

pub(super) const VERSION: Command = Command {
    name: "version",
    arguments: "",
    help: "Says which version runs.",
    level: Level::Commands,
    effect: |desk, _| {
        async move { Ok(said(format!("magpie-{} {}", desk.about.id, env!("CARGO_PKG_VERSION")))) }.boxed()
    },
};
