//! Rooms that are replaced by others: followed, so that the chat goes on in the new room.
//!
//! Anybody can write anywhere that one room replaces another. Followed is only who had the power to close the old room, into a room that
//! says itself that it replaces the old one, and was made by somebody with that power. Everything else changes nothing.
//!
//! Runs in the lane of the old room, so that what was said there before is through. Ghosts come after when they next speak.

use std::sync::Arc;

use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Portals, from_matrix::Stopped, plumb::NOT_QUITE};
use crate::{
    homeserver::{Creation, Deed, HomeserverError, Powers, tolerate},
    message::ChatKind,
    store::{Direction, PortalRow, PortalState, StoreError},
};

/// What closes a room.
const TOMBSTONE: &str = "m.room.tombstone";

/// So often is tried to come into the new room, which may need an invitation: some minutes.
const TRIES_MAX: u32 = 12;

/// So often is a message tried again whose room is closed and not left yet; longer than following may take.
const CLOSED_TRIES_MAX: u32 = 24;

/// Portals that are read at once.
const PAGE: u32 = 100;

/// A room that somebody says is replaced.
#[derive(Clone, Copy)]
pub(super) struct Replaced<'a> {
    pub(super) old: &'a RoomId,
    pub(super) new: &'a RoomId,
    pub(super) by: &'a UserId,
}

/// What became of following.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// The chat goes on in the new room.
    There,
    /// Not yet, and why.
    NotYet(String),
    /// Not at all, and why. Where nobody can have forged it, the old room should be told.
    Not { why: String, is_told: bool },
}

impl Followed {
    fn not(why: &str) -> Self {
        Self::Not { why: why.to_owned(), is_told: true }
    }

    fn forged(why: &str) -> Self {
        Self::Not { why: why.to_owned(), is_told: false }
    }
}

#[derive(Deserialize)]
struct Tombstone {
    replacement_room: OwnedRoomId,
}

impl Portals {
    /// Follows a portal into the room that replaces its own. Every step can run twice; `portal` may have the new room already.
    pub(super) async fn follow(
        &self,
        portal: &PortalRow,
        replaced: Replaced<'_>,
        failures: u32,
    ) -> Result<Followed, Stopped> {
        let Replaced { old, new, .. } = replaced;
        match portal.state {
            PortalState::Filling => {
                return Ok(Followed::NotYet("the room is still being filled".to_owned()));
            }
            // It is its people's own; `bridge` can join the new one to the chat.
            PortalState::Unbridged => return Ok(Followed::forged("somebody has unbridged the room")),
            PortalState::Active | PortalState::Gone => {}
        }
        let powers = match self.closing_powers(replaced).await? {
            Ok(powers) => powers,
            Err(why) => return Ok(Followed::forged(why)),
        };
        let bot = self.parts.homeserver.bot();
        // Where the bot is already it stays, whatever that room turns out to be.
        let was_inside = self.is_inside(new).await?;
        if !was_inside {
            match bot.join_via(new, &[replaced.by.server_name()]).await {
                Err(error) if error.is_transient() => return Err(error.into()),
                Err(error) if failures < TRIES_MAX => {
                    return Ok(Followed::NotYet(format!(
                        "the bridge may not come into the new room yet: {error}"
                    )));
                }
                Err(_) => return Ok(Followed::not("I was not let in")),
                Ok(()) => {}
            }
        }
        if let Some(why) = self.implausible(portal, replaced, &powers).await? {
            if !was_inside && let Err(error) = bot.leave(new).await {
                tracing::warn!(%error, room = %new, "The bot stays in a room that it does not follow into.");
            }
            return Ok(Followed::not(why));
        }
        if self.parts.store.move_portal(old, new).await? {
            tracing::info!(%old, %new, "Followed into the room that replaces a portal's.");
        }
        let portal = PortalRow { room_id: Some(new.to_owned()), ..portal.clone() };
        self.forget_portal(&portal.chat, &[old, new]);
        self.settle_in(&portal, old, new).await?;
        Ok(Followed::There)
    }

    /// The portal that has moved on from one room to another already. Only that other room itself is believed.
    pub(super) async fn followed_from(
        &self,
        old: &RoomId,
        new: &RoomId,
    ) -> Result<Option<Arc<PortalRow>>, Stopped> {
        let Some(portal) = self.by_room(new).await? else { return Ok(None) };
        let creation = present(self.parts.homeserver.bot().creation(new).await)?;
        let is_so = creation.is_some_and(|creation| creation.predecessor.as_deref() == Some(old));
        Ok(is_so.then_some(portal))
    }

