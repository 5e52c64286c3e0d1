//! How a remote message becomes the contents of events: files brought in, people and places looked up, words written.

use ruma::{OwnedEventId, UserId};
use serde_json::json;

use super::{Stopped, voice::Looker};
use crate::{
    convert::{
        Answers, CONTENT_BYTES_MAX, Known, Layout, ORIGIN_KEY, Origin, Part, Piece, Shortened, ToMatrix,
        WriteError, write_content,
    },
    ids::{RemoteChatId, RemoteMessageId},
    media::MediaError,
    message::{Attachment, AttachmentKind, MentionTarget, Message, Node, Person, RemoteMessage, RichText},
    portal::Portals,
    puppet::Looks,
    store::{Direction, MessageState, StoreError},
};

/// What is said beside speech that clients cannot play.
const NOT_CONVERTED: &str =
    "(A voice message in a form that this bridge could not convert. Few programs play it.)";

/// A remote message, ready to be written.
pub(super) struct Prepared<'a> {
    portals: &'a Portals,
    origin: Origin,
    message: Message,
    known: Known,
    answers: Answers,
}

impl<'a> Prepared<'a> {
    /// Looks up everything that the message refers to.
    pub(super) async fn new(looker: &Looker<'a>, said: &RemoteMessage) -> Result<Self, Stopped> {
        let portals = looker.portals;
        let message = brought_in(looker, &said.message).await?;
        let known = references(portals, &message).await?;
        let answers = answers(portals, said).await?;
        let origin = Origin { chat: said.chat.clone(), id: said.id.clone(), part: 0, piece: None };
        Ok(Self { portals, origin, message, known, answers })
    }

    /// One event for each piece of the message. A message always leaves a trace, even one of which nothing can be shown.
    pub(super) fn parts(&self, layout: Layout) -> Vec<Part> {
        let written = write_content(&self.message, &self.answers, &self.origin, layout, &self.context());
        match written {
            Ok(parts) => parts,
            Err(WriteError::Empty | WriteError::NotUploaded(_)) => vec![nothing_to_show(&self.origin)],
        }
    }

    /// What a conversion needs to know.
    pub(super) fn context(&self) -> ToMatrix<'_> {
        ToMatrix {
            ghosts: &self.portals.parts.names,
            known: &self.known,
            content_bytes_max: CONTENT_BYTES_MAX,
        }
    }
}

/// The message with its files in the media store. One that cannot be brought there is named in words.
async fn brought_in(looker: &Looker<'_>, said: &Message) -> Result<Message, Stopped> {
    let mut message = said.clone();
    for file in std::mem::take(&mut message.attachments) {
        match looker.portals.parts.media.bring_in(looker.session, &file).await {
            Ok(brought) => {
                if file.kind == AttachmentKind::Voice && brought.kind == AttachmentKind::File {
                    add(&mut message.text, NOT_CONVERTED.to_owned());
                }
                message.attachments.push(brought);
            }
            Err(error) if error.is_transient() && looker.is_patient => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "A file stays on the network.");
                add(&mut message.text, named(&file, &error));
            }
        }
    }
    bring_in_emoji(looker, &mut message.text).await;
    bring_in_emoji(looker, &mut message.preview).await;
    Ok(message)
}

/// Adds words of the bridge's.
fn add(text: &mut RichText, words: String) {
    if !text.is_blank() {
        text.0.push(Node::LineBreak);
    }
    text.0.push(Node::Emphasis(vec![Node::Text(words)]));
}

/// The words in the place of a file that is not there. A sticker says enough by its name.
fn named(file: &Attachment, error: &MediaError) -> String {
    match file.kind {
        AttachmentKind::Sticker => format!("(sticker “{}”)", file.name),
        _ => format!("📎 {} (the file could not be brought here: {error})", file.name),
    }
}

/// Copies the pictures of custom emoji into the media store. One that cannot be had is shown by its name.
async fn bring_in_emoji(looker: &Looker<'_>, text: &mut RichText) {
    for source in text.emoji_sources_mut() {
        let crate::message::FileSource::Remote(file) = source else { continue };
        if let Some(mxc) = looker.picture(file).await {
            *source = crate::message::FileSource::Matrix(mxc);
        }
    }
}

/// Looks up the portals that the words mention. Most words mention none.
async fn references(portals: &Portals, message: &Message) -> Result<Known, StoreError> {
    let mut known = Known::default();
    for mention in message.text.mentions() {
        if let MentionTarget::Person(Person::Remote(user)) = &mention.target
            && let Some(person) = portals.person_behind(user).await?
        {
            known.add_account(user.clone(), person);
            continue;
        }
        let (MentionTarget::Chat(chat) | MentionTarget::Message(chat, _)) = &mention.target else {
            continue;
        };
        let Some(portal) = portals.by_chat(chat).await? else { continue };
        let Some(room_id) = &portal.room_id else { continue };
        known.add_room(chat.clone(), room_id.clone(), vec![portals.parts.names.server_name().to_owned()]);
        if let MentionTarget::Message(_, id) = &mention.target
            && let Some(found) = find(portals, &portal.chat, id).await?
        {
            known.add_message(chat.clone(), id.clone(), found.event_id);
        }
    }
    Ok(known)
}

async fn answers(portals: &Portals, said: &RemoteMessage) -> Result<Answers, StoreError> {
    let mut answers = Answers::default();
    if let Some(id) = &said.message.reply_to
        && let Some(found) = find(portals, &said.chat, id).await?
    {
        answers.pinged = found.author.filter(|_| !said.message.silent_reply);
        answers.reply_to = Some(found.event_id);
    }
    if let Some(id) = &said.message.thread {
        answers.thread_root = find(portals, &said.chat, id).await?.map(|found| found.event_id);
    }
    Ok(answers)
}

/// A message that is in Matrix, too.
struct Found {
    event_id: OwnedEventId,
    /// Who wrote it, if somebody in Matrix did.
    author: Option<ruma::OwnedUserId>,
}

async fn find(
    portals: &Portals,
    chat: &RemoteChatId,
    id: &RemoteMessageId,
) -> Result<Option<Found>, StoreError> {
    let store = &portals.parts.store;
    let mut rows = store.message_by_remote(chat, id).await?;
    if rows.iter().any(|row| row.state == MessageState::Open) {
        // The record of what this very lane has just sent may still be riding along.
        store.settled().await?;
        rows = store.message_by_remote(chat, id).await?;
    }
    Ok(rows.into_iter().filter(|row| row.state != MessageState::Gone).find_map(|row| {
        let author = row.sender.filter(|_| row.origin == Direction::FromMatrix);
        let author = author.and_then(|author| UserId::parse(author).ok());
        row.event_id.map(|event_id| Found { event_id, author })
    }))
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
