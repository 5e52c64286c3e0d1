//! How a remote message becomes events: ghost made ready, content written, each part sent once.

use async_trait::async_trait;
use ruma::{OwnedEventId, OwnedMxcUri, RoomId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Stopped;
use crate::{
    convert::{
        Answers, CONTENT_BYTES_MAX, Known, Layout, ORIGIN_KEY, Origin, Part, Piece, Shortened, ToMatrix,
        WriteError, write_content,
    },
    homeserver::{HomeserverError, Intent, SendEvent},
    ids::{RemoteFileId, RemoteUserId},
    media,
    message::{Attachment, MentionTarget, Message, Node, RemoteMessage, Sender},
    platform::Session,
    portal::{Portals, keys},
    puppet::Looks,
    steps::{Step, reached},
    store::StoreError,
};

/// So many of a ghost's recent events are searched for the effect of an interrupted attempt. One send is in flight per room, so its event
/// is among the ghost's newest ones, however much others have said meanwhile.
const SEARCHED_EVENTS: u32 = 100;

/// Asks the session about people; while there is none, nothing is found out.
struct Looker<'a> {
    portals: &'a Portals,
    session: Option<&'a dyn Session>,
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

/// A message on its way into a room.
pub(super) struct Sending<'a> {
    pub(super) message: &'a RemoteMessage,
    pub(super) room_id: &'a RoomId,
    pub(super) session: Option<&'a dyn Session>,
    pub(super) in_doubt: bool,
}