    /// The powers in a room that was closed; or why it was not, or not by somebody who could.
    async fn closing_powers(
        &self,
        Replaced { old, new, by }: Replaced<'_>,
    ) -> Result<Result<Powers, &'static str>, Stopped> {
        let bot = self.parts.homeserver.bot();
        let Some(powers) = present(bot.powers(old).await)? else {
            return Ok(Err("the bridge is not in the room that was closed"));
        };
        if !powers.allows(by, Deed::SetState(TOMBSTONE)) {
            return Ok(Err("the sender had no power to close the room"));
        }
        match self.replacement(old).await? {
            Some(replacement) if replacement == new => Ok(Ok(powers)),
            _ => Ok(Err("the room does not say so itself")),
        }
    }

    /// The room that a closed one names as its successor.
    async fn replacement(&self, room_id: &RoomId) -> Result<Option<OwnedRoomId>, HomeserverError> {
        let content =
            present(self.parts.homeserver.bot().state_event(room_id, TOMBSTONE, "").await)?.flatten();
        let tombstone = content.and_then(|content| serde_json::from_str::<Tombstone>(content.get()).ok());
        Ok(tombstone.map(|tombstone| tombstone.replacement_room))
    }

    async fn is_inside(&self, room_id: &RoomId) -> Result<bool, HomeserverError> {
        #[derive(Deserialize)]
        struct Member {
            membership: String,
        }
        let bot = self.parts.homeserver.bot();
        let member =
            present(bot.state_event(room_id, "m.room.member", bot.user_id().as_str()).await)?.flatten();
        let member = member.and_then(|member| serde_json::from_str::<Member>(member.get()).ok());
        Ok(member.is_some_and(|member| member.membership == "join"))
    }

    /// Why the new room is not believed to replace the old one, if it is not.
    async fn implausible(
        &self,
        portal: &PortalRow,
        replaced: Replaced<'_>,
        powers: &Powers,
    ) -> Result<Option<&'static str>, Stopped> {
        let Replaced { old, new, by } = replaced;
        let bot = self.parts.homeserver.bot();
        let creation = bot.creation(new).await?;
        if let Some(why) = unlike(&creation, replaced, |creator| {
            creator == by || powers.allows(creator, Deed::SetState(TOMBSTONE))
        }) {
            return Ok(Some(why));
        }
        if creation.is_space != powers.creation().is_space {
            return Ok(Some("one is a space and the other is none"));
        }
        if bot.state_event(new, "m.room.encryption", "").await?.is_some() {
            return Ok(Some("it is encrypted, and I cannot read it"));
        }
        let other = self.parts.store.portal_by_room(new).await?;
        if other.is_some_and(|other| other.chat != portal.chat) {
            return Ok(Some("it is joined to another chat"));
        }
        debug_assert_ne!(old, new, "a room that names itself is its own predecessor");
        Ok(None)
    }

    /// Brings everything that leads to the old room to the new one. What the homeserver refuses for good is only logged.
    async fn settle_in(&self, portal: &PortalRow, old: &RoomId, new: &RoomId) -> Result<(), Stopped> {
        tolerate(self.mark_bridged(new, portal).await, NOT_QUITE)?;
        self.unmark_bridged(old, portal).await?;
        if !portal.plumbed {
            tolerate(self.lead_alias(portal, old, new).await, NOT_QUITE)?;
        }
        for space in self.spaces_of(portal).await? {
            tolerate(self.replace_child(&space, old, new).await, NOT_QUITE)?;
        }
        if portal.kind == ChatKind::Space {
            self.bring_children(portal, old, new).await?;
        }
        self.ask_for_power(portal, new).await
    }

    /// Lets the alias of the chat lead to the new room. Homeservers that upgrade a room do so themselves.
    async fn lead_alias(
        &self,
        portal: &PortalRow,
        old: &RoomId,
        new: &RoomId,
    ) -> Result<(), HomeserverError> {
        let bot = self.parts.homeserver.bot();
        let alias = self.alias_of(&portal.chat);
        match bot.resolve_alias(&alias).await? {
            Some(room_id) if room_id == old => bot.remove_alias(&alias).await?,
            Some(_) => return Ok(()),
            None => {}
        }
        bot.set_alias(&alias, new).await
    }

    /// The spaces that may hold the room of a portal: of the chat above it, and of the accounts that see it.
    pub(super) async fn spaces_of(&self, portal: &PortalRow) -> Result<Vec<OwnedRoomId>, StoreError> {
        let mut spaces = Vec::new();
        if let Some(parent) = &portal.parent {
            spaces.extend(self.by_chat(parent).await?.and_then(|space| space.room_id.clone()));
        }
        for seeing in self.seeing(&portal.chat).await?.iter() {
            spaces.extend(self.parts.store.login(&seeing.login).await?.and_then(|login| login.space_room));
        }
        Ok(spaces)
    }

    async fn replace_child(
        &self,
        space: &OwnedRoomId,
        old: &RoomId,
        new: &RoomId,
    ) -> Result<(), HomeserverError> {
        let bot = self.parts.homeserver.bot();
        let child = bot.state_event(space, "m.space.child", old.as_str()).await?;
        let child = child.and_then(|child| serde_json::from_str::<Value>(child.get()).ok());
        if child.is_none_or(|child| child.get("via").is_none()) {
            return Ok(());
        }
        self.put_into(space, &new.to_owned()).await?;
        self.set_state(space, "m.space.child", old.as_str(), &json!({})).await
    }

    /// The rooms of a space that was replaced belong to the new one, and are open to whoever is in it.
    async fn bring_children(&self, portal: &PortalRow, old: &RoomId, new: &RoomId) -> Result<(), Stopped> {
        let mut after = None;
        loop {
            let page = self.parts.store.portals(PAGE, after.as_ref()).await?;
            for child in page.iter().filter(|child| child.parent.as_ref() == Some(&portal.chat)) {
                let Some(room_id) = &child.room_id else { continue };
                tolerate(self.put_into(&new.to_owned(), room_id).await, NOT_QUITE)?;
                tolerate(
                    self.set_state(room_id, "m.space.parent", old.as_str(), &json!({})).await,
                    NOT_QUITE,
                )?;
                tolerate(self.open_to_space(room_id, old, new).await, NOT_QUITE)?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = Some(last.chat.clone()),
                _ => return Ok(()),
            }
        }
    }

    async fn open_to_space(
        &self,
        room_id: &RoomId,
        old: &RoomId,
        new: &RoomId,
    ) -> Result<(), HomeserverError> {
        let bot = self.parts.homeserver.bot();
        let rules = bot.state_event(room_id, "m.room.join_rules", "").await?;
        let Some(mut rules) = rules.and_then(|rules| serde_json::from_str::<Value>(rules.get()).ok()) else {
            return Ok(());
        };
        match lead_rules(&mut rules, old, new) {
            true => self.set_state(room_id, "m.room.join_rules", "", &rules).await,
            false => Ok(()),
        }
    }

    /// Says in the new room what the bot may not do there, if there is something. Whoever makes a room decides who has power in it.
    async fn ask_for_power(&self, portal: &PortalRow, new: &RoomId) -> Result<(), Stopped> {
        let bot = self.parts.homeserver.bot();
        let powers = bot.powers(new).await?;
        let needed = [Deed::SetState("m.bridge"), Deed::Invite, Deed::Redact].map(|deed| powers.needed(deed));
        let needed = needed.into_iter().max().unwrap_or_default();
        if !powers.of(bot.user_id()).reaches(needed) {
            let name = self.parts.settings.about.name;
            let chat = portal.name.as_deref().unwrap_or(portal.chat.as_str());
            let words = format!(
                "This room takes the place of one that was joined to “{chat}” on {name}, and is joined to it now. I may not invite people, \
                 delete messages or change settings here. Give me the power level {needed} (most clients: in the room's settings, under \
                 roles), so that everything goes on as before."
            );
            self.tell_once(new, &words).await;
        }
        Ok(())
    }

    /// Whether a room without a portal is about to get the one of the room that it replaces: what is said there must wait for that.
    pub(super) async fn is_being_followed(&self, room_id: &RoomId) -> Result<bool, Stopped> {
        let creation = present(self.parts.homeserver.bot().creation(room_id).await)?;
        let Some(old) = creation.and_then(|creation| creation.predecessor) else { return Ok(false) };
        if self.by_room(&old).await?.is_none() {
            return Ok(false);
        }
        // Its tombstone is among what is still being worked on there.
        let rows = self.parts.store.lane_rows(Direction::FromMatrix, old.as_str(), None, 1).await?;
        Ok(!rows.is_empty())
    }

    /// Whether a room that takes nothing any more is closed, so that its portal will perhaps move.
    pub(super) async fn is_closed(&self, room_id: &RoomId, failures: u32) -> Result<bool, HomeserverError> {
        Ok(failures < CLOSED_TRIES_MAX && self.replacement(room_id).await?.is_some())
    }
}

