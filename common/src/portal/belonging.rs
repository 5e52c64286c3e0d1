//! To which space a room belongs, when its chat comes into one, goes into another, or leaves it.

use ruma::RoomId;
use serde_json::json;

use super::{
    Portals,
    create::{CreateError, Wanted},
    plumb::NOT_QUITE,
};
use crate::{homeserver::tolerate, message::ChatInfo, platform::Session, store::PortalRow};

impl Portals {
    /// Lets a room be where its chat is today; the space is made if it is not there yet. Gives the portal as it is then.
    pub(super) async fn follow_parent(
        &self,
        portal: &PortalRow,
        room_id: &RoomId,
        info: &ChatInfo,
        session: &dyn Session,
    ) -> Result<PortalRow, CreateError> {
        let parent = info.parent.as_ref().map(|parent| self.today(parent));
        let (true, Some(login)) = (portal.parent != parent, &portal.login) else { return Ok(portal.clone()) };
        if let Some(former) = &portal.parent
            && let Some(space) = self.by_chat(former).await?.and_then(|space| space.room_id.clone())
        {
            let nothing = json!({});
            tolerate(self.set_state(&space, "m.space.child", room_id.as_str(), &nothing).await, NOT_QUITE)?;
            tolerate(self.set_state(room_id, "m.space.parent", space.as_str(), &nothing).await, NOT_QUITE)?;
        }
        let wanted = Wanted { chat: &portal.chat, login, info, session, until: None, depth: 0 };
        let space = self.parent(&wanted).await?;
        if let Some(space) = &space {
            tolerate(self.put_into(space, &room_id.to_owned()).await, NOT_QUITE)?;
        }
        if !info.private && !portal.private {
            self.set_privacy(portal, room_id, info, space.as_deref()).await?;
        }
        Ok(PortalRow { parent, ..portal.clone() })
    }
}
