//! How people are found on the network: by the beginning of their ids, or by the whole id.

use async_trait::async_trait;

use super::{FakeNetwork, session::FakeSession};
use crate::{
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::{ChatInfo, ChatKind, UserInfo},
    platform::{Directory, PlatformError},
};

impl FakeNetwork {
    /// Adds somebody who can be found.
    pub fn add_person(&self, id: &str) {
        self.change(|state| state.people.insert(RemoteUserId::new(id)));
    }

    fn known(&self, is_meant: impl Fn(&RemoteUserId) -> bool) -> Vec<UserInfo> {
        self.state().people.iter().filter(|id| is_meant(id)).map(user).collect()
    }
}

#[async_trait]
impl Directory for FakeSession {
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError> {
        let mut found = self.network.known(|id| id.as_str().starts_with(query));
        found.truncate(count_max);
        Ok(found)
    }

    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
        Ok(self.network.known(|id| id.as_str() == identifier).pop())
    }

    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
        let chat = RemoteChatId::new(format!("{}-with-{user}", self.login));
        let info =
            ChatInfo { with: Some(user.clone()), ..ChatInfo::new(ChatKind::Direct, Some(user.to_string())) };
        self.network.change(|state| state.chats.entry(chat.clone()).or_insert(info).clone());
        Ok(chat)
    }
}

fn user(id: &RemoteUserId) -> UserInfo {
    UserInfo { ids: AliasSet::single(id.clone()), name: Some(id.to_string()), avatar: None, bot: false }
}
