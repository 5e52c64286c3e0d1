//! One bot while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `polling`, `intake`, `recent` | messages asked for, taken in and stored; what was said lately, for quotes |
//! | `contexts`, `window`, `verdict` | how the bot may answer, and how rooms show it; what errors mean |
//! | `deliver`, `capabilities`, `typing` | messages out; what a chat can carry |
//! | `files` | files in |
//!
//! A session ends when WeChat does not take the bot, cannot be reached for a while, or when its messages cannot be stored.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::{AliasSet, RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Download, EventSink, PlatformError, Session,
    },
};
use serde_json::json;
use tokio::{sync::Mutex as AsyncMutex, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::{
    contexts::{Context, Contexts},
    deliver::Deliverer,
    files::Files,
    intake::Intake,
    polling::Polling,
    recent::Recent,
    typing::Typing,
    verdict::connect_verdict,
    window::Window,
};
use super::{
    NAME,
    account::Account,
    api::{ANSWER_WITHIN, Api, ApiError},
    known::Known,
};
use crate::{
    config::WeChatConfig,
    ending::{End, end_if_signed_out, end_session, ended, finish, spawn},
    ids,
    parts::Unfinished,
};

mod capabilities;
mod contexts;
mod deliver;
mod files;
mod intake;
mod polling;
mod recent;
mod typing;
mod verdict;
mod window;

/// The last letters of an id stand for whoever has no name; WeChat tells none.
const SHORT_ID_CHARS: usize = 6;

/// How long it may take to say that we are gone.
const FAREWELL_WITHIN: Duration = Duration::from_secs(3);

/// What a session is made from.
pub(super) struct Setup {
    /// The settings.
    pub config: Arc<WeChatConfig>,
    /// Time.
    pub clock: Clock,
    /// The bots there are.
    pub known: Known,
    /// The bot.
    pub account: Account,
    /// The messages that could not be finished, also by the session before.
    pub unfinished: Arc<Unfinished>,
    /// Where events go.
    pub sink: EventSink,
}

/// A connected bot.
struct ILinkSession {
    account: Account,
    me: RemoteUserId,
    clock: Clock,
    known: Known,
    api: Arc<Api>,
    contexts: Arc<Contexts>,
    deliverer: Deliverer,
    files: Arc<Files>,
    typing: Arc<Typing>,
    stop: CancellationToken,
    polls: AsyncMutex<Option<JoinHandle<()>>>,
    end: End,
}

/// Brings a session up: proves the bot, and begins to ask for messages.
pub(super) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let Setup { config, clock, known, account, unfinished, sink } = setup;
    let no_client = |error: reqwest::Error| {
        ConnectError::Transient(format!("The bridge cannot start a client: {error}."))
    };
    let api = Arc::new(Api::of(&config, clock.clone(), &account).map_err(no_client)?);
    let me = ids::user(NAME, &account.bot_id, &account.bot_id).ok_or_else(|| {
        ConnectError::BadCredentials("The saved bot has no id. Sign in again: `login ilink`.".to_owned())
    })?;
    if let Err(why) = greet(&api).await {
        if matches!(why, ConnectError::BadCredentials(_)) {
            known.forget(&account.bot_id);
        }
        return Err(why);
    }
    known.put(&account);
    let (end, stop) = (End::new(None), CancellationToken::new());
    let (contexts, recent) = (Arc::new(Contexts::new(sink.clone())), Arc::<Recent>::default());
    let typing = Arc::new(Typing::new(Arc::clone(&api), clock.clone(), stop.child_token()));
    let intake = Intake {
        bot_id: account.bot_id.clone(),
        clock: clock.clone(),
        sink: sink.clone(),
        contexts: Arc::clone(&contexts),
        recent: Arc::clone(&recent),
    };
    let window = Window {
        bot_id: account.bot_id.clone(),
        clock: clock.clone(),
        sink: sink.clone(),
        contexts: Arc::clone(&contexts),
    };
    let polls = spawn(listen(Polling { api: Arc::clone(&api), intake }, window), &stop, &end);
    let files = Arc::new(Files::new(Arc::clone(&api), &config));
    let deliverer = Deliverer {
        api: Arc::clone(&api),
        bot_id: account.bot_id.clone(),
        clock: clock.clone(),
        contexts: Arc::clone(&contexts),
        files: Arc::clone(&files),
        unfinished,
        end: end.clone(),
        recent,
        sink,
        typing: Arc::clone(&typing),
    };
    let polls = AsyncMutex::new(Some(polls));
    Ok(Arc::new(ILinkSession {
        account,
        me,
        clock,
        known,
        api,
        contexts,
        deliverer,
        files,
        typing,
        stop,
        polls,
        end,
    }))
}

