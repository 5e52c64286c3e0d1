//! Reactions from the network: put by ghosts, taken back wherever they stand.

use ruma::{EventId, OwnedEventId, OwnedUserId};

use super::{
    Stopped,
    voice::{Looker, Voice, take_away},
};
use crate::{
    convert::{read_reaction, write_reaction},
    homeserver::{HomeserverError, SendEvent, tolerate},
    ids::{AliasSet, RemoteUserId},
    message::{Emoji, FileSource, Sender},
    platform::Session,
    portal::{Portals, keys},
    puppet::Looks,
    store::{Direction, JournalId, MessageRow, ReactionRow},
};

/// A reaction on its way into a room.
pub(super) struct Reacting<'a> {
    /// The message, by its last event.
    pub(super) on: &'a MessageRow,
    pub(super) sender: &'a RemoteUserId,
    pub(super) emoji: &'a Emoji,
    pub(super) sent_ms: Option<i64>,
    pub(super) session: Option<&'a dyn Session>,
    /// The work's own number: the same emoji may come again after it was taken back.
    pub(super) work: JournalId,
}

impl Reacting<'_> {
    /// Puts the reaction, unless it is there.
    pub(super) async fn put(&self, portals: &Portals) -> Result<(), Stopped> {
        let MessageRow { chat: Some(chat), remote_id: Some(target), room_id: Some(room_id), .. } = self.on
        else {
            return Ok(());
        };
        let Some(event_id) = &self.on.event_id else { return Ok(()) };
        let looker = Looker { portals, session: self.session, is_patient: false };
        let sender = Sender { ids: AliasSet::single(self.sender.clone()), name: None, avatar: None };
        let voice = Voice::ready(&looker, room_id, &sender).await?;
        let shown = match self.emoji {
            Emoji::Custom { name, source: FileSource::Remote(file) } => match looker.picture(file).await {
                Some(mxc) => Emoji::Custom { name: name.clone(), source: FileSource::Matrix(mxc) },
                None => self.emoji.clone(),
            },
            emoji => emoji.clone(),
        };
        let part = format!("react {} {}", self.work.get(), self.emoji.key());
        let event = SendEvent {
            room_id,
            event_type: "m.reaction",
            txn_id: &voice.txn_id(&keys::Place { chat, id: target, part: &part }),
            content: &write_reaction(event_id, &shown),
            sent_ms: self.sent_ms,
        };
        let put = match voice.send(event).await {
            // It is there already: an earlier attempt was interrupted before its record.
            Err(HomeserverError::Refused { errcode, .. }) if errcode == "M_DUPLICATE_ANNOTATION" => {
                find(&voice, event_id, &shown).await?
            }
            sent => Some(sent?),
        };
        let Some(put) = put else { return Ok(()) };
        let row = ReactionRow {
            chat: chat.clone(),
            target: target.clone(),
            origin: Direction::FromRemote,
            sender: self.sender.to_string(),
            emoji: self.emoji.clone(),
            room_id: room_id.clone(),
            event_id: put,
        };
        Ok(portals.parts.store.save_reaction(&row).await?)
    }
}

/// Takes reactions away.
pub(super) async fn take_back(portals: &Portals, reactions: &[ReactionRow]) -> Result<(), Stopped> {
    for row in reactions {
        let ghost: Option<OwnedUserId> = match row.origin {
            Direction::FromRemote => portals.parts.names.ghost(&RemoteUserId::new(row.sender.as_str())),
            Direction::FromMatrix => None,
        };
        let gone = take_away(portals, &row.room_id, &row.event_id, ghost.as_deref()).await;
        tolerate(gone, "A reaction stays in its room.")?;
        portals.parts.store.remove_reaction(&row.event_id).await?;
    }
    Ok(())
}

/// The ghost's own reaction with that emoji on an event.
async fn find(voice: &Voice<'_>, on: &EventId, emoji: &Emoji) -> Result<Option<OwnedEventId>, Stopped> {
    let heard = voice.said_lately().await?;
    let same = heard.into_iter().find(|heard| {
        heard.event_type == "m.reaction"
            && read_reaction(&heard.content)
                .is_some_and(|(target, found)| target == on && found.key() == emoji.key())
    });
    Ok(same.map(|heard| heard.event_id))
}
