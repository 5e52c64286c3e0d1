//! Who may do what in groups: known after a restart too, or nobody could tell who takes messages back.

use std::collections::HashSet;

use magpie_common::{
    ids::{RemoteChatId, RemoteUserId},
    platform::Kept as Row,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::World;

/// Where it is kept, by chat.
pub(super) const SHELF: &str = "group_facts";

/// What is known of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::linked::session) struct Group {
    pub(in crate::linked::session) admins: HashSet<RemoteUserId>,
    /// Whether only admins write.
    pub(in crate::linked::session) is_announcement: bool,
    /// Whether only admins change its looks.
    pub(in crate::linked::session) is_locked: bool,
    /// Whether its members are called by their numbers.
    pub(in crate::linked::session) is_by_number: bool,
    /// Whether we are an admin.
    pub(in crate::linked::session) am_admin: bool,
}

impl World {
    /// Looks at what is known of a group, if anything is.
    pub(in crate::linked::session) fn group<T>(
        &self,
        chat: &RemoteChatId,
        look: impl FnOnce(&Group) -> T,
    ) -> Option<T> {
        self.state().groups.get(chat).map(look)
    }

    /// Learns all of a group.
    pub(in crate::linked::session) async fn learn_group(&self, chat: &RemoteChatId, group: Group) {
        let known = self.state().groups.insert(chat.clone(), group.clone());
        if known.is_none_or(|known| known != group) {
            self.keep_group(chat, &group).await;
        }
    }

    /// Changes what is known of a group, if anything is.
    pub(in crate::linked::session) async fn change_group(
        &self,
        chat: &RemoteChatId,
        change: impl FnOnce(&mut Group) + Send,
    ) {
        let changed = {
            let mut state = self.state();
            let Some(group) = state.groups.get_mut(chat) else { return };
            let before = group.clone();
            change(group);
            (*group != before).then(|| group.clone())
        };
        if let Some(group) = changed {
            self.keep_group(chat, &group).await;
        }
    }

    /// What is not kept is asked for again by the next session that needs it.
    async fn keep_group(&self, chat: &RemoteChatId, group: &Group) {
        let value = serde_json::to_vec(group).unwrap_or_default();
        if let Err(error) = self.keep(SHELF, chat.as_str(), 0, value).await {
            warn!(%error, "What is known of a group could not be stored.");
        }
    }
}

/// What is kept; a row that cannot be read is left out.
pub(super) fn read(row: Row) -> Option<(RemoteChatId, Group)> {
    Some((RemoteChatId::new(row.key), serde_json::from_slice(&row.value).ok()?))
}
