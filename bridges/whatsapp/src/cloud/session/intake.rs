//! Takes webhooks in: each change is mapped and pushed in the order in which it comes; the tickets tell when all of it is stored.
//!
//! WhatsApp tells everything at least once, for days, and in any order. Messages are known by their ids; what is done to messages is weighed in
//! `changes`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use magpie_common::{
    clock::Clock,
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::{RemoteEvent, RemoteMessage, Sender},
    platform::{ConnectError, Cursor, EventSink, NotStored, Ticket},
};
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::{
    End,
    api::Refusal,
    changes::{Change, Changes, Deed},
    end_session,
    kept::Kept,
    people::People,
    sent::is_key,
    templates::Templates,
    verdict::refused,
    window::Waiting,
};
use crate::cloud::{
    events::{self, Origin, Read},
    json::{list, name, text},
    place,
};

mod countdown;
mod who;

/// Takes in what happens to one number.
pub(in crate::cloud) struct Intake {
    pub(super) number: String,
    pub(super) me: RemoteUserId,
    /// What the business is called.
    pub(super) name: Option<String>,
    pub(super) sink: EventSink,
    pub(super) people: Arc<People>,
    pub(super) changes: Changes,
    pub(super) kept: Arc<Kept>,
    pub(super) templates: Arc<Templates>,
    pub(super) clock: Clock,
    /// Whose time to write runs out when.
    pub(super) waiting: Waiting,
    pub(super) end: End,
    /// One change after the other.
    pub(super) order: AsyncMutex<()>,
    /// Nothing is taken any more.
    pub(super) shut: AtomicBool,
    /// What is being taken in, whoever still waits for it.
    pub(super) tasks: TaskTracker,
}

/// One change of a business account.
pub(in crate::cloud) struct Told {
    /// The id of the account.
    pub account: String,
    /// The change.
    pub change: Value,
}

/// What is pushed on the way.
type Tickets = Vec<Ticket>;

/// Where it is remembered that the account is signed in: what is remembered is forgotten when it signs out.
const SIGNED_IN: &str = "signed_in";

impl Intake {
    /// Notes that the account is signed in.
    pub async fn open(&self) -> Result<(), NotStored> {
        self.sink.remember(Cursor { key: SIGNED_IN.to_owned(), value: "1".to_owned() }).await
    }

    /// Takes changes in, one after the other; success says that all they tell is stored. What was begun is brought to its end, though nobody
    /// waits for it any more.
    pub async fn take(self: &Arc<Self>, told: Vec<Told>) -> Result<(), NotStored> {
        let intake = Arc::clone(self);
        let task = self.tasks.spawn(async move {
            let mut tickets = Tickets::new();
            for told in told {
                tickets.extend(intake.take_one(&told).await?);
            }
            intake.stored(tickets).await
        });
        task.await.unwrap_or_else(|_| Err(NotStored("taking it in broke off".to_owned())))
    }

