//! What happens later to messages that are in a room: edits, late previews and deletions.

use std::collections::HashMap;

use ruma::{EventId, OwnedEventId, OwnedUserId, RoomId};
use serde::Deserialize;
use serde_json::Value;

pub(super) use self::plan::Extent;
use self::plan::{Plan, Shown, plan};
use super::{
    Stopped,
    content::Prepared,
    send::{parts_said, send_part},
    voice::{Looker, Voice, take_away},
};
use crate::{
    convert::{Edited, Layout, Origin, Piece, write_edit},
    homeserver::{SendEvent, tolerate},
    message::RemoteMessage,
    platform::Session,
    portal::{Portals, keys},
    steps::{Step, reached},
    store::{Direction, Done, Links, MessageRow, MessageState, Outcome},
};

mod plan;

/// A changed message on its way into a room.
pub(super) struct Changing<'a> {
    pub(super) message: &'a RemoteMessage,
    pub(super) extent: Extent,
    pub(super) room_id: &'a RoomId,
    /// What the message became, all of it sent by one ghost.
    pub(super) rows: &'a [MessageRow],
    pub(super) session: Option<&'a dyn Session>,
    pub(super) in_doubt: bool,
    pub(super) is_patient: bool,
}

impl Changing<'_> {
    /// Brings the events in line with what the message is now.
    pub(super) async fn perform(&self, portals: &Portals) -> Result<(), Stopped> {
        let looker = Looker { portals, session: self.session, is_patient: self.is_patient };
        let voice = Voice::ready(&looker, self.room_id, &self.message.sender).await?;
        let (shown, authors) = self.shown(portals).await?;
        let prepared = Prepared::new(&looker, self.message).await?;
        let has_words = shown.iter().any(|shown| shown.piece == Some(Piece::Words));
        let layout = if has_words { Layout::Apart } else { Layout::Caption };
        let count = self.rows.len();
        let Plan { edits, vanished, new } = plan(self.extent, shown, prepared.parts(layout), count);
        for (shown, part) in edits {
            let edited = Edited { event_id: &shown.event_id, pinged: &shown.pinged };
            let part = write_edit(&part, &edited, &prepared.context());
            let author = authors.get(&shown.event_id).filter(|author| **author != voice.user_id);
            match self.former(portals, &voice, author).await? {
                None => self.send_edit(&voice, &shown.event_id, &part.content).await?,
                Some(former) => {
                    let sent = self.send_edit(&former, &shown.event_id, &part.content).await;
                    tolerate(former.leave().await, "A ghost that is nobody's any more stays in a room.")?;
                    sent?
                }
            };
        }
        let there = match self.in_doubt && !new.is_empty() {
            true => parts_said(&voice, self.message).await?,
            false => Vec::new(),
        };
        let mut added = Vec::with_capacity(new.len());
        for part in new {
            let number = Origin::read(&part.content).map(|origin| origin.part);
            let found = there.iter().find(|(known, _)| Some(*known) == number);
            added.push(match found {
                Some((_, event_id)) => event_id.clone(),
                None => send_part(&voice, self.room_id, self.message, &part).await?,
            });
        }
        reached(Step::Sent);
        self.record(portals, added).await?;
        for event_id in vanished {
            take_away(portals, self.room_id, &event_id, Some(&voice.user_id)).await?;
            portals.parts.store.event_taken_back(&event_id).await?;
        }
        Ok(())
    }

    /// The author of an event, if that is a ghost which spoke for the same person before. Nobody else's edit of it is believed.
    async fn former<'a>(
        &self,
        portals: &'a Portals,
        voice: &Voice<'a>,
        author: Option<&OwnedUserId>,
    ) -> Result<Option<Voice<'a>>, Stopped> {
        let Some(author) = author else { return Ok(None) };
        let formers = portals.former_ghosts(&self.message.sender.ids.primary).await?;
        Ok(Some(author).filter(|author| formers.contains(author)).map(|author| voice.former(author.clone())))
    }

    /// What the events show, in their order, and who sent each; those that were taken away show nothing.
    async fn shown(
        &self,
        portals: &Portals,
    ) -> Result<(Vec<Shown>, HashMap<OwnedEventId, OwnedUserId>), Stopped> {
        #[derive(Deserialize)]
        struct Sent {
            sender: OwnedUserId,
            #[serde(default)]
            content: Value,
        }
        let mut authors = HashMap::new();
        let bot = portals.parts.homeserver.bot();
        let mut shown = Vec::with_capacity(self.rows.len());
        for row in self.rows.iter().filter(|row| row.state != MessageState::Gone) {
            let Some(event_id) = &row.event_id else { continue };
            let event = match bot.event(self.room_id, event_id).await {
                Err(error) if error.is_transient() => return Err(error.into()),
                asked => asked.ok().flatten(),
            };
            let sent = event.and_then(|event| serde_json::from_str::<Sent>(event.get()).ok());
            let content = sent.as_ref().map(|it| it.content.clone()).unwrap_or_default();
            authors.extend(sent.map(|it| (event_id.clone(), it.sender)));
            shown.push(Shown::read(event_id.clone(), &content));
        }
        Ok((shown, authors))
    }

    async fn send_edit(
        &self,
        voice: &Voice<'_>,
        edited: &EventId,
        content: &Value,
    ) -> Result<OwnedEventId, Stopped> {
        // The words are part of the key: each version of a message is another edit.
        let part = format!("edit {edited} {content}");
        let place = keys::Place { chat: &self.message.chat, id: &self.message.id, part: &part };
        let event = SendEvent {
            room_id: self.room_id,
            event_type: "m.room.message",
            txn_id: &voice.txn_id(&place),
            content,
            sent_ms: None,
        };
        Ok(voice.send(event).await?)
    }

    /// New events follow the old ones in the message's own list.
    async fn record(&self, portals: &Portals, added: Vec<OwnedEventId>) -> Result<(), Stopped> {
        let (Some(first), false) = (self.rows.first(), added.is_empty()) else { return Ok(()) };
        let known = self.rows.iter().filter_map(|row| row.event_id.clone());
        let event_ids = known.chain(added).collect();
        let links = Links::Matrix { room_id: self.room_id.to_owned(), event_ids };
        let store = &portals.parts.store;
        store.finish(Done { id: first.id, outcome: Outcome::Delivered, links }).await?;
        // The record says anew that the first event is there.
        if let (MessageState::Gone, Some(event_id)) = (first.state, &first.event_id) {
            store.event_taken_back(event_id).await?;
        }
        Ok(())
    }
}

