//! The network to Matrix: load, decide, perform, record.
//!
//! One stored event at a time for each chat. `decide` is pure and lives beside this file.

use std::sync::Arc;

use ruma::{OwnedEventId, OwnedRoomId, RoomId};

use self::{
    change::Changing,
    decide::{Decision, Facts, Reaction, decide},
    react::Reacting,
    reconcile::Reconciling,
    related::Related,
    reprieve::{Reprieve, reprieve},
    send::Sending,
};
pub(super) use self::{invite::Invitations, members::Coming, stopped::Stopped, voice::Looker};
use super::{
    Observed, Portals,
    create::{CreateError, Wanted},
    lane::{Attempted, Try},
    metrics::{self, Why},
};
use crate::{
    homeserver::HomeserverError,
    ids::LoginId,
    message::{CreateWhen, RemoteMessage, Sender, UserInfo, Wire},
    platform::{Session, Until},
    steps::{Step, reached},
    store::{Links, OpenRow, Outcome, PortalRow, PortalState, StoreError},
};

mod change;
mod content;
mod decide;
mod invite;
mod members;
mod pin;
mod react;
mod reconcile;
mod related;
mod reprieve;
mod send;
mod stopped;
mod voice;
mod vote;

/// So often is a file asked for that cannot be had; then its message goes without it.
const FILE_ATTEMPTS_MAX: u32 = 4;

/// One attempt at one event.
pub(super) async fn attempt(portals: &Portals, row: &OpenRow, try_: Try) -> Result<Attempted, StoreError> {
    reached(Step::SendBegins);
    let mut observed: Observed = match Wire::read(&row.body) {
        Ok(observed) => observed,
        Err(error) => {
            metrics::count_failure(row.direction, Why::Unreadable);
            portals.record(row, Outcome::Failed(error.to_string()), Links::None).await?;
            return Ok(Attempted::Done);
        }
    };
    let (_inside, is_late) = portals.enter(&mut observed.event).await;
    if let Err(stopped) = portals.unite_heard(&mut observed.event).await {
        return Ok(Attempted::Again { after: stopped.retry_after(), reason: stopped.to_string() });
    }
    portals.name_by_ghost(&mut observed.event).await?;
    let mut loaded = load(portals, &observed, (row, try_)).await?;
    loaded.related.told_before = portals.was_told_before(&observed.event, (row, is_late)).await?;
    let facts = Facts {
        event: &observed.event,
        is_late,
        portal: loaded.portal.as_deref(),
        related: &loaded.related,
        connected: loaded.session.is_some(),
        create_at_start: portals.parts.settings.create_at_start,
        name: portals.parts.settings.about.name,
    };
    let done =
        perform(portals, decide(&facts), Work { row, observed: &observed, loaded: &loaded, try_ }).await;
    match done {
        Ok(Performed::Closed(outcome, links)) => {
            portals.record_soon(row, outcome, links).await?;
            reached(Step::SendRecorded);
            Ok(Attempted::Done)
        }
        Ok(Performed::NotYet(reason)) => Ok(Attempted::Again { after: None, reason }),
        Err(stopped) if stopped.is_transient() => Ok(match stopped.retry_after() {
            after @ Some(_) => Attempted::Again { after, reason: stopped.to_string() },
            // The request may have been carried out; the next attempt looks for its effect first.
            None => Attempted::InDoubt { reason: stopped.to_string() },
        }),
        Err(stopped) => match reprieve(portals, &stopped, &loaded, try_.failures).await? {
            Reprieve::No => {
                metrics::count_failure(row.direction, stopped.why());
                portals.record(row, Outcome::Failed(stopped.to_string()), Links::None).await?;
                Ok(Attempted::Done)
            }
            Reprieve::LeftBehind => {
                let why = "it is about a message in a room that another has replaced".to_owned();
                portals.record(row, Outcome::Ignored(why), Links::None).await?;
                Ok(Attempted::Done)
            }
            Reprieve::Again => Ok(Attempted::Again { after: None, reason: stopped.to_string() }),
        },
    }
}

struct Loaded {
    portal: Option<Arc<PortalRow>>,
    session: Option<Arc<dyn Session>>,
    related: Related,
}

#[derive(Clone, Copy)]
struct Work<'a> {
    row: &'a OpenRow,
    observed: &'a Observed,
    loaded: &'a Loaded,
    try_: Try,
}

impl Work<'_> {
    /// A message waits for its files, but not for ever.
    fn is_patient(&self) -> bool {
        self.try_.failures < FILE_ATTEMPTS_MAX
    }
}

