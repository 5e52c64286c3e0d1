//! Matrix to the network: load, decide, perform, record.
//!
//! One stored event at a time for each room. `decide` is pure and lives beside this file.

use std::sync::Arc;

use ruma::{OwnedRoomId, RoomId, matrix_uri::MatrixId};
use serde::Deserialize;
use serde_json::Value;

use self::{
    decide::{Decision, Facts, decide},
    deliver::{Delivery, deliver, settle},
    related::Related,
};
use super::{
    Call, CallKind, Effect, Portals, Reply,
    follow::{Followed, Replaced},
    lane::{Attempted, Try},
    metrics::{self, Why},
    outcome::Fate,
    speaker::Speaker,
};
use crate::{
    convert::{FromMatrix, Known, content_references},
    homeserver::HomeserverError,
    message::{Action, Attachment, FileSource},
    platform::Session,
    steps::{Step, reached},
    store::{Direction, Links, OpenRow, Outcome, PortalRow, StoreError},
};

mod decide;
mod deliver;
mod event;
mod introduce;
mod meet;
mod related;

pub(super) use self::event::Event;

/// What stops an attempt before its effect.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
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
            portals.tell_programs(row, try_.failures, Fate::Failed(&error.to_string()));
            metrics::count_failure(row.direction, Why::Homeserver);
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
            metrics::count_failure(row.direction, Why::Unreadable);
            portals.record(row, Outcome::Failed(reason), Links::None).await?;
            return Ok(Attempted::Done);
        }
    };
    if let Some(ghost) = meet::invited(portals, &event)
        && !is_for_chat(portals, &event).await?
    {
        return meet::attempt(portals, (row, try_), &event, ghost).await;
    }
    let _inside = portals.enter_room(&event.room_id).await?;
    let loaded = load(portals, &event).await?;
    let link = |file: &Attachment| link(portals, file);
    let decision = decide(&loaded.facts(portals, &event, &link));
    perform(portals, Work { row, try_, event: &event, portal: loaded.portal.as_deref() }, decision, &loaded)
        .await
}

/// Whether an invitation of a ghost into a room is one of the person into its chat, which the network is told of.
async fn is_for_chat(portals: &Portals, event: &Event) -> Result<bool, Stopped> {
    let Some(portal) = portals.by_room(&event.room_id).await? else { return Ok(false) };
    let Speaker::Own(login) = portals.speaker(&portal, &event.sender).await? else { return Ok(false) };
    let session = portals.parts.logins.session(&login);
    let carries = session.is_some_and(|it| it.limits(&portal.chat).support(Action::Member).is_some());
    Ok(carries && decide::members::follows(&portal))
}

/// What was looked up.
struct Loaded {
    portal: Option<Arc<PortalRow>>,
    making: Making,
    is_management: bool,
    is_chat_busy: bool,
    speaker: Speaker,
    session: Option<Arc<dyn Session>>,
    known: Known,
    related: Related,
}

impl Loaded {
    fn facts<'a>(
        &'a self,
        portals: &'a Portals,
        event: &'a Event,
        link: &'a (dyn Fn(&Attachment) -> Option<String> + Sync),
    ) -> Facts<'a> {
        Facts {
            event,
            portal: self.portal.as_deref(),
            in_the_making: self.making == Making::Here,
            goes_on_in: self.making.elsewhere(),
            is_management: self.is_management,
            is_chat_busy: self.is_chat_busy,
            speaker: &self.speaker,
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
            related: &self.related,
            link,
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
    let portal = match portals.by_room(&event.room_id).await? {
        // A portal that was followed, and a crash in between: it has its new room already.
        None => match event.closes().flatten() {
            Some(successor) => portals.followed_from(&event.room_id, &successor).await?,
            None => None,
        },
        found => found,
    };
    let speaker = match &portal {
        Some(portal) => portals.speaker(portal, &event.sender).await?,
        None => Speaker::Nobody,
    };
    // Rooms are made by the first account that sees a chat, and the others say so a moment later.
    let is_chat_busy = match (&portal, &speaker) {
        (Some(portal), Speaker::Nobody) => {
            let store = &portals.parts.store;
            !store.lane_rows(Direction::FromRemote, portal.chat.as_str(), None, 1).await?.is_empty()
        }
        _ => false,
    };
    let session = speaker.login().and_then(|login| portals.parts.logins.session(login));
    let (known, making) = match portal {
        Some(_) => (references(portals, &event.content).await?, Making::No),
        None if event.membership().is_some() => (Known::default(), Making::No),
        None => (Known::default(), in_the_making(portals, event).await?),
    };
    let is_management = portal.is_none()
        && event.body().is_some()
        && portals.parts.store.is_management_room(&event.room_id).await?;
    let related = match &portal {
        Some(portal) => related::load(portals, portal, event).await?,
        None => Related::default(),
    };
    Ok(Loaded { portal, making, is_management, is_chat_busy, speaker, session, known, related })
}

