//! A ghost that speaks in a room: made ready, brought in when it first speaks there, and heard again after an interrupted attempt.

use std::sync::Arc;

use async_trait::async_trait;
use ruma::{EventId, OwnedEventId, OwnedMxcUri, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::Value;

use super::Stopped;
use crate::{
    homeserver::{Double, HomeserverError, Intent, SendEvent},
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
pub(in crate::portal) struct Looker<'a> {
    pub(in crate::portal) portals: &'a Portals,
    pub(in crate::portal) session: Option<&'a dyn Session>,
    /// Whether a file that cannot be had now is waited for.
    pub(in crate::portal) is_patient: bool,
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

/// A ghost that is ready to speak in a room, or the person in Matrix whose own words they are.
pub(super) struct Voice<'a> {
    pub(super) portals: &'a Portals,
    room_id: &'a RoomId,
    /// Who speaks.
    pub(super) user_id: OwnedUserId,
    /// How to act for them, where it is a person.
    double: Option<Arc<Double>>,
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
    /// Makes the ghost of `sender` ready to speak in a room. Who has signed in with that account speaks as themselves, if we may act for
    /// them.
    pub(super) async fn ready(
        looker: &Looker<'a>,
        room_id: &'a RoomId,
        sender: &Sender,
    ) -> Result<Self, Stopped> {
        let portals = looker.portals;
        if let Some(person) = sender.ids.all().find_map(|id| portals.parts.logins.person_behind(id))
            && let Some(double) = portals.parts.doubles.of(&person).await?
        {
            return Ok(Self { portals, room_id, user_id: person, double: Some(double) });
        }
        let ghost = match looker.session {
            Some(_) => portals.ghosts.ready(sender, looker).await?,
            // A new picture waits for a message that comes while somebody can fetch it.
            None => {
                let sender = Sender { avatar: None, ..sender.clone() };
                portals.ghosts.ready(&sender, looker).await?
            }
        };
        reached(Step::GhostReady);
        Ok(Self { portals, room_id, user_id: ghost.user_id.clone(), double: None })
    }

    /// Comes into the room without a word.
    pub(super) async fn come_in(&self) -> Result<(), HomeserverError> {
        match &self.double {
            None => self.bring_in(&self.portals.parts.homeserver.intent(&self.user_id)).await,
            Some(double) => self.bring_in(&self.portals.parts.homeserver.double(double)).await,
        }
    }

    /// The key of what this ghost sends there.
    pub(super) fn txn_id(&self, place: &Place<'_>) -> String {
        keys::txn_id(place, &self.user_id, &self.portals.parts.clock)
    }

    /// Sends an event.
    pub(super) async fn send(&self, event: SendEvent<'_, Value>) -> Result<OwnedEventId, HomeserverError> {
        let Some(double) = &self.double else {
            return self.send_as(&self.portals.parts.homeserver.intent(&self.user_id), event).await;
        };
        let doubles = &self.portals.parts.doubles;
        let content = doubles.marked(event.content, event.room_id, &self.user_id, event.txn_id);
        let event = SendEvent { content: &content, ..event };
        match self.send_as(&self.portals.parts.homeserver.double(double), event).await {
            // Nothing was said. The next attempt speaks as the ghost.
            Err(error) if is_in_vain(double, &error) => {
                doubles.refused(&self.user_id);
                Err(HomeserverError::Broken(format!("{} cannot speak for themselves: {error}", self.user_id)))
            }
            sent => sent,
        }
    }

    async fn send_as(
        &self,
        intent: &Intent<'_>,
        event: SendEvent<'_, Value>,
    ) -> Result<OwnedEventId, HomeserverError> {
        match intent.send(event).await {
            // Ghosts come to a room when they first speak there.
            Err(HomeserverError::Forbidden(_)) => {
                self.bring_in(intent).await?;
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
            Ok(()) | Err(HomeserverError::Forbidden(_)) => {
                ghost.join_via(self.room_id, &[self.portals.parts.names.server_name()]).await
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a person can't be acted for just now: their token has ended, their homeserver is away, or they may not come in.
fn is_in_vain(double: &Double, error: &HomeserverError) -> bool {
    match error {
        HomeserverError::TokenRefused(_) | HomeserverError::Forbidden(_) | HomeserverError::NotFound(_) => {
            true
        }
        HomeserverError::Unreachable(_) => double.is_elsewhere(),
        _ => false,
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
