//! Who may do what with the bridge.
//!
//! A person's level comes from the most exact rule that fits: their own id, then their server, then everybody. Whoever fits no
//! rule, or is to be ignored, may do nothing. Looks nothing up. Next: the commands, each of which names the level it needs.

use std::collections::BTreeMap;

use ruma::{OwnedServerName, OwnedUserId, UserId};
use serde::Deserialize;

use super::UserPattern;

/// What a person may do with the bridge; each level includes the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing: the bridge ignores them.
    #[default]
    None,
    /// Their messages in a portal are carried over by somebody else's login, under their name.
    Relay,
    /// They may also use commands.
    Commands,
    /// They may also log in with accounts of their own.
    User,
    /// They may also look after the whole bridge.
    Admin,
}

/// The rules that give every person a [`Level`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Rules for single people.
    pub people: BTreeMap<OwnedUserId, Level>,
    /// Rules for everybody on a server.
    pub servers: BTreeMap<OwnedServerName, Level>,
    /// The rule for everybody else.
    pub everybody: Level,
    /// Whom no other rule helps: the ghosts and bots of other bridges, so that two bridges in one room do not talk with each other.
    pub ignored: Vec<UserPattern>,
}

impl Permissions {
    /// What `person` may do.
    pub fn level(&self, person: &UserId) -> Level {
        if self.ignored.iter().any(|pattern| pattern.matches(person)) {
            return Level::None;
        }
        self.people
            .get(person)
            .or_else(|| self.servers.get(person.server_name()))
            .copied()
            .unwrap_or(self.everybody)
    }

    /// The people who are named themselves, with at least the level `least`.
    pub fn named(&self, least: Level) -> impl Iterator<Item = &UserId> {
        self.people.iter().filter(move |(_, level)| **level >= least).map(|(person, _)| person.as_ref())
    }

    /// Whether nobody at all may use the bridge.
    pub fn is_closed(&self) -> bool {
        self.everybody == Level::None
            && self.people.values().chain(self.servers.values()).all(|level| *level == Level::None)
    }
}

#[cfg(test)]
mod tests {
    use ruma::{owned_server_name, owned_user_id, user_id};

    use super::*;

    #[test]
    fn the_most_exact_rule_wins_even_when_it_gives_less() {
        let permissions = Permissions {
            people: [
                (owned_user_id!("@alice:example.org"), Level::Admin),
                (owned_user_id!("@eve:example.org"), Level::None),
            ]
            .into(),
            servers: [(owned_server_name!("example.org"), Level::User)].into(),
            everybody: Level::Relay,
            ignored: vec![UserPattern::read("@telegram_*:example.org").unwrap()],
        };
        assert_eq!(permissions.level(user_id!("@alice:example.org")), Level::Admin);
        assert_eq!(permissions.level(user_id!("@eve:example.org")), Level::None);
        assert_eq!(permissions.level(user_id!("@bob:example.org")), Level::User);
        assert_eq!(permissions.level(user_id!("@carol:example.com")), Level::Relay);
        assert_eq!(permissions.level(user_id!("@telegram_1:example.org")), Level::None);
        assert_eq!(permissions.named(Level::User).collect::<Vec<_>>(), [user_id!("@alice:example.org")]);
        assert!(!permissions.is_closed());
        assert!(Permissions::default().is_closed());
    }

    #[test]
    fn levels_are_ordered() {
        assert!(Level::None < Level::Relay && Level::Relay < Level::Commands);
        assert!(Level::Commands < Level::User && Level::User < Level::Admin);
    }
}
