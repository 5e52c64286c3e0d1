//! Takes webhooks in: each change is mapped and pushed in the order in which it comes; the tickets tell when all of it is stored.
//!
//! WhatsApp tells everything at least once, for days, and in any order. Messages are known by their ids; what is done to messages is weighed in
//! `changes`. Next: `who` for people, `deeds` for what they do, `status` for what became of our messages.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use magpie_common::{
    clock::Clock,
    ids::{AliasSet, RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{RemoteEvent, Sender},
    platform::{ConnectError, Cursor, EventSink, NotStored, Ticket},
};
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::{
    End,
    changes::Changes,
    end_session,
    kept::Kept,
    people::{Heard, Named, People},
    templates::Templates,
    window::Waiting,
};
use crate::cloud::{
    events::{self, Origin, Read},
    json::{list, name, text},
    place,
};

mod countdown;
mod deeds;
mod status;
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
            "calls" => {
                for call in list(&value["calls"]) {
                    self.call(call, list(&value["contacts"]), tickets).await?;
                }
                self.push_unknown(None, field, change, tickets).await;
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
        if let Some(moved) = events::moved(data) {
            return self.person_moved((data, &moved), tickets).await;
        }
        // The chat with its author is another one.
        if data["group_id"].is_string() {
            self.push_unknown(None, "group message", data, tickets).await;
            return Ok(());
        }
        let (phone, user_id) = (text(&data["from"]), text(&data["from_user_id"]));
        let contact = contact(contacts, phone, user_id);
        let sent_ms = events::sent_ms(data);
        let told = (Named::new(phone, user_id), sent_ms.unwrap_or_default());
        let Some(person) = self.who(contact, told, tickets).await? else {
            self.push_unknown(None, "message of nobody", data, tickets).await;
            return Ok(());
        };
        let sender = Sender { ids: person.ids, name: name(&contact["profile"]["name"]), avatar: None };
        let origin = Origin { chat: place::chat(&self.number, &sender.ids.primary), sender };
        let read = events::read(data, &origin);
        let heard = sent_ms
            .filter(|_| opens_window(data, &read))
            .map(|at_ms| Heard { at_ms, message: events::id(&data["id"]) });
        let met = self.people.note(&origin.sender.ids, origin.sender.name.clone(), heard).await?;
        let is_heard = met.is_some();
        self.push_read(read, (data, &origin), met, tickets).await?;
        if is_heard {
            self.show_window(&origin.sender.ids.primary, tickets).await?;
        }
        Ok(())
    }

    /// Somebody calls, which opens the window as words do. Calls themselves are not brought.
    async fn call(&self, data: &Value, contacts: &[Value], tickets: &mut Tickets) -> Result<(), NotStored> {
        let (phone, user_id) = (text(&data["from"]), text(&data["from_user_id"]));
        let Some(at_ms) = events::sent_ms(data).filter(|_| text(&data["direction"]) == "USER_INITIATED")
        else {
            return Ok(());
        };
        let contact = contact(contacts, phone, user_id);
        let Some(person) = self.who(contact, (Named::new(phone, user_id), at_ms), tickets).await? else {
            return Ok(());
        };
        let heard = Some(Heard { at_ms, message: None });
        if let Some(met) = self.people.note(&person.ids, name(&contact["profile"]["name"]), heard).await? {
            self.sink.remember(met).await?;
            self.show_window(&person.ids.primary, tickets).await?;
        }
        Ok(())
    }

    /// What the owner of the business has said in the phone app.
    async fn echo(&self, data: &Value, contacts: &[Value], tickets: &mut Tickets) -> Result<(), NotStored> {
        let (phone, user_id) = (text(&data["to"]), text(&data["to_user_id"]));
        let contact = contact(contacts, phone, user_id);
        let told = (Named::new(phone, user_id), events::sent_ms(data).unwrap_or_default());
        let Some(person) = self.who(contact, told, tickets).await? else {
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
        let read = match read {
            // Nobody sees a vote in a poll that is not there.
            Read::Chose { target, said: Some(said), .. } if !self.is_known(&target).await? => {
                Read::Said(*said)
            }
            read => read,
        };
        match read {
            Read::Said(message) => return self.push_said(message, met, tickets).await,
            Read::Unknown { name, raw } => {
                let chat = Some(origin.chat.clone());
                self.push(RemoteEvent::Unknown { chat, name, raw }, met, tickets).await;
                return Ok(());
            }
            Read::Reacted { .. } | Read::Chose { .. } | Read::Edited { .. } | Read::Revoked { .. } => {}
        }
        if let Some(met) = met {
            self.sink.remember(met).await?;
        }
        self.push_change(read, (data, origin), tickets).await
    }

    /// Whether a message is known, ours among them.
    async fn is_known(&self, id: &RemoteMessageId) -> Result<bool, NotStored> {
        Ok(self.kept.sent.is_ours(id) || self.chat_of(id).await?.is_some())
    }

    /// The chat of a message, once that is stored.
    async fn chat_of(&self, id: &RemoteMessageId) -> Result<Option<RemoteChatId>, NotStored> {
        self.sink.chat_of(&place::prefix(&self.number), id).await
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

/// Whether a message lets the business write for another day: what people do, and not what WhatsApp says of them.
fn opens_window(data: &Value, read: &Read) -> bool {
    let is_deed = matches!(read, Read::Said(_) | Read::Reacted { .. } | Read::Chose { .. });
    is_deed && !matches!(text(&data["type"]), "system" | "request_welcome")
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
