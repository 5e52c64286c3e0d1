//! One app while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `intake`, `pull` | callbacks taken in and stored; what customers wrote, asked for by a cursor |
//! | `welcome` | words for customers who open the chat |
//! | `watching` | whether the account is still good |
//! | `notes`, `pace`, `window` | how often one may write to whom |
//! | `countdown` | the same in the rooms of customers, as time passes |
//! | `people` | who somebody is, and what a chat looks like |
//! | `deliver`, `capabilities`, `verdict` | messages out; what a chat can carry; what errors mean |
//!
//! Nothing connects us and WeCom between calls. A session ends when WeCom does not take the account, or when its events cannot be stored.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::FutureExt;
use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Directory, Download, EventSink, PlatformError,
        Progress, Session,
    },
};
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use self::{
    countdown::Countdown,
    deliver::Deliverer,
    intake::Intake,
    notes::Notes,
    pull::{Puller, Pulls},
    verdict::connect_verdict,
    welcome::Welcome,
};
use super::{
    account::Account,
    hooks::Hooks,
    place::{Names, Place},
};
use crate::{
    api::{Api, ApiError},
    config::WeChatConfig,
    media, said,
};

mod capabilities;
mod countdown;
mod deliver;
pub(super) mod intake;
mod notes;
mod pace;
mod people;
mod pull;
pub(super) mod verdict;
mod watching;
mod welcome;
mod window;

/// How long a task may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// What a task says that panicked.
const STUMBLED: &str =
    "The bridge has stumbled over what WeCom told, and begins again. If this stays so, look into its log.";

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

/// A connected app.
struct WeComSession {
    names: Names,
    me: RemoteUserId,
    hooks: Hooks,
    intake: Arc<Intake>,
    api: Arc<Api>,
    kf_api: Option<Arc<Api>>,
    api_url: String,
    countdown: Arc<Countdown>,
    deliverer: Deliverer,
    end: End,
    stop: CancellationToken,
    tasks: AsyncMutex<Vec<JoinHandle<()>>>,
}

/// Brings a session up: lets callbacks come, and proves the account. WeCom brings each callback for some seconds only, so what members say is
/// taken in from the start, and goes on to be where WeCom does not answer or does not take the account.
pub(super) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let Setup { config, clock, hooks, account, sink } = setup;
    let (api, kf_api) = clients(&config, &account)
        .map_err(|error| ConnectError::Transient(format!("The bridge cannot start a client: {error}.")))?;
    let names = account.names.clone();
    let me = names.me().ok_or_else(|| {
        ConnectError::BadCredentials("The saved account has no CorpID. Sign in again.".to_owned())
    })?;
    let end = End::new(None);
    let countdown = Arc::new(Countdown::new(names.clone(), sink.clone(), clock.clone()));
    let pulls = kf_api.as_ref().map(|_| Arc::new(Pulls::default()));
    let intake = Arc::new(Intake::new(names.clone(), sink.clone(), pulls.clone(), end.clone()));
    intake.open().await?;
    if let Some(before) = hooks.take(&account, &intake) {
        before.shut().await;
    }
    if let Err(why) = prove(&api, kf_api.as_deref()).await {
        end_session(&end, why.clone());
        return Err(why);
    }
    let stop = CancellationToken::new();
    let watcher = Arc::clone(&api);
    let watching = async move { watching::look(|| watcher.look()).await };
    let mut tasks = vec![spawn(watching, &stop, &end)];
    if let Some((api, pulls)) = kf_api.clone().zip(pulls) {
        let welcome = Welcome::new(&config, Arc::clone(&api), me.clone(), clock.clone());
        let (names, sink, countdown) = (names.clone(), sink.clone(), Arc::clone(&countdown));
        tasks.push(spawn(Arc::clone(&countdown).run(), &stop, &end));
        tasks.push(spawn(Puller { api, names, sink, countdown, pulls, welcome }.run(), &stop, &end));
    }
    let deliverer = Deliverer {
        api: Arc::clone(&api),
        kf_api: kf_api.clone(),
        names: names.clone(),
        clock,
        paces: Notes::new("pace", sink.clone()),
        countdown: Arc::clone(&countdown),
        progress: Progress::default(),
        sink,
    };
    Ok(Arc::new(WeComSession {
        names,
        me,
        hooks,
        intake,
        api,
        kf_api,
        api_url: config.wecom_api_url.clone(),
        countdown,
        deliverer,
        end,
        stop,
        tasks: AsyncMutex::new(tasks),
    }))
}