/// What came of an attempt.
pub(super) enum Performed {
    /// The row is done with.
    Closed(Outcome, Links),
    /// Not yet, and why.
    NotYet(String),
}

async fn load(
    portals: &Portals,
    observed: &Observed,
    (row, try_): (&OpenRow, Try),
) -> Result<Loaded, StoreError> {
    let portal = match observed.event.chat() {
        Some(chat) => portals.by_chat(chat).await?,
        None => None,
    };
    let related = related::load(portals, portal.as_deref(), &observed.event, (row, try_.failures)).await?;
    Ok(Loaded { portal, session: portals.parts.logins.session(&observed.login), related })
}

async fn perform(portals: &Portals, decision: Decision<'_>, work: Work<'_>) -> Result<Performed, Stopped> {
    let login = &work.observed.login;
    let session = work.loaded.session.as_deref();
    // What two ids are is settled first.
    if !matches!(decision, Decision::Move { .. })
        && let Some(chat) = work.observed.event.chat()
    {
        portals.seen_by(chat, login, work.loaded.portal.as_deref()).await?;
    }
    let not_connected = || Ok(Performed::NotYet("not connected".to_owned()));
    match decision {
        Decision::Ignore(why) => return Ok(Performed::Closed(Outcome::Ignored(why), Links::None)),
        // Only who is connected sees what the chat looks like there.
        Decision::Move { .. } if session.is_none() && work.is_patient() => return not_connected(),
        Decision::Move { from, to } => return portals.migrate((from, to), (work.row, session)).await,
        Decision::Unite { canonical, alias } => {
            return Ok(match portals.unite_told(canonical, alias).await? {
                true => delivered(),
                false => {
                    let why = "they are known to be one person".to_owned();
                    Performed::Closed(Outcome::Ignored(why), Links::None)
                }
            });
        }
        Decision::Wait(why) => return Ok(Performed::NotYet(why)),
        Decision::Send(message) => return bring(portals, message, work).await,
        Decision::Tell(room_id, words) => {
            let event_id = tell(portals, room_id, &words, work.observed).await?;
            let links = Links::Matrix { room_id: room_id.to_owned(), event_ids: vec![event_id] };
            return Ok(Performed::Closed(Outcome::Delivered, links));
        }
        Decision::Failed { room_id, event_id, words } => {
            portals.tell_of_late_failure(room_id, event_id, words).await?;
        }
        Decision::Change(message, extent) => show_change(portals, message, extent, work).await?,
        Decision::Redact(rows) => change::redact(portals, rows).await?,
        Decision::React(Reaction { on, sender, emoji, sent_ms }) => {
            let reacting = Reacting { on, sender, emoji, sent_ms, session, work: work.row.id };
            reacting.put(portals).await?;
        }
        Decision::Unreact(reactions) => react::take_back(portals, &reactions).await?,
        Decision::Reconcile { chat, stretch, messages } => {
            let reconciling = Reconciling { chat, stretch, messages, session, work: work.row.id };
            reconciling.perform(portals).await?;
        }
        Decision::Pin { room_id, event_id, pinned } => pin::set(portals, room_id, event_id, pinned).await?,
        Decision::Vote(vote) => vote::cast(portals, &vote, session, work.row.id).await?,
        Decision::Members(room_id, changes) => members::change(portals, room_id, changes, session).await?,
        Decision::Profile(user) => show_profile(portals, user, session).await?,
        Decision::Create(chat, info) => {
            let Some(session) = session else { return not_connected() };
            let until = info.newest.clone().map(Until::Including).filter(|_| portals.fills_rooms());
            let wanted = Wanted { chat, login, info, session, until: until.as_ref(), depth: 0 };
            portals.create(wanted).await?;
        }
        Decision::Update(portal, info) => {
            let Some(session) = session else { return not_connected() };
            portals.update_info(portal, info, session).await?;
        }
        Decision::Personal(room_id, personal) => portals.keep_personal(room_id, login, personal).await?,
        Decision::Forget(portal) => portals.delete(portal).await?,
        Decision::Close(portal) => {
            portals.set_portal_state(&portal.chat, PortalState::Gone).await?;
        }
    }
    Ok(delivered())
}

