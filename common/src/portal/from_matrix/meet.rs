//! Somebody invites a ghost: their room becomes the direct chat with the person whom the ghost stands for.
//!
//! The ghost comes in to see the room, since nobody else of us can. What then becomes of the room is decided purely by [`ending`]. Where it
//! cannot be the chat's room, the ghost says which one is, and leaves last. Every step can run twice. Next: `meet/binding.rs`.

use std::sync::Arc;

use ruma::{OwnedUserId, RoomId, UserId};

use super::{Event, Stopped};
use crate::{
    config::Level,
    homeserver::{Deed, HomeserverError, Power, Powers, SendEvent, tolerate},
    ids::{LoginId, RemoteUserId},
    login::Lent,
    message::Sender,
    platform::Session,
    portal::{
        Portals,
        from_remote::Looker,
        keys,
        lane::{Attempted, Try},
        notice_content,
    },
    puppet::PuppetError,
    store::{Links, OpenRow, Outcome},
};

mod binding;

/// The power that a bot is given, where a ghost can give it.
const BOT_POWER: i64 = 100;

/// So often is tried until the person's account is connected: some seconds.
const CONNECTING_TRIES_MAX: u32 = 5;

/// An invitation of a ghost.
#[derive(Clone, Copy)]
struct Meeting<'a> {
    event: &'a Event,
    ghost: &'a UserId,
    user: &'a RemoteUserId,
}

/// Who opens the chat for the person.
struct Account {
    login: LoginId,
    session: Arc<dyn Session>,
}

/// What the ghost sees in the room.
struct Seen<'a> {
    /// Who is there or asked in.
    members: &'a [OwnedUserId],
    is_management: bool,
    is_encrypted: bool,
    powers: &'a Powers,
    inviter: &'a UserId,
    ghost: &'a UserId,
    bot: &'a UserId,
}

