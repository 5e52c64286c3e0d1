//! Matrix to the network: load, decide, perform, record.
//!
//! One stored event at a time for each room. `decide` is pure and lives beside this file.

use std::sync::Arc;

use ruma::{OwnedRoomId, UserId, matrix_uri::MatrixId};
use serde::Deserialize;
use serde_json::Value;

use self::decide::{Decision, Facts, decide};
use super::{
    Call, Portals, keys,
    lane::{Attempted, Try},
};
use crate::{
    convert::{FromMatrix, Known, content_references},
    homeserver::HomeserverError,
    message::Outgoing,
    platform::{DeliverError, Delivered, DeliveryKey, InDoubt, Session},
    steps::{Step, reached},
    store::{Links, OpenRow, Outcome, PortalRow, StoreError},
};

mod decide;
mod event;

pub(super) use self::event::Event;

/// What stops an attempt before its effect.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The homeserver did not answer.
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
}

/// One attempt at one event.
pub(super) async fn attempt(portals: &Portals, row: &OpenRow, try_: Try) -> Result<Attempted, StoreError> {
    match go(portals, row, try_).await {
        Ok(attempted) => Ok(attempted),
        Err(Stopped::Store(error)) => Err(error),
        Err(Stopped::Homeserver(error)) if error.is_transient() => {
            Ok(Attempted::Again { after: error.retry_after(), reason: error.to_string() })
        }
        Err(Stopped::Homeserver(error)) => {
            portals.record(row, Outcome::Failed(error.to_string()), Links::None).await?;
            Ok(Attempted::Done)
        }
    }
}

async fn go(portals: &Portals, row: &OpenRow, try_: Try) -> Result<Attempted, Stopped> {
    reached(Step::DeliveryBegins);
    let event = match Event::read(&row.body) {
        Ok(event) => event,
        Err(error) => {
            let reason = format!("the event cannot be read: {error}");
            portals.record(row, Outcome::Failed(reason), Links::None).await?;
            return Ok(Attempted::Done);
        }
    };
    let loaded = load(portals, &event).await?;
    let decision = decide(&loaded.facts(portals, &event));
    perform(portals, Work { row, try_, event: &event, portal: loaded.portal.as_deref() }, decision, &loaded)
        .await
}

/// What was looked up.
struct Loaded {
    portal: Option<Arc<PortalRow>>,
    in_the_making: bool,
    session: Option<Arc<dyn Session>>,
    known: Known,
}

impl Loaded {
    fn facts<'a>(&'a self, portals: &'a Portals, event: &'a Event) -> Facts<'a> {
        Facts {
            event,
            portal: self.portal.as_deref(),
            in_the_making: self.in_the_making,
            level: portals.parts.settings.permissions.level(&event.sender),
            limits: self
                .portal
                .as_ref()
                .zip(self.session.as_ref())
                .map(|(portal, session)| session.limits(&portal.chat)),
            reading: FromMatrix::new(&portals.parts.names, &self.known),
            settings: &portals.parts.settings,
            commands: &*portals.parts.commands,
            bot: portals.parts.names.bot(),
        }
    }
}

/// What is being worked on.
#[derive(Clone, Copy)]
struct Work<'a> {
    row: &'a OpenRow,
    try_: Try,
    event: &'a Event,
    portal: Option<&'a PortalRow>,
}

async fn load(portals: &Portals, event: &Event) -> Result<Loaded, Stopped> {
    let portal = portals.by_room(&event.room_id).await?;
    let login = portal.as_ref().and_then(|portal| portal.login.as_ref());
    let session = login.and_then(|login| portals.parts.logins.session(login));
    let (known, in_the_making) = match portal {
        Some(_) => (references(portals, &event.content).await?, false),
        None => (Known::default(), event.membership().is_none() && in_the_making(portals, event).await?),
    };
    Ok(Loaded { portal, in_the_making, session, known })
}

/// Whether a room without a portal is one of ours all the same: made, and not recorded yet. People are invited as it is made, and what they
/// say before the record is there (which takes as long as we are down, if we were killed in between) must wait for it. The alias tells.
async fn in_the_making(portals: &Portals, event: &Event) -> Result<bool, HomeserverError> {
    #[derive(Deserialize)]
    struct Canonical {
        alias: String,
    }
    let bot = portals.parts.homeserver.bot();
    let content = match bot.state_event(&event.room_id, "m.room.canonical_alias", "").await {
        Err(error) if error.is_transient() => return Err(error),
        // Where the bot is not, nothing is made.
        other => other.ok().flatten(),
    };
    let canonical = content.and_then(|content| serde_json::from_str::<Canonical>(content.get()).ok());
    let Some(Canonical { alias }) = canonical.filter(|it| portals.parts.names.is_our_alias(&it.alias)) else {
        return Ok(false);
    };
    Ok(bot.resolve_alias(&alias).await?.as_ref() == Some(&event.room_id))
}

/// Looks up the portals and messages that the event links to. Most events link to none.
async fn references(portals: &Portals, content: &Value) -> Result<Known, StoreError> {
    let mut known = Known::default();
    for reference in content_references(content) {
        let room_id: Option<OwnedRoomId> = match &reference {
            MatrixId::Room(room_id) => Some(room_id.clone()),
            MatrixId::Event(room, _) => OwnedRoomId::try_from(room.clone()).ok(),
            _ => None,
        };
        let Some(room_id) = room_id else { continue };
        let Some(portal) = portals.by_room(&room_id).await? else { continue };
        known.add_room(portal.chat.clone(), room_id, Vec::new());
        if let MatrixId::Event(_, event_id) = &reference
            && let Some(message) = portals.parts.store.message_by_event(event_id).await?.into_iter().next()
            && let Some((chat, id)) = message.chat.zip(message.remote_id)
        {
            known.add_message(chat, id, event_id.clone());
        }
    }
    Ok(known)
}

