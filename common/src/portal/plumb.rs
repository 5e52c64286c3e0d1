//! Rooms that come to a chat by command, and chats that lose theirs: joined, separated, emptied.
//!
//! Every step can run twice, since a command is repeated after a crash. A room that was there before its chat came is never emptied.

use ruma::{OwnedUserId, RoomId};
use serde_json::json;

use super::{Portals, from_matrix::Stopped};
use crate::{
    homeserver::HomeserverError,
    ids::RemoteChatId,
    store::{PortalRow, PortalState},
};

/// What people read who lose a room.
const DELETED: &str = "The room of this chat was deleted by a command.";

impl Portals {
    /// Joins a room to a chat. Its looks stay its people's own.
    pub(super) async fn plumb(&self, row: PortalRow) -> Result<(), Stopped> {
        let (chat, login) = (row.chat.clone(), row.login.clone());
        if let Some(room_id) = row.room_id.as_deref() {
            self.mark_bridged(room_id, &row).await?;
        }
        self.save(row).await?;
        if let Some(login) = &login {
            self.note_seeing(&chat, login).await?;
        }
        tracing::info!(chat = %chat, "Joined a room to a chat.");
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
        self.save(PortalRow { state: PortalState::Unbridged, ..portal.clone() }).await?;
        let Some(room_id) = portal.room_id.as_deref() else { return Ok(()) };
        self.send_ghosts_away(room_id).await?;
        put_up_with(self.unmark_bridged(room_id, portal).await)
    }

    /// Says in a room no more which chat it belongs to.
    pub(super) async fn unmark_bridged(
        &self,
        room_id: &RoomId,
        portal: &PortalRow,
    ) -> Result<(), HomeserverError> {
        let (key, _) = self.bridge_info(&portal.chat, None, portal.kind);
        for event_type in super::create::BRIDGE_TYPES {
            self.set_state(room_id, event_type, &key, &json!({})).await?;
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
        tracing::info!(chat = %portal.chat, "Deleted the room of a chat.");
        Ok(())
    }

    /// Takes everybody out of a room of ours; the bot goes last.
    async fn empty(&self, portal: &PortalRow, room_id: &RoomId) -> Result<(), Stopped> {
        let bot = self.parts.homeserver.bot();
        put_up_with(bot.remove_alias(&self.alias_of(&portal.chat)).await)?;
        for space in self.spaces_of(portal).await? {
            put_up_with(self.set_state(&space, "m.space.child", room_id.as_str(), &json!({})).await)?;
        }
        self.send_ghosts_away(room_id).await?;
        for user_id in self.inside(room_id).await? {
            if !self.parts.names.is_ours(&user_id) {
                put_up_with(bot.kick(room_id, &user_id, DELETED).await)?;
            }
        }
        put_up_with(bot.leave(room_id).await)
    }

    async fn send_ghosts_away(&self, room_id: &RoomId) -> Result<(), Stopped> {
        for user_id in self.inside(room_id).await? {
            if self.parts.names.remote(&user_id).is_some() {
                put_up_with(self.parts.homeserver.intent(&user_id).leave(room_id).await)?;
            }
        }
        Ok(())
    }

    /// Who is in a room; nobody where the bot is not.
    async fn inside(&self, room_id: &RoomId) -> Result<Vec<OwnedUserId>, Stopped> {
        match self.parts.homeserver.bot().joined_members(room_id).await {
            Err(error) if error.is_transient() => Err(error.into()),
            members => Ok(members.unwrap_or_default()),
        }
    }

    fn forget(&self, portal: &PortalRow) {
        let rooms: Vec<&RoomId> = portal.room_id.as_deref().into_iter().collect();
        self.forget_portal(&portal.chat, &rooms);
        self.forget_seeing(&portal.chat);
    }
}

/// What the homeserver refuses for good must not keep the rest from being done.
pub(super) fn put_up_with(done: Result<(), HomeserverError>) -> Result<(), Stopped> {
    match done {
        Err(error) if error.is_transient() => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "A room is not quite as it should be.");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
