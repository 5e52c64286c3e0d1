//! Rooms that come to a chat by command, and chats that lose theirs: joined, separated, emptied.
//!
//! Every step can run twice, since a command is repeated after a crash. A room that was there before its chat came is never emptied.

use ruma::{OwnedUserId, RoomId};
use serde_json::json;

use super::{Portals, from_matrix::Stopped};
use crate::{
    homeserver::{HomeserverError, tolerate},
    ids::RemoteChatId,
    store::{PortalRow, PortalState},
};

/// What people read who lose a room.
const DELETED: &str = "The room of this chat was deleted by a command.";

/// What is logged of a step that must not keep the rest from being done.
pub(super) const NOT_QUITE: &str = "A room is not quite as it should be.";

impl Portals {
    /// Joins a room to a chat. Its looks stay its people's own.
    pub(super) async fn plumb(&self, row: PortalRow) -> Result<(), Stopped> {
        let (chat, login) = (row.chat.clone(), row.login.clone());
        if let Some(room_id) = row.room_id.as_deref() {
            self.leave_former_room(&chat, room_id).await?;
        }
        if let Some(room_id) = row.room_id.as_deref() {
            self.mark_bridged(room_id, &row).await?;
        }
        let room_id = row.room_id.clone();
        self.save(row).await?;
        if let Some(login) = &login {
            self.note_seeing(&chat, login).await?;
        }
        tracing::info!(room = ?room_id, "Joined a room to a chat.");
        Ok(())
    }

    /// Takes a chat from the room that it had, if that is another: nothing leads there any more.
    pub(super) async fn leave_former_room(
        &self,
        chat: &RemoteChatId,
        room_id: &RoomId,
    ) -> Result<(), Stopped> {
        let Some(former) = self.by_chat(chat).await? else { return Ok(()) };
        let Some(left) = former.room_id.as_deref().filter(|it| *it != room_id) else { return Ok(()) };
        self.unmark_bridged(left, &former).await?;
        if !former.plumbed {
            let unaliased = self.parts.homeserver.bot().remove_alias(&self.alias_of(chat)).await;
            tolerate(unaliased, NOT_QUITE)?;
        }
        self.forget_portal(chat, &[left]);
        Ok(())
    }

    /// Says in a room which chat it belongs to.
    pub(super) async fn mark_bridged(
        &self,
        room_id: &RoomId,
        portal: &PortalRow,
    ) -> Result<(), HomeserverError> {
        let (key, content) = self.bridge_info(&portal.chat, portal.name.as_deref(), portal.kind);
        for event_type in super::create::BRIDGE_TYPES {
            self.set_state(room_id, event_type, &key, &content).await?;
        }
        Ok(())
    }

    /// Separates a room from its chat: the network's people leave, the others stay among themselves.
    pub(super) async fn unbridge(&self, portal: &PortalRow) -> Result<(), Stopped> {
        self.set_portal_state(&portal.chat, PortalState::Unbridged).await?;
        let Some(room_id) = portal.room_id.as_deref() else { return Ok(()) };
        self.send_ghosts_away(room_id).await?;
        Ok(self.unmark_bridged(room_id, portal).await?)
    }

    /// Says in a room no more which chat it belongs to.
    pub(super) async fn unmark_bridged(
        &self,
        room_id: &RoomId,
        portal: &PortalRow,
    ) -> Result<(), HomeserverError> {
        let (key, _) = self.bridge_info(&portal.chat, None, portal.kind);
        for event_type in super::create::BRIDGE_TYPES {
            tolerate(self.set_state(room_id, event_type, &key, &json!({})).await, NOT_QUITE)?;
        }
        Ok(())
    }

    /// The alias that leads to the room of a chat, where that is ours.
    pub(super) fn alias_of(&self, chat: &RemoteChatId) -> String {
        format!("#{}:{}", self.parts.names.alias_localpart(chat), self.parts.names.server_name())
    }

    /// Empties the room of a chat and forgets it, so that the next message makes a new room. One that was there before its chat came is only
    /// separated. In the chat's own lane, so that no message falls between.
    pub(super) async fn delete(&self, portal: &PortalRow) -> Result<(), Stopped> {
        if let Some(room_id) = portal.room_id.as_deref() {
            match portal.plumbed {
                true => self.unbridge(portal).await?,
                false => self.empty(portal, room_id).await?,
            }
        }
        self.parts.store.forget_portal(&portal.chat).await?;
        self.forget(portal);
        tracing::info!(room = ?portal.room_id, "Deleted the room of a chat.");
        Ok(())
    }

    /// Takes everybody out of a room of ours; the bot goes last.
    async fn empty(&self, portal: &PortalRow, room_id: &RoomId) -> Result<(), Stopped> {
        let bot = self.parts.homeserver.bot();
        tolerate(bot.remove_alias(&self.alias_of(&portal.chat)).await, NOT_QUITE)?;
        for space in self.spaces_of(portal).await? {
            tolerate(self.set_state(&space, "m.space.child", room_id.as_str(), &json!({})).await, NOT_QUITE)?;
        }
        self.send_ghosts_away(room_id).await?;
        for user_id in self.inside(room_id).await? {
            if !self.parts.names.is_ours(&user_id) {
                tolerate(bot.kick(room_id, &user_id, DELETED).await, NOT_QUITE)?;
            }
        }
        Ok(tolerate(bot.leave(room_id).await, NOT_QUITE)?)
    }

    pub(super) async fn send_ghosts_away(&self, room_id: &RoomId) -> Result<(), Stopped> {
        for user_id in self.inside(room_id).await? {
            if self.parts.names.remote(&user_id).is_some() {
                tolerate(self.parts.homeserver.intent(&user_id).leave(room_id).await, NOT_QUITE)?;
            }
        }
        Ok(())
    }

    /// Who is in a room; nobody where the bot is not.
    pub(super) async fn inside(&self, room_id: &RoomId) -> Result<Vec<OwnedUserId>, Stopped> {
        match self.parts.homeserver.bot().joined_members(room_id).await {
            Err(error) if error.is_transient() => Err(error.into()),
            members => Ok(members.unwrap_or_default()),
        }
    }

    pub(super) fn forget(&self, portal: &PortalRow) {
        let rooms: Vec<&RoomId> = portal.room_id.as_deref().into_iter().collect();
        self.forget_portal(&portal.chat, &rooms);
        self.forget_seeing(&portal.chat);
    }
}
