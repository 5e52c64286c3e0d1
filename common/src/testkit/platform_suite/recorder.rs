//! A sink that keeps what is pushed, in place of the store.
//!
//! It does what the store promises: an event and its cursor are kept together or not at all, and every event survives being
//! written and read again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use ruma::{OwnedMxcUri, UserId};
use tokio::sync::watch;

use super::within;
use crate::{
    ids::{LoginId, RemoteChatId, RemoteMessageId},
    message::{Attachment, ChatChange, FileSource, RemoteEvent, RemoteMessage, Wire},
    platform::{
        Cursor, Download, FileError, Invitation, InviteError, Invited, Keeping, Kept, NotStored, SeenChat,
        SinkPort, Ticket,
    },
};

/// What was pushed, in order. Clones share it, so that a new session goes on where the last one ended.
#[derive(Clone)]
pub struct Recorder {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
}

/// One event as it was pushed.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The event.
    pub event: RemoteEvent,
    /// The cursor that came with it.
    pub cursor: Option<Cursor>,
}

#[derive(Default)]
struct State {
    events: Vec<Recorded>,
    memory: BTreeMap<(LoginId, String), String>,
    shelves: BTreeMap<(LoginId, String), Vec<Kept>>,
    files: BTreeMap<String, Bytes>,
    invitations: Vec<Invitation>,
    full: bool,
    unreadable: bool,
    refused: usize,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { state: Arc::default(), changed: watch::Sender::new(0) }
    }
}

impl Recorder {
    /// Everything so far.
    pub fn events(&self) -> Vec<Recorded> {
        self.state().events.clone()
    }

    /// The messages so far.
    pub fn messages(&self) -> Vec<RemoteMessage> {
        let message = |recorded: &Recorded| match &recorded.event {
            RemoteEvent::Message(message) => Some(message.clone()),
            _ => None,
        };
        self.state().events.iter().filter_map(message).collect()
    }

    /// Who was asked in so far, and by whom.
    pub fn invitations(&self) -> Vec<Invitation> {
        self.state().invitations.clone()
    }

    /// Waits until `look` finds something in what was pushed.
    pub async fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        within(what, async {
            loop {
                if let Some(found) = look(self) {
                    return found;
                }
                changed.changed().await.expect("the recorder holds the sender");
            }
        })
        .await
    }

    /// Puts a file into Matrix; gives its address.
    pub fn add_file(&self, name: &str, bytes: impl Into<Bytes>) -> OwnedMxcUri {
        let mxc = OwnedMxcUri::from(format!("mxc://example.org/{name}"));
        self.state().files.insert(mxc.to_string(), bytes.into());
        mxc
    }

    /// From now on nothing is stored, as when the disk is full; or it is again.
    pub fn refuse(&self, full: bool) {
        self.state().full = full;
    }

    /// From now on nothing that a login keeps can be read, as when the database is away; or it can again.
    pub fn hide(&self, unreadable: bool) {
        self.state().unreadable = unreadable;
    }

    /// How many pushes and rows were refused.
    pub fn refused(&self) -> usize {
        self.state().refused
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, login: &LoginId, event: RemoteEvent, cursor: Option<Cursor>) -> Result<(), NotStored> {
        let mut state = self.state();
        if state.full {
            state.refused += 1;
            return Err(NotStored("the disk is full".to_owned()));
        }
        if let Some(cursor) = &cursor {
            state.memory.insert((login.clone(), cursor.key.clone()), cursor.value.clone());
        }
        state.events.push(Recorded { event, cursor });
        Ok(())
    }
}

#[async_trait]
impl SinkPort for Recorder {
    async fn push(&self, login: &LoginId, event: RemoteEvent, cursor: Option<Cursor>) -> Ticket {
        let stored = Wire::write(&event).expect("every event has a stored form");
        let read: RemoteEvent = Wire::read(&stored).expect("what is stored can be read");
        assert_eq!(read, event, "an event changes when it is stored and read");
        let outcome = self.record(login, event, cursor);
        self.changed.send_modify(|version| *version += 1);
        Ticket::new(std::future::ready(outcome))
    }

