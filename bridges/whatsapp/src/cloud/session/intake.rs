//! Takes webhooks in: each change is mapped and pushed in the order in which it comes; the tickets tell when all of it is stored.
//!
//! WhatsApp tells everything at least once, for days, and in any order. Messages are known by their ids; what is done to messages is weighed in
//! `changes`.

use std::sync::Arc;

use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::{RemoteEvent, RemoteMessage, Sender},
    platform::{ConnectError, Cursor, EventSink, NotStored, Ticket},
};
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use tracing::{debug, warn};

use super::{
    End,
    api::Refusal,
    changes::{Change, Changes, Deed},
    end_session,
    people::People,
    sent::Sent,
    templates::Templates,
    verdict::refused,
};
use crate::cloud::{
    events::{self, Origin, Read},
    json::{list, name, text},
    place,
};

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
    pub(super) sent: Arc<Sent>,
    pub(super) templates: Arc<Templates>,
    pub(super) end: End,
    /// One change after the other.
    pub(super) order: AsyncMutex<()>,
}

/// What is pushed on the way.
type Tickets = Vec<Ticket>;

impl Intake {
    /// Takes one change of a business account in. What it tells is stored when [`Intake::stored`] says so.
    pub async fn take(&self, account: &str, change: &Value) -> Result<Tickets, NotStored> {
        let _order = self.order.lock().await;
        // Nothing is pushed once the session is over.
        if self.end.borrow().is_some() {
            return Err(NotStored("the session is over".to_owned()));
        }
        let mut tickets = Tickets::new();
        let taken = match self.templates.learn(account).await {
            Ok(()) => self.take_change(change, &mut tickets).await,
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            end_session(&self.end, ConnectError::from(error.clone()));
            return Err(error);
        }
        Ok(tickets)
    }

    /// Waits until all of that is stored.
    pub async fn stored(&self, tickets: Tickets) -> Result<(), NotStored> {
        for ticket in tickets {
            if let Err(error) = ticket.stored().await {
                end_session(&self.end, ConnectError::from(error.clone()));
                return Err(error);
            }
        }
        Ok(())
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
        self.push_read(events::read(data, &origin), (data, &origin), met, tickets).await
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
        if let Some(key) = status["biz_opaque_callback_data"].as_str() {
            self.sent.told(key, &id).await?;
        }
        let (phone, user_id) = (text(&status["recipient_id"]), text(&status["recipient_user_id"]));
        let Some(person) = self.who(&Value::Null, (phone, user_id), tickets).await? else { return Ok(()) };
        let reader = person.ids.primary;
        let chat = place::chat(&self.number, &reader);
        match text(&status["status"]) {
            "read" => self.push(RemoteEvent::Receipt { chat, reader, up_to: id }, None, tickets).await,
            "failed" => {
                let mut change = self.changes.of(Deed::Change, &id, &self.me).await?;
                if !std::mem::replace(&mut change.failed, true) {
                    let refusal = Refusal::read(&status["errors"][0], 0);
                    let event = RemoteEvent::Failed { chat, id, words: refused(&refusal) };
                    self.push(event, Some(change.cursor(Deed::Change)?), tickets).await;
                }
            }
            // That it was sent is known, and who has it is shown to nobody in Matrix.
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