async fn perform(
    portals: &Portals,
    work: Work<'_>,
    decision: Decision,
    loaded: &Loaded,
) -> Result<Attempted, Stopped> {
    let outcome = match decision {
        Decision::Ignore(why) => Outcome::Ignored(why),
        Decision::Refuse(words) => {
            portals.tell_of_failure(work.row, &words).await;
            Outcome::Failed(words)
        }
        Decision::Wait(reason) => return Ok(Attempted::Again { after: None, reason }),
        Decision::Join => {
            portals.parts.homeserver.bot().join(&work.event.room_id).await?;
            Outcome::Delivered
        }
        Decision::Leave(why) => {
            portals.parts.homeserver.bot().leave(&work.event.room_id).await?;
            Outcome::Ignored(why)
        }
        Decision::Command(words) => {
            run_command(portals, work.event, words).await;
            Outcome::Delivered
        }
        Decision::Deliver(outgoing) => {
            let (Some(portal), Some(session)) = (work.portal, &loaded.session) else {
                return Ok(Attempted::Again { after: None, reason: "not connected".to_owned() });
            };
            return deliver(portals, work, Delivery { portal, session: &**session, outgoing }).await;
        }
    };
    portals.record(work.row, outcome, Links::None).await?;
    Ok(Attempted::Done)
}

struct Delivery<'a> {
    portal: &'a PortalRow,
    session: &'a dyn Session,
    outgoing: Box<Outgoing>,
}

async fn deliver(portals: &Portals, work: Work<'_>, delivery: Delivery<'_>) -> Result<Attempted, Stopped> {
    let Delivery { portal, session, mut outgoing } = delivery;
    introduce(portals, &mut outgoing, &work.event.sender).await?;
    let key = DeliveryKey {
        key: keys::delivery_key(&work.event.event_id, &portals.parts.clock),
        in_doubt: match work.try_.in_doubt {
            true => Some(InDoubt {
                after: portals.parts.store.last_delivered(&portal.chat).await?,
                accepted_ms: work.row.accepted_ms,
            }),
            false => None,
        },
    };
    reached(Step::DeliveryDecided);
    let delivered = session.deliver(&portal.chat, &outgoing, &key).await;
    reached(Step::Delivered);
    conclude(portals, work, portal, delivered).await
}

/// Turns the platform's verdict into what becomes of the row.
async fn conclude(
    portals: &Portals,
    work: Work<'_>,
    portal: &PortalRow,
    verdict: Result<Delivered, DeliverError>,
) -> Result<Attempted, Stopped> {
    let (outcome, links) = match verdict {
        Ok(Delivered { ids }) if ids.is_empty() => (Outcome::Delivered, Links::None),
        Ok(Delivered { ids }) => (Outcome::Delivered, Links::Remote { chat: portal.chat.clone(), ids }),
        Err(DeliverError::Retry { after, reason }) => return Ok(Attempted::Again { after, reason }),
        Err(DeliverError::Uncertain(reason)) if !work.try_.in_doubt => {
            return Ok(Attempted::InDoubt { reason });
        }
        Err(DeliverError::Uncertain(reason)) => {
            portals.tell_of_doubt(&work.event.room_id, &work.event.event_id, &reason).await;
            (Outcome::Uncertain(reason), Links::None)
        }
        Err(
            DeliverError::Unsupported(words) | DeliverError::Rejected(words) | DeliverError::LoggedOut(words),
        ) => {
            tracing::warn!(row = work.row.id.get(), reason = %words, "Not delivered.");
            portals.tell_of_failure(work.row, &words).await;
            (Outcome::Failed(words), Links::None)
        }
    };
    match portals.record_surely(work.row, outcome, links).await {
        Ok(()) => {
            reached(Step::DeliveryRecorded);
            Ok(Attempted::Done)
        }
        // Only this attempt knew what the network did: the next one must not take itself for the first.
        Err(error) => Ok(Attempted::InDoubt { reason: error.to_string() }),
    }
}

/// A relay says for whom it speaks.
async fn introduce(
    portals: &Portals,
    outgoing: &mut Outgoing,
    sender: &UserId,
) -> Result<(), HomeserverError> {
    let author = match outgoing {
        Outgoing::Message(message) | Outgoing::Edit { new: message, .. } => &mut message.author,
        Outgoing::React { author, .. }
        | Outgoing::Unreact { author, .. }
        | Outgoing::Poll { author, .. }
        | Outgoing::Location { author, .. } => author,
        Outgoing::Redact { .. }
        | Outgoing::Typing { .. }
        | Outgoing::Read { .. }
        | Outgoing::Vote { .. }
        | Outgoing::ClosePoll { .. }
        | Outgoing::Pin { .. }
        | Outgoing::Unpin { .. }
        | Outgoing::ChatInfo { .. }
        | Outgoing::Member { .. } => return Ok(()),
    };
    *author = Some(portals.people.author(sender).await?);
    Ok(())
}

async fn run_command(portals: &Portals, event: &Event, words: String) {
    let call = Call {
        sender: event.sender.clone(),
        level: portals.parts.settings.permissions.level(&event.sender),
        room_id: event.room_id.clone(),
        words,
    };
    let answer = portals.parts.commands.run(call).await;
    portals.reply(&event.room_id, &event.event_id, &answer).await;
}
