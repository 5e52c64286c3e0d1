//! The last two beats of the way to the network: an action is performed, and what became of it is recorded.
//!
//! Must never perform an action twice that the network cannot recognize: a doubt is passed on as a doubt.

use std::time::Instant;

use super::{Stopped, Work, decide::Then, introduce::introduce, related::Target};
use crate::{
    ids::{RemoteChatId, RemoteMessageId},
    media::picture_source,
    message::{AttachmentKind, FileSource, Outgoing},
    platform::{DeliverError, Delivered, DeliveryKey, InDoubt, Session},
    portal::{
        Portals, keys,
        lane::Attempted,
        metrics::{self, Why},
        outcome::Fate,
    },
    steps::{Step, reached},
    store::{Done, Links, MessageRow, Outcome, PortalRow, StoreError},
};

/// An action on its way to the network.
pub(super) struct Delivery<'a> {
    pub(super) portal: &'a PortalRow,
    pub(super) session: &'a dyn Session,
    /// Whether the account speaks for somebody else.
    pub(super) is_relayed: bool,
    pub(super) outgoing: Box<Outgoing>,
    pub(super) then: Then,
}

/// Performs one action on the network, and records what became of it.
pub(super) async fn deliver(
    portals: &Portals,
    work: Work<'_>,
    delivery: Delivery<'_>,
) -> Result<Attempted, Stopped> {
    let Delivery { portal, session, is_relayed, mut outgoing, then } = delivery;
    if is_relayed {
        introduce(portals, (portal, work.event), &mut outgoing, &session.limits(&portal.chat)).await?;
    }
    localize(portals, &mut outgoing).await?;
    portals.name_by_address(&mut outgoing).await?;
    speak(portals, session, &portal.chat, &mut outgoing).await;
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
    let _delivering = portals.passing.deliver(&work.event.event_id);
    let begun = Instant::now();
    let delivered = session.deliver(&portal.chat, &outgoing, &key).await;
    reached(Step::Delivered);
    metrics::count_call(&delivered, begun.elapsed());
    conclude(portals, work, &then, delivered).await
}

/// Turns the platform's verdict into what becomes of the row.
async fn conclude(
    portals: &Portals,
    work: Work<'_>,
    then: &Then,
    verdict: Result<Delivered, DeliverError>,
) -> Result<Attempted, Stopped> {
    let (outcome, links) = match verdict {
        Ok(Delivered { ids }) => {
            if let Err(error) = settle(portals, then, &ids).await {
                return Ok(Attempted::InDoubt { reason: error.to_string() });
            }
            (Outcome::Delivered, links(work, then, ids))
        }
        Err(DeliverError::Retry { after, reason }) => return Ok(Attempted::Again { after, reason }),
        Err(DeliverError::Uncertain(reason)) if !work.try_.in_doubt => {
            return Ok(Attempted::InDoubt { reason });
        }
        Err(DeliverError::Uncertain(reason)) => {
            metrics::count_failure(work.row.direction, Why::NoAnswer);
            portals.tell_of_doubt(work.row, &reason).await;
            portals.tell_programs(work.row, work.try_.failures, Fate::Uncertain(&reason));
            (Outcome::Uncertain(reason), Links::None)
        }
        Err(
            ref error @ (DeliverError::Unsupported(ref words)
            | DeliverError::Rejected(ref words)
            | DeliverError::LoggedOut(ref words)),
        ) => {
            let words = words.clone();
            metrics::count_failure(work.row.direction, Why::of_refusal(error));
            tracing::warn!(row = work.row.id.get(), reason = %words, "Not delivered.");
            portals.tell_of_failure(work.row, &words).await;
            portals.tell_programs(work.row, work.try_.failures, Fate::of_refusal(error, &words));
            (Outcome::Failed(words), Links::None)
        }
    };
    let is_through = outcome == Outcome::Delivered;
    match portals.record_surely(work.row, outcome, links).await {
        Ok(()) => {
            reached(Step::DeliveryRecorded);
            if is_through {
                portals.tell_programs(work.row, work.try_.failures, Fate::Through);
            }
            if is_through && portals.parts.settings.delivery_receipts {
                portals.marks.delivered(&work.event.room_id, &work.event.event_id);
            }
            if work.row.attempts > 0 || work.try_.failures > 0 {
                portals.show_end(work.row, is_through && work.row.attempts > 0).await;
            }
            Ok(Attempted::Done)
        }
        // Only this attempt knew what the network did: the next one must not take itself for the first.
        Err(error) => Ok(Attempted::InDoubt { reason: error.to_string() }),
    }
}

/// Custom emoji that came from the network are that network's own again. Most words have none.
async fn localize(portals: &Portals, outgoing: &mut Outgoing) -> Result<(), StoreError> {
    let (Outgoing::Message(said) | Outgoing::Edit { new: said, .. }) = outgoing else { return Ok(()) };
    for source in said.message.text.emoji_sources_mut() {
        let FileSource::Matrix(mxc) = source else { continue };
        if let Some(file) = picture_source(&portals.parts.store, mxc).await? {
            *source = FileSource::Remote(file);
        }
    }
    Ok(())
}

/// What was spoken goes in the type that the network takes. Most messages have nothing spoken.
async fn speak(portals: &Portals, session: &dyn Session, chat: &RemoteChatId, outgoing: &mut Outgoing) {
    let (Outgoing::Message(said) | Outgoing::Edit { new: said, .. }) = outgoing else { return };
    for file in said.message.attachments.iter_mut().filter(|file| file.kind == AttachmentKind::Voice) {
        let Some(wanted) = session.limits(chat).voice_mime else { return };
        *file = portals.parts.media.speech(file, &wanted).await;
    }
}

/// What a message became belongs to its own row; what else was done has left no message of its own.
fn links(work: Work<'_>, then: &Then, ids: Vec<RemoteMessageId>) -> Links {
    match (then, work.portal) {
        (Then::Link, Some(portal)) if !ids.is_empty() => Links::Remote { chat: portal.chat.clone(), ids },
        _ => Links::None,
    }
}

/// Records what an action changed about earlier messages. Repeating it does no harm.
pub(super) async fn settle(
    portals: &Portals,
    then: &Then,
    ids: &[RemoteMessageId],
) -> Result<(), StoreError> {
    let store = &portals.parts.store;
    match then {
        Then::Link => Ok(()),
        Then::Relink(target) => relink(portals, target, ids).await,
        Then::Gone(target) => store.event_taken_back(&target.event_id).await,
        Then::React(reaction) => store.save_reaction(reaction).await,
        Then::Unreact(reaction) => store.remove_reaction(&reaction.event_id).await,
    }
}

/// An edited message may have become more messages, or fewer, or others.
async fn relink(portals: &Portals, target: &Target, ids: &[RemoteMessageId]) -> Result<(), StoreError> {
    let same = target.parts.iter().zip(ids).take_while(|(before, now)| before == now).count();
    let Some(row) = target.row.filter(|_| !ids.is_empty() && ids != target.parts) else { return Ok(()) };
    let store = &portals.parts.store;
    store.drop_parts(&target.event_id, same.max(1)).await?;
    let Some(MessageRow { chat: Some(chat), .. }) =
        store.message_by_event(&target.event_id).await?.into_iter().next()
    else {
        return Ok(());
    };
    let links = Links::Remote { chat, ids: ids.to_vec() };
    store.finish(Done { id: row, outcome: Outcome::Delivered, links }).await
}
