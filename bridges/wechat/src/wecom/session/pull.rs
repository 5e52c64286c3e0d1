//! Asks customer service for what customers wrote: a callback says only that there is something, and a cursor says how far it was read.
//!
//! The cursor is stored in the same step as the last event that came with it, so what was cut off in between is asked for again and known by its
//! id. Everything is asked for once when a session begins. Reference: <https://developer.work.weixin.qq.com/document/path/94670>.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use magpie_common::{
    config::Secret,
    ids::AliasSet,
    message::{RemoteEvent, RemoteMessage, Sender, SessionState},
    platform::{ConnectError, Cursor, EventSink, NotStored},
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tracing::{debug, warn};

use self::again::Again;
use super::{
    countdown::Countdown,
    verdict::{is_passing, is_shut_out, words},
    welcome::Welcome,
};
use crate::{
    api::{Api, ApiError},
    json::text,
    wecom::{
        events::{
            raw,
            service::{self, By, Item, Read},
        },
        place::{Names, Place, is_id},
    },
};

mod again;

/// So many messages are asked for at once; fewer where the answer is too long then.
const PAGE: usize = 100;

/// More service accounts cannot wait.
const ACCOUNTS_MAX: usize = 1000;

/// Under which name the service accounts are remembered.
const ACCOUNTS: &str = "service-accounts";

/// What there is to be pulled: service accounts, with what they may be asked for by.
#[derive(Default)]
pub(in crate::wecom) struct Pulls {
    waiting: Mutex<Waiting>,
    more: Notify,
}

/// Those that wait, in the order in which they came.
#[derive(Default)]
struct Waiting {
    order: VecDeque<String>,
    tokens: HashMap<String, Option<Secret>>,
}

/// Pulls, one service account after the other.
pub(super) struct Puller {
    pub(super) api: Arc<Api>,
    pub(super) names: Names,
    pub(super) sink: EventSink,
    pub(super) countdown: Arc<Countdown>,
    pub(super) pulls: Arc<Pulls>,
    pub(super) welcome: Option<Welcome>,
}

/// Why a pull did not go through.
enum Trouble {
    Api(ApiError),
    NotStored(NotStored),
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<NotStored> for Trouble {
    fn from(error: NotStored) -> Self {
        Self::NotStored(error)
    }
}

impl Pulls {
    /// There is something; false where too much waits already. The newest token counts.
    pub fn ask(&self, kf: &str, token: Option<Secret>) -> bool {
        let mut waiting = self.lock();
        let is_new = !waiting.tokens.contains_key(kf);
        if is_new && waiting.order.len() >= ACCOUNTS_MAX {
            return false;
        }
        if is_new {
            waiting.order.push_back(kf.to_owned());
        }
        let known = waiting.tokens.entry(kf.to_owned()).or_default();
        *known = token.or(known.take());
        drop(waiting);
        self.more.notify_one();
        true
    }

