//! All that the author of a bridge sees: a network as [`Platform`], one logged-in account as [`Session`].
//!
//! A bridge maps its network's updates to [`RemoteEvent`](crate::message::RemoteEvent) and pushes them into an [`EventSink`]; it performs each [`Outgoing`] in
//! [`Session::deliver`]. It never sees Matrix, the database or another bridge. The tutorial is `docs/write-a-bridge.md`.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub(crate) use self::counting::begin_counting;
pub use self::{
    counting::{Answered, Encrypted, OneTimeKeys, count_encrypted, count_keys, count_wait, counted},
    invitation::{Invitation, InviteError, Invited},
    login::{LoginField, LoginFlow, LoginProcess, LoginStep, SavedLogin},
    progress::Progress,
    sink::{Cursor, EventSink, FileError, NotStored, SeenChat, SinkPort, Ticket},
    vault::{Keeping, Kept, Vault},
    webhook::{WEBHOOK_PATH, Webhook, WebhookAnswer, WebhookHead},
};
pub use crate::config::{About, PlatformConfig};
use crate::{
    clock::Clock,
    ids::{LoginId, RemoteChatId, RemoteFileId, RemoteMessageId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, RemoteMessage, UserInfo},
};

mod counting;
mod invitation;
mod login;
mod progress;
mod sink;
mod vault;
mod webhook;

/// One network. Built once, at start.
#[async_trait]
pub trait Platform: Send + Sync + Sized + 'static {
    /// What the network is called, here and in Matrix.
    const ABOUT: About;

    /// The `platform:` section of the configuration.
    type Config: PlatformConfig;

    /// Takes the checked configuration. Must not touch the network.
    ///
    /// # Errors
    /// When a part cannot be built, with words for the operator.
    fn new(config: Self::Config, clock: Clock) -> Result<Self, PlatformError>;

    /// The ways to sign in, the usual one first.
    fn login_flows(&self) -> Vec<LoginFlow>;

    /// Begins to sign in by the flow of that id. Called for a bot command or the HTTP API; both drive the same steps.
    ///
    /// # Errors
    /// When there is no such flow, or the network refuses at once.
    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError>;

    /// The accounts that the configuration itself names, each with an id of its own; they are connected at start.
    fn configured_logins(&self) -> Vec<SavedLogin>;

    /// Brings a login to life. Called at start and again, with growing pauses, after every failure and every end of a session.
    /// Returns as soon as messages can be delivered; events flow into `sink` from then on.
    ///
    /// # Errors
    /// With the verdict whether trying again helps.
    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError>;

    /// Forgets what it holds for an account beside its session, such as a way in for what the network tells it. Called after a sign-out,
    /// also of an account that is not connected, when no session of it is there or comes up any more.
    fn forget(&self, login: &LoginId) {
        let _ = login;
    }

    /// Checks the network's side one step at a time for the `doctor` command. Must change nothing there.
    async fn diagnose(&self) -> Vec<Finding>;

    /// How the network calls us over HTTP, where it does and the configuration says so. Asked once, at start.
    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        None
    }
}

/// One logged-in account.
#[async_trait]
pub trait Session: Send + Sync + 'static {
    /// Who we are there.
    fn me(&self) -> RemoteUserId;

    /// What this chat can carry. Called for every message, so it must answer from memory.
    fn limits(&self, chat: &RemoteChatId) -> Limits;

    /// Performs one action. Called with one action at a time in each chat, in order; must not reorder or repeat by itself
    /// anything that may already have happened.
    ///
    /// # Errors
    /// With the verdict that decides what becomes of the message.
    async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError>;

    /// Looks a chat up; `None` when there is none that we may see.
    ///
    /// # Errors
    /// When the network could not be asked.
    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError>;

    /// Looks a person up; `None` when there is none.
    ///
    /// # Errors
    /// When the network could not be asked.
    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError>;

    /// Opens a file as a stream. The reader caps the size; the bridge makes sure that the address is one of the network's.
    ///
    /// # Errors
    /// When the file is gone or the network could not be asked.
    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError>;

    /// What was said before, where the network lets us read it. It fills new rooms.
    fn history(&self) -> Option<&dyn History> {
        None
    }

    /// How people and the direct chats with them are found, where the network lets us look. Commands and the HTTP API ask it.
    fn directory(&self) -> Option<&dyn Directory> {
        None
    }

    /// Resolves when the session has ended by itself, with the reason. Must be safe to drop and call again.
    async fn ended(&self) -> ConnectError;

    /// Ends the session in an orderly way, also one that has ended by itself. Nothing is pushed after it returns, and nothing of it runs;
    /// where the network calls us ([`Webhook`]), what it tells an account whose session has ended by itself may still be taken in.
    async fn close(&self);

    /// The same, and takes the login back on the network where it keeps a list of devices. Called when the person signs out; the network
    /// may be away, and the login is forgotten here all the same.
    async fn log_out(&self) {
        self.close().await;
    }
}

