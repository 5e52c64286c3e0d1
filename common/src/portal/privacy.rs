//! Who may come into a portal's room: everybody of its space, or only those who run the bridge where the network hides the chat.
//!
//! Must never open a hidden chat to anybody. Whoever is in doubt stays outside.

use ruma::{OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};

use super::{Portals, create::CreateError, from_remote::Stopped};
use crate::{
    config::Level,
    homeserver::tolerate,
    ids::LoginId,
    message::{ChatInfo, ChatKind},
    store::PortalRow,
};

/// What people read who lose a room.
const HIDDEN_NOW: &str = "This chat is hidden on the other network now.";

impl Portals {
    /// Who is invited into the room of such a chat: the owner of the account that sees it, or with the bridge's own account those whom the
    /// settings name.
    pub(super) fn invited(&self, info: &ChatInfo, login: &LoginId) -> Vec<OwnedUserId> {
        if let Some(owner) = self.parts.logins.status(login).and_then(|login| login.owner) {
            return vec![owner];
        }
        self.usually_invited(is_hidden(info))
    }

    /// Whom the settings name; of a hidden chat only those who run the bridge.
    pub(super) fn usually_invited(&self, is_hidden: bool) -> Vec<OwnedUserId> {
        let settings = &self.parts.settings;
        let may_come =
            |user_id: &&OwnedUserId| !is_hidden || settings.permissions.level(user_id) >= Level::Admin;
        settings.invite.iter().filter(may_come).cloned().collect()
    }

    /// Brings a room in line with a chat that was hidden, or opened: who may join, and who has to go.
    pub(super) async fn set_privacy(
        &self,
        portal: &PortalRow,
        room_id: &RoomId,
        info: &ChatInfo,
        space: Option<&RoomId>,
    ) -> Result<(), Stopped> {
        let rules = join_rules(info, space);
        self.set_state(room_id, "m.room.join_rules", "", &rules).await?;
        if !is_hidden(info) {
            return Ok(());
        }
        let bot = self.parts.homeserver.bot();
        for user_id in bot.joined_members(room_id).await? {
            let stays = self.parts.names.is_ours(&user_id)
                || self.parts.settings.permissions.level(&user_id) >= Level::Admin
                || self.sees(portal, &user_id).await?;
            if stays {
                continue;
            }
            // Somebody whom even the bot cannot remove must not keep the others inside.
            tolerate(bot.kick(room_id, &user_id, HIDDEN_NOW).await, "Somebody stays in a hidden room.")?;
        }
        Ok(())
    }

    /// Whether an account of somebody sees the chat now.
    async fn sees(&self, portal: &PortalRow, user_id: &UserId) -> Result<bool, Stopped> {
        let own = self.parts.logins.of(user_id);
        for session in own.iter().filter_map(|login| self.parts.logins.session(login)) {
            if session.chat(&portal.chat).await.map_err(CreateError::from)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Who may join by themselves (specification, "Restricted rooms"): the people of the space, where everybody there sees the chat.
pub(super) fn join_rules(info: &ChatInfo, space: Option<&RoomId>) -> Value {
    match space.filter(|_| !is_hidden(info) && info.kind != ChatKind::Space) {
        Some(space) => {
            let allow = [json!({ "type": "m.room_membership", "room_id": space })];
            json!({ "join_rule": "restricted", "allow": allow })
        }
        None => json!({ "join_rule": "invite" }),
    }
}

/// A direct chat is nobody else's business.
pub(super) fn is_hidden(info: &ChatInfo) -> bool {
    info.private || info.kind == ChatKind::Direct
}