/// `POST /ilink/bot/msg/notifystart`: says that the bot is there, which shows whether WeChat takes it.
async fn greet(api: &Api) -> Result<(), ConnectError> {
    match api.post("ilink/bot/msg/notifystart", json!({}), ANSWER_WITHIN).await {
        Ok(_) => Ok(()),
        // It is a courtesy; whether messages can be had is seen then.
        Err(error @ ApiError::Refused(_)) if !error.is_stale() => {
            tracing::debug!(%error, "WeChat does not hear that the bot is there.");
            Ok(())
        }
        Err(error) => Err(connect_verdict(&error)),
    }
}

/// Hears what is said, and shows how it may be answered.
async fn listen(polling: Polling, window: Window) -> ConnectError {
    tokio::select! {
        why = polling.run() => why,
        why = window.run() => why,
    }
}

impl ILinkSession {
    /// How somebody can be answered with whom the bot can talk: whose it is, or whoever wrote to it.
    async fn met(&self, user: &str) -> Result<Option<Context>, PlatformError> {
        let context = self.contexts.of(user).await.map_err(|error| PlatformError(error.to_string()))?;
        let is_met = context.is_known() || self.account.user_id.as_deref() == Some(user);
        Ok(is_met.then_some(context))
    }
}

impl Drop for ILinkSession {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl Session for ILinkSession {
    fn me(&self) -> RemoteUserId {
        self.me.clone()
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        match ids::native(chat.as_str(), NAME, &self.account.bot_id) {
            Some(user) => capabilities::limits(self.contexts.cached(user).as_ref()),
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
        end_if_signed_out(&self.end, &delivered);
        delivered
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        let Some(user) = ids::native(id.as_str(), NAME, &self.account.bot_id) else { return Ok(None) };
        let Some(context) = self.met(user).await? else { return Ok(None) };
        let person = ids::user(NAME, &self.account.bot_id, user);
        Ok(person.map(|person| window::chat_info(person, context.phase(self.clock.now_ms()))))
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        let Some(user) = ids::native(id.as_str(), NAME, &self.account.bot_id) else { return Ok(None) };
        let is_me = *id == self.me;
        if !is_me && self.met(user).await?.is_none() {
            return Ok(None);
        }
        let name = if is_me { "WeChat bot".to_owned() } else { shown(user) };
        Ok(Some(UserInfo { ids: AliasSet::single(id.clone()), name: Some(name), avatar: None, bot: is_me }))
    }

    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        self.files.open(file).await
    }

    async fn ended(&self) -> ConnectError {
        let why = ended(&self.end).await;
        if matches!(why, ConnectError::BadCredentials(_)) {
            self.known.forget(&self.account.bot_id);
        }
        why
    }

    async fn close(&self) {
        self.stop.cancel();
        let polls = self.polls.lock().await.take();
        let is_first = polls.is_some();
        if let Some(polls) = polls {
            finish(polls).await;
        }
        self.typing.ended().await;
        end_session(&self.end, ConnectError::Closed);
        if is_first {
            // WeChat does not need to hear it.
            let _ = self.api.post("ilink/bot/msg/notifystop", json!({}), FAREWELL_WITHIN).await;
        }
    }

    async fn log_out(&self) {
        self.close().await;
        self.known.forget(&self.account.bot_id);
    }
}

/// How somebody is shown.
fn shown(user: &str) -> String {
    let id = user.split('@').next().unwrap_or_default();
    let end: Vec<char> = id.chars().rev().take(SHORT_ID_CHARS).collect();
    format!("WeChat user {}", end.into_iter().rev().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_no_name_has_a_short_id() {
        assert_eq!(shown("o9cq80-Bird_0001@im.wechat"), "WeChat user d_0001");
        assert_eq!(shown("ab@im.wechat"), "WeChat user ab");
    }
}
