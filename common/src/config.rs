//! The settings of a bridge: one YAML file of the same shape for every network, with `MAGPIE_…` variables on top.
//!
//! [`load`] reads everything, checks everything and reports *all* that is wrong at once, each with its line, its column and what is
//! allowed there. What it returns is resolved: addresses are parsed, paths are complete, defaults are filled in.
//!
//! | step | file |
//! |---|---|
//! | text to a tree that remembers its lines | `tree` |
//! | variables laid over the tree | `environment` |
//! | tree to settings, going on after each mistake | `typed`, `fault`, `file` |
//! | settings to a [`Config`] | `resolve`, `address` |
//! | mistakes to a report without secrets | `problems`, `mask` |
//!
//! This room must never print a secret, touch the network or open a database. Next: [`crate::appservice`], whose registration
//! holds the tokens, and [`crate::runtime`], which starts from a [`Config`].

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, path::PathBuf};

use ruma::{OwnedServerName, OwnedUserId};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

pub(crate) use self::nearest::nearest;
pub use self::{
    about::About,
    environment::Environment,
    level::{Level, Permissions},
    pattern::UserPattern,
    private_file::write_private,
    problems::{Problem, Problems, Report},
    resolve::{load, parse},
    secret::Secret,
};
use crate::{ids::GhostNames, message::RelayTemplates};

pub(crate) mod about;
mod address;
mod environment;
mod fault;
mod file;
mod level;
mod mask;
mod nearest;
mod pattern;
mod private_file;
mod problems;
mod resolve;
mod secret;
pub(crate) mod tree;
pub(crate) mod typed;

/// The platform's own section of the configuration. Implemented once by each bridge.
///
/// Missing keys are best given defaults (`#[serde(default, deny_unknown_fields)]`) and checked in [`PlatformConfig::check`], which
/// finds better words than a parser.
pub trait PlatformConfig: DeserializeOwned + Send + Sync + 'static {
    /// The section as `init` writes it: `key: value` lines with comments, not indented.
    const TEMPLATE: &'static str;

    /// The keys that `init` asks for. Each must stand at the start of a line of [`PlatformConfig::TEMPLATE`].
    const QUESTIONS: &'static [Question];

    /// Called once after the section was read, also when other sections have mistakes. Must report everything that is wrong with
    /// the values, and must not touch files or the network.
    fn check(&self, problems: &mut Problems);
}

/// Something that `init` asks the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The key in the platform's section that takes the answer.
    pub key: &'static str,
    /// The words of the question, with the place where the answer is found.
    pub words: &'static str,
}

/// All settings of one bridge, checked and complete.
#[derive(Clone, Debug)]
pub struct Config<P> {
    /// The names of this bridge.
    pub about: About,
    /// The file the settings came from.
    pub path: PathBuf,
    /// The homeserver that the bridge belongs to.
    pub homeserver: Homeserver,
    /// How the homeserver reaches the bridge, and the names that the bridge owns there.
    pub appservice: Appservice,
    /// Where the bridge keeps its state.
    pub database: Database,
    /// Who may use the bridge, and how it behaves in rooms.
    pub bridge: Bridge,
    /// The HTTP API for people's programs; none when it is switched off.
    pub provisioning: Option<Provisioning>,
    /// What is logged, and how.
    pub logging: Logging,
    /// The platform's own settings.
    pub platform: P,
}

impl<P> Config<P> {
    /// The platform's own settings apart from all the others.
    pub fn split(self) -> (Config<()>, P) {
        let Self { about, path, homeserver, appservice, database, bridge, provisioning, logging, platform } =
            self;
        let rest = Config {
            about,
            path,
            homeserver,
            appservice,
            database,
            bridge,
            provisioning,
            logging,
            platform: (),
        };
        (rest, platform)
    }

    /// Where a file lies while it is moved: the folder that was chosen, or the one of the SQLite database, which is on a disk and ours. With
    /// PostgreSQL the system's own folder for such files is what is left.
    pub fn media_folder(&self) -> PathBuf {
        match (&self.bridge.media_folder, &self.database.url) {
            (Some(folder), _) => folder.clone(),
            (None, DatabaseUrl::Sqlite(file)) => {
                let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
                folder.map_or_else(|| PathBuf::from("."), PathBuf::from)
            }
            (None, DatabaseUrl::Postgres(_)) => std::env::temp_dir(),
        }
    }
}

