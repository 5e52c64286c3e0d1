//! The bridge bot's commands: a table of units, each with its name, help, permission, place and effect.
//!
//! A command must be safe to run twice, because a crash in between repeats it. Next: one file for each group of commands; `arguments` reads
//! what follows a name, `manual` writes the table down for people.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use ruma::{RoomId, UserId};
use tokio_util::sync::CancellationToken;

use self::arguments::{Argument, Given, Kind};
pub use self::login::Chats;
use crate::{
    clock::Clock,
    config::{About, Level, Permissions, nearest},
    homeserver::Homeserver,
    ids::GhostNames,
    login::{Logins, SigningIn},
    message::RelayTemplates,
    portal::{Call, CallKind, CommandPort, Reply},
    puppet::Doubles,
    store::{PortalRow, Store, StoreError},
};

mod arguments;
mod bridging;
mod directory;
mod doctor;
mod general;
mod login;
mod manual;
mod news;
mod parked;
mod puppet;
mod qr;
mod relay;
mod relay_template;
mod rooms;
mod status;
mod tell;
mod trace;

/// Every command, in the order in which `help` shows them.
const TABLE: &[Command] = &[
    general::HELP,
    general::VERSION,
    general::PING,
    status::STATUS,
    doctor::DOCTOR,
    login::LOGIN,
    login::RELOGIN,
    login::RECONNECT,
    login::CANCEL,
    login::LOGOUT,
    login::LIST_LOGINS,
    login::SET_PREFERRED_LOGIN,
    login::SET_MANAGEMENT_ROOM,
    puppet::LOGIN_MATRIX,
    puppet::LOGOUT_MATRIX,
    puppet::PING_MATRIX,
    directory::SEARCH,
    directory::RESOLVE,
    directory::START_CHAT,
    rooms::CREATE_PORTAL,
    rooms::BRIDGE,
    rooms::UNBRIDGE,
    rooms::DELETE_PORTAL,
    rooms::DELETE_ALL_PORTALS,
    bridging::SYNC,
    bridging::ID,
    bridging::CAPABILITIES,
    relay::SET_RELAY,
    relay::UNSET_RELAY,
    relay_template::RELAY_TEMPLATE,
    puppet::MUTE,
    puppet::UNMUTE,
    parked::FAILED,
    parked::RETRY,
    parked::DROP,
    trace::TRACE,
];

/// One command.
struct Command {
    name: &'static str,
    /// Other names that people try.
    aliases: &'static [&'static str],
    section: Section,
    /// What follows the name, in order.
    arguments: &'static [Argument],
    /// One line for the list.
    help: &'static str,
    /// What somebody may write behind the prefix.
    example: &'static str,
    /// Who may give it.
    level: Level,
    place: Place,
    effect: Effect,
}

/// A group of commands, as `help` shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    General,
    Accounts,
    People,
    Rooms,
    Failures,
}

/// Where a command can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In every room that the bot is in.
    Anywhere,
    /// Only in the room of a chat.
    Portal,
    /// Only in a room that nobody else is in but the bot.
    Private,
}

/// What a command does: from what was asked to a reply.
type Effect = for<'a> fn(&'a Desk, Asked<'a>) -> BoxFuture<'a, Result<Reply, StoreError>>;