/// The clients of an account: for the app, and for customer service.
fn clients(config: &WeChatConfig, account: &Account) -> Result<(Arc<Api>, Option<Arc<Api>>), reqwest::Error> {
    Ok((Arc::new(account.api(config)?), account.kf_api(config)?.map(Arc::new)))
}

/// Whether WeCom takes the account.
async fn prove(api: &Api, kf_api: Option<&Api>) -> Result<(), ConnectError> {
    api.prove().await.map_err(|error| connect_verdict(&error))?;
    match kf_api {
        Some(kf_api) => kf_api.prove().await.map_err(|error| of_service(connect_verdict(&error))),
        None => Ok(()),
    }
}

/// So that it is clear which of the two secrets is meant.
fn of_service(error: ConnectError) -> ConnectError {
    let named = |words: String| format!("Of the customer service: {words}");
    match error {
        ConnectError::BadCredentials(words) => ConnectError::BadCredentials(named(words)),
        ConnectError::Transient(words) => ConnectError::Transient(named(words)),
        other @ (ConnectError::Stopped(_) | ConnectError::Closed) => other,
    }
}

/// Lets a task run until it ends, which ends the session, or until the session is closed.
fn spawn(
    work: impl Future<Output = ConnectError> + Send + 'static,
    stop: &CancellationToken,
    end: &End,
) -> JoinHandle<()> {
    let work = AssertUnwindSafe(work).catch_unwind();
    let (work, end) = (stop.clone().run_until_cancelled_owned(work), end.clone());
    tokio::spawn(async move {
        if let Some(why) = work.await {
            end_session(&end, why.unwrap_or_else(|_| ConnectError::Transient(STUMBLED.to_owned())));
        }
    })
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

#[async_trait]
impl Session for WeComSession {
    fn me(&self) -> RemoteUserId {
        self.me.clone()
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        let Some(place) = self.names.place(chat) else { return Limits::default() };
        let window = match &place {
            Place::Customer(service) => self.countdown.cached(service),
            Place::Member { .. } | Place::Group { .. } => None,
        };
        capabilities::limits(&place, window)
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
        match self.names.place(id) {
            Some(place) => self.looks(&place).await,
            None => Ok(None),
        }
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        self.look_up(id).await
    }

    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let gone =
            || PlatformError("The file is not in WeCom any more. It keeps them for three days.".to_owned());
        let failed = |error: ApiError| match error.code() {
            Some(40_007) => gone(),
            _ => PlatformError(format!("The file could not be fetched from WeCom: {error}.")),
        };
        if let Some(address) = people::face_address(file, &self.api_url) {
            return self.api.open_public(address).await.map(media::download).map_err(failed);
        }
        let media_id = said::media_id(file).ok_or_else(gone)?;
        let opened = self.api.open(media_id).await;
        // A file of a customer may be customer service's alone.
        let opened = match (opened, &self.kf_api) {
            (Err(ApiError::Refused(_)), Some(kf_api)) => kf_api.open(media_id).await,
            (opened, _) => opened,
        };
        opened.map(media::download).map_err(failed)
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    async fn ended(&self) -> ConnectError {
        match self.end.subscribe().wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or(ConnectError::Closed),
            Err(_) => ConnectError::Closed,
        }
    }

    async fn close(&self) {
        self.hooks.leave(&self.names, &self.intake);
        self.stop.cancel();
        for mut task in self.tasks.lock().await.drain(..) {
            if timeout(END_WITHIN, &mut task).await.is_err() {
                task.abort();
            }
        }
        self.countdown.shut().await;
        self.intake.shut().await;
        end_session(&self.end, ConnectError::Closed);
    }

    async fn log_out(&self) {
        self.close().await;
        self.hooks.forget(&self.names);
    }
}

impl Drop for WeComSession {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
