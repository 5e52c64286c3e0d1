//! Who speaks in a chat for somebody in Matrix: an account of their own, or the relay.
//!
//! Nobody ever speaks through an account of somebody else without being introduced by name.

use std::sync::Arc;

use ruma::UserId;

use super::Portals;
use crate::{
    config::Level,
    ids::{LoginId, RemoteChatId},
    store::{ChatLogin, PortalRow, Relay, StoreError},
};

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The person's own account.
    Own(LoginId),
    /// An account that introduces them by name.
    Relay(LoginId),
    /// Nobody.
    Nobody,
}

impl Speaker {
    /// The account.
    pub(super) fn login(&self) -> Option<&LoginId> {
        match self {
            Self::Own(login) | Self::Relay(login) => Some(login),
            Self::Nobody => None,
        }
    }
}

/// All that the choice rests on.
struct Facts<'a> {
    level: Level,
    /// The person's own accounts.
    own: &'a [LoginId],
    /// The accounts that see the chat, the preferred ones first.
    seeing: &'a [ChatLogin],
    relay: Option<LoginId>,
}

impl Portals {
    /// Who speaks for somebody in a portal.
    pub(super) async fn speaker(&self, portal: &PortalRow, sender: &UserId) -> Result<Speaker, StoreError> {
        let own = self.parts.logins.of(sender);
        let seeing = self.seeing(&portal.chat).await?;
        let level = self.parts.settings.permissions.level(sender);
        let relay = self.relay(portal, &seeing);
        Ok(choose(&Facts { level, own: &own, seeing: &seeing, relay }))
    }

    /// Whether somebody's reactions and messages in a chat are told from everybody else's on the network.
    pub(super) async fn has_own_voice(&self, portal: &PortalRow, user_id: &str) -> Result<bool, StoreError> {
        let Ok(user_id) = UserId::parse(user_id) else { return Ok(false) };
        Ok(matches!(self.speaker(portal, &user_id).await?, Speaker::Own(_)))
    }

    /// The account that speaks for people without one of their own.
    fn relay(&self, portal: &PortalRow, seeing: &[ChatLogin]) -> Option<LoginId> {
        match &portal.relay {
            Relay::Off => None,
            Relay::Login(login) => self.parts.logins.status(login).map(|_| login.clone()),
            Relay::Configured => {
                let seeing = portal.login.iter().chain(seeing.iter().map(|seeing| &seeing.login));
                seeing.into_iter().find(|login| self.parts.logins.is_configured(login)).cloned()
            }
        }
    }

    /// The accounts that see a chat.
    pub(super) async fn seeing(&self, chat: &RemoteChatId) -> Result<Arc<[ChatLogin]>, StoreError> {
        let (known, changes) = {
            let mut cache = self.cache();
            (cache.seeing.get(chat).cloned(), cache.seeing_changes)
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let seeing: Arc<[ChatLogin]> = self.parts.store.chat_logins(chat).await?.into();
        let mut cache = self.cache();
        // What changed while it was read may or may not be in it.
        if cache.seeing_changes == changes {
            cache.seeing.put(chat.clone(), seeing.clone());
        }
        Ok(seeing)
    }

    fn forget_seeing(&self, chat: &RemoteChatId) {
        let mut cache = self.cache();
        cache.seeing_changes += 1;
        cache.seeing.pop(chat);
    }

    /// Whether this process has not heard yet that an account sees a chat. Said once. Where nobody has signed in there is but one.
    pub fn is_first_sight(&self, chat: &RemoteChatId, login: &LoginId) -> bool {
        if !self.parts.logins.are_several() {
            return false;
        }
        self.cache().sights.put((chat.clone(), login.clone()), ()).is_none()
    }

    /// Remembers that an account sees a chat. Whether that is news.
    pub(super) async fn note_seeing(&self, chat: &RemoteChatId, login: &LoginId) -> Result<bool, StoreError> {
        if self.seeing(chat).await?.iter().any(|known| known.login == *login) {
            return Ok(false);
        }
        self.parts.store.note_chat_login(chat, login).await?;
        self.forget_seeing(chat);
        Ok(true)
    }

    /// Lets one of somebody's accounts speak for them in a chat.
    pub(super) async fn prefer(
        &self,
        chat: &RemoteChatId,
        login: &LoginId,
        owner: &UserId,
    ) -> Result<(), StoreError> {
        self.parts.store.prefer_login(chat, login, owner).await?;
        self.forget_seeing(chat);
        Ok(())
    }
}

fn choose(facts: &Facts<'_>) -> Speaker {
    let may_have_own = facts.level >= Level::User;
    let own = facts.seeing.iter().find(|seeing| may_have_own && facts.own.contains(&seeing.login));
    match (own, &facts.relay) {
        (Some(own), _) => Speaker::Own(own.login.clone()),
        (None, Some(relay)) => Speaker::Relay(relay.clone()),
        (None, None) => Speaker::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_accounts_come_first_and_the_preferred_one_before_the_others() {
        let login = |id: &str| LoginId::new(id);
        let seeing = |ids: &[&str]| {
            let one = |id: &&str| ChatLogin { login: login(id), preferred: false };
            ids.iter().map(one).collect::<Vec<_>>()
        };
        let (own, relay) = (Speaker::Own(login("a")), Speaker::Relay(login("bot")));
        struct Case {
            name: &'static str,
            level: Level,
            own: &'static [&'static str],
            sees: &'static [&'static str],
            relay: Option<&'static str>,
            speaker: Speaker,
        }
        let usual = || Case {
            name: "an own account",
            level: Level::User,
            own: &["a"],
            sees: &["a", "b"],
            relay: Some("bot"),
            speaker: own.clone(),
        };
        let cases = [
            usual(),
            Case { name: "the preferred one stands first", own: &["b", "a"], relay: None, ..usual() },
            Case { name: "one that does not see the chat", own: &["c"], speaker: relay.clone(), ..usual() },
            Case { name: "no account", own: &[], level: Level::Relay, speaker: relay.clone(), ..usual() },
            Case { name: "nobody at all", own: &[], relay: None, speaker: Speaker::Nobody, ..usual() },
            Case {
                name: "who lost the right to one",
                level: Level::Relay,
                speaker: relay.clone(),
                ..usual()
            },
            Case {
                name: "somebody else's account is not theirs",
                own: &["c"],
                relay: None,
                level: Level::Admin,
                speaker: Speaker::Nobody,
                ..usual()
            },
        ];
        for Case { name, level, own, sees, relay, speaker } in cases {
            let own: Vec<_> = own.iter().map(|id| login(id)).collect();
            let (seeing, relay) = (seeing(sees), relay.map(login));
            assert_eq!(choose(&Facts { level, own: &own, seeing: &seeing, relay }), speaker, "{name}");
        }
    }
}
