//! How a new remote message is sent: each part once, whatever came between.

use ruma::{OwnedEventId, RoomId};

use super::{
    Stopped,
    content::Prepared,
    voice::{Looker, Voice},
};
use crate::{
    convert::{Layout, Origin, Part, Shortened},
    homeserver::SendEvent,
    message::RemoteMessage,
    platform::Session,
    portal::{Portals, keys},
    steps::{Step, reached},
};

/// A message on its way into a room.
pub(super) struct Sending<'a> {
    pub(super) message: &'a RemoteMessage,
    pub(super) room_id: &'a RoomId,
    pub(super) session: Option<&'a dyn Session>,
    pub(super) in_doubt: bool,
    pub(super) is_patient: bool,
}

impl Sending<'_> {
    /// Sends every part that is not in the room yet.
    pub(super) async fn send(&self, portals: &Portals) -> Result<Vec<OwnedEventId>, Stopped> {
        let looker = Looker { portals, session: self.session, is_patient: self.is_patient };
        let voice = Voice::ready(&looker, self.room_id, &self.message.sender).await?;
        let there = match self.in_doubt {
            true => parts_said(&voice, self.message).await?,
            false => Vec::new(),
        };
        let mut event_ids = Vec::new();
        for (nth, part) in (0..).zip(Prepared::new(&looker, self.message).await?.parts(Layout::Caption)) {
            let found = there.iter().find(|(number, _)| *number == nth);
            event_ids.push(match found {
                Some((_, event_id)) => event_id.clone(),
                None => send_part(&voice, self.room_id, self.message, &part).await?,
            });
        }
        reached(Step::Sent);
        Ok(event_ids)
    }
}

/// The parts of a message that its ghost has sent already, by their numbers.
pub(super) async fn parts_said(
    voice: &Voice<'_>,
    message: &RemoteMessage,
) -> Result<Vec<(u32, OwnedEventId)>, Stopped> {
    let mut said = voice.said_lately().await?;
    // It may have been said by another ghost of the same person.
    for former in voice.portals.former_ghosts(&message.sender.ids.primary).await? {
        said.extend(voice.former(former).said_lately().await?);
    }
    let said = said.into_iter().filter_map(|heard| {
        let relation = heard.content.get("m.relates_to").and_then(|relation| relation.get("rel_type"));
        if relation.is_some_and(|relation| relation == "m.replace") {
            return None;
        }
        let origin = Origin::read(&heard.content)?;
        // It may have been said when the chat had another id.
        let same = voice.portals.today(&origin.chat) == message.chat && origin.id == message.id;
        same.then_some((origin.part, heard.event_id))
    });
    Ok(said.collect())
}

/// Sends one part under the number that its origin names.
pub(super) async fn send_part(
    voice: &Voice<'_>,
    room_id: &RoomId,
    message: &RemoteMessage,
    part: &Part,
) -> Result<OwnedEventId, Stopped> {
    let number = Origin::read(&part.content).map_or(0, |origin| origin.part).to_string();
    let place = keys::Place { chat: &message.chat, id: &message.id, part: &number };
    let txn_id = voice.txn_id(&place);
    let event = SendEvent {
        room_id,
        event_type: part.event_type,
        txn_id: &txn_id,
        content: &part.content,
        sent_ms: Some(message.sent_ms),
    };
    let event_id = voice.send(event).await?;
    if let Shortened::TextCut { .. } = part.shortened {
        tracing::warn!(room = %room_id, "A message was too long for Matrix and was cut.");
    }
    Ok(event_id)
}