    /// Takes nothing any more. What is being taken in is stored when this returns.
    pub async fn close(&self, why: ConnectError) {
        let order = self.order.lock().await;
        self.shut.store(true, Ordering::Release);
        end_session(&self.end, why);
        drop(order);
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Whether something may be taken in. A session that has ended because its token is refused goes on listening, which needs no token, as
    /// long as the account is signed in.
    async fn should_be_open(&self) -> Result<(), NotStored> {
        if self.is_shut() {
            return Err(NotStored("the session is over".to_owned()));
        }
        let has_ended = self.end.borrow().is_some();
        if has_ended && self.sink.remembered(SIGNED_IN).await?.is_none() {
            return Err(NotStored("the account has signed out".to_owned()));
        }
        Ok(())
    }

    fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    async fn take_one(&self, Told { account, change }: &Told) -> Result<Tickets, NotStored> {
        let _order = self.order.lock().await;
        self.should_be_open().await?;
        let mut tickets = Tickets::new();
        let taken = match self.templates.learn(account).await {
            Ok(()) => self.take_change(change, &mut tickets).await,
            Err(error) => Err(error),
        };
        taken.map_err(|error| self.not_stored(error))?;
        Ok(tickets)
    }

    /// Waits until all of that is stored.
    async fn stored(&self, tickets: Tickets) -> Result<(), NotStored> {
        for ticket in tickets {
            ticket.stored().await.map_err(|error| self.not_stored(error))?;
        }
        Ok(())
    }

    /// What is in memory may be ahead of what is stored, so that only a new session may go on.
    fn not_stored(&self, error: NotStored) -> NotStored {
        self.shut.store(true, Ordering::Release);
        end_session(&self.end, ConnectError::from(error.clone()));
        error
    }

    async fn take_change(&self, change: &Value, tickets: &mut Tickets) -> Result<(), NotStored> {
        let (field, value) = (text(&change["field"]), &change["value"]);
        debug!(field, "A webhook came.");
        match field {
            "messages" => {
                for message in list(&value["messages"]) {
                    self.message(message, list(&value["contacts"]), tickets).await?;
                }
                for status in list(&value["statuses"]) {
                    self.status(status, tickets).await?;
                }
                for error in list(&value["errors"]) {
                    warn!(
                        code = error["code"].as_i64(),
                        title = text(&error["title"]),
                        "WhatsApp reports a fault."
                    );
                }
            }
            "smb_message_echoes" => {
                for echo in list(&value["message_echoes"]) {
                    self.echo(echo, list(&value["contacts"]), tickets).await?;
                }
            }
            "user_id_update" => {
                for update in list(&value["user_id_update"]) {
                    self.renamed(update, tickets).await?;
                }
            }
            _ => self.push_unknown(None, field, change, tickets).await,
        }
        Ok(())
    }

    async fn message(
        &self,
        data: &Value,
        contacts: &[Value],
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let (phone, user_id) = (text(&data["from"]), text(&data["from_user_id"]));
        let contact = contact(contacts, phone, user_id);
        let Some(person) = self.who(contact, (phone, user_id), tickets).await? else {
            self.push_unknown(None, "message of nobody", data, tickets).await;
            return Ok(());
        };
        let sender = Sender { ids: person.ids, name: name(&contact["profile"]["name"]), avatar: None };
        let origin = Origin { chat: place::chat(&self.number, &sender.ids.primary), sender };
        let heard = events::sent_ms(data).zip(events::id(&data["id"]));
        let met = self.people.note(&origin.sender.ids, origin.sender.name.clone(), heard).await?;
        let is_heard = met.is_some();
        self.push_read(events::read(data, &origin), (data, &origin), met, tickets).await?;
        if is_heard {
            self.show_window(&origin.sender.ids.primary, tickets).await?;
        }
        Ok(())
    }

    /// What the owner of the business has said in the phone app.
    async fn echo(&self, data: &Value, contacts: &[Value], tickets: &mut Tickets) -> Result<(), NotStored> {
        let (phone, user_id) = (text(&data["to"]), text(&data["to_user_id"]));
        let contact = contact(contacts, phone, user_id);
        let Some(person) = self.who(contact, (phone, user_id), tickets).await? else {
            self.push_unknown(None, "message to nobody", data, tickets).await;
            return Ok(());
        };
        let met = self.people.note(&person.ids, name(&contact["profile"]["name"]), None).await?;
        let sender = Sender { ids: AliasSet::single(self.me.clone()), name: self.name.clone(), avatar: None };
        let origin = Origin { chat: place::chat(&self.number, &person.ids.primary), sender };
        self.push_read(events::read(data, &origin), (data, &origin), met, tickets).await
    }

    async fn push_read(
        &self,
        read: Read,
        (data, origin): (&Value, &Origin),
        met: Option<Cursor>,
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let person = &origin.sender.ids.primary;
        match read {
            Read::Said(message) => return self.push_said(message, met, tickets).await,
            Read::Unknown { name, raw } => {
                let chat = Some(origin.chat.clone());
                self.push(RemoteEvent::Unknown { chat, name, raw }, met, tickets).await;
                return Ok(());
            }
            Read::Moved { phone, user_id, notice } => {
                self.moved(person, (phone, user_id), tickets).await?;
                return self.push_said(notice, met, tickets).await;
            }
            Read::Reacted { .. } | Read::Chose { .. } | Read::Edited { .. } | Read::Revoked { .. } => {}
        }
        if let Some(met) = met {
            self.sink.remember(met).await?;
        }
        self.push_change(read, (data, origin), tickets).await
    }

    /// A message, as it is by now.
    async fn push_said(
        &self,
        mut message: RemoteMessage,
        met: Option<Cursor>,
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let (chat, target) = (message.chat.clone(), message.id.clone());
        let author = &message.sender.ids.primary;
        let change = self.changes.of(Deed::Change, &target, author).await?;
        // Of what the owner has said in the app, the person tells only how they like it.
        let person = place::person(&self.number, &chat).unwrap_or_else(|| author.clone());
        let emoji = match person == *author {
            true => change.emoji.clone(),
            false => self.changes.of(Deed::Change, &target, &person).await?.emoji,
        };
        if let Some((_, edited)) = &change.edit {
            message.message.text.clone_from(&edited.message.text);
        }
        self.push(RemoteEvent::Message(message), met, tickets).await;
        if change.revoked {
            let event = RemoteEvent::Redact { chat, ids: vec![target], by: None };
            self.push(event, None, tickets).await;
        } else if let Some(emoji) = emoji {
            let event = RemoteEvent::React { chat, target, sender: person, emoji, sent_ms: None };
            self.push(event, None, tickets).await;
        }
        Ok(())
    }

    /// What was done to a message, unless something newer is known.
    async fn push_change(
        &self,
        read: Read,
        (data, origin): (&Value, &Origin),
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let (chat, sender) = (origin.chat.clone(), origin.sender.ids.primary.clone());
        let sent_ms = events::sent_ms(data).unwrap_or_default();
        let is_news =
            |change: &mut Change| events::id(&data["id"]).is_some_and(|id| change.take(&id, sent_ms));
        match read {
            Read::Reacted { target, emoji } => {
                let mut change = self.changes.of(Deed::Change, &target, &sender).await?;
                if !is_news(&mut change) {
                    return Ok(());
                }
                change.emoji.clone_from(&emoji);
                let gone = RemoteEvent::Unreact {
                    chat: chat.clone(),
                    target: target.clone(),
                    sender: Some(sender.clone()),
                    emoji: None,
                };
                let cursor = Some(change.cursor(Deed::Change)?);
                match emoji {
                    // A new reaction takes the place of the old one.
                    Some(emoji) => {
                        self.push(gone, None, tickets).await;
                        let put = RemoteEvent::React { chat, target, sender, emoji, sent_ms: Some(sent_ms) };
                        self.push(put, cursor, tickets).await;
                    }
                    None => self.push(gone, cursor, tickets).await,
                }
            }
            Read::Chose { target, answer } => {
                let mut change = self.changes.of(Deed::Choice, &target, &sender).await?;
                if is_news(&mut change) {
                    let vote = RemoteEvent::Vote { chat, target, sender, answers: vec![answer] };
                    self.push(vote, Some(change.cursor(Deed::Choice)?), tickets).await;
                }
            }
            Read::Edited { new } => {
                let mut change = self.changes.of(Deed::Change, &new.id, &sender).await?;
                if change.take_edit(&new, sent_ms) {
                    let cursor = change.cursor(Deed::Change)?;
                    self.push(RemoteEvent::Edit { new, edited_ms: sent_ms }, Some(cursor), tickets).await;
                }
            }
            Read::Revoked { target } => {
                let mut change = self.changes.of(Deed::Change, &target, &sender).await?;
                if !std::mem::replace(&mut change.revoked, true) {
                    let gone = RemoteEvent::Redact { chat, ids: vec![target], by: Some(sender) };
                    self.push(gone, Some(change.cursor(Deed::Change)?), tickets).await;
                }
            }
            Read::Said(_) | Read::Moved { .. } | Read::Unknown { .. } => {}
        }
        Ok(())
    }

    /// What became of a message of ours.
    async fn status(&self, status: &Value, tickets: &mut Tickets) -> Result<(), NotStored> {
        let Some(id) = events::id(&status["id"]) else { return Ok(()) };
        if let Some(key) = status["biz_opaque_callback_data"].as_str().filter(|key| is_key(key)) {
            self.kept.sent.told(&self.sink, key, &id).await?;
        }
        let (phone, user_id) = (text(&status["recipient_id"]), text(&status["recipient_user_id"]));
        let Some(person) = self.who(&Value::Null, (phone, user_id), tickets).await? else { return Ok(()) };
        let reader = person.ids.primary;
        let chat = place::chat(&self.number, &reader);
        match text(&status["status"]) {
            "delivered" => self.push(RemoteEvent::Arrived { chat, id, at: reader }, None, tickets).await,
            "read" => self.push(RemoteEvent::Receipt { chat, reader, up_to: id }, None, tickets).await,
            "failed" => {
                let mut change = self.changes.of(Deed::Change, &id, &self.me).await?;
                if !std::mem::replace(&mut change.failed, true) {
                    let refusal = Refusal::read(&status["errors"][0], 0);
                    let event = RemoteEvent::Failed { chat, id, words: refused(&refusal) };
                    self.push(event, Some(change.cursor(Deed::Change)?), tickets).await;
                }
            }
            // That it was sent is known.
            _ => {}
        }
        Ok(())
    }

    async fn push_unknown(
        &self,
        chat: Option<RemoteChatId>,
        name: &str,
        data: &Value,
        tickets: &mut Tickets,
    ) {
        if let Read::Unknown { name, raw } = events::unknown(name, data) {
            self.push(RemoteEvent::Unknown { chat, name, raw }, None, tickets).await;
        }
    }

    async fn push(&self, event: RemoteEvent, cursor: Option<Cursor>, tickets: &mut Tickets) {
        tickets.push(match cursor {
            Some(cursor) => self.sink.push_with_cursor(event, cursor).await,
            None => self.sink.push(event).await,
        });
    }
}

/// What a webhook says of the person with one of these ids beside the message.
fn contact<'a>(contacts: &'a [Value], phone: &str, user_id: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    let is_meant = |contact: &&Value| {
        let same = |value: &Value, id: &str| !id.is_empty() && text(value) == id;
        same(&contact["wa_id"], phone) || same(&contact["user_id"], user_id)
    };
    contacts.iter().find(is_meant).unwrap_or(NOTHING)
}
