//! The way in for what happens on a network.
//!
//! A push takes its place in the order at once and is acknowledged later, so one gateway connection can have many under way. Only
//! when the ticket has resolved may the network's own cursor move on.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::{Download, Invitation, InviteError, Invited, Keeping, Kept, Vault};
use crate::{
    ids::{LoginId, RemoteChatId, RemoteMessageId},
    message::{Attachment, RemoteEvent},
};

/// Where one login's events go.
#[derive(Clone)]
pub struct EventSink {
    login: LoginId,
    port: Arc<dyn SinkPort>,
}

/// What stands behind an [`EventSink`]: the store in a running bridge, a recorder in a test.
#[async_trait]
pub trait SinkPort: Send + Sync + 'static {
    /// Takes an event into the order. Waits only while too much is under way already.
    async fn push(&self, login: &LoginId, event: RemoteEvent, cursor: Option<Cursor>) -> Ticket;

    /// What the login remembered under `key`.
    async fn remembered(&self, login: &LoginId, key: &str) -> Result<Option<String>, NotStored>;

    /// Remembers a place in a stream; returns when it is stored.
    async fn remember(&self, login: &LoginId, cursor: Cursor) -> Result<(), NotStored>;

    /// The chat in which a message is known, among those whose ids begin with `prefix`.
    async fn chat_of(&self, prefix: &str, id: &RemoteMessageId) -> Result<Option<RemoteChatId>, NotStored>;

    /// The chats with rooms that the login has seen.
    async fn chats(&self, login: &LoginId) -> Result<Vec<SeenChat>, NotStored>;

    /// One of the rows that the login keeps.
    async fn kept(&self, login: &LoginId, shelf: &str, key: &str) -> Result<Option<Vec<u8>>, NotStored>;

    /// All rows that the login keeps on a shelf, the smallest mark first.
    async fn kept_on(&self, login: &LoginId, shelf: &str) -> Result<Vec<Kept>, NotStored>;

    /// Changes what the login keeps, all or nothing; returns when it is stored.
    async fn keep(&self, login: &LoginId, changes: Vec<Keeping>) -> Result<(), NotStored>;

    /// Opens a file that somebody in Matrix has sent.
    async fn open(&self, file: &Attachment) -> Result<Download, FileError>;

    /// Asks somebody in Matrix into a chat's room.
    async fn invite(&self, login: &LoginId, invitation: Invitation) -> Result<Invited, InviteError>;
}

/// A chat with a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenChat {
    /// Its id.
    pub chat: RemoteChatId,
    /// The network has told that it is over, for this login or any other.
    pub gone: bool,
}

/// Why a file of Matrix cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is not there (any more); no other attempt helps.
    #[error("the file is not in the homeserver any more. Send it again")]
    Gone,
    /// The homeserver does not answer just now.
    #[error("{0}")]
    Away(String),
}

/// A place in the network's own stream, stored in the same transaction as the event that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which stream: a chat, say.
    pub key: String,
    /// How far it has been taken in.
    pub value: String,
}

/// The promise that an event will be stored. Dropping it does not take the event back.
pub struct Ticket(BoxFuture<'static, Result<(), NotStored>>);

/// The event could not be stored; the network must keep it, or be asked for it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event was not stored: {0}")]
pub struct NotStored(pub String);

impl EventSink {
    /// A sink for one login.
    pub fn new(login: LoginId, port: Arc<dyn SinkPort>) -> Self {
        Self { login, port }
    }

    /// The login whose events go in here.
    pub fn login(&self) -> &LoginId {
        &self.login
    }

    /// Takes an event into the order. Call it from one task per stream, without concurrency: the order of calls is the order in
    /// the room. Typing, receipts and states are passed on without being stored.
    pub async fn push(&self, event: RemoteEvent) -> Ticket {
        self.port.push(&self.login, event, None).await
    }

    /// The same, and remembers `cursor` in the same transaction.
    pub async fn push_with_cursor(&self, event: RemoteEvent, cursor: Cursor) -> Ticket {
        self.port.push(&self.login, event, Some(cursor)).await
    }

    /// How far the stream `key` was taken in, by this process or one before it.
    ///
    /// # Errors
    /// When the database could not be asked.
    pub async fn remembered(&self, key: &str) -> Result<Option<String>, NotStored> {
        self.port.remembered(&self.login, key).await
    }

    /// Remembers a place at which a stream begins. Where an event belongs to the place, [`Self::push_with_cursor`] keeps both or none.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn remember(&self, cursor: Cursor) -> Result<(), NotStored> {
        self.port.remember(&self.login, cursor).await
    }

    /// The chat in which a message is known, among those whose ids begin with `prefix`: for networks that tell of a message by its number
    /// alone. What was said and what was delivered is known once that is stored.
    ///
    /// # Errors
    /// When the database could not be asked.
    pub async fn chat_of(
        &self,
        prefix: &str,
        id: &RemoteMessageId,
    ) -> Result<Option<RemoteChatId>, NotStored> {
        self.port.chat_of(prefix, id).await
    }

    /// The chats with rooms that this login has seen, in this process or one before it. It reads them all, so it is for rare occasions.
    ///
    /// # Errors
    /// When the database could not be asked.
    pub async fn chats(&self) -> Result<Vec<SeenChat>, NotStored> {
        self.port.chats(&self.login).await
    }

    /// Where the session keeps bytes of its own.
    pub fn vault(&self) -> Vault {
        Vault::new(self.login.clone(), self.port.clone())
    }

    /// Opens a file of a message that is being delivered, as a stream of bytes. The size that it tells is the true one; a file that
    /// turns out to be another size breaks off with an error.
    ///
    /// # Errors
    /// When the file is gone, which is final, or the homeserver could not be asked; nothing was sent then, so a try again is harmless.
    pub async fn open(&self, file: &Attachment) -> Result<Download, FileError> {
        self.port.open(file).await
    }

    /// Asks somebody in Matrix into a chat's room, in the name of somebody on the network. The bridge has made sure that they may ask people
    /// into the chat. Nothing of it is stored: what was interrupted is asked for again by whoever wanted it. Not for the task that takes
    /// events in, since it waits for the homeserver.
    ///
    /// # Errors
    /// With words for whoever asked.
    pub async fn invite(&self, invitation: Invitation) -> Result<Invited, InviteError> {
        self.port.invite(&self.login, invitation).await
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventSink({})", self.login)
    }
}

impl Ticket {
    /// A ticket that resolves with `outcome`.
    pub fn new(outcome: impl Future<Output = Result<(), NotStored>> + Send + 'static) -> Self {
        Self(Box::pin(outcome))
    }

    /// A ticket for what needs no storing.
    pub fn immediate() -> Self {
        Self::new(std::future::ready(Ok(())))
    }

    /// Waits until the event is stored, or known already.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn stored(self) -> Result<(), NotStored> {
        self.0.await
    }
}