/// A power of a session: reading what was said before.
#[async_trait]
pub trait History: Send + Sync {
    /// The newest messages of a chat up to a bound, at most `count`, oldest first. Called once for each new room, before anybody is
    /// invited. Must not push anything.
    ///
    /// # Errors
    /// When the network could not be asked; a chat whose history we may not read has none.
    async fn messages(
        &self,
        chat: &RemoteChatId,
        until: &Until,
        count: usize,
    ) -> Result<Vec<RemoteMessage>, PlatformError>;
}

/// A power of a session: finding people and the direct chats with them. Called when somebody in Matrix asks, and waited for by them, so
/// an answer should come within seconds.
#[async_trait]
pub trait Directory: Send + Sync {
    /// People whose name goes with the words, the best first, at most `count_max`; never ourselves. Nobody found is an empty answer.
    ///
    /// # Errors
    /// When the network could not be asked, with words for whoever asks.
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError>;

    /// Whom an identifier means as people write it: a user name, a number, an id. `None` for what names nobody; never a guess.
    ///
    /// # Errors
    /// When the network could not be asked, with words for whoever asks.
    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError>;

    /// The direct chat with somebody, opened if there is none. Asked again it is the same chat, and [`Session::chat`] finds it from now on,
    /// with the person in [`ChatInfo::with`]. Must not say anything there.
    ///
    /// # Errors
    /// When the network has no such chat for us or could not be asked, with words for whoever asks.
    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError>;
}

/// Where a piece of history ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// Before this message, which comes by itself.
    Before(RemoteMessageId),
    /// With this message.
    Including(RemoteMessageId),
}

/// What makes repeating a delivery harmless, where the network has a way to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryKey {
    /// Derived from the Matrix event id: the same for every attempt, another one for every event. 22 characters of URL-safe Base64.
    pub key: String,
    /// Set when an earlier attempt may have reached the network, by us or by a process before us.
    pub in_doubt: Option<InDoubt>,
}

/// An earlier attempt may have been performed. A network whose keys still hold simply repeats it; one that can be searched looks
/// first; any other answers [`DeliverError::Uncertain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InDoubt {
    /// The last message that this bridge is known to have delivered to the chat: the one in doubt can only come after it.
    pub after: Option<RemoteMessageId>,
    /// When the message was accepted from Matrix, in milliseconds since 1970: the one in doubt can only be younger.
    pub accepted_ms: i64,
}

/// A delivery that took place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The messages that it became, first part first; empty for actions that leave no message.
    pub ids: Vec<RemoteMessageId>,
}

/// Why a delivery did not take place, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliverError {
    /// The network, or this bridge, has no such action. Final.
    #[error("{0}")]
    Unsupported(String),
    /// The network refuses it. Final; the words are shown to the person, and say what they can do.
    #[error("{0}")]
    Rejected(String),
    /// It surely was not performed; try again.
    #[error("{reason}")]
    Retry {
        /// Not sooner than this, where the network says so.
        after: Option<Duration>,
        /// Why, in plain words.
        reason: String,
    },
    /// The account is signed out; nothing goes until somebody signs in again.
    #[error("{0}")]
    LoggedOut(String),
    /// It may or may not have been performed. Asked once more with [`DeliveryKey::in_doubt`] set; if the answer is the same then,
    /// the message is shown as uncertain and never repeated.
    #[error("{0}")]
    Uncertain(String),
}

/// Why a session did not come up, or ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Trying again can help.
    #[error("{0}")]
    Transient(String),
    /// The network does not take the credentials, or lacks a right that must be granted first. Tried again only rarely.
    #[error("{0}")]
    BadCredentials(String),
    /// Trying again by ourselves would do harm: somebody else has taken the place, or the network has shut the account out. Tried again only
    /// when a person asks for it, or with the next start. The words say what to do before.
    #[error("{0}")]
    Stopped(String),
    /// We closed it ourselves.
    #[error("the session was closed")]
    Closed,
}

/// What was not stored stays on the network, and the next session asks for it again.
impl From<NotStored> for ConnectError {
    fn from(error: NotStored) -> Self {
        Self::Transient(error.to_string())
    }
}

/// Something failed on the platform's side. The words say what did not happen and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlatformError(pub String);

/// A file on its way in.
pub struct Download {
    /// Media type as the network claims it.
    pub mime: Option<String>,
    /// Size as the network claims it, in bytes.
    pub size_bytes: Option<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, Result<Bytes, PlatformError>>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("mime", &self.mime)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

/// One line of a diagnosis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked, as a short noun phrase.
    pub check: String,
    /// How it went.
    pub result: Result<String, Fault>,
}

/// What is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in plain words.
    pub problem: String,
    /// What the operator does about it.
    pub remedy: String,
}

impl Finding {
    /// A check that went well.
    pub fn good(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { check: check.into(), result: Ok(detail.into()) }
    }

    /// A check that found a fault.
    pub fn fault(check: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check: check.into(), result: Err(Fault { problem: problem.into(), remedy: remedy.into() }) }
    }
}
