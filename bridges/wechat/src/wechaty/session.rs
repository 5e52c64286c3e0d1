//! One account while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `intake`, `requests`, `heard` | what happens, stored in its order; what people ask for; what was missed |
//! | `world`, `seen` | what is known of people and groups; the last messages |
//! | `deliver`, `echoes`, `pace` | messages out, once and not in haste; what of the account's own messages was one of them |
//! | `download`, `directory`, `capabilities` | files in; finding people; what a chat can carry |
//!
//! A session ends with its line to the gateway. The next one says in the rooms that something may be missing.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Directory, Download, EventSink, PlatformError,
        Session,
    },
};
use tokio::{
    sync::Mutex as AsyncMutex,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    capabilities::VOICE_MIME,
    deliver::Deliverer,
    download::Web,
    echoes::Echoes,
    heard::{GoneOn, Heard},
    intake::{Intake, late::Waiting},
    pace::Pace,
    world::World,
};
use super::{
    account::{Account, Own},
    file,
    gateway::{Gateway, Where, call},
    happening::{Happening, Scan},
    line::Line,
    verdict::{SIGNED_OUT, connect_verdict, no_gateway},
    wire::Nothing,
};
use crate::{
    config::WeChatConfig,
    ending::{End, end_if_signed_out, end_session, ended, finish, spawn},
    ids,
    parts::Unfinished,
};

mod capabilities;
mod deliver;
mod directory;
mod download;
pub(super) mod echoes;
mod heard;
mod intake;
mod pace;
mod requests;
mod seen;
mod world;

/// How long a gateway may take to say who is signed in.
const SIGNED_IN_WITHIN: Duration = Duration::from_secs(60);

/// Beside a code that is to be scanned, so long: a gateway that was started again may not have taken up its sign-in yet.
const SIGNED_IN_BESIDE_CODE: Duration = Duration::from_secs(10);

/// How long it may take to sign out.
const LOG_OUT_WITHIN: Duration = Duration::from_secs(15);

/// So much may happen before that; a gateway tells it in the same breath.
const EARLY_MAX: usize = 1_000;

/// What a session is made from.
pub(super) struct Setup {
    /// The settings.
    pub config: Arc<WeChatConfig>,
    /// Time and randomness.
    pub clock: Clock,
    /// The account.
    pub account: Account,
    /// What was sent lately, also by the session before.
    pub echoes: Arc<Echoes>,
    /// The messages that could not be finished, also by the session before.
    pub unfinished: Arc<Unfinished>,
    /// Where events go.
    pub sink: EventSink,
}

/// A connected account.
struct WechatySession {
    world: Arc<World>,
    deliverer: Deliverer,
    web: Web,
    /// The form in which the gateway wants speech, where it takes any.
    voice_mime: Option<String>,
    end: End,
    stop: CancellationToken,
    listening: AsyncMutex<Option<JoinHandle<()>>>,
    /// Dropping the session ends it, too.
    _stops: DropGuard,
}

/// Brings a session up: listens first, then lets the gateway start, and waits until it says who is signed in.
pub(super) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let Setup { config, clock, account, echoes, unfinished, sink } = setup;
    let place =
        Where::read(&account.endpoint, &account.token, &config).map_err(ConnectError::BadCredentials)?;
    let web = Web::new(&config, &place).map_err(ConnectError::BadCredentials)?;
    let gateway = Gateway::connect(&place, &account.token).await.map_err(no_gateway)?;
    let mut line = Line::open(&gateway).await.map_err(|status| connect_verdict(&status))?;
    let early = signed_in(&mut line, &account.me).await?;
    let own = Own(account.me);
    let me = own.user(&own.0).ok_or_else(|| {
        ConnectError::BadCredentials(
            "The saved account has no id. Sign in again: `login wechaty`.".to_owned(),
        )
    })?;
    let mut heard = Heard::new(clock.clone(), sink.clone());
    heard.tell_gap(&own).await?;
    let pace = Pace::new(config.wechaty_pause_max_ms, clock.clone());
    let world = Arc::new(World::new((gateway, own, me), clock, sink));
    let intake = Arc::new(Intake {
        world: Arc::clone(&world),
        echoes: Arc::clone(&echoes),
        order: AsyncMutex::default(),
        told: AsyncMutex::default(),
        waiting: Waiting::default(),
        gone_on: GoneOn::default(),
    });
    let (end, stop) = (End::new(None), CancellationToken::new());
    let listening = spawn(listen((line, early), Arc::clone(&intake), heard), &stop, &end);
    let deliverer =
        Deliverer { world: Arc::clone(&world), echoes, intake, pace, unfinished, end: end.clone() };
    let _stops = stop.clone().drop_guard();
    let listening = AsyncMutex::new(Some(listening));
    let voice_mime = config.wechaty_voice.then(|| VOICE_MIME.to_owned());
    Ok(Arc::new(WechatySession { world, deliverer, web, voice_mime, end, stop, listening, _stops }))
}

