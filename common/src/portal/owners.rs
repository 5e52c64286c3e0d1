//! What people with accounts of their own find in Matrix: their rooms, in a space of their own, as they keep them on the network.
//!
//! Nothing of it holds a message back: what the homeserver refuses for good is only logged.

use std::sync::Arc;

use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::json;

use super::{Portals, from_remote::Stopped};
use crate::{
    homeserver::{CreateRoom, Double, HomeserverError, tolerate},
    ids::{LoginId, RemoteChatId, RemoteUserId},
    message::{ChatKind, Personal},
    store::{PortalRow, PortalState},
};

/// The tags for favorites and for what was put aside (specification, "Room tagging").
const FAVORITE: &str = "m.favourite";
const LOW_PRIORITY: &str = "m.lowpriority";

impl Portals {
    /// An account sees a chat. When that is news, its owner is brought into the room.
    pub(super) async fn seen_by(
        &self,
        chat: &RemoteChatId,
        login: &LoginId,
        portal: Option<&PortalRow>,
    ) -> Result<(), Stopped> {
        if !self.note_seeing(chat, login).await? {
            return Ok(());
        }
        match portal
            .filter(|portal| portal.state == PortalState::Active && portal.login.as_ref() != Some(login))
        {
            Some(portal) => self.bring_owner(portal, login, None).await,
            // Whoever makes the room sees to it.
            None => Ok(()),
        }
    }

    /// Brings the owner of an account into a room, and the room into the account's space; for the bridge's own account, those whom the
    /// settings name.
    pub(super) async fn bring_owner(
        &self,
        portal: &PortalRow,
        login: &LoginId,
        with: Option<&RemoteUserId>,
    ) -> Result<(), Stopped> {
        let Some(room_id) = portal.room_id.as_deref() else { return Ok(()) };
        let Some(owner) = self.parts.logins.status(login).and_then(|login| login.owner) else {
            let is_hidden = portal.private || portal.kind == ChatKind::Direct;
            for user_id in self.usually_invited(is_hidden) {
                self.ask_in(room_id, &user_id).await?;
            }
            return Ok(());
        };
        self.ask_in(room_id, &owner).await?;
        if self.parts.settings.personal_spaces
            && portal.parent.is_none()
            && let Some(space) = self.space_of(login, &owner).await?
        {
            tolerate(self.put_into(&space, &room_id.to_owned()).await, "A room stays outside its space.")?;
        }
        let with =
            with.and_then(|with| self.parts.names.ghost(with)).filter(|_| portal.kind == ChatKind::Direct);
        if let Some((with, double)) = with.zip(self.parts.doubles.of(&owner).await?) {
            let added = self.parts.homeserver.double(&double).add_direct_chat(&with, room_id).await;
            self.acted(&double, added, "A direct chat is not listed as one.")?;
        }
        Ok(())
    }

    /// Asks somebody into a room. For whom we may act, comes at once.
    pub(super) async fn ask_in(&self, room_id: &RoomId, user_id: &UserId) -> Result<(), Stopped> {
        match self.parts.homeserver.bot().invite(room_id, user_id).await {
            // Already invited or already inside.
            Ok(()) | Err(HomeserverError::Forbidden(_)) => {}
            other => return Ok(tolerate(other, "Somebody could not be invited.")?),
        }
        if self.parts.logins.of(user_id).is_empty() {
            return Ok(());
        }
        let Some(double) = self.parts.doubles.of(user_id).await? else { return Ok(()) };
        let via = [self.parts.names.server_name()];
        let joined = self.parts.homeserver.double(&double).join_via(room_id, &via).await;
        self.acted(&double, joined, "Somebody must join by themselves.")
    }

    /// Shows the owner of an account what they keep about a chat on the network.
    pub(super) async fn keep_personal(
        &self,
        room_id: &RoomId,
        login: &LoginId,
        personal: &Personal,
    ) -> Result<(), Stopped> {
        let Some(double) = self.double_of(login).await? else { return Ok(()) };
        let intent = self.parts.homeserver.double(&double);
        let Personal { muted, favorite, archived, unread } = *personal;
        let what = "What somebody keeps about a chat is not shown.";
        if let Some(muted) = muted {
            self.acted(&double, intent.set_muted(room_id, muted).await, what)?;
        }
        for (tag, is_on) in [(FAVORITE, favorite), (LOW_PRIORITY, archived)] {
            if let Some(is_on) = is_on {
                self.acted(&double, intent.set_tag(room_id, tag, is_on).await, what)?;
            }
        }
        if let Some(unread) = unread {
            self.acted(&double, intent.mark_unread(room_id, unread).await, what)?;
        }
        Ok(())
    }

    /// What came of acting for somebody. A token that has ended holds up nobody: it is not used again for a while.
    fn acted(&self, double: &Double, done: Result<(), HomeserverError>, what: &str) -> Result<(), Stopped> {
        if let Err(error) = &done
            && (double.is_elsewhere() || matches!(error, HomeserverError::TokenRefused(_)))
        {
            tracing::warn!(%error, "{what}");
            self.parts.doubles.refused(double.user_id());
            return Ok(());
        }
        Ok(tolerate(done, what)?)
    }

    async fn double_of(&self, login: &LoginId) -> Result<Option<Arc<Double>>, Stopped> {
        let Some(owner) = self.parts.logins.status(login).and_then(|login| login.owner) else {
            return Ok(None);
        };
        Ok(self.parts.doubles.of(&owner).await?)
    }

    /// The space of an account, made if there is none; none for one that has just been signed out. Its alias is the key: a crash leads back
    /// to the same one.
    async fn space_of(&self, login: &LoginId, owner: &OwnedUserId) -> Result<Option<OwnedRoomId>, Stopped> {
        let _alone = self.creating_space.lock().await;
        let Some(row) = self.parts.store.login(login).await? else { return Ok(None) };
        if row.space_room.is_some() {
            return Ok(row.space_room);
        }
        // No chat has such an id, since it is not in the form of any.
        let alias = self.parts.names.alias_localpart(&RemoteChatId::new(format!("\u{1}space {login}")));
        let request = CreateRoom {
            name: Some(format!("{} ({})", self.parts.settings.about.name, row.name)),
            topic: Some("Your chats on the other network.".to_owned()),
            alias_localpart: Some(alias.clone()),
            space: true,
            ..CreateRoom::default()
        };
        let space = self.create_once(&request, &alias).await?;
        self.parts.store.set_login_space(login, Some(&space)).await?;
        self.ask_in(&space, owner).await?;
        Ok(Some(space))
    }

    /// Makes a room, or finds the one that an interrupted attempt has made under the same alias.
    pub(super) async fn create_once(
        &self,
        request: &CreateRoom,
        alias: &str,
    ) -> Result<OwnedRoomId, HomeserverError> {
        let homeserver = &self.parts.homeserver;
        match homeserver.create_room(request).await {
            Err(error) if error.errcode() == Some("M_ROOM_IN_USE") => {
                let alias = format!("#{alias}:{}", self.parts.names.server_name());
                homeserver.bot().resolve_alias(&alias).await?.ok_or(error)
            }
            made => made,
        }
    }
}

/// The state by which clients tell the bot from the people of a direct chat (MSC4171).
pub(super) fn functional_members(bot: &UserId) -> serde_json::Value {
    json!({ "service_members": [bot] })
}
