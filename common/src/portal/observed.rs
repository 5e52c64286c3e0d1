//! What happened on the network, as the journal holds it.

use serde::{Deserialize, Serialize};

use crate::{
    clock::TimestampMs,
    ids::{LoginId, RemoteChatId, RemoteUserId},
    message::{ChatChange, ChatInfo, CreateWhen, RemoteEvent, Wire},
    store::{PushOrder, RemoteRow, Store, StoreError},
};

/// A remote event with the login that saw it: what the journal holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Observed {
    /// The login.
    pub login: LoginId,
    /// What happened.
    pub event: RemoteEvent,
}

impl Observed {
    /// Somebody wants the chat to have a room now.
    pub fn wanted(login: LoginId, chat: RemoteChatId, info: ChatInfo) -> Self {
        let info = ChatInfo { create: Some(CreateWhen::AtOnce), ..info };
        let change = ChatChange::Present(Box::new(info));
        Self { login, event: RemoteEvent::ChatChanged { chat, change } }
    }

    /// Lets it happen to a chat as if its network had told it just now. Returns once it is stored.
    ///
    /// # Errors
    /// When it is not.
    pub async fn happens(
        &self,
        store: &Store,
        (chat, by): (&RemoteChatId, Option<RemoteUserId>),
        now_ms: TimestampMs,
    ) -> Result<(), StoreError> {
        let body = Wire::write(self).map_err(|error| StoreError::Refused(error.to_string()))?;
        let lane = chat.as_str().into();
        let row =
            RemoteRow { lane, guard: None, sender: by, sent_ms: now_ms, body, cursor: None, held: false };
        store.push(row, &PushOrder::default()).await.stored().await.map(drop)
    }
}