impl Sending<'_> {
    /// Sends every part that is not in the room yet.
    pub(super) async fn send(&self, portals: &Portals) -> Result<Vec<OwnedEventId>, Stopped> {
        let looker = Looker { portals, session: self.session };
        let ghost = match self.session {
            Some(_) => portals.ghosts.ready(&self.message.sender, &looker).await?,
            // A new picture waits for a message that comes while somebody can fetch it.
            None => {
                let sender = Sender { avatar: None, ..self.message.sender.clone() };
                portals.ghosts.ready(&sender, &looker).await?
            }
        };
        reached(Step::GhostReady);
        let there = match self.in_doubt {
            true => self.search(portals, &ghost.user_id).await?,
            false => Vec::new(),
        };
        let mut event_ids = Vec::new();
        for (nth, part) in self.parts(portals).await?.into_iter().enumerate() {
            let found = there.iter().find(|(number, _)| *number as usize == nth);
            event_ids.push(match found {
                Some((_, event_id)) => event_id.clone(),
                None => self.send_part(portals, &ghost.user_id, nth, &part).await?,
            });
            if let Shortened::TextCut { .. } = part.shortened {
                tracing::warn!(chat = %self.message.chat, "A message was too long for Matrix and was cut.");
            }
        }
        reached(Step::Sent);
        Ok(event_ids)
    }

    async fn send_part(
        &self,
        portals: &Portals,
        ghost: &ruma::UserId,
        nth: usize,
        part: &Part,
    ) -> Result<OwnedEventId, Stopped> {
        let place = keys::Place { chat: &self.message.chat, id: &self.message.id, part: &nth.to_string() };
        let txn_id = keys::txn_id(&place, ghost, &portals.parts.clock);
        let content = &part.content;
        let event = || SendEvent {
            room_id: self.room_id,
            event_type: part.event_type,
            txn_id: &txn_id,
            content,
            sent_ms: Some(self.message.sent_ms),
        };
        let intent = portals.parts.homeserver.intent(ghost);
        match intent.send(event()).await {
            // Ghosts come to a room when they first speak there.
            Err(HomeserverError::Forbidden(_)) => {
                self.bring_in(portals, &intent).await?;
                Ok(intent.send(event()).await?)
            }
            sent => Ok(sent?),
        }
    }

    async fn bring_in(&self, portals: &Portals, ghost: &Intent<'_>) -> Result<(), HomeserverError> {
        match portals.parts.homeserver.bot().invite(self.room_id, ghost.user_id()).await {
            // Already invited or already inside.
            Ok(()) | Err(HomeserverError::Forbidden(_)) => ghost.join(self.room_id).await,
            Err(error) => Err(error),
        }
    }

    /// The parts of this message that an earlier attempt has sent.
    async fn search(
        &self,
        portals: &Portals,
        ghost: &ruma::UserId,
    ) -> Result<Vec<(u32, OwnedEventId)>, Stopped> {
        #[derive(Deserialize)]
        struct Found {
            event_id: OwnedEventId,
            sender: ruma::OwnedUserId,
            #[serde(default)]
            content: Value,
        }
        let bot = portals.parts.homeserver.bot();
        let recent = bot.recent_messages(self.room_id, ghost, SEARCHED_EVENTS).await?;
        let ours = recent.iter().filter_map(|raw| serde_json::from_str::<Found>(raw.get()).ok());
        // Anybody can write an origin into a message; only the ghost itself is believed.
        let ours = ours.filter(|found| found.sender == ghost);
        Ok(ours
            .filter_map(|found| {
                let origin = Origin::read(&found.content)?;
                let same = origin.chat == self.message.chat && origin.id == self.message.id;
                same.then_some((origin.part, found.event_id))
            })
            .collect())
    }

    async fn parts(&self, portals: &Portals) -> Result<Vec<Part>, Stopped> {
        let message = self.showable();
        let known = self.references(portals, &message).await?;
        let context =
            ToMatrix { ghosts: &portals.parts.names, known: &known, content_bytes_max: CONTENT_BYTES_MAX };
        let answers = self.answers(portals).await?;
        let origin =
            Origin { chat: self.message.chat.clone(), id: self.message.id.clone(), part: 0, piece: None };
        Ok(match write_content(&message, &answers, &origin, Layout::Caption, &context) {
            Ok(parts) => parts,
            // A message always leaves a trace, even one of which nothing can be shown.
            Err(WriteError::Empty | WriteError::NotUploaded(_)) => vec![nothing_to_show(&origin)],
        })
    }

    /// The message with its files as words: files themselves are not carried over yet.
    fn showable(&self) -> Message {
        let mut message = self.message.message.clone();
        for Attachment { name, .. } in std::mem::take(&mut message.attachments) {
            if !message.text.is_blank() {
                message.text.0.push(Node::LineBreak);
            }
            message
                .text
                .0
                .push(Node::Emphasis(vec![Node::Text(format!("[file “{name}”: not carried over yet]"))]));
        }
        message
    }

    /// Looks up the portals that the words mention. Most words mention none.
    async fn references(&self, portals: &Portals, message: &Message) -> Result<Known, StoreError> {
        let mut known = Known::default();
        for mention in message.text.mentions() {
            let (MentionTarget::Chat(chat) | MentionTarget::Message(chat, _)) = &mention.target else {
                continue;
            };
            let Some(portal) = portals.by_chat(chat).await? else { continue };
            let Some(room_id) = &portal.room_id else { continue };
            known.add_room(chat.clone(), room_id.clone(), vec![portals.parts.names.server_name().to_owned()]);
            if let MentionTarget::Message(_, id) = &mention.target
                && let Some(event_id) = self.event_of(portals, chat, id).await?
            {
                known.add_message(chat.clone(), id.clone(), event_id);
            }
        }
        Ok(known)
    }

    async fn answers(&self, portals: &Portals) -> Result<Answers, StoreError> {
        let Some(reply_to) = &self.message.message.reply_to else { return Ok(Answers::default()) };
        let reply_to = self.event_of(portals, &self.message.chat, reply_to).await?;
        Ok(Answers { reply_to, ..Answers::default() })
    }

    async fn event_of(
        &self,
        portals: &Portals,
        chat: &crate::ids::RemoteChatId,
        id: &crate::ids::RemoteMessageId,
    ) -> Result<Option<OwnedEventId>, StoreError> {
        let rows = portals.parts.store.message_by_remote(chat, id).await?;
        Ok(rows.into_iter().find_map(|row| row.event_id))
    }
}

fn nothing_to_show(origin: &Origin) -> Part {
    let content = json!({
        "msgtype": "m.notice",
        "body": "[a message of which nothing can be shown here]",
        "m.mentions": {},
        ORIGIN_KEY: origin,
    });
    Part {
        event_type: "m.room.message",
        content,
        shortened: Shortened::No,
        pings: crate::convert::Pings::default(),
        piece: Piece::Words,
    }
}
