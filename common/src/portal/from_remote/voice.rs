//! A ghost that speaks in a room: made ready, brought in when it first speaks there, and heard again after an interrupted attempt.

use async_trait::async_trait;
use ruma::{EventId, OwnedEventId, OwnedMxcUri, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::Value;

use super::Stopped;
use crate::{
    homeserver::{HomeserverError, Intent, SendEvent},
    ids::{RemoteFileId, RemoteUserId},
    media,
    message::Sender,
    platform::Session,
    portal::{
        Portals,
        keys::{self, Place},
    },
    puppet::Looks,
    steps::{Step, reached},
};

/// So many of a ghost's recent events are searched for the effect of an interrupted attempt. One send is in flight per room, so its event
/// is among the ghost's newest ones, however much others have said meanwhile.
const SEARCHED_EVENTS: u32 = 100;

/// Asks the session about people; while there is none, nothing is found out.
pub(super) struct Looker<'a> {
    pub(super) portals: &'a Portals,
    pub(super) session: Option<&'a dyn Session>,
    /// Whether a file that cannot be had now is waited for.
    pub(super) is_patient: bool,
}

#[async_trait]
impl Looks for Looker<'_> {
    async fn name(&self, user: &RemoteUserId) -> Option<String> {
        self.session?.user(user).await.ok().flatten()?.name
    }

    async fn picture(&self, file: &RemoteFileId) -> Option<OwnedMxcUri> {
        let parts = &self.portals.parts;
        media::copy_picture(&parts.store, &parts.homeserver, self.session?, file).await
    }
}

/// A ghost that is ready to speak in a room.
pub(super) struct Voice<'a> {
    portals: &'a Portals,
    room_id: &'a RoomId,
    /// The ghost.
    pub(super) user_id: OwnedUserId,
}

/// An event of a ghost, found again.
#[derive(Debug, Deserialize)]
pub(super) struct Heard {
    pub(super) event_id: OwnedEventId,
    sender: OwnedUserId,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    #[serde(default)]
    pub(super) content: Value,
}

impl<'a> Voice<'a> {
    /// Makes the ghost of `sender` ready to speak in a room.
    pub(super) async fn ready(
        looker: &Looker<'a>,
        room_id: &'a RoomId,
        sender: &Sender,
    ) -> Result<Self, Stopped> {
        let portals = looker.portals;
        let ghost = match looker.session {
            Some(_) => portals.ghosts.ready(sender, looker).await?,
            // A new picture waits for a message that comes while somebody can fetch it.
            None => {
                let sender = Sender { avatar: None, ..sender.clone() };
                portals.ghosts.ready(&sender, looker).await?
            }
        };
        reached(Step::GhostReady);
        Ok(Self { portals, room_id, user_id: ghost.user_id.clone() })
    }

    /// The key of what this ghost sends there.
    pub(super) fn txn_id(&self, place: &Place<'_>) -> String {
        keys::txn_id(place, &self.user_id, &self.portals.parts.clock)
    }

    /// Sends an event.
    pub(super) async fn send(&self, event: SendEvent<'_, Value>) -> Result<OwnedEventId, HomeserverError> {
        let intent = self.portals.parts.homeserver.intent(&self.user_id);
        match intent.send(event).await {
            // Ghosts come to a room when they first speak there.
            Err(HomeserverError::Forbidden(_)) => {
                self.bring_in(&intent).await?;
                intent.send(event).await
            }
            sent => sent,
        }
    }

    /// What the ghost has said lately in the room, youngest first.
    pub(super) async fn said_lately(&self) -> Result<Vec<Heard>, HomeserverError> {
        let bot = self.portals.parts.homeserver.bot();
        let recent = bot.recent_messages(self.room_id, &self.user_id, SEARCHED_EVENTS).await?;
        let heard = recent.iter().filter_map(|raw| serde_json::from_str::<Heard>(raw.get()).ok());
        // Anybody can write an origin into a message; only the ghost itself is believed.
        Ok(heard.filter(|heard| heard.sender == self.user_id).collect())
    }

    async fn bring_in(&self, ghost: &Intent<'_>) -> Result<(), HomeserverError> {
        match self.portals.parts.homeserver.bot().invite(self.room_id, ghost.user_id()).await {
            // Already invited or already inside.
            Ok(()) | Err(HomeserverError::Forbidden(_)) => ghost.join(self.room_id).await,
            Err(error) => Err(error),
        }
    }
}

/// Takes an event away: as the ghost that sent it where it can, otherwise as the bridge bot, who may do so in its rooms.
pub(super) async fn take_away(
    portals: &Portals,
    room_id: &RoomId,
    event_id: &EventId,
    ghost: Option<&UserId>,
) -> Result<(), HomeserverError> {
    let homeserver = &portals.parts.homeserver;
    if let Some(ghost) = ghost {
        let txn_id = keys::redaction_id(event_id, ghost);
        match homeserver.intent(ghost).redact(room_id, event_id, &txn_id, None).await {
            Err(HomeserverError::Forbidden(_)) => {}
            redacted => return unless_gone(redacted.map(drop)),
        }
    }
    let txn_id = keys::redaction_id(event_id, portals.parts.names.bot());
    unless_gone(homeserver.bot().redact(room_id, event_id, &txn_id, None).await.map(drop))
}

/// What is not there need not be taken away.
fn unless_gone(redacted: Result<(), HomeserverError>) -> Result<(), HomeserverError> {
    match redacted {
        Err(HomeserverError::NotFound(_)) => Ok(()),
        redacted => redacted,
    }
}