    async fn remembered(&self, login: &LoginId, key: &str) -> Result<Option<String>, NotStored> {
        Ok(self.state().memory.get(&(login.clone(), key.to_owned())).cloned())
    }

    async fn remember(&self, login: &LoginId, cursor: Cursor) -> Result<(), NotStored> {
        let mut state = self.state();
        if state.full {
            return Err(NotStored("the disk is full".to_owned()));
        }
        state.memory.insert((login.clone(), cursor.key), cursor.value);
        Ok(())
    }

    async fn chat_of(&self, prefix: &str, id: &RemoteMessageId) -> Result<Option<RemoteChatId>, NotStored> {
        let found =
            self.messages().into_iter().find(|it| it.id == *id && it.chat.as_str().starts_with(prefix));
        Ok(found.map(|it| it.chat))
    }

    /// Here every chat of which something was told has a room.
    async fn chats(&self, _login: &LoginId) -> Result<Vec<SeenChat>, NotStored> {
        let mut seen = BTreeMap::new();
        for Recorded { event, .. } in self.events() {
            if let Some(chat) = event.chat() {
                let is_end = matches!(&event, RemoteEvent::ChatChanged { change: ChatChange::Gone, .. });
                seen.insert(chat.clone(), is_end);
            }
        }
        Ok(seen.into_iter().map(|(chat, gone)| SeenChat { chat, gone }).collect())
    }

    async fn kept(&self, login: &LoginId, shelf: &str, key: &str) -> Result<Option<Vec<u8>>, NotStored> {
        let rows = self.kept_on(login, shelf).await?;
        Ok(rows.into_iter().find(|row| row.key == key).map(|row| row.value))
    }

    async fn kept_on(&self, login: &LoginId, shelf: &str) -> Result<Vec<Kept>, NotStored> {
        let state = self.state();
        if state.unreadable {
            return Err(NotStored("the database is away".to_owned()));
        }
        let mut rows = state.shelves.get(&(login.clone(), shelf.to_owned())).cloned().unwrap_or_default();
        rows.sort_by(|one, other| (one.mark, &one.key).cmp(&(other.mark, &other.key)));
        Ok(rows)
    }

    async fn keep(&self, login: &LoginId, changes: Vec<Keeping>) -> Result<(), NotStored> {
        let mut state = self.state();
        if state.full {
            state.refused += 1;
            self.changed.send_modify(|version| *version += 1);
            return Err(NotStored("the disk is full".to_owned()));
        }
        for change in changes {
            let Some(shelf) = change.shelf().map(str::to_owned) else {
                state.shelves.retain(|(owner, _), _| owner != login);
                continue;
            };
            change.apply(state.shelves.entry((login.clone(), shelf)).or_default());
        }
        Ok(())
    }

    async fn open(&self, file: &Attachment) -> Result<Download, FileError> {
        let FileSource::Matrix(mxc) = &file.source else { return Err(FileError::Gone) };
        let bytes = self.state().files.get(mxc.as_str()).cloned().ok_or(FileError::Gone)?;
        let stream = futures_util::stream::once(std::future::ready(Ok(bytes.clone())));
        Ok(Download { mime: file.mime.clone(), size_bytes: Some(bytes.len() as u64), stream: stream.boxed() })
    }

    /// Here every chat has a room, in which everybody may invite whoever has an address.
    async fn invite(&self, _login: &LoginId, invitation: Invitation) -> Result<Invited, InviteError> {
        let guest = UserId::parse(&invitation.guest).map_err(|_| InviteError::Nobody)?;
        self.state().invitations.push(invitation);
        Ok(Invited::Asked(guest))
    }
}