/// Lets the events of a message show what it is now.
async fn show_change(
    portals: &Portals,
    message: &RemoteMessage,
    extent: change::Extent,
    work: Work<'_>,
) -> Result<(), Stopped> {
    let rows = &work.loaded.related.rows;
    let Some(room_id) = rows.iter().find_map(|row| row.room_id.as_deref()) else { return Ok(()) };
    let session = work.loaded.session.as_deref();
    let (in_doubt, is_patient) = (work.try_.in_doubt, work.is_patient());
    Changing { message, extent, room_id, rows, session, in_doubt, is_patient }.perform(portals).await
}

/// Sends a message into its room, which is made if it must be.
async fn bring(portals: &Portals, message: &RemoteMessage, work: Work<'_>) -> Result<Performed, Stopped> {
    let session = work.loaded.session.as_deref();
    let room_id = match room(portals, message, &work.observed.login, session).await? {
        Room::There(room_id) => room_id,
        Room::NotYet(why) => return Ok(Performed::NotYet(why.to_owned())),
        Room::Unwanted(why) => return Ok(Performed::Closed(Outcome::Ignored(why.to_owned()), Links::None)),
    };
    let in_doubt = work.try_.in_doubt;
    let sending = Sending { message, room_id: &room_id, session, in_doubt, is_patient: work.is_patient() };
    let event_ids = sending.send(portals).await?;
    Ok(Performed::Closed(Outcome::Delivered, Links::Matrix { room_id, event_ids }))
}

pub(super) fn delivered() -> Performed {
    Performed::Closed(Outcome::Delivered, Links::None)
}

/// Lets a ghost look as its person does now. Somebody who was never seen here has none, and gets none by this.
async fn show_profile(
    portals: &Portals,
    user: &UserInfo,
    session: Option<&dyn Session>,
) -> Result<(), Stopped> {
    let mut is_known = false;
    for id in user.ids.all() {
        is_known |= portals.parts.store.ghost(id).await?.is_some_and(|row| row.registered);
    }
    if !is_known {
        return Ok(());
    }
    portals.recognize(&user.ids).await?;
    let sender = Sender {
        ids: user.ids.clone(),
        name: user.name.clone(),
        avatar: user.avatar.clone().filter(|_| session.is_some()),
    };
    portals.ghosts.ready(&sender, &Looker { portals, session, is_patient: false }).await?;
    Ok(())
}

/// What there is of a room for a message.
enum Room {
    There(OwnedRoomId),
    NotYet(&'static str),
    Unwanted(&'static str),
}

/// The room of the message's chat, made now if need be and wanted.
async fn room(
    portals: &Portals,
    message: &RemoteMessage,
    login: &LoginId,
    session: Option<&dyn Session>,
) -> Result<Room, Stopped> {
    let chat = &message.chat;
    if let Some(portal) = portals.by_chat(chat).await?
        && let Some(room_id) = &portal.room_id
        && portal.state != PortalState::Filling
    {
        return Ok(Room::There(room_id.clone()));
    }
    let Some(session) = session else { return Ok(Room::NotYet("the account is not connected")) };
    let info = session.chat(chat).await.map_err(CreateError::from)?.ok_or(CreateError::NoChat)?;
    if info.create == Some(CreateWhen::OnCommand) {
        return Ok(Room::Unwanted("the chat gets its room by the command `create-portal` only"));
    }
    let until = Some(Until::Before(message.id.clone())).filter(|_| portals.fills_rooms());
    let wanted = Wanted { chat, login, info: &info, session, until: until.as_ref(), depth: 0 };
    let portal = portals.create(wanted).await?;
    Ok(portal.room_id.clone().map_or(Room::NotYet("the room is not there yet"), Room::There))
}

/// Sends a message that does not come by a lane.
pub(super) async fn send(
    portals: &Portals,
    message: &RemoteMessage,
    room_id: &RoomId,
    (session, in_doubt): (&dyn Session, bool),
) -> Result<Vec<OwnedEventId>, Stopped> {
    Sending { message, room_id, session: Some(session), in_doubt, is_patient: false }.send(portals).await
}

/// Says something to a room as the bridge bot.
async fn tell(
    portals: &Portals,
    room_id: &RoomId,
    words: &str,
    observed: &Observed,
) -> Result<OwnedEventId, HomeserverError> {
    let content = serde_json::json!({ "msgtype": "m.notice", "body": words, "m.mentions": {} });
    let txn_id = super::keys::tell_id(&format!("{observed:?}"));
    let bot = portals.parts.homeserver.bot();
    let event = crate::homeserver::SendEvent {
        room_id,
        event_type: "m.room.message",
        txn_id: &txn_id,
        content: &content,
        sent_ms: None,
    };
    bot.send(event).await
}