/// A public address of a file that somebody in Matrix sent, where one can be given.
fn link(portals: &Portals, file: &Attachment) -> Option<String> {
    let FileSource::Matrix(mxc) = &file.source else { return None };
    portals.parts.public_media.as_ref()?.file_link(mxc, &file.name).map(String::from)
}

/// What a room without a portal is to us.
#[derive(PartialEq, Eq)]
enum Making {
    /// Nothing.
    No,
    /// One of ours that is not recorded yet.
    Here,
    /// One that was ours until its chat and another one turned out to be the same. The room of that is named.
    Elsewhere(OwnedRoomId),
}

impl Making {
    fn elsewhere(&self) -> Option<&RoomId> {
        match self {
            Self::Elsewhere(room_id) => Some(room_id),
            Self::No | Self::Here => None,
        }
    }
}

/// Whether a room without a portal is one of ours all the same: made, and not recorded yet. People are invited as it is made, and what they
/// say before the record is there (which takes as long as we are down, if we were killed in between) must wait for it. The alias tells.
async fn in_the_making(portals: &Portals, event: &Event) -> Result<Making, Stopped> {
    #[derive(Deserialize)]
    struct Canonical {
        alias: String,
    }
    let bot = portals.parts.homeserver.bot();
    let content = match bot.state_event(&event.room_id, "m.room.canonical_alias", "").await {
        Err(error) if error.is_transient() => return Err(error.into()),
        // Where the bot is not, nothing is made.
        other => other.ok().flatten(),
    };
    let canonical = content.and_then(|content| serde_json::from_str::<Canonical>(content.get()).ok());
    let Some(Canonical { alias }) = canonical.filter(|it| portals.parts.names.is_our_alias(&it.alias)) else {
        return Ok(match portals.is_being_followed(&event.room_id).await? {
            true => Making::Here,
            false => Making::No,
        });
    };
    Ok(match bot.resolve_alias(&alias).await? {
        Some(room_id) if room_id == event.room_id => Making::Here,
        Some(room_id) => Making::Elsewhere(room_id),
        None => Making::No,
    })
}

