//! One account while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `verdict` | what errors of WeChat's API mean |
//! | `intake`, `people` | callbacks taken in and stored; who may be written to, how often, and how rooms show it |
//! | `deliver`, `capabilities` | messages out; what a chat can carry |
//! | `watching` | whether the account is still good, and how time passes in the rooms |
//!
//! Nothing connects us and WeChat between calls. A session ends when WeChat does not take the account, or when its events cannot be stored.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::{AliasSet, RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Download, EventSink, PlatformError, Progress,
        Session,
    },
};
use tokio::sync::{Mutex as AsyncMutex, watch};

use self::{
    deliver::Deliverer,
    intake::Intake,
    people::{Met, People},
    verdict::connect_verdict,
    watching::Watching,
};
use super::{NAME, account::Account, hooks::Hooks, recording};
use crate::{
    api::{Api, ApiError},
    config::WeChatConfig,
    ids,
    json::{name, text},
    media, said,
    window::chat_info,
};

mod capabilities;
mod deliver;
pub(super) mod intake;
mod people;
pub(super) mod verdict;
mod watching;

/// The end of a session, and why.
type End = watch::Sender<Option<ConnectError>>;

/// What a session is made from.
pub(super) struct Setup {
    /// The settings.
    pub config: Arc<WeChatConfig>,
    /// Time.
    pub clock: Clock,
    /// The way in.
    pub hooks: Hooks,
    /// The account.
    pub account: Account,
    /// Where events go.
    pub sink: EventSink,
}

/// A connected account.
struct OfficialSession {
    app_id: String,
    me: RemoteUserId,
    clock: Clock,
    hooks: Hooks,
    intake: Arc<Intake>,
    people: Arc<People>,
    api: Arc<Api>,
    deliverer: Deliverer,
    sink: EventSink,
    end: End,
    watching: AsyncMutex<Watching>,
}

/// Brings a session up: lets callbacks come, and proves the account. WeChat brings each callback for some seconds only, so what people say is
/// taken in from the start, and goes on to be where WeChat does not answer or does not take the account.
pub(super) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let Setup { config, clock, hooks, account, sink } = setup;
    let api = account
        .api(&config)
        .map_err(|error| ConnectError::Transient(format!("The bridge cannot start a client: {error}.")))?;
    let api = Arc::new(api);
    let me = ids::user(NAME, &account.app_id, &account.app_id).ok_or_else(|| {
        ConnectError::BadCredentials("The saved account has no AppID. Sign in again.".to_owned())
    })?;
    let end = End::new(None);
    let people = Arc::new(People::new(sink.clone()));
    let parts = (sink.clone(), Arc::clone(&people));
    let intake = Arc::new(Intake::new(&account.app_id, parts, clock.clone(), end.clone()));
    intake.open().await?;
    if let Some(before) = hooks.take(&account, &intake) {
        before.shut().await;
    }
    if let Err(error) = api.prove().await {
        let why = connect_verdict(&error);
        end_session(&end, why.clone());
        return Err(why);
    }
    let deliverer = Deliverer {
        api: Arc::clone(&api),
        app_id: account.app_id.clone(),
        clock: clock.clone(),
        people: Arc::clone(&people),
        intake: Arc::clone(&intake),
        progress: Progress::default(),
        sink: sink.clone(),
    };
    let watching = AsyncMutex::new(Watching::start(Arc::clone(&api), &intake, &end));
    let app_id = account.app_id;
    Ok(Arc::new(OfficialSession {
        app_id,
        me,
        clock,
        hooks,
        intake,
        people,
        api,
        deliverer,
        sink,
        end,
        watching,
    }))
}

/// Ends a session for a reason; the first reason counts.
fn end_session(end: &End, why: ConnectError) {
    end.send_if_modified(|reason| {
        let is_first = reason.is_none();
        if is_first {
            *reason = Some(why);
        }
        is_first
    });
}

