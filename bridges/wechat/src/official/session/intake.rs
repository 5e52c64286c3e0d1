//! Takes callbacks in: one after the other, each stored before it is answered. Next: `intake/countdown`.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use lru::LruCache;
use magpie_common::{
    clock::Clock,
    ids::{AliasSet, RemoteChatId},
    message::{RemoteEvent, RemoteMessage, Sender},
    platform::{ConnectError, Cursor, EventSink, NotStored, Ticket},
};
use serde_json::Value;
use sha1::{Digest, Sha1};
use tokio::sync::Mutex as AsyncMutex;
use tracing::debug;

use super::{End, end_session, people::People};
use crate::{
    ids,
    json::text,
    official::{
        NAME,
        events::{self, Read},
    },
};

mod countdown;

/// So many callbacks that could not be read are known again when they are repeated; all others are known by their ids.
const UNREAD_MAX: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// What stands in the login's memory while the account is signed in.
const SIGNED_IN: &str = "signed in";

/// Takes in what happens to one account.
pub(in crate::official) struct Intake {
    app_id: String,
    sink: EventSink,
    people: Arc<People>,
    clock: Clock,
    end: End,
    /// One callback after the other.
    order: AsyncMutex<()>,
    /// Nothing is pushed any more. A session that has ended for a reason of its own still hears what people say.
    is_shut: AtomicBool,
    unread: Mutex<LruCache<[u8; 20], ()>>,
}

impl Intake {
    /// Takes in for an account.
    pub(super) fn new(
        app_id: &str,
        (sink, people): (EventSink, Arc<People>),
        clock: Clock,
        end: End,
    ) -> Self {
        Self {
            app_id: app_id.to_owned(),
            sink,
            people,
            clock,
            end,
            order: AsyncMutex::default(),
            is_shut: AtomicBool::default(),
            unread: Mutex::new(LruCache::new(UNREAD_MAX)),
        }
    }

    /// Takes a callback in; returns when it is stored.
    pub async fn take(&self, told: &Value) -> Result<(), NotStored> {
        let stored = self.store(told).await;
        // Without a session nothing ends: WeChat brings it again, and the next attempt may be stored.
        let has_session = self.end.borrow().is_none();
        if let Err(error) = &stored
            && has_session
        {
            self.is_shut.store(true, Ordering::Release);
            end_session(&self.end, ConnectError::from(error.clone()));
        }
        stored
    }

    /// Nothing is pushed after this; what is being taken in now is pushed before it returns.
    pub(super) async fn shut(&self) {
        let _order = self.order.lock().await;
        self.is_shut.store(true, Ordering::Release);
    }

    /// Whatever is told may be taken in from now on, until the account signs out.
    pub(super) async fn open(&self) -> Result<(), NotStored> {
        self.sink.remember(Cursor { key: SIGNED_IN.to_owned(), value: "yes".to_owned() }).await
    }

    /// Whether something may be taken in. Without a session it is as long as the account is signed in, which needs no session.
    async fn should_be_open(&self) -> Result<(), NotStored> {
        if self.is_shut.load(Ordering::Acquire) {
            return Err(NotStored("the session is over".to_owned()));
        }
        let has_ended = self.end.borrow().is_some();
        if has_ended && self.sink.remembered(SIGNED_IN).await?.is_none() {
            return Err(NotStored("the account has signed out".to_owned()));
        }
        Ok(())
    }

    async fn store(&self, told: &Value) -> Result<(), NotStored> {
        let tickets = {
            let _order = self.order.lock().await;
            self.should_be_open().await?;
            self.push(told).await?
        };
        for ticket in tickets {
            ticket.stored().await?;
        }
        Ok(())
    }

    async fn push(&self, told: &Value) -> Result<Vec<Ticket>, NotStored> {
        debug!(kind = text(&told["MsgType"]), event = text(&told["Event"]), "A callback came.");
        let openid = text(&told["FromUserName"]);
        let user = ids::user(NAME, &self.app_id, openid);
        let known = user.zip(events::id(told)).zip(events::sent_ms(told));
        let Some(((user, id), sent_ms)) = known else {
            return self.push_unread(None, "callback of nobody".to_owned(), events::raw(told)).await;
        };
        let chat = ids::direct(&user);
        let (message, deed) = match events::read(told) {
            Read::Told(message, deed) => (message, deed),
            Read::NotArrived { id, words } => {
                let failed = RemoteEvent::Failed { chat, id, words: words.to_owned() };
                return Ok(vec![self.sink.push(failed).await]);
            }
            Read::Nothing => return Ok(Vec::new()),
            Read::Unknown { name, raw } => return self.push_unread(Some(chat), name, raw).await,
        };
        let cursor = self.people.note(openid, |met| met.did(deed, sent_ms)).await?;
        // Without a name, the session is asked for it where one is wanted.
        let name = self.people.met(openid).await?.name;
        let sender = Sender { ids: AliasSet::single(user), name, avatar: None };
        let event = RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message });
        let said = match cursor {
            Some(cursor) => self.sink.push_with_cursor(event, cursor).await,
            None => self.sink.push(event).await,
        };
        let shown = self.show_window(openid).await?;
        Ok(std::iter::once(said).chain(shown).collect())
    }

    /// What cannot be read has no id by which a repeat would be known, so it is known by its bytes. The next callback waits until it is stored:
    /// such are rare.
    async fn push_unread(
        &self,
        chat: Option<RemoteChatId>,
        name: String,
        raw: String,
    ) -> Result<Vec<Ticket>, NotStored> {
        let place = chat.as_ref().map(ToString::to_string).unwrap_or_default();
        let sum: [u8; 20] =
            Sha1::new().chain_update(place).chain_update(&name).chain_update(&raw).finalize().into();
        if self.unread().get(&sum).is_none() {
            self.sink.push(RemoteEvent::Unknown { chat, name, raw }).await.stored().await?;
            self.unread().put(sum, ());
        }
        Ok(Vec::new())
    }

    fn unread(&self) -> MutexGuard<'_, LruCache<[u8; 20], ()>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