/// Waits until the gateway says that the account is signed in; gives what happened before.
async fn signed_in(line: &mut Line, me: &str) -> Result<Vec<Happening>, ConnectError> {
    let (mut until, mut is_code_shown) = (Instant::now() + SIGNED_IN_WITHIN, false);
    let mut early = Vec::new();
    loop {
        match timeout_at(until, line.next()).await {
            Ok(Ok(Happening::LoggedIn(who))) if who == me => return Ok(early),
            Ok(Ok(Happening::LoggedIn(_))) => {
                let words =
                    "Another account is signed in at the WeChat gateway. Sign in again: `login wechaty`.";
                return Err(ConnectError::BadCredentials(words.to_owned()));
            }
            Ok(Ok(Happening::Scan(Scan::Code(_)))) if !is_code_shown => {
                (until, is_code_shown) = (until.min(Instant::now() + SIGNED_IN_BESIDE_CODE), true);
            }
            Ok(Ok(Happening::LoggedOut)) => {
                return Err(ConnectError::BadCredentials(SIGNED_OUT.to_owned()));
            }
            Ok(Ok(Happening::Scan(_))) => {}
            Ok(Ok(other)) if early.len() < EARLY_MAX => early.push(other),
            Ok(Ok(_)) => {
                let words = "The WeChat gateway tells more than can be kept before it says who is signed in.";
                return Err(ConnectError::Transient(words.to_owned()));
            }
            Ok(Err(status)) => return Err(connect_verdict(&status)),
            Err(_) if is_code_shown => return Err(ConnectError::BadCredentials(SIGNED_OUT.to_owned())),
            Err(_) => {
                let words = "The WeChat gateway does not say whether the account is signed in. Look what it says by itself.";
                return Err(ConnectError::Transient(words.to_owned()));
            }
        }
    }
}

/// Takes in what happens until the line is over.
async fn listen(
    (mut line, early): (Line, Vec<Happening>),
    intake: Arc<Intake>,
    mut heard: Heard,
) -> ConnectError {
    for happening in early {
        if let Err(why) = intake.take(happening).await {
            return why;
        }
    }
    loop {
        let taken = match line.next().await {
            Ok(happening) => intake.take(happening).await,
            Err(status) => Err(connect_verdict(&status)),
        };
        let noted = match taken {
            Ok(()) => heard.alive().await.map_err(ConnectError::from),
            Err(why) => Err(why),
        };
        if let Err(why) = noted {
            return why;
        }
    }
}

#[async_trait]
impl Session for WechatySession {
    fn me(&self) -> RemoteUserId {
        self.world.me.clone()
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        match self.world.own.native(chat.as_str()) {
            Some(native) => {
                let voice_mime = self.voice_mime.clone();
                Limits { voice_mime, ..capabilities::limits(ids::is_room(native)) }
            }
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
        match self.world.own.native(id.as_str()) {
            Some(native) => Ok(self.world.chat(native).await),
            None => Ok(None),
        }
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        match self.world.own.native(id.as_str()) {
            Some(native) => Ok(self.world.user(native).await),
            None => Ok(None),
        }
    }

    async fn download(&self, id: &RemoteFileId) -> Result<Download, PlatformError> {
        let file = file::read(&self.world.own.0, id)
            .ok_or_else(|| PlatformError("That is no file of this account's.".to_owned()))?;
        download::download(&self.world.gateway, &self.web, &file).await
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    async fn ended(&self) -> ConnectError {
        ended(&self.end).await
    }

    async fn close(&self) {
        self.stop.cancel();
        let listening = self.listening.lock().await.take();
        if let Some(listening) = listening {
            finish(listening).await;
        }
        end_session(&self.end, ConnectError::Closed);
    }

    async fn log_out(&self) {
        let asked = self.world.gateway.ask::<_, Nothing>(call::LOGOUT, Nothing {});
        let _ = timeout(LOG_OUT_WITHIN, asked).await;
        self.close().await;
    }
}

#[async_trait]
impl Directory for WechatySession {
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError> {
        directory::search(&self.world, query, count_max).await
    }

    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
        directory::resolve(&self.world, identifier).await
    }

    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
        directory::direct_chat(&self.world, user).await
    }
}
