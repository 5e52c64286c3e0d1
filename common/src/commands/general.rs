//! `help`, `version` and `ping`.

use std::fmt::Write;

use futures_util::FutureExt;

use super::{
    Asked, Command, Desk, Place, Section, TABLE, age,
    arguments::{Argument, Kind, Needed},
    find, level_words, said, unknown,
};
use crate::config::Level;

const COMMAND: Argument = Argument { name: "command", kind: Kind::Word, needed: Needed::No };

pub(super) const HELP: Command = Command {
    name: "help",
    aliases: &["?", "commands"],
    section: Section::General,
    arguments: &[COMMAND],
    help: "Lists the commands that you may give, or explains one.",
    example: "help retry",
    level: Level::Commands,
    place: Place::Anywhere,
    effect: |desk, asked| {
        async move {
            Ok(said(match asked.given.word() {
                Some(name) => explain(desk, name),
                None => list(desk, asked),
            }))
        }
        .boxed()
    },
};

pub(super) const VERSION: Command = Command {
    name: "version",
    aliases: &["about"],
    section: Section::General,
    arguments: &[],
    help: "Says which version runs.",
    example: "version",
    level: Level::Commands,
    place: Place::Anywhere,
    effect: |desk, _| {
        async move { Ok(said(format!("magpie-{} {}", desk.about.id, env!("CARGO_PKG_VERSION")))) }.boxed()
    },
};

pub(super) const PING: Command = Command {
    name: "ping",
    aliases: &[],
    section: Section::General,
    arguments: &[],
    help: "Answers, so that you know the bridge is there.",
    example: "ping",
    level: Level::Commands,
    place: Place::Anywhere,
    effect: |desk, _| {
        async move {
            let running = age(desk.started_ms, desk.clock.now_ms());
            Ok(said(format!("The {} bridge is here, and has been for {running}.", desk.about.name)))
        }
        .boxed()
    },
};

/// The commands that somebody may give, in groups.
fn list(desk: &Desk, asked: Asked<'_>) -> String {
    let mut answer = format!("Commands of the {} bridge:\n", desk.about.name);
    for section in Section::ALL {
        let mut of = TABLE.iter().filter(|it| it.section == section && it.level <= asked.level).peekable();
        if of.peek().is_some() {
            let _ = writeln!(answer, "\n{}", section.title());
        }
        for command in of {
            let _ = writeln!(answer, "`{} {}` — {}", desk.prefix, command.usage(), command.help);
        }
    }
    let _ = write!(answer, "\n`{} help <command>` says more about one.", desk.prefix);
    answer
}

/// All about one command.
fn explain(desk: &Desk, name: &str) -> String {
    let Some(command) = find(name) else { return unknown(desk, name) };
    let prefix = &desk.prefix;
    let mut answer = format!("`{prefix} {}`\n{}", command.usage(), command.help);
    if !command.aliases.is_empty() {
        let _ = write!(answer, "\nIt is also called {}.", command.aliases.join(", "));
    }
    let _ = write!(
        answer,
        "\nFor people with the level {}{}.",
        level_words(command.level),
        command.place.words()
    );
    let _ = write!(answer, "\nFor example: `{prefix} {}`", command.example);
    answer
}
