//! A store that waits, once: the first time that somebody is remembered.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    ids::{LoginId, RemoteChatId, RemoteMessageId},
    message::{Attachment, RemoteEvent},
    platform::{
        Cursor, Download, FileError, Invitation, InviteError, Invited, Keeping, Kept, NotStored, SeenChat,
        SinkPort, Ticket,
    },
    testkit::platform_suite::Recorder,
};
use tokio::sync::{Notify, OnceCell};

/// A recorder behind a gate.
#[derive(Clone, Default)]
pub(super) struct Gated {
    pub(super) recorder: Recorder,
    /// Somebody stands before the gate.
    pub(super) is_reached: Arc<Notify>,
    /// It is opened for good.
    pub(super) opened: Arc<Notify>,
    passed: Arc<OnceCell<()>>,
}

#[async_trait]
impl SinkPort for Gated {
    async fn push(&self, login: &LoginId, event: RemoteEvent, cursor: Option<Cursor>) -> Ticket {
        self.recorder.push(login, event, cursor).await
    }

    async fn remembered(&self, login: &LoginId, key: &str) -> Result<Option<String>, NotStored> {
        self.recorder.remembered(login, key).await
    }

    async fn remember(&self, login: &LoginId, cursor: Cursor) -> Result<(), NotStored> {
        if cursor.key.starts_with("phone/") {
            let pass = async {
                self.is_reached.notify_one();
                self.opened.notified().await;
            };
            self.passed.get_or_init(|| pass).await;
        }
        self.recorder.remember(login, cursor).await
    }

    async fn chat_of(&self, prefix: &str, id: &RemoteMessageId) -> Result<Option<RemoteChatId>, NotStored> {
        self.recorder.chat_of(prefix, id).await
    }

    async fn chats(&self, login: &LoginId) -> Result<Vec<SeenChat>, NotStored> {
        self.recorder.chats(login).await
    }

    async fn kept(&self, login: &LoginId, shelf: &str, key: &str) -> Result<Option<Vec<u8>>, NotStored> {
        self.recorder.kept(login, shelf, key).await
    }

    async fn kept_on(&self, login: &LoginId, shelf: &str) -> Result<Vec<Kept>, NotStored> {
        self.recorder.kept_on(login, shelf).await
    }

    async fn keep(&self, login: &LoginId, changes: Vec<Keeping>) -> Result<(), NotStored> {
        self.recorder.keep(login, changes).await
    }

    async fn open(&self, file: &Attachment) -> Result<Download, FileError> {
        self.recorder.open(file).await
    }

    async fn invite(&self, login: &LoginId, invitation: Invitation) -> Result<Invited, InviteError> {
        self.recorder.invite(login, invitation).await
    }
}
