//! Takes callbacks in: one after the other, each stored before it is answered. What customers write is not in them; it is pulled.

use std::sync::Arc;

use magpie_common::{
    config::Secret,
    ids::AliasSet,
    message::{RemoteEvent, RemoteMessage, Sender, UserInfo},
    platform::{ConnectError, EventSink, NotStored, Ticket},
};
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use tracing::{debug, warn};

use super::{End, end_session, pull::Pulls};
use crate::{
    json::{number, text},
    wecom::{
        events::{self, Read},
        place::{Names, Place},
    },
};

/// Takes in what happens to one app.
pub(in crate::wecom) struct Intake {
    pub(super) names: Names,
    pub(super) sink: EventSink,
    /// What customer service has to be asked for; nothing where the app has none.
    pub(super) pulls: Option<Arc<Pulls>>,
    pub(super) end: End,
    /// One callback after the other.
    pub(super) order: AsyncMutex<()>,
}

impl Intake {
    /// Takes a callback in; returns when it is stored, or sure to be asked for.
    pub async fn take(&self, told: &Value) -> Result<(), NotStored> {
        let pushed = {
            let _order = self.order.lock().await;
            // Nothing is pushed once the session is over.
            if self.end.borrow().is_some() {
                return Err(NotStored("the session is over".to_owned()));
            }
            self.push(told).await?
        };
        for ticket in pushed {
            if let Err(error) = ticket.stored().await {
                end_session(&self.end, ConnectError::from(error.clone()));
                return Err(error);
            }
        }
        Ok(())
    }

    async fn push(&self, told: &Value) -> Result<Vec<Ticket>, NotStored> {
        debug!(kind = text(&told["MsgType"]), event = text(&told["Event"]), "A callback came.");
        let userid = text(&told["FromUserName"]);
        let is_others = number(&told["AgentID"])
            .is_some_and(|agent| agent != 0 && u64::try_from(agent) != Ok(self.names.agent_id));
        let chat = self.names.chat(&Place::Member { userid: userid.to_owned() });
        let mut events = Vec::new();
        match events::read(told) {
            Read::Pull { kf, token } => self.pull(&kf, token)?,
            Read::Member { userid, new_userid, name } => {
                events = self.changed(&userid, new_userid.as_deref(), name);
            }
            Read::Nothing => {}
            Read::Said(message) => {
                let known = self.names.member(userid).zip(chat).zip(events::id(told));
                events.push(match known.zip(events::sent_ms(told)).filter(|_| !is_others) {
                    Some((((user, chat), id), sent_ms)) => {
                        // Without a name, the session is asked for it where one is wanted.
                        let sender = Sender { ids: AliasSet::single(user), name: None, avatar: None };
                        RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message })
                    }
                    None => {
                        let name = "callback of nobody".to_owned();
                        RemoteEvent::Unknown { chat: None, name, raw: events::raw(told) }
                    }
                });
            }
            Read::Unknown { name, raw } => events.push(RemoteEvent::Unknown { chat, name, raw }),
        }
        let mut tickets = Vec::new();
        for event in events {
            tickets.push(self.sink.push(event).await);
        }
        Ok(tickets)
    }

    /// It is enough to remember in memory that there is something: the next session asks for everything from where this one ended.
    fn pull(&self, kf: &str, token: Option<Secret>) -> Result<(), NotStored> {
        match &self.pulls {
            Some(pulls) if pulls.ask(kf, token) => Ok(()),
            Some(_) => Err(NotStored("too many service accounts wait".to_owned())),
            None => {
                warn!(
                    "Customers have written, but the secret of customer service is not known. Sign in again with it."
                );
                Ok(())
            }
        }
    }

    fn changed(&self, userid: &str, new_userid: Option<&str>, name: Option<String>) -> Vec<RemoteEvent> {
        let mut events = Vec::new();
        let chat = |userid: &str| self.names.chat(&Place::Member { userid: userid.to_owned() });
        if let Some(new_userid) = new_userid {
            let people = self.names.member(new_userid).zip(self.names.member(userid));
            events.extend(people.map(|(canonical, alias)| RemoteEvent::SameUser { canonical, alias }));
            let chats = chat(userid).zip(chat(new_userid));
            events.extend(chats.map(|(from, to)| RemoteEvent::Migrated { from, to }));
        }
        let user = self.names.member(new_userid.unwrap_or(userid));
        if let Some((user, name)) = user.zip(name) {
            let ids = AliasSet::single(user);
            events.push(RemoteEvent::UserChanged(UserInfo {
                ids,
                name: Some(name),
                avatar: None,
                bot: false,
            }));
        }
        events
    }
}