/// Why a creation is not that of a successor, if it is not.
fn unlike(
    creation: &Creation,
    Replaced { old, .. }: Replaced<'_>,
    had_power: impl Fn(&OwnedUserId) -> bool,
) -> Option<&'static str> {
    if creation.predecessor.as_deref() != Some(old) {
        return Some("it does not say that it replaces this one");
    }
    match &creation.creator {
        Some(creator) if had_power(creator) => None,
        _ => Some("it was made by somebody who had no power here"),
    }
}

/// Lets rules that let the people of one space in let in those of another. Whether they did.
fn lead_rules(rules: &mut Value, old: &RoomId, new: &RoomId) -> bool {
    let allow = rules.get_mut("allow").and_then(Value::as_array_mut);
    let of_old = |entry: &&mut Value| entry.get("room_id").is_some_and(|room_id| room_id == old.as_str());
    let mut has_changed = false;
    for entry in allow.into_iter().flatten().filter(of_old) {
        entry["room_id"] = json!(new);
        has_changed = true;
    }
    has_changed
}

/// What may be seen of a room: nothing where the bot is not.
fn present<T>(asked: Result<T, HomeserverError>) -> Result<Option<T>, HomeserverError> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_transient() => Err(error),
        Err(_) => Ok(None),
    }
}