/// The homeserver that the bridge belongs to.
#[derive(Clone, Debug)]
pub struct Homeserver {
    /// Where the bridge reaches the client API: scheme, host and port.
    pub url: Url,
    /// The name at the end of the homeserver's Matrix ids.
    pub server_name: OwnedServerName,
    /// A second registration, by whose token the bridge acts for the homeserver's own users.
    pub double_puppets: Option<PathBuf>,
    /// Where the client APIs of other homeservers are, whose users may give access tokens.
    pub double_puppet_servers: BTreeMap<OwnedServerName, Url>,
    /// Where the states of logins are told, if anywhere.
    pub status_endpoint: Option<Url>,
    /// Where it is told how far each message has come, if anywhere.
    pub message_send_checkpoint_endpoint: Option<Url>,
}

/// How the homeserver reaches the bridge, and the names that the bridge owns there.
#[derive(Clone, Debug)]
pub struct Appservice {
    /// The name of this registration, unique on the homeserver.
    pub id: String,
    /// The address the bridge listens on.
    pub listen: SocketAddr,
    /// The address at which the homeserver reaches the bridge.
    pub url: Url,
    /// The registration file, which holds the tokens.
    pub registration: PathBuf,
    /// The address at which the whole internet reaches the bridge's media links, when it does.
    pub public_url: Option<Url>,
    /// The bridge bot and its ghosts.
    pub names: GhostNames,
}

/// Where the bridge keeps its state.
#[derive(Clone, Debug)]
pub struct Database {
    /// The database itself.
    pub url: DatabaseUrl,
    /// What survives a power cut.
    pub durability: Durability,
    /// What the secrets of logins are sealed with; the registration's `as_token` when the file says nothing.
    pub encryption_key: Option<Secret>,
}

/// A database of one of the two kinds.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// An SQLite file, by its whole path.
    Sqlite(PathBuf),
    /// A PostgreSQL address, which may hold a password.
    Postgres(Secret),
}

/// What survives a power cut, on SQLite; PostgreSQL has its own setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Everything that was acknowledged.
    #[default]
    Full,
    /// Everything but the last moments; the end of the process alone still loses nothing.
    Normal,
}

/// Who may use the bridge, and how it behaves in rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Who is invited to new portals. When the file says nothing: everybody whom the permissions name as user or admin.
    pub invite: Vec<OwnedUserId>,
    /// Who may do what.
    pub permissions: Permissions,
    /// How many accounts one person may sign in with.
    pub logins_per_user_max: usize,
    /// How many accounts all people together may sign in with.
    pub logins_max: usize,
    /// When rooms are made for remote chats.
    pub create_portals: CreatePortals,
    /// How many of the messages that were said before a room was made are brought into it.
    pub backfill_messages_max: usize,
    /// The largest file that is brought into Matrix, in bytes.
    pub media_bytes_max: u64,
    /// Where a file lies while it is moved, if the file says so.
    pub media_folder: Option<PathBuf>,
    /// The program that converts media, by its name or path; none when it is switched off.
    pub ffmpeg: Option<PathBuf>,
    /// The program that reads and writes speech in SILK, by its name or path; none when it is switched off.
    pub silk: Option<PathBuf>,
    /// Whether every account that somebody has signed in with has a space that holds its rooms.
    pub personal_spaces: bool,
    /// Whether the bot shows as read what was delivered.
    pub delivery_receipts: bool,
    /// Whether an event in the room tells clients what became of each message.
    pub message_status_events: bool,
    /// What a command in a portal starts with.
    pub command_prefix: String,
    /// What a relay says for people, where their names can only stand in the words.
    pub relay_templates: RelayTemplates,
    /// What becomes of their reactions where the network has none.
    pub relay_reactions: RelayReactions,
}

/// What becomes of the reactions of people for whom a relay speaks, where the network has no reactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelayReactions {
    /// Nothing.
    #[default]
    Off,
    /// A short message in answer to what they are on.
    Words,
}

/// When a room is made for a remote chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreatePortals {
    /// With its first message.
    #[default]
    OnMessage,
    /// For every known chat, as soon as a login is connected.
    AtStart,
}

/// The HTTP API through which programs act for people.
#[derive(Clone, Debug)]
pub struct Provisioning {
    /// What a program shows that acts for anybody.
    pub secret: Secret,
    /// Whether people's own programs may show an OpenID token of the homeserver instead.
    pub openid: bool,
    /// How many requests a second are answered for one person.
    pub requests_per_second_max: NonZeroU32,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// The least important lines that are still written.
    pub level: LogLevel,
    /// The form of the lines.
    pub format: LogFormat,
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something is lost or needs a person.
    Error,
    /// Something is wrong and the bridge goes on.
    Warn,
    /// What an operator wants to know.
    #[default]
    Info,
    /// What the bridge decides.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word for it in a log filter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The form of the log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object in each line, for programs.
    Json,
}

#[cfg(test)]
mod tests;