    /// The next one, when there is one.
    async fn next(&self) -> (String, Option<Secret>) {
        loop {
            if let Some(next) = self.lock().pop() {
                return next;
            }
            self.more.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<(String, Option<Secret>)> {
        let kf = self.order.pop_front()?;
        let token = self.tokens.remove(&kf).flatten();
        Some((kf, token))
    }
}

impl Puller {
    /// Pulls until the session cannot go on, and says why.
    pub(super) async fn run(self) -> ConnectError {
        let mut known = match self.accounts().await {
            Ok(known) => known,
            Err(error) => return ConnectError::from(error),
        };
        for kf in &known {
            self.pulls.ask(kf, None);
        }
        let (mut again, mut is_warned) = (Again::default(), false);
        loop {
            let (kf, token) = again.next(&self.pulls).await;
            if let Err(error) = self.remember_account(&kf, &mut known).await {
                return ConnectError::from(error);
            }
            match self.pull(&kf, token.as_ref()).await {
                Ok(()) => {
                    again.remove(&kf);
                    if again.is_empty() && std::mem::take(&mut is_warned) {
                        self.tell(SessionState::Connected).await;
                    }
                }
                Err(Trouble::NotStored(error)) => return ConnectError::from(error),
                Err(Trouble::Api(error)) if is_shut_out(&error) => {
                    return ConnectError::BadCredentials(format!(
                        "Of the customer service: {}",
                        words(&error)
                    ));
                }
                Err(Trouble::Api(error)) => {
                    warn!(%error, "Messages of customers could not be fetched.");
                    is_warned = true;
                    let reason = format!("What customers wrote cannot be fetched: {}", words(&error));
                    self.tell(SessionState::Warned { reason }).await;
                    // What WeCom refuses for good is asked for again when it calls the next time.
                    match is_passing(&error) {
                        true => again.put(kf, token),
                        false => again.remove(&kf),
                    }
                }
            }
        }
    }

    async fn tell(&self, state: SessionState) {
        drop(self.sink.push(RemoteEvent::StateChanged(state)).await);
    }

    /// `POST /cgi-bin/kf/account/list`: the service accounts that there are, and those that were met before.
    async fn accounts(&self) -> Result<BTreeSet<String>, NotStored> {
        const LISTED: usize = 100;
        let stored = self.sink.remembered(ACCOUNTS).await?;
        let mut known: BTreeSet<String> =
            stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
        let mut offset = 0;
        while offset < ACCOUNTS_MAX {
            let asked = json!({"offset": offset, "limit": LISTED});
            let told = match self.api.post("cgi-bin/kf/account/list", &asked).await {
                Ok(told) => told,
                Err(error) => {
                    debug!(%error, "The service accounts are not told.");
                    break;
                }
            };
            let listed = told["account_list"].as_array().cloned().unwrap_or_default();
            let ids = listed.iter().map(|account| text(&account["open_kfid"])).filter(|kf| is_id(kf));
            known.extend(ids.map(str::to_owned));
            if listed.len() < LISTED {
                break;
            }
            offset += LISTED;
        }
        Ok(known)
    }

    /// So that the next session asks for it, even where WeCom does not list it.
    async fn remember_account(&self, kf: &str, known: &mut BTreeSet<String>) -> Result<(), NotStored> {
        let is_remembered = self.sink.remembered(&cursor_key(kf)).await?.is_some();
        if (known.insert(kf.to_owned()) || !is_remembered) && known.len() <= ACCOUNTS_MAX {
            let value = serde_json::to_string(known).map_err(|error| NotStored(error.to_string()))?;
            self.sink.remember(Cursor { key: ACCOUNTS.to_owned(), value }).await?;
        }
        Ok(())
    }

    /// `POST /cgi-bin/kf/sync_msg`, until there is no more.
    async fn pull(&self, kf: &str, token: Option<&Secret>) -> Result<(), Trouble> {
        let mut limit = PAGE;
        loop {
            let cursor = self.sink.remembered(&cursor_key(kf)).await?.unwrap_or_default();
            let told = match self.page(kf, (&cursor, limit), token).await {
                Err(error) if error.is_too_long() && limit > 1 => {
                    limit /= 2;
                    continue;
                }
                told => told?,
            };
            let next = text(&told["next_cursor"]);
            let items = told["msg_list"].as_array().map(Vec::as_slice).unwrap_or_default();
            self.take(kf, items, next).await?;
            // A cursor that stays would never end.
            if told["has_more"].as_i64() != Some(1) || next.is_empty() || next == cursor {
                return Ok(());
            }
        }
    }

    async fn page(
        &self,
        kf: &str,
        (cursor, limit): (&str, usize),
        token: Option<&Secret>,
    ) -> Result<Value, ApiError> {
        const PATH: &str = "cgi-bin/kf/sync_msg";
        let bare = json!({"cursor": cursor, "limit": limit, "voice_format": 0, "open_kfid": kf});
        let Some(token) = token else { return self.api.post(PATH, &bare).await };
        let mut asked = bare.clone();
        asked["token"] = json!(token.expose());
        match self.api.post(PATH, &asked).await {
            // A token holds for ten minutes, and waiting may have taken longer. Without one WeCom is only slower.
            Err(error) if !is_passing(&error) && !is_shut_out(&error) => self.api.post(PATH, &bare).await,
            told => told,
        }
    }

    /// Stores what a page tells; the cursor with the last of it.
    async fn take(&self, kf: &str, items: &[Value], next: &str) -> Result<(), NotStored> {
        let mut events = Vec::new();
        let mut opened = Vec::new();
        for told in items {
            let Some(item) = service::read(told) else {
                events.extend(of_nobody(told));
                continue;
            };
            let welcome = self.welcome.as_ref().zip(item.welcome.clone());
            let (service, sent_ms) = (item.service.clone(), item.sent_ms);
            if item.is_from_customer {
                // Before anybody sees it, since whoever does may answer at once.
                self.countdown.opened(&service, (sent_ms, &item.id)).await?;
                opened.push(service.clone());
            }
            events.extend(self.event(item));
            if let Some(((welcome, code), chat)) = welcome.zip(self.names.chat(&Place::Customer(service))) {
                events.extend(welcome.say(chat, &code, sent_ms).await);
            }
        }
        let cursor = Cursor { key: cursor_key(kf), value: next.to_owned() };
        let cursor = Some(cursor).filter(|cursor| !cursor.value.is_empty());
        let Some(last) = events.pop() else {
            return match cursor {
                Some(cursor) => self.sink.remember(cursor).await,
                None => Ok(()),
            };
        };
        let mut tickets = Vec::with_capacity(events.len() + 1);
        for event in events {
            tickets.push(self.sink.push(event).await);
        }
        tickets.push(match cursor {
            Some(cursor) => self.sink.push_with_cursor(last, cursor).await,
            None => self.sink.push(last).await,
        });
        for ticket in tickets {
            ticket.stored().await?;
        }
        for service in opened {
            self.countdown.show(&service).await?;
        }
        Ok(())
    }

    /// What an item means.
    fn event(&self, item: Item) -> Option<RemoteEvent> {
        let Item { service, id, sent_ms, read, .. } = item;
        let customer = self.names.customer(&service.external)?;
        let chat = self.names.chat(&Place::Customer(service))?;
        let person = |by: By| match by {
            By::Customer | By::Visitor => Some(customer.clone()),
            By::Staff(userid) => self.names.member(&userid),
        };
        match read {
            Read::Said { by, message } => {
                let sender = Sender { ids: AliasSet::single(person(by)?), name: None, avatar: None };
                Some(RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message }))
            }
            Read::Recalled { by, id } => Some(RemoteEvent::Redact { chat, ids: vec![id], by: person(by) }),
            Read::Failed { id, words } => Some(RemoteEvent::Failed { chat, id, words }),
            Read::Nothing => None,
            Read::Unknown { name, raw } => Some(RemoteEvent::Unknown { chat: Some(chat), name, raw }),
        }
    }
}

/// What belongs to no talk: somebody of the staff has come or gone, or nobody can read it.
fn of_nobody(told: &Value) -> Option<RemoteEvent> {
    let unknown = || {
        let name = "customer service of nobody".to_owned();
        RemoteEvent::Unknown { chat: None, name, raw: raw(told) }
    };
    (!service::is_of_staff(told)).then(unknown)
}

/// Under which name it is remembered how far a service account was read.
fn cursor_key(kf: &str) -> String {
    format!("service/{kf}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_asked_for_once_and_with_the_newest_token() {
        let pulls = Pulls::default();
        for token in ["old", "new"] {
            assert!(pulls.ask("wk1", Some(Secret::new(token))));
        }
        assert!(pulls.ask("wk0", None) && pulls.ask("wk1", None));
        let (kf, token) = pulls.next().await;
        assert_eq!((kf.as_str(), token.expect("it was told").expose()), ("wk1", "new"));
        assert_eq!(pulls.next().await.0, "wk0");
        for nth in 0..ACCOUNTS_MAX {
            assert!(pulls.ask(&format!("wk{nth}"), None));
        }
        assert!(!pulls.ask("one more", None) && pulls.ask("wk1", None));
    }
}