impl OfficialSession {
    /// What WeChat tells of a follower: what the account's staff call them, and the id that all accounts of the owner share. What it does not
    /// tell is not known, which is no error; `None` where there is nobody.
    async fn look_up(&self, openid: &str) -> Result<Option<Met>, PlatformError> {
        let stored = |error: magpie_common::platform::NotStored| PlatformError(error.to_string());
        let told = match self.api.get(&format!("cgi-bin/user/info?openid={openid}&lang=zh_CN")).await {
            Ok(told) => told,
            Err(error) if error.code() == Some(verdict::NOBODY_CODE) => return Ok(None),
            Err(ApiError::Refused(_)) => return self.people.met(openid).await.map(Some).map_err(stored),
            Err(error) => return Err(PlatformError(verdict::words(&error))),
        };
        let called = name(&told["remark"]).or_else(|| name(&told["nickname"]));
        let union = Some(text(&told["unionid"])).filter(|id| ids::union(id).is_some()).map(str::to_owned);
        let noted = self.people.note(openid, |met| {
            met.name = called.or(met.name.take());
            met.union = union.or(met.union.take());
        });
        if let Some(cursor) = noted.await.map_err(stored)? {
            self.sink.remember(cursor).await.map_err(stored)?;
        }
        self.people.met(openid).await.map(Some).map_err(stored)
    }
}

#[async_trait]
impl Session for OfficialSession {
    fn me(&self) -> RemoteUserId {
        self.me.clone()
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        match ids::native(chat.as_str(), NAME, &self.app_id) {
            Some(openid) => capabilities::limits(self.people.cached(openid).as_ref()),
            None => Limits::default(),
        }
    }

    async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let delivered = self.deliverer.deliver(chat, outgoing, key).await;
        if let Err(DeliverError::LoggedOut(words)) = &delivered {
            end_session(&self.end, ConnectError::BadCredentials(words.clone()));
        }
        delivered
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        let Some(openid) = ids::native(id.as_str(), NAME, &self.app_id) else { return Ok(None) };
        let Some(person) = ids::user(NAME, &self.app_id, openid) else { return Ok(None) };
        // From now on it is known in memory whether the chat is open.
        let met = self.people.met(openid).await.map_err(|error| PlatformError(error.to_string()))?;
        Ok(Some(chat_info(&person, met.phase(self.clock.now_ms()))))
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        let Some(openid) = ids::native(id.as_str(), NAME, &self.app_id) else { return Ok(None) };
        let Some(met) = self.look_up(openid).await? else { return Ok(None) };
        let others = met.union.as_deref().and_then(ids::union).into_iter().collect();
        let ids = AliasSet { primary: id.clone(), others };
        Ok(Some(UserInfo { ids, name: Some(met.shown(openid)), avatar: None, bot: false }))
    }

    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let gone =
            || PlatformError("The file is not on WeChat any more. It keeps them for three days.".to_owned());
        let media_id = match recording::read(file) {
            Some((better, plain)) => match recording::open(&self.api, better).await {
                Some(download) => return Ok(download),
                None => plain,
            },
            None => said::media_id(file).ok_or_else(gone)?,
        };
        let answer = self.api.open(media_id).await.map_err(|error| match error.code() {
            Some(40_007) => gone(),
            _ => PlatformError(format!("The file could not be fetched from WeChat: {error}.")),
        })?;
        Ok(media::download(answer))
    }

    async fn ended(&self) -> ConnectError {
        match self.end.subscribe().wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or(ConnectError::Closed),
            Err(_) => ConnectError::Closed,
        }
    }

    async fn close(&self) {
        self.hooks.leave(&self.app_id, &self.intake);
        self.intake.shut().await;
        self.watching.lock().await.end().await;
        end_session(&self.end, ConnectError::Closed);
    }

    async fn log_out(&self) {
        self.close().await;
        self.hooks.forget(&self.app_id);
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! What tests of the way in need of a session.

    use super::*;

    /// Takes in for an account that nobody delivers for.
    pub(in crate::official) fn intake(app_id: &str, sink: EventSink, clock: Clock, end: End) -> Arc<Intake> {
        let people = Arc::new(People::new(sink.clone()));
        Arc::new(Intake::new(app_id, (sink, people), clock, end))
    }
}
