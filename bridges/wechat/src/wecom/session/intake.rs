//! Takes callbacks in: one after the other, each stored before it is answered. What customers write is not in them; it is pulled.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use lru::LruCache;
use magpie_common::{
    config::Secret,
    ids::{AliasSet, RemoteChatId},
    message::{RemoteEvent, RemoteMessage, Sender, UserInfo},
    platform::{ConnectError, Cursor, EventSink, NotStored, Ticket},
};
use serde_json::Value;
use sha1::{Digest as _, Sha1};
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

/// So many callbacks that could not be read are known again when they are repeated; all others are known by their ids.
const UNREAD_MAX: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// What stands in the login's memory while the app is signed in.
const SIGNED_IN: &str = "signed in";

/// What a callback that cannot be read is known by.
type Digest = [u8; 20];

/// Takes in what happens to one app.
pub(in crate::wecom) struct Intake {
    names: Names,
    sink: EventSink,
    /// What customer service has to be asked for; nothing where the app has none.
    pulls: Option<Arc<Pulls>>,
    end: End,
    /// One callback after the other.
    order: AsyncMutex<()>,
    /// Nothing is pushed any more. A session that has ended for a reason of its own still hears what members say.
    is_shut: AtomicBool,
    /// Whether the log was told that customers write in vain.
    is_told: AtomicBool,
    unread: Mutex<LruCache<Digest, ()>>,
}

/// What a callback has come to.
#[derive(Default)]
struct Pushed {
    tickets: Vec<Ticket>,
    unread: Option<Digest>,
}

impl Intake {
    /// Takes in for an app.
    pub fn new(names: Names, sink: EventSink, pulls: Option<Arc<Pulls>>, end: End) -> Self {
        Self {
            names,
            sink,
            pulls,
            end,
            order: AsyncMutex::default(),
            is_shut: AtomicBool::default(),
            is_told: AtomicBool::default(),
            unread: Mutex::new(LruCache::new(UNREAD_MAX)),
        }
    }

    /// Whatever is told may be taken in from now on, until the app signs out.
    pub(super) async fn open(&self) -> Result<(), NotStored> {
        self.sink.remember(Cursor { key: SIGNED_IN.to_owned(), value: "yes".to_owned() }).await
    }

    /// Nothing is pushed after this; what is being taken in now is pushed before it returns.
    pub(super) async fn shut(&self) {
        let _order = self.order.lock().await;
        self.is_shut.store(true, Ordering::Release);
    }

    /// Takes a callback in; returns when it is stored, or sure to be asked for.
    pub async fn take(&self, told: &Value) -> Result<(), NotStored> {
        let stored = self.store(told).await;
        // Without a session nothing ends: WeCom brings it again, and the next attempt may be stored.
        let has_session = self.end.borrow().is_none();
        if let Err(error) = &stored
            && has_session
        {
            self.is_shut.store(true, Ordering::Release);
            end_session(&self.end, ConnectError::from(error.clone()));
        }
        stored
    }

    async fn store(&self, told: &Value) -> Result<(), NotStored> {
        let Pushed { tickets, unread } = {
            let _order = self.order.lock().await;
            self.should_be_open().await?;
            self.push(told).await?
        };
        for ticket in tickets {
            ticket.stored().await?;
        }
        if let Some(digest) = unread {
            self.lock().put(digest, ());
        }
        Ok(())
    }

    /// Whether something may be taken in. Without a session it is as long as the app is signed in, which needs no session.
    async fn should_be_open(&self) -> Result<(), NotStored> {
        if self.is_shut.load(Ordering::Acquire) {
            return Err(NotStored("the session is over".to_owned()));
        }
        let has_ended = self.end.borrow().is_some();
        if has_ended && self.sink.remembered(SIGNED_IN).await?.is_none() {
            return Err(NotStored("the app has signed out".to_owned()));
        }
        Ok(())
    }

    async fn push(&self, told: &Value) -> Result<Pushed, NotStored> {
        debug!(kind = text(&told["MsgType"]), event = text(&told["Event"]), "A callback came.");
        let userid = text(&told["FromUserName"]);
        let chat = self.names.chat(&Place::Member { userid: userid.to_owned() });
        let events = match events::read(told) {
            Read::Pull { kf, token } => {
                self.pull(&kf, token)?;
                Vec::new()
            }
            Read::Member { userid, new_userid, name } => self.changed(&userid, new_userid.as_deref(), name),
            Read::Nothing => Vec::new(),
            Read::Said(message) => {
                let known = self.names.member(userid).zip(chat).zip(events::id(told));
                match known.zip(events::sent_ms(told)).filter(|_| self.is_ours(told)) {
                    Some((((user, chat), id), sent_ms)) => {
                        // Without a name, the session is asked for it where one is wanted.
                        let sender = Sender { ids: AliasSet::single(user), name: None, avatar: None };
                        let message = RemoteMessage { chat, id, sender, sent_ms, message };
                        vec![RemoteEvent::Message(message)]
                    }
                    None => {
                        let name = "callback of nobody".to_owned();
                        return Ok(self.push_unread(None, name, events::raw(told)).await);
                    }
                }
            }
            Read::Unknown { name, raw } => return Ok(self.push_unread(chat, name, raw).await),
        };
        let mut tickets = Vec::new();
        for event in events {
            tickets.push(self.sink.push(event).await);
        }
        Ok(Pushed { tickets, unread: None })
    }

    /// What nobody can read has no id by which a repeat is known.
    async fn push_unread(&self, chat: Option<RemoteChatId>, name: String, raw: String) -> Pushed {
        let digest: Digest = Sha1::digest(&raw).into();
        if self.lock().contains(&digest) {
            return Pushed::default();
        }
        let ticket = self.sink.push(RemoteEvent::Unknown { chat, name, raw }).await;
        Pushed { tickets: vec![ticket], unread: Some(digest) }
    }

    /// Whether a callback is for this app, and not for another one that has the same secrets.
    fn is_ours(&self, told: &Value) -> bool {
        let agent = number(&told["AgentID"]).filter(|agent| *agent != 0);
        agent.is_none_or(|agent| u64::try_from(agent) == Ok(self.names.agent_id))
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Digest, ()>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is enough to remember in memory that there is something: the next session asks for everything from where this one ended.
    fn pull(&self, kf: &str, token: Option<Secret>) -> Result<(), NotStored> {
        match &self.pulls {
            Some(pulls) if pulls.ask(kf, token) => Ok(()),
            Some(_) => Err(NotStored("too many service accounts wait".to_owned())),
            None => {
                if !self.is_told.swap(true, Ordering::Relaxed) {
                    warn!(
                        "Customers have written, but the secret of customer service is not known. Sign in again with it."
                    );
                }
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