/// What becomes of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    /// It becomes the chat's.
    Become,
    /// The chat has a room of its own, or gets one, for this reason.
    Elsewhere(&'static str),
    /// Nothing is opened, for this reason.
    Nothing(&'static str),
}

/// Whom an event invites, where that is a ghost.
pub(super) fn invited(portals: &Portals, event: &Event) -> Option<(OwnedUserId, RemoteUserId)> {
    let (member, membership) = event.membership()?;
    let ghost = UserId::parse(member).ok().filter(|_| membership == "invite")?;
    let user = portals.parts.names.remote(&ghost)?;
    Some((ghost, user))
}

/// One attempt at an invitation.
pub(super) async fn attempt(
    portals: &Portals,
    (row, try_): (&OpenRow, Try),
    event: &Event,
    (ghost, user): (OwnedUserId, RemoteUserId),
) -> Result<Attempted, Stopped> {
    let meeting = Meeting { event, ghost: &ghost, user: &user };
    if try_.failures < CONNECTING_TRIES_MAX && meeting.is_connecting(portals) {
        return Ok(Attempted::Again { after: None, reason: "the account is not connected yet".to_owned() });
    }
    let outcome = meeting.hold(portals).await?;
    portals.record(row, outcome, Links::None).await?;
    Ok(Attempted::Done)
}

impl Meeting<'_> {
    async fn hold(&self, portals: &Portals) -> Result<Outcome, Stopped> {
        let (room_id, inviter) = (&self.event.room_id, &self.event.sender);
        if portals.parts.settings.permissions.level(inviter) < Level::User {
            self.leave(portals, None).await?;
            return Ok(ignored("somebody who may not open chats invited a ghost"));
        }
        if portals.by_room(room_id).await?.is_some() {
            return self.decline_in_portal(portals).await;
        }
        let account = match self.account(portals) {
            Ok(account) => account,
            Err(words) => return self.decline(portals, &words).await,
        };
        if let Some(words) = self.make_ready(portals, &*account.session).await? {
            return self.decline(portals, &words).await;
        }
        let ghost = portals.parts.homeserver.intent(self.ghost);
        match ghost.join(room_id).await {
            Err(HomeserverError::Forbidden(_) | HomeserverError::NotFound(_)) => {
                return Ok(ignored("the invitation does not stand any more"));
            }
            joined => joined?,
        }
        let members = self.members(portals).await?;
        let powers = ghost.powers(room_id).await?;
        let seen = Seen {
            members: &members,
            is_management: portals.parts.store.is_management_room(room_id).await?,
            is_encrypted: ghost.state_event(room_id, "m.room.encryption", "").await?.is_some(),
            powers: &powers,
            inviter,
            ghost: self.ghost,
            bot: portals.parts.names.bot(),
        };
        match ending(&seen) {
            Ending::Nothing(why) => self.decline(portals, why).await,
            Ending::Become => {
                // At once, so that it stands before what comes by itself from now on.
                self.hear_what_was_said(portals).await?;
                self.open(portals, &account, None).await
            }
            Ending::Elsewhere(why) => self.open(portals, &account, Some(why)).await,
        }
    }

    /// Whether all accounts that may open chats for the person are just being connected, as they are right after signing in.
    fn is_connecting(&self, portals: &Portals) -> bool {
        let usable = self.usable(portals);
        !usable.is_empty() && usable.iter().all(|login| portals.parts.logins.session(login).is_none())
    }

    fn usable(&self, portals: &Portals) -> Vec<LoginId> {
        let level = portals.parts.settings.permissions.level(&self.event.sender);
        match level {
            Level::None | Level::Relay | Level::Commands => Vec::new(),
            Level::User => portals.parts.logins.usable_by(&self.event.sender, Lent::No),
            Level::Admin => portals.parts.logins.usable_by(&self.event.sender, Lent::Yes),
        }
    }

    /// An account that may open chats for the person: one of their own, or the bridge's for those who run it.
    fn account(&self, portals: &Portals) -> Result<Account, String> {
        let (name, prefix) = (portals.parts.settings.about.name, &portals.parts.settings.command_prefix);
        let logins = &portals.parts.logins;
        let usable = self.usable(portals);
        if usable.is_empty() {
            return Err(format!("You have no account on {name} here. `{prefix} login` signs in with one."));
        }
        let live = usable.into_iter().filter_map(|login| {
            let session = logins.session(&login)?;
            Some(Account { login, session })
        });
        let live: Vec<_> = live.collect();
        if live.is_empty() {
            return Err(format!(
                "No account of yours on {name} is connected just now. `{prefix} status` says why."
            ));
        }
        live.into_iter()
            .find(|account| account.session.directory().is_some())
            .ok_or_else(|| format!("On {name} chats cannot be opened from here."))
    }

    /// Makes the ghost ready to come; else says in words why it does not.
    async fn make_ready(&self, portals: &Portals, session: &dyn Session) -> Result<Option<String>, Stopped> {
        let name = portals.parts.settings.about.name;
        if session.me() == *self.user {
            return Ok(Some(format!("That is you yourself on {name}.")));
        }
        let info = match session.user(self.user).await {
            Ok(Some(info)) => info,
            Ok(None) => return Ok(Some(format!("There is nobody with that id on {name}."))),
            Err(error) => return Ok(Some(error.to_string())),
        };
        let sender = Sender { ids: info.ids, name: info.name, avatar: info.avatar };
        let looker = Looker { portals, session: Some(session), is_patient: false };
        match portals.ghosts.ready(&sender, &looker).await {
            Ok(ghost) if ghost.user_id == self.ghost => Ok(None),
            Ok(ghost) => Ok(Some(format!("That person is {} here. Invite them.", ghost.user_id))),
            Err(PuppetError::Unnameable) => Ok(Some(format!("Nobody on {name} can have that id."))),
            Err(PuppetError::Homeserver(error)) => Err(error.into()),
            Err(PuppetError::Store(error)) => Err(error.into()),
        }
    }

    /// Who is in the room or asked in.
    async fn members(&self, portals: &Portals) -> Result<Vec<OwnedUserId>, HomeserverError> {
        let ghost = portals.parts.homeserver.intent(self.ghost);
        let mut members = ghost.joined_members(&self.event.room_id).await?;
        members.extend(ghost.members(&self.event.room_id, "invite").await?);
        Ok(members)
    }

    /// Opens the chat: here, or elsewhere for a reason.
    async fn open(
        &self,
        portals: &Portals,
        account: &Account,
        elsewhere: Option<&str>,
    ) -> Result<Outcome, Stopped> {
        let Some(directory) = account.session.directory() else {
            return Ok(ignored("the account cannot open chats any more"));
        };
        let chat = match directory.direct_chat(self.user).await {
            Ok(chat) => chat,
            Err(error) => return self.decline(portals, &error.to_string()).await,
        };
        let info = match account.session.chat(&chat).await {
            Ok(Some(info)) => info,
            Ok(None) => {
                let name = portals.parts.settings.about.name;
                let words = format!("{name} does not show the chat yet. Try again in a moment.");
                return self.decline(portals, &words).await;
            }
            Err(error) => return self.decline(portals, &error.to_string()).await,
        };
        let why = match elsewhere {
            Some(why) => why,
            None => match self.become_portal(portals, account, (&chat, &info)).await? {
                binding::Became::Portal => return Ok(Outcome::Delivered),
                binding::Became::Taken => "",
                binding::Became::Unfit => UNFIT,
            },
        };
        self.open_elsewhere(portals, account, (&chat, info), why).await
    }

    /// A room that is a portal already. Of an earlier attempt at this very invitation it may be.
    async fn decline_in_portal(&self, portals: &Portals) -> Result<Outcome, Stopped> {
        let inside = portals.parts.homeserver.intent(self.ghost).joined_members(&self.event.room_id).await;
        match inside {
            Err(error) if error.is_transient() => return Err(error.into()),
            Ok(_) => return Ok(ignored("the ghost is in the room already")),
            Err(_) => {}
        }
        let name = portals.parts.settings.about.name;
        let words =
            format!("The people of {name} come into this room by themselves, as soon as they say something.");
        portals.reply(&self.event.room_id, &self.event.event_id, &words, 0).await;
        self.leave(portals, Some(&words)).await?;
        Ok(Outcome::Ignored(words))
    }

    /// Turns the invitation down, or leaves, and tells the person why where they talk with the bot.
    async fn decline(&self, portals: &Portals, words: &str) -> Result<Outcome, Stopped> {
        self.leave(portals, Some(words)).await?;
        if let Some(desk) = portals.parts.store.person(&self.event.sender).await?.management_room {
            let words = format!("{} did not come: {words}", self.ghost);
            let key = keys::notice_id(&self.event.event_id, &words, 0);
            self.tell(portals, portals.parts.names.bot(), (&desk, &key, &words)).await?;
        }
        Ok(Outcome::Ignored(words.to_owned()))
    }

    async fn leave(&self, portals: &Portals, why: Option<&str>) -> Result<(), HomeserverError> {
        let ghost = portals.parts.homeserver.intent(self.ghost);
        let left = match why {
            Some(why) => ghost.leave_saying(&self.event.room_id, why).await,
            None => ghost.leave(&self.event.room_id).await,
        };
        // A ghost of nobody is not registered, so it cannot even decline.
        tolerate(left, "A ghost could not turn an invitation down.")
    }

    /// Says something as the ghost.
    async fn say(&self, portals: &Portals, words: &str) -> Result<(), HomeserverError> {
        let key = keys::notice_id(&self.event.event_id, words, 0);
        self.tell(portals, self.ghost, (&self.event.room_id, &key, words)).await
    }

    async fn tell(
        &self,
        portals: &Portals,
        by: &UserId,
        (room_id, txn_id, words): (&RoomId, &str, &str),
    ) -> Result<(), HomeserverError> {
        let content = notice_content(words, &portals.parts.names);
        let event =
            SendEvent { room_id, event_type: "m.room.message", txn_id, content: &content, sent_ms: None };
        let said = portals.parts.homeserver.intent(by).send(event).await;
        tolerate(said.map(drop), "Somebody was not told what became of an invitation.")
    }
}

