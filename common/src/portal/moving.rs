//! A chat that goes on under another id, and two chats that turn out to be one.
//!
//! Whatever is done at the homeserver can be repeated and is done first; the database follows in one transaction, after which the same news
//! is no news any more. So a crash anywhere leads to the whole again, or to nothing.

use std::sync::Arc;

use ruma::RoomId;
use serde_json::json;

use super::{
    Portals,
    from_remote::{Performed, Stopped, delivered},
    plumb::NOT_QUITE,
};
use crate::{
    config::Level,
    homeserver::{HomeserverError, SendEvent, tolerate},
    ids::RemoteChatId,
    message::{ChatKind, RemoteEvent},
    platform::Session,
    puppet::Inside,
    store::{Direction, Heir, JournalId, Links, OpenRow, Outcome, PortalRow, PortalState, StoreError},
};

/// What people read in a room that their chat has left.
const GOES_ON: &str = "This chat goes on in another room.";

/// So many portals are read at once.
const PAGE: u32 = 200;

/// What is to be done.
#[derive(Debug, PartialEq)]
struct Plan {
    heir: Heir,
    /// Whose room stays.
    stays: Option<PortalRow>,
    /// Whose room is left.
    leaves: Option<PortalRow>,
}

/// Decides whose room stays. A chat with one room keeps that. Of two, the former's stays: its people are there, and what they said; the
/// latter's is mostly as young as the new id. Other than that only where somebody wanted the latter's: the former's was separated from its
/// chat by command and the latter's was not, or a room of people's own was joined to the latter and we made the former's.
fn plan(former: Option<PortalRow>, latter: Option<PortalRow>) -> Plan {
    let has_room = |portal: &Option<PortalRow>| portal.as_ref().is_some_and(|it| it.room_id.is_some());
    let heir = match (has_room(&former), has_room(&latter)) {
        (true, false) => Heir::Former,
        (false, true) => Heir::Latter,
        (false, false) if latter.is_some() => Heir::Latter,
        (false, false) => Heir::Former,
        (true, true) => {
            let is_apart = |portal: &Option<PortalRow>| {
                portal.as_ref().is_some_and(|it| it.state == PortalState::Unbridged)
            };
            let is_own = |portal: &Option<PortalRow>| portal.as_ref().is_some_and(|it| it.plumbed);
            match (is_apart(&former), is_apart(&latter)) {
                (true, false) => Heir::Latter,
                (false, true) => Heir::Former,
                _ if is_own(&latter) && !is_own(&former) => Heir::Latter,
                _ => Heir::Former,
            }
        }
    };
    let (stays, leaves) = match heir {
        Heir::Former => (former, latter),
        Heir::Latter => (latter, former),
    };
    let with_room = |portal: Option<PortalRow>| portal.filter(|portal| portal.room_id.is_some());
    Plan { heir, stays: with_room(stays), leaves: with_room(leaves) }
}

/// The chat had that id already.
fn known() -> Performed {
    Performed::Closed(Outcome::Ignored("the chat goes on there already".to_owned()), Links::None)
}

