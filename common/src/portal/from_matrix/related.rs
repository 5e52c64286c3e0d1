//! What an event from Matrix refers to: the messages that it answers, changes, reacts to or takes back, as the other side knows them.
//!
//! Our map is asked first. An event that it does not hold (yet) is fetched, and believed to stand for a remote message only if one of our
//! ghosts sent it to the same room. Must never look at another room.

use ruma::{EventId, OwnedEventId, OwnedUserId};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Stopped,
    event::{Event, Pinning},
};
use crate::{
    convert::{Origin, Poll, PollDeed, content_relations, read_poll, read_reaction},
    homeserver::{Deed, HomeserverError},
    ids::{RemoteMessageId, RemoteUserId},
    media::picture_source,
    message::{Emoji, FileSource},
    portal::Portals,
    store::{Direction, JournalId, MessageRow, MessageState, PortalRow, ReactionRow, StoreError},
};

/// A message that an event refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The event.
    pub(super) event_id: OwnedEventId,
    /// Its row in our map, unless only the event itself told us of it.
    pub(super) row: Option<JournalId>,
    /// The side where it was written.
    pub(super) origin: Direction,
    /// By whom: a Matrix user id or a remote user id, as `origin` says.
    pub(super) sender: Option<String>,
    /// What became of it.
    pub(super) state: MessageState,
    /// What it is on the network, first part first.
    pub(super) parts: Vec<RemoteMessageId>,
    /// When it was written.
    pub(super) sent_ms: i64,
}

/// Everything that an event refers to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Related {
    /// The message that it changes, reacts to or takes back.
    pub(super) changed: Option<Target>,
    /// The message that it answers; for an edit the one that the message changed answers.
    pub(super) reply_to: Option<Target>,
    /// The first message of its thread; for an edit the one of the message changed.
    pub(super) thread: Option<Target>,
    /// The emoji of a reaction, as the network has it.
    pub(super) emoji: Option<Emoji>,
    /// The content of the message that it changes.
    pub(super) original: Option<Value>,
    /// The poll that it votes in.
    pub(super) poll: Option<Poll>,
    /// The reaction that it takes back.
    pub(super) taken_back: Option<ReactionRow>,
    /// The reactions on the message that it reacts to, or that loses one.
    pub(super) reactions: Vec<ReactionRow>,
    /// Who of those that reacted speaks through an account of their own.
    pub(super) own_voices: Vec<String>,
    /// Whether the sender has the power to take away what others said.
    pub(super) may_redact_others: bool,
}

impl Target {
    /// Whether somebody in Matrix wrote it, and who.
    pub(super) fn is_by(&self, user_id: &ruma::UserId) -> bool {
        self.origin == Direction::FromMatrix && self.sender.as_deref() == Some(user_id.as_str())
    }
}

/// Looks up what `event` refers to. Most events refer to nothing, and cost nothing.
pub(super) async fn load(portals: &Portals, portal: &PortalRow, event: &Event) -> Result<Related, Stopped> {
    let finder = Finder { portals, portal, event };
    match &*event.event_type {
        "m.room.message" | "m.sticker" => finder.message().await,
        "m.reaction" => finder.reaction().await,
        "m.room.redaction" => finder.redaction().await,
        "m.room.pinned_events" => finder.pinned().await,
        other => match read_poll(other, &event.content) {
            Some(PollDeed::Voted { poll, .. } | PollDeed::Closed { poll }) => finder.poll(&poll).await,
            Some(PollDeed::Opened(_)) | None => Ok(Related::default()),
        },
    }
}

struct Finder<'a> {
    portals: &'a Portals,
    portal: &'a PortalRow,
    event: &'a Event,
}

/// An event that the homeserver was asked for.
#[derive(Deserialize)]
struct Fetched {
    sender: OwnedUserId,
    #[serde(rename = "type", default)]
    event_type: String,
    #[serde(rename = "origin_server_ts", default)]
    sent_ms: i64,
    #[serde(default)]
    content: Value,
}