/// What was asked.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// What followed the name.
    given: Given<'a>,
    /// Who asks.
    sender: &'a UserId,
    /// What the person may do.
    level: Level,
    /// Where.
    room_id: &'a RoomId,
    /// The chat whose room that is, where it matters.
    portal: Option<&'a PortalRow>,
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
    /// How people sign in.
    pub signing_in: SigningIn,
    /// The sign-ins that are driven by a chat.
    pub chats: Chats,
    /// The homeserver.
    pub homeserver: Homeserver,
    /// The people in Matrix for whom we may act.
    pub doubles: Doubles,
    /// The spelling of ghosts.
    pub names: Arc<GhostNames>,
    /// Who may do what.
    pub permissions: Permissions,
    /// What a relay says in rooms that have no templates of their own.
    pub relay_templates: Arc<RelayTemplates>,
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

    /// Tells people news of their accounts until `stop`.
    pub async fn tell_news(&self, stop: CancellationToken) {
        news::tell((*self.0).clone(), stop).await;
    }

    /// The table as a page of the users' book, in Markdown.
    pub fn manual() -> String {
        manual::page()
    }

    /// Words that are no command: an answer, or a mistake. They are never repeated, since they may be a secret.
    async fn hear(&self, call: &Call) -> Result<Reply, StoreError> {
        let desk = &*self.0;
        let words = call.words.trim();
        if words.eq_ignore_ascii_case(login::CANCEL.name) {
            return self.perform(call).await;
        }
        if desk.chats.awaits(&call.room_id, &call.sender) {
            return Ok(said(login::answer(desk, call).await));
        }
        let first: String =
            words.split_whitespace().next().unwrap_or_default().chars().take(NAME_CHARS_MAX).collect();
        let prefix = &desk.prefix;
        Ok(said(match nearest(&first, TABLE.iter().flat_map(Command::names)) {
            Some(meant) => format!("That is no command. Did you mean `{meant}`? `help` lists them all."),
            None => format!(
                "That is no command. `help` lists them all; in other rooms they start with `{prefix}`."
            ),
        }))
    }

    async fn perform(&self, call: &Call) -> Result<Reply, StoreError> {
        let desk = &*self.0;
        let words = call.words.trim();
        let (name, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let name = if name.is_empty() { general::HELP.name } else { name };
        let Some(command) = find(name) else { return Ok(said(unknown(desk, name))) };
        let mut reply = self.obey(command, rest, call).await?;
        let is_secret = command.arguments.iter().any(|argument| argument.kind == Kind::Secret);
        // In the wrong place a secret is one all the more.
        if is_secret && !rest.is_empty() && !desk.take_away(&call.room_id, &call.event_id, "a secret").await {
            reply.words = format!("{}\n{}", reply.words, tell::STILL_THERE);
        }
        Ok(reply)
    }

    async fn obey(&self, command: &Command, rest: &str, call: &Call) -> Result<Reply, StoreError> {
        let desk = &*self.0;
        let name = command.name;
        if call.level < command.level {
            let needed = level_words(command.level);
            return Ok(said(format!(
                "“{name}” is for people with the level {needed}; ask whoever runs this bridge."
            )));
        }
        let given = match Given::read(command.arguments, rest) {
            Ok(given) => given,
            Err(fault) => {
                let (prefix, usage) = (&desk.prefix, command.usage());
                return Ok(said(format!("{fault} The command is `{prefix} {usage}`.")));
            }
        };
        let portal = match command.place {
            Place::Anywhere | Place::Private => None,
            Place::Portal => desk.store.portal_by_room(&call.room_id).await?,
        };
        if (command.place, &portal) == (Place::Portal, &None) {
            let network = desk.about.name;
            return Ok(said(format!(
                "“{name}” belongs into the room of a chat on {network}, and this room is joined to none."
            )));
        }
        if command.place == Place::Private && !desk.is_private(&call.room_id, &call.sender).await {
            let bot = desk.names.bot();
            return Ok(said(format!(
                "“{name}” is for a room that nobody else is in. Start a direct chat with {bot}, and give it there."
            )));
        }
        let asked = Asked {
            given,
            sender: &call.sender,
            level: call.level,
            room_id: &call.room_id,
            portal: portal.as_ref(),
        };
        (command.effect)(desk, asked).await
    }
}

#[async_trait]
impl CommandPort for Commands {
    async fn run(&self, call: Call) -> Reply {
        let done = match call.kind {
            CallKind::Command => self.perform(&call).await,
            CallKind::Words => self.hear(&call).await,
        };
        done.unwrap_or_else(|error| said(format!("That did not work: {error}")))
    }

    fn knows(&self, word: &str) -> bool {
        find(word).is_some()
    }

    fn awaits(&self, room_id: &RoomId, user_id: &UserId) -> bool {
        self.0.chats.awaits(room_id, user_id)
    }
}

impl Command {
    /// The name with its arguments.
    fn usage(&self) -> String {
        self.arguments.iter().fold(self.name.to_owned(), |usage, argument| format!("{usage} {argument}"))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

fn find(name: &str) -> Option<&'static Command> {
    TABLE.iter().find(|command| command.names().any(|known| known.eq_ignore_ascii_case(name)))
}

fn unknown(desk: &Desk, name: &str) -> String {
    let prefix = &desk.prefix;
    // The word is somebody's, so only its beginning is repeated.
    let shown: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let meant = nearest(&shown, TABLE.iter().flat_map(Command::names));
    let hint = meant.map(|meant| format!(" Did you mean `{prefix} {meant}`?")).unwrap_or_default();
    format!("There is no command “{shown}”.{hint} `{prefix} help` lists them all.")
}

/// So much of an unknown word is shown again.
const NAME_CHARS_MAX: usize = 40;

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
#[cfg(feature = "testkit")]
mod tests;
