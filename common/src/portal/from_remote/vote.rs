//! Votes from the network in polls that somebody in Matrix has opened.

use super::{
    Stopped,
    decide::Vote,
    voice::{Looker, Voice},
};
use crate::{
    convert::{PollDeed, VOTE_TYPE, read_poll, write_vote},
    homeserver::{HomeserverError, SendEvent},
    ids::AliasSet,
    message::Sender,
    platform::Session,
    portal::{Portals, keys},
    store::{JournalId, MessageRow},
};

/// Lets the sender's ghost vote; each vote replaces their last. `work` tells one vote from another.
pub(super) async fn cast(
    portals: &Portals,
    vote: &Vote<'_>,
    session: Option<&dyn Session>,
    work: JournalId,
) -> Result<(), Stopped> {
    let MessageRow { chat: Some(chat), remote_id: Some(target), .. } = vote.on else { return Ok(()) };
    let (Some(room_id), Some(event_id)) = (&vote.on.room_id, &vote.on.event_id) else { return Ok(()) };
    let opened = match portals.parts.homeserver.bot().event(room_id, event_id).await {
        // What cannot be read is no poll any more.
        Err(error) if !error.is_transient() => None,
        event => event?,
    };
    let Some(poll) = opened.as_deref().and_then(|event| opening(event.get())) else { return Ok(()) };
    let looker = Looker { portals, session, is_patient: false };
    let sender = Sender { ids: AliasSet::single(vote.sender.clone()), name: None, avatar: None };
    let voice = Voice::ready(&looker, room_id, &sender).await?;
    let part = format!("vote {}", work.get());
    let event = SendEvent {
        room_id,
        event_type: VOTE_TYPE,
        txn_id: &voice.txn_id(&keys::Place { chat, id: target, part: &part }),
        content: &write_vote(event_id, &poll.ids(vote.answers)),
        sent_ms: None,
    };
    voice.send(event).await.map(drop).map_err(|error: HomeserverError| error.into())
}

/// The poll that an event opens.
fn opening(event: &str) -> Option<crate::convert::Poll> {
    #[derive(serde::Deserialize)]
    struct Opening {
        #[serde(rename = "type")]
        event_type: String,
        content: serde_json::Value,
    }
    let event: Opening = serde_json::from_str(event).ok()?;
    match read_poll(&event.event_type, &event.content)? {
        PollDeed::Opened(poll) => Some(poll),
        PollDeed::Voted { .. } | PollDeed::Closed { .. } => None,
    }
}