const THIRD: &str = "Others are in this room. Start a direct chat with me, where nobody else is.";
const MANAGEMENT: &str = "This room is for talking with the bridge. Start a direct chat with me alone.";
const ENCRYPTED: &str = "This room is encrypted, and the bridge cannot read it.";
const UNFIT: &str = "The bridge may not change this room's settings.";

/// What becomes of the room.
fn ending(seen: &Seen<'_>) -> Ending {
    let known = [seen.inviter, seen.ghost, seen.bot];
    if seen.is_management {
        return Ending::Nothing(MANAGEMENT);
    }
    if seen.members.iter().any(|member| !known.contains(&&**member)) {
        return Ending::Nothing(THIRD);
    }
    if !seen.members.iter().any(|member| member == seen.inviter) {
        return Ending::Nothing("Whoever invited me has left.");
    }
    if seen.is_encrypted {
        return Ending::Elsewhere(ENCRYPTED);
    }
    match bot_may_act(seen.powers, seen.bot) || may_promote(seen.powers, seen.ghost) {
        true => Ending::Become,
        false => Ending::Elsewhere(UNFIT),
    }
}

/// Whether the bot has what it needs in a portal.
fn bot_may_act(powers: &Powers, bot: &UserId) -> bool {
    [Deed::SetState("m.bridge"), Deed::Invite, Deed::Kick, Deed::Redact]
        .into_iter()
        .all(|deed| powers.allows(bot, deed))
}

/// Whether the ghost can give the bot what it needs.
fn may_promote(powers: &Powers, ghost: &UserId) -> bool {
    powers.of(ghost) >= Power::Level(BOT_POWER)
        && powers.allows(ghost, Deed::SetState("m.room.power_levels"))
        && powers.allows(ghost, Deed::Invite)
}

fn ignored(why: &str) -> Outcome {
    Outcome::Ignored(why.to_owned())
}

#[cfg(test)]
mod tests;
