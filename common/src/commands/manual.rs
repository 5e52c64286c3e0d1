//! The table of commands as people read it: by groups, and as a page.

use std::fmt::Write;

use super::{Place, Section, TABLE, level_words};

const HEAD: &str = "# Commands

Generated from the bridges' table of commands; a test keeps this page equal.

In the room of a chat a command starts with the bridge's prefix (`!discord`, say); in a room with the bot alone the prefix can be left out. Nothing
else needs to be known by heart: `help` lists the commands that you may give, `help <command>` explains one, and a word that is nearly one
is answered with the one that was meant. Who has which level says `bridge.permissions` in the configuration.
";

impl Section {
    pub(super) const ALL: [Self; 5] =
        [Self::General, Self::Accounts, Self::People, Self::Rooms, Self::Failures];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Accounts => "Your accounts",
            Self::People => "People",
            Self::Rooms => "Rooms and chats",
            Self::Failures => "What did not get through",
        }
    }
}

impl Place {
    /// The end of a sentence about who may give a command.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Anywhere => "",
            Self::Portal => ", in the room of a chat",
            Self::Private => ", in a room with the bot alone",
        }
    }
}

/// The page.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    for section in Section::ALL {
        let _ = write!(
            page,
            "\n## {}\n\n| Command | What it does | For | Example |\n|---|---|---|---|\n",
            section.title()
        );
        for command in TABLE.iter().filter(|command| command.section == section) {
            let also = match command.aliases {
                [] => String::new(),
                aliases => format!(" (also `{}`)", aliases.join("`, `")),
            };
            let whom = format!("{}{}", level_words(command.level), command.place.words());
            let (usage, help) = (command.usage(), command.help);
            let _ = writeln!(page, "| `{usage}`{also} | {help} | {whom} | `{}` |", command.example);
        }
    }
    page
}