/// Takes messages away that were deleted on the network: each event once its last message is gone.
pub(super) async fn redact(portals: &Portals, rows: &[MessageRow]) -> Result<(), Stopped> {
    let store = &portals.parts.store;
    for row in rows.iter().filter(|row| row.state != MessageState::Gone) {
        let (Some(chat), Some(id)) = (&row.chat, &row.remote_id) else { continue };
        if let Some((room_id, event_id)) = row.room_id.as_ref().zip(row.event_id.as_ref()) {
            if row.origin == Direction::FromMatrix {
                let parts = store.message_by_event(event_id).await?;
                if parts.iter().any(|part| part.id != row.id && part.state != MessageState::Gone) {
                    store.remote_taken_back(chat, id).await?;
                    continue;
                }
            }
            let ghost = match row.origin {
                Direction::FromMatrix => None,
                Direction::FromRemote => row.sender.as_ref(),
            };
            let ghost = match ghost {
                Some(sender) => portals.ghost_of(&crate::ids::RemoteUserId::new(sender.as_str())).await?,
                None => None,
            };
            match take_away(portals, room_id, event_id, ghost.as_deref()).await {
                Err(error) if error.is_transient() => return Err(error.into()),
                // One event that cannot be taken away must not keep the others there.
                Err(error) => {
                    tracing::warn!(%error, event = %event_id, "A deleted message stays in its room.")
                }
                Ok(()) => {}
            }
            // Not before the event is away, so that another attempt finds it.
            match row.origin {
                Direction::FromMatrix => store.remote_taken_back(chat, id).await?,
                Direction::FromRemote => store.event_taken_back(event_id).await?,
            }
        } else {
            // It was parked and will not be shown any more.
            store.drop_row(row.id).await?;
        }
    }
    Ok(())
}
