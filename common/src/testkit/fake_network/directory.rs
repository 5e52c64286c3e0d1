//! How people are found on the network: everybody who was added, by their names.

use async_trait::async_trait;

use super::{FakeNetwork, session::FakeSession};
use crate::{
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::{ChatInfo, ChatKind, UserInfo},
    platform::{Directory, PlatformError},
};

impl FakeNetwork {
    /// Adds somebody who can be found.
    pub fn add_person(&self, id: &str, name: &str) {
        self.change(|state| state.people.insert(RemoteUserId::new(id), name.to_owned()));
    }
}

fn info((id, name): (&RemoteUserId, &String)) -> UserInfo {
    UserInfo { ids: AliasSet::single(id.clone()), name: Some(name.clone()), avatar: None, bot: false }
}

#[async_trait]
impl Directory for FakeSession {
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError> {
        let query = query.to_lowercase();
        let state = self.network.state();
        let found = state.people.iter().filter(|(_, name)| name.to_lowercase().contains(&query));
        Ok(found.map(info).take(count_max).collect())
    }

    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
        let id = RemoteUserId::new(identifier.trim_start_matches('@'));
        Ok(self.network.state().people.get_key_value(&id).map(info))
    }

    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
        let chat = RemoteChatId::new(format!("{}/{user}", self.login));
        self.network.change(|state| {
            let name = state.people.get(user).cloned();
            let info = ChatInfo { with: Some(user.clone()), ..ChatInfo::new(ChatKind::Direct, name) };
            state.chats.entry(chat.clone()).or_insert(info);
        });
        Ok(chat)
    }
}