impl Portals {
    /// Learns which chats have moved. Must be called before anything is worked on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load_moves(&self) -> Result<(), StoreError> {
        let moved = self.parts.store.moved_chats().await?;
        if !moved.is_empty() {
            // What an earlier process left may be from before any of these moves.
            self.moves.note_before(self.parts.store.newest_open().await?.map_or(0, JournalId::get));
        }
        self.moves.load(moved);
        Ok(())
    }

    /// Whether a message is known already: it was told under one id of its chat and again under another, before these were known to be the
    /// same chat. What is told after that the store tells by itself.
    pub(super) async fn was_told_before(
        &self,
        event: &RemoteEvent,
        (row, is_late): (&OpenRow, bool),
    ) -> Result<bool, StoreError> {
        let (RemoteEvent::Message(message) | RemoteEvent::Poll { message, .. }) = event else {
            return Ok(false);
        };
        if !is_late && !self.moves.is_before(row.id) {
            return Ok(false);
        }
        let known = self.parts.store.message_by_remote(&message.chat, &message.id).await?;
        Ok(known.iter().any(|known| known.id < row.id))
    }

    /// The id that a chat has today.
    pub fn today(&self, chat: &RemoteChatId) -> RemoteChatId {
        self.moves.today(chat)
    }

    /// Goes into the chat of an event, which then bears the id of today; gives also whether it came under a former id.
    pub(super) async fn enter(&self, event: &mut RemoteEvent) -> (Option<Inside>, bool) {
        let mut is_late = false;
        let Some(chat) = event.chat_mut() else { return (None, is_late) };
        loop {
            let today = self.today(chat);
            is_late |= today != *chat;
            *chat = today;
            let inside = self.moves.enter(chat).await;
            if self.today(chat) == *chat {
                return (Some(inside), is_late);
            }
        }
    }

    /// Goes into the chat of a room.
    pub(super) async fn enter_room(&self, room_id: &RoomId) -> Result<Option<Inside>, StoreError> {
        let mut portal = self.by_room(room_id).await?;
        while let Some(before) = portal {
            let inside = self.moves.enter(&before.chat).await;
            portal = self.by_room(room_id).await?;
            if portal.as_ref().is_some_and(|portal| portal.chat == before.chat) {
                return Ok(Some(inside));
            }
        }
        Ok(None)
    }

    /// Lets one chat go on as another.
    pub(super) async fn migrate(
        &self,
        (told_from, told_to): (&RemoteChatId, &RemoteChatId),
        (row, session): (&OpenRow, Option<&dyn Session>),
    ) -> Result<Performed, Stopped> {
        let Some((from, to)) = self.moves.resolve(told_from, told_to) else { return Ok(known()) };
        self.parts.store.settled().await?;
        for chat in [told_from, &from] {
            if self.is_ahead(Direction::FromRemote, chat.as_str(), row).await? {
                return Ok(Performed::NotYet(
                    "what was told about the chat before is still on its way".to_owned(),
                ));
            }
        }
        let _closed = self.moves.close(&from, &to).await;
        if self.moves.resolve(told_from, told_to).as_ref() != Some(&(from.clone(), to.clone())) {
            return Ok(Performed::NotYet("another move of the chat came before".to_owned()));
        }
        let store = &self.parts.store;
        let former = store.portal_by_chat(&from).await?.filter(|portal| portal.chat == from);
        // A chat that comes back to a former id is found under that already, and would be merged with itself.
        let latter = store.portal_by_chat(&to).await?.filter(|portal| portal.chat == to);
        let Plan { heir, stays, leaves } = plan(former.clone(), latter.clone());
        if let Some((leaves, stays)) = leaves.as_ref().zip(stays.as_ref()) {
            let room_id = leaves.room_id.as_deref().map_or("", RoomId::as_str);
            if self.is_ahead(Direction::FromMatrix, room_id, row).await? {
                return Ok(Performed::NotYet(
                    "what was said in the room before is still on its way".to_owned(),
                ));
            }
            self.merge(leaves, stays).await?;
        }
        if let Some(stays) = &stays {
            self.rename(stays, &from, &to).await?;
        }
        store.move_chat(&from, &to, heir).await?;
        // Where that cannot be read, everything may be from before.
        self.moves
            .note_before(store.newest_open().await.map_or(i64::MAX, |row| row.map_or(0, JournalId::get)));
        self.moves.note(&from, &to);
        for portal in [former, latter].iter().flatten() {
            self.forget(portal);
        }
        self.forget_seeing(&from);
        self.forget_seeing(&to);
        tracing::info!("A chat goes on under another id.");
        self.look_anew(&to, session).await?;
        Ok(delivered())
    }

    /// Whether something older than `row` is in a lane and was not tried yet. What was tried in vain is not waited for, since it may itself
    /// wait for the move; with everything that waits looking only at older rows, no two wait for each other.
    async fn is_ahead(&self, direction: Direction, lane: &str, row: &OpenRow) -> Result<bool, StoreError> {
        let head = self.parts.store.lane_rows(direction, lane, None, 1).await?.into_iter().next();
        Ok(head.is_some_and(|head| head.id < row.id && head.attempts == 0))
    }

    /// Brings people from the room that is left into the one that stays. The other keeps what was said in it, and its people and the bot
    /// stay there: whoever says something there learns where the chat is now, since its alias leads to the other room.
    async fn merge(&self, leaves: &PortalRow, stays: &PortalRow) -> Result<(), Stopped> {
        let (Some(left), Some(kept)) = (leaves.room_id.as_deref(), stays.room_id.as_deref()) else {
            return Ok(());
        };
        let is_hidden = stays.private || stays.kind == ChatKind::Direct;
        for login in self.parts.store.chat_logins(&leaves.chat).await? {
            self.bring_owner(stays, &login.login, None).await?;
        }
        for user_id in self.inside(left).await? {
            let may_come = !is_hidden || self.parts.settings.permissions.level(&user_id) >= Level::Admin;
            if may_come && !self.parts.names.is_ours(&user_id) {
                self.ask_in(kept, &user_id).await?;
            }
        }
        if stays.kind == ChatKind::Space {
            self.take_children(leaves, kept).await?;
        }
        let words = format!("{GOES_ON} https://matrix.to/#/{kept}?via={}", self.parts.names.server_name());
        let event = SendEvent {
            room_id: left,
            event_type: "m.room.message",
            txn_id: &super::keys::tell_id(&format!("{left} {kept}")),
            content: &super::notice_content(&words, &self.parts.names),
            sent_ms: None,
        };
        tolerate(self.parts.homeserver.bot().send(event).await.map(drop), NOT_QUITE)?;
        let space = match &leaves.parent {
            Some(parent) => self.by_chat(parent).await?.and_then(|space| space.room_id.clone()),
            None => None,
        };
        if let Some(space) = space {
            tolerate(self.set_state(&space, "m.space.child", left.as_str(), &json!({})).await, NOT_QUITE)?;
        }
        self.unmark_bridged(left, leaves).await?;
        self.send_ghosts_away(left).await?;
        if leaves.plumbed {
            // It was there before its chat came, and stays its people's own.
            return Ok(());
        }
        let tombstone = json!({ "body": GOES_ON, "replacement_room": kept });
        tolerate(self.set_state(left, "m.room.tombstone", "", &tombstone).await, NOT_QUITE)?;
        Ok(())
    }

    /// Puts what is in one space into another.
    async fn take_children(&self, leaves: &PortalRow, space: &RoomId) -> Result<(), Stopped> {
        let space = space.to_owned();
        let mut after: Option<RemoteChatId> = None;
        loop {
            let page = self.parts.store.portals(PAGE, after.as_ref()).await?;
            for child in page.iter().filter(|portal| portal.parent.as_ref() == Some(&leaves.chat)) {
                if let Some(room_id) = &child.room_id {
                    tolerate(self.put_into(&space, room_id).await, NOT_QUITE)?;
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = Some(last.chat.clone()),
                _ => return Ok(()),
            }
        }
    }

    /// Lets a room say that it is the new id's: by its aliases, of which the old one leads there still, and by its state.
    async fn rename(
        &self,
        portal: &PortalRow,
        from: &RemoteChatId,
        to: &RemoteChatId,
    ) -> Result<(), Stopped> {
        let Some(room_id) = portal.room_id.as_deref() else { return Ok(()) };
        if !portal.plumbed {
            for chat in [from, to] {
                tolerate(self.point_alias(&self.alias_of(chat), room_id).await, NOT_QUITE)?;
            }
            let canonical = json!({ "alias": self.alias_of(to), "alt_aliases": [self.alias_of(from)] });
            tolerate(self.set_state(room_id, "m.room.canonical_alias", "", &canonical).await, NOT_QUITE)?;
        }
        if portal.state == PortalState::Unbridged {
            return Ok(());
        }
        if portal.chat != *to {
            self.unmark_bridged(room_id, portal).await?;
        }
        let renamed = PortalRow { chat: to.clone(), ..portal.clone() };
        Ok(tolerate(self.mark_bridged(room_id, &renamed).await, NOT_QUITE)?)
    }

    async fn point_alias(&self, alias: &str, room_id: &RoomId) -> Result<(), HomeserverError> {
        let bot = self.parts.homeserver.bot();
        match bot.resolve_alias(alias).await? {
            Some(there) if there == room_id => return Ok(()),
            Some(_) => bot.remove_alias(alias).await?,
            None => {}
        }
        bot.set_alias(alias, room_id).await
    }

    /// Lets the room look as its chat does under the new id. A chat that seemed gone was only on its way there.
    async fn look_anew(&self, chat: &RemoteChatId, session: Option<&dyn Session>) -> Result<(), StoreError> {
        let mut portal = self.refresh(chat).await?;
        if portal.as_ref().is_some_and(|portal| portal.state == PortalState::Gone) {
            portal = self.set_portal_state(chat, PortalState::Active).await?;
        }
        let is_there = |portal: &Arc<PortalRow>| portal.state != PortalState::Unbridged;
        let (Some(portal), Some(session)) = (portal.filter(is_there), session) else { return Ok(()) };
        let info = session.chat(chat).await.ok().flatten();
        if let Some(info) = info
            && let Err(error) = self.update_info(&portal, &info, session).await
        {
            tracing::warn!(%error, room = ?portal.room_id, "A room does not look as its chat does; the next change of it shows there.");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
