//! The names of things on the other network, and how a remote user's name becomes a Matrix localpart and back.
//!
//! - *remote*: the other network. A *portal* is a Matrix room joined to one remote chat. A *ghost* is the Matrix account that
//!   stands for one remote user. A *login* is one saved remote account; a *session* is that login while it is connected.
//! - Only a bridge makes or reads the inside of a remote id. Everybody else passes it on untouched.
//!
//! This room must never look anything up. Next: [`crate::message`], the words of a conversation.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

pub use self::ghosts::{GhostNames, LOCALPART_BYTES_MAX};

mod ghosts;

macro_rules! remote_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the id as the bridge spells it.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// The id as the bridge spelled it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &self.0)
            }
        }
    )*};
}

remote_ids! {
    /// A chat on the remote network: channel, group, direct chat, or the space that holds them. Unique within one bridge; a
    /// network whose direct chats are named differently for each account puts the account into the id.
    RemoteChatId;
    /// A person, bot or webhook persona on the remote network.
    RemoteUserId;
    /// A message, unique within its chat.
    RemoteMessageId;
    /// One saved remote account.
    LoginId;
    /// A group of people that can be mentioned at once, such as a Discord role.
    RemoteGroupId;
    /// A file as the bridge finds it again: an address, a file id, or a key that only the bridge can read.
    RemoteFileId;
}

/// One person under all the ids the network knows them by (a phone number and an account id, say).
///
/// The primary id names the ghost and never changes once the ghost exists; any other id leads to the same ghost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasSet {
    /// The id that names the ghost when none of the ids is known yet.
    pub primary: RemoteUserId,
    /// Other ids of the same person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<RemoteUserId>,
}

impl AliasSet {
    /// Somebody with one id only.
    pub fn single(primary: RemoteUserId) -> Self {
        Self { primary, others: Vec::new() }
    }

    /// Every id, the primary one first.
    pub fn all(&self) -> impl Iterator<Item = &RemoteUserId> {
        std::iter::once(&self.primary).chain(&self.others)
    }

    /// Whether `id` is one of the names of this person.
    pub fn contains(&self, id: &RemoteUserId) -> bool {
        self.all().any(|known| known == id)
    }

    /// Adds the ids of `other`, keeping our own primary id. Merging is idempotent.
    pub fn merge(&mut self, other: &AliasSet) {
        for id in other.all() {
            if !self.contains(id) {
                self.others.push(id.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> RemoteUserId {
        RemoteUserId::new(id)
    }

    #[test]
    fn merging_keeps_the_primary_id_and_adds_each_alias_once() {
        let mut known = AliasSet::single(user("phone:1"));
        let seen = AliasSet { primary: user("lid:9"), others: vec![user("phone:1")] };
        known.merge(&seen);
        known.merge(&seen);
        assert_eq!(known, AliasSet { primary: user("phone:1"), others: vec![user("lid:9")] });
        assert!(known.contains(&user("lid:9")));
    }

    #[test]
    fn remote_ids_are_plain_strings_on_the_wire() {
        assert_eq!(serde_json::to_string(&user("42")).unwrap(), "\"42\"");
    }
}