/// Looks up the portals and messages that the event links to. Most events link to none.
async fn references(portals: &Portals, content: &Value) -> Result<Known, StoreError> {
    let mut known = Known::default();
    for reference in content_references(content) {
        if let MatrixId::User(user_id) = &reference {
            for me in portals.parts.logins.faces_of(user_id) {
                known.add_account(me, user_id.clone());
            }
            continue;
        }
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
    let is_command = matches!(
        decision,
        Decision::Command(_) | Decision::Hear(_) | Decision::Retry(_) | Decision::GiveUp(_)
    );
    let outcome = match decision {
        Decision::Ignore(why) => Outcome::Ignored(why),
        Decision::Refuse(words) => {
            metrics::count_refusal(work.event.is_encrypted());
            portals.tell_of_failure(work.row, &words).await;
            Outcome::Failed(words)
        }
        Decision::Wait(reason) => return Ok(Attempted::Again { after: None, reason }),
        Decision::Follow(successor) => match follow(portals, work, &successor).await? {
            Followed::There => Outcome::Delivered,
            Followed::NotYet(reason) => return Ok(Attempted::Again { after: None, reason }),
            Followed::Not { why, .. } => Outcome::Ignored(why),
        },
        Decision::Join => {
            let Event { room_id, sender, .. } = work.event;
            portals.parts.homeserver.bot().join(room_id).await?;
            portals.welcome(room_id, sender, work.event.is_direct()).await?;
            Outcome::Delivered
        }
        Decision::Leave(why) => {
            portals.parts.homeserver.bot().leave(&work.event.room_id).await?;
            Outcome::Ignored(why)
        }
        Decision::Command(words) => {
            run_command(portals, work.event, (CallKind::Command, words)).await?;
            Outcome::Delivered
        }
        Decision::Hear(words) => {
            run_command(portals, work.event, (CallKind::Words, words)).await?;
            Outcome::Delivered
        }
        Decision::Deliver(outgoing, then) => {
            let (Some(portal), Some(session)) = (work.portal, &loaded.session) else {
                return Ok(Attempted::Again { after: None, reason: "not connected".to_owned() });
            };
            let is_relayed = matches!(loaded.speaker, Speaker::Relay(_));
            let delivery = Delivery { portal, session: &**session, is_relayed, outgoing, then };
            return deliver(portals, work, delivery).await;
        }
        Decision::Record(then) => {
            settle(portals, &then, &[]).await?;
            Outcome::Delivered
        }
        Decision::Retry(row) => match portals.parts.store.retry(row).await? {
            true => Outcome::Delivered,
            false => Outcome::Ignored("the message is on its way already".to_owned()),
        },
        Decision::GiveUp(row) => {
            portals.parts.store.drop_row(row).await?;
            Outcome::Ignored("the message was given up before it got through".to_owned())
        }
    };
    let fate = if is_command { Fate::Commanded } else { Fate::of(&outcome) };
    portals.tell_programs(work.row, work.try_.failures, fate);
    portals.record(work.row, outcome, Links::None).await?;
    Ok(Attempted::Done)
}

/// Follows a portal into another room, and tells the old one where that is not to be.
async fn follow(portals: &Portals, work: Work<'_>, successor: &RoomId) -> Result<Followed, Stopped> {
    let Some(portal) = work.portal else { return Ok(Followed::NotYet("the room is no portal".to_owned())) };
    let Event { room_id, event_id, sender, .. } = work.event;
    let replaced = Replaced { old: room_id, new: successor, by: sender };
    let followed = portals.follow(portal, replaced, work.try_.failures).await?;
    if let Followed::Not { why, is_told: true } = &followed {
        let (prefix, chat) = (&portals.parts.settings.command_prefix, &portal.chat);
        let words = format!(
            "⚠ Another room takes the place of this one, and I do not follow there: {why}. To join it to the chat all the same, invite me \
             there and say `{prefix} bridge {chat}` in it."
        );
        portals.reply(room_id, event_id, &words, 0).await;
    }
    Ok(followed)
}

async fn run_command(
    portals: &Portals,
    event: &Event,
    (kind, words): (CallKind, String),
) -> Result<(), Stopped> {
    let call = Call {
        kind,
        event_id: event.event_id.clone(),
        sender: event.sender.clone(),
        level: portals.parts.settings.permissions.level(&event.sender),
        room_id: event.room_id.clone(),
        words,
    };
    let Reply { words, effect } = portals.parts.commands.run(call).await;
    match (effect, portals.by_room(&event.room_id).await?) {
        (Some(Effect::Plumb(row)), None) => portals.plumb(*row).await?,
        (Some(Effect::Unbridge), Some(portal)) => portals.unbridge(&portal).await?,
        (Some(Effect::Prefer(login)), Some(portal)) => {
            portals.prefer(&portal.chat, &login, &event.sender).await?;
        }
        (Some(Effect::Relay(relay)), Some(portal)) => {
            portals.parts.store.set_portal_relay(&portal.chat, &relay).await?;
            portals.refresh(&portal.chat).await?;
        }
        (Some(Effect::RelayTemplates(templates)), Some(portal)) => {
            portals.parts.store.set_portal_relay_templates(&portal.chat, &templates).await?;
            portals.refresh(&portal.chat).await?;
        }
        (None, _) | (_, None) | (Some(Effect::Plumb(_)), Some(_)) => {}
    }
    if !words.is_empty() {
        portals.reply(&event.room_id, &event.event_id, &words, 0).await;
    }
    Ok(())
}