impl Finder<'_> {
    async fn message(&self) -> Result<Related, Stopped> {
        let mut related = Related::default();
        let Ok(mut relations) = content_relations(&self.event.content) else { return Ok(related) };
        if let Some(edited) = &relations.edits {
            related.changed = self.known(edited).await?;
            // What the message answers stands in its first form only.
            let original = self.fetch(edited).await?;
            related.original = original.map(|event| event.content);
            if let Some(Ok(first)) = related.original.as_ref().map(content_relations) {
                relations = first;
            }
        }
        related.reply_to = self.target(relations.reply_to.as_deref()).await?;
        related.thread = self.target(relations.thread_root.as_deref()).await?;
        Ok(related)
    }

    async fn reaction(&self) -> Result<Related, Stopped> {
        let Some((target, emoji)) = read_reaction(&self.event.content) else { return Ok(Related::default()) };
        let changed = match self.target(Some(&target)).await? {
            None => self.answered_by_notice(&target).await?,
            found => found,
        };
        let reactions = match &changed {
            Some(target) => self.reactions(target).await?,
            None => Vec::new(),
        };
        let emoji = self.as_on_network(emoji).await?;
        let own_voices = self.own_voices(&reactions).await?;
        Ok(Related { changed, reactions, own_voices, emoji: Some(emoji), ..Related::default() })
    }

    async fn redaction(&self) -> Result<Related, Stopped> {
        let Some(target) = self.event.redacts() else { return Ok(Related::default()) };
        let store = &self.portals.parts.store;
        if let Some(reaction) = store.reaction_by_event(&target).await? {
            let reactions = store.reactions(&reaction.chat, &reaction.target).await?;
            let is_own =
                reaction.origin == Direction::FromMatrix && reaction.sender == self.event.sender.as_str();
            let may_redact_others = is_own || self.has_power().await?;
            let own_voices = self.own_voices(&reactions).await?;
            return Ok(Related {
                taken_back: Some(reaction),
                reactions,
                own_voices,
                may_redact_others,
                ..Related::default()
            });
        }
        let changed = self.known(&target).await?;
        let may_redact_others = match &changed {
            Some(target) if !target.is_by(&self.event.sender) => self.has_power().await?,
            _ => false,
        };
        Ok(Related { changed, may_redact_others, ..Related::default() })
    }

    async fn pinned(&self) -> Result<Related, Stopped> {
        let Some(Pinning::Pinned(event_id) | Pinning::Unpinned(event_id)) = self.event.pinning() else {
            return Ok(Related::default());
        };
        Ok(Related { changed: self.target(Some(&event_id)).await?, ..Related::default() })
    }

    async fn poll(&self, poll: &EventId) -> Result<Related, Stopped> {
        let Some(target) = self.known(poll).await? else { return Ok(Related::default()) };
        let may_redact_others = !target.is_by(&self.event.sender) && self.has_power().await?;
        let read = |event: Fetched| match read_poll(&event.event_type, &event.content) {
            Some(PollDeed::Opened(poll)) => Some(poll),
            _ => None,
        };
        let poll = self.fetch(poll).await?.and_then(read);
        Ok(Related { changed: Some(target), poll, may_redact_others, ..Related::default() })
    }

    async fn reactions(&self, target: &Target) -> Result<Vec<ReactionRow>, StoreError> {
        match target.parts.last() {
            Some(part) => self.portals.parts.store.reactions(&self.portal.chat, part).await,
            None => Ok(Vec::new()),
        }
    }

    async fn own_voices(&self, reactions: &[ReactionRow]) -> Result<Vec<String>, StoreError> {
        let mut own_voices = Vec::new();
        for row in reactions.iter().filter(|row| row.origin == Direction::FromMatrix) {
            if self.portals.has_own_voice(self.portal, &row.sender).await? {
                own_voices.push(row.sender.clone());
            }
        }
        Ok(own_voices)
    }

    /// A custom emoji that came from the network is that network's own again.
    async fn as_on_network(&self, emoji: Emoji) -> Result<Emoji, StoreError> {
        let Emoji::Custom { name, source: FileSource::Matrix(mxc) } = &emoji else { return Ok(emoji) };
        let found = picture_source(&self.portals.parts.store, mxc).await?;
        Ok(match found {
            Some(file) => Emoji::Custom { name: name.clone(), source: FileSource::Remote(file) },
            None => emoji,
        })
    }

    async fn target(&self, event_id: Option<&EventId>) -> Result<Option<Target>, Stopped> {
        let Some(event_id) = event_id else { return Ok(None) };
        match self.known(event_id).await? {
            None => Ok(self.fetch(event_id).await?.and_then(|event| self.told_by(event_id, event))),
            known => Ok(known),
        }
    }

    /// The target as our map knows it.
    async fn known(&self, event_id: &EventId) -> Result<Option<Target>, StoreError> {
        let store = &self.portals.parts.store;
        let mut rows = store.message_by_event(event_id).await?;
        if rows.iter().any(|row| row.state == MessageState::Open) {
            // The record of what has just been carried may still be riding along.
            store.settled().await?;
            rows = store.message_by_event(event_id).await?;
        }
        let here = |row: &MessageRow| row.room_id.as_deref() == Some(&*self.event.room_id);
        let Some(first) = rows.iter().find(|row| here(row)) else { return Ok(None) };
        let parts = rows.iter().filter(|row| row.chat.as_ref() == Some(&self.portal.chat));
        Ok(Some(Target {
            event_id: event_id.to_owned(),
            row: Some(first.id),
            origin: first.origin,
            sender: first.sender.clone(),
            state: first.state,
            parts: parts.filter_map(|row| row.remote_id.clone()).collect(),
            sent_ms: first.sent_ms,
        }))
    }

    /// The target as an event of a ghost tells it: its record is on the way, or was lost with an old database.
    fn told_by(&self, event_id: &EventId, event: Fetched) -> Option<Target> {
        let sender: RemoteUserId = self.portals.parts.names.remote(&event.sender)?;
        let origin = Origin::read(&event.content)
            .filter(|origin| self.portals.today(&origin.chat) == self.portal.chat)?;
        Some(Target {
            event_id: event_id.to_owned(),
            row: None,
            origin: Direction::FromRemote,
            sender: Some(sender.as_str().to_owned()),
            state: MessageState::Delivered,
            parts: vec![origin.id],
            sent_ms: event.sent_ms,
        })
    }

    /// The message that a notice of the bridge is about: a reaction on the notice means the message.
    async fn answered_by_notice(&self, notice: &EventId) -> Result<Option<Target>, Stopped> {
        let Some(event) = self.fetch(notice).await? else { return Ok(None) };
        if event.sender != self.portals.parts.names.bot() {
            return Ok(None);
        }
        let answered = content_relations(&event.content).ok().and_then(|relations| relations.reply_to);
        match answered {
            Some(answered) => Ok(self.known(&answered).await?),
            None => Ok(None),
        }
    }

    async fn fetch(&self, event_id: &EventId) -> Result<Option<Fetched>, HomeserverError> {
        let bot = self.portals.parts.homeserver.bot();
        let raw = match bot.event(&self.event.room_id, event_id).await {
            // An event that the bot may not see is nobody's business.
            Err(error) if !error.is_transient() => None,
            asked => asked?,
        };
        Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
    }

    /// Servers pass on redactions that they themselves do not carry out.
    async fn has_power(&self) -> Result<bool, HomeserverError> {
        let powers = self.portals.parts.homeserver.bot().powers(&self.event.room_id).await?;
        Ok(powers.allows(&self.event.sender, Deed::Redact))
    }
}
