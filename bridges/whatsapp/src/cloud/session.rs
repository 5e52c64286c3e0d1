//! One number while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `api`, `limiter`, `verdict` | the Graph API, how fast we may speak, what errors mean |
//! | `intake`, `changes` | webhooks taken in and stored; what was done to messages, in whatever order it is told |
//! | `people`, `window` | who is who, and when they wrote last; how rooms show the time that is left to write |
//! | `deliver`, `sent`, `templates` | messages out, once; what became of those in doubt; which templates there are |
//! | `files`, `directory`, `capabilities` | files; finding people; what a chat can carry |
//!
//! Nothing connects us and WhatsApp between calls. A session ends when its token is refused, when WhatsApp cannot be reached, or when its
//! events cannot be stored.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Directory, Download, EventSink, PlatformError,
        Progress, Session,
    },
};
use serde_json::json;
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    task::JoinHandle,
    time::{Duration, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::{
    api::{Api, ApiError},
    changes::Changes,
    deliver::Deliverer,
    files::Files,
    intake::Intake,
    people::{People, chat_info},
    sent::Sent,
    templates::Templates,
    verdict::{BAD_TOKEN, connect_verdict},
    window::{Phase, Waiting},
};
use super::{
    account::Account,
    json::{name, text},
    place,
    webhook::Hooks,
};
use crate::{config::WhatsAppConfig, ids};

pub(super) mod api;
mod capabilities;
mod changes;
mod deliver;
mod directory;
mod files;
pub(super) mod intake;
mod limiter;
mod people;
mod sent;
mod slots;
mod templates;
pub(super) mod verdict;
mod window;

/// How often WhatsApp is asked whether the account is still good. It may be asked 200 times an hour
/// (<https://developers.facebook.com/docs/graph-api/overview/rate-limiting>).
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Where nobody answers, it is asked once more so soon.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What is asked of a number.
pub(super) fn number_path(number: &str) -> String {
    format!("{number}?fields=id,display_phone_number,verified_name,quality_rating")
}

/// A connected number.
pub(super) struct CloudSession {
    account: Account,
    me: RemoteUserId,
    clock: Clock,
    hooks: Arc<Hooks>,
    intake: Arc<Intake>,
    people: Arc<People>,
    deliverer: Deliverer,
    files: Files,
    end: End,
    watching: AsyncMutex<Watching>,
}

/// The end of a session, and why.
pub(super) type End = watch::Sender<Option<ConnectError>>;

/// What a session is made from.
pub(super) struct Setup {
    /// The settings.
    pub config: Arc<WhatsAppConfig>,
    /// Time.
    pub clock: Clock,
    /// The way in.
    pub hooks: Arc<Hooks>,
    /// The account.
    pub account: Account,
    /// Where events go.
    pub sink: EventSink,
}

/// Brings a session up: asks who we are, and lets webhooks come.
pub(super) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let Setup { config, clock, hooks, account, sink } = setup;
    // What comes while we ask is brought again.
    hooks.know(&account);
    let api = Api::new(&config, account.token.clone())
        .map_err(|error| ConnectError::Transient(format!("The bridge cannot start a client: {error}.")))?;
    let api = Arc::new(api);
    let number = api.get(&number_path(&account.number)).await.map_err(|error| connect_verdict(&error))?;
    let me = ids::phone(text(&number["display_phone_number"]))
        .ok_or_else(|| ConnectError::Transient("WhatsApp does not say which number it is.".to_owned()))?;
    let end = watch::Sender::new(None);
    let people = Arc::new(People::new(sink.clone()));
    let sent = Arc::new(Sent::new(sink.clone()));
    let templates = Arc::new(Templates::new(Arc::clone(&api), sink.clone()));
    let intake = Arc::new(Intake {
        number: account.number.clone(),
        me: me.clone(),
        name: name(&number["verified_name"]),
        sink: sink.clone(),
        people: Arc::clone(&people),
        changes: Changes(sink.clone()),
        sent: Arc::clone(&sent),
        templates: Arc::clone(&templates),
        clock: clock.clone(),
        waiting: Waiting::default(),
        end: end.clone(),
        order: AsyncMutex::default(),
    });
    hooks.take(&account, &intake);
    if let Some(url) = &config.cloud_webhook_url
        && let Err(error) = subscribe(&api, &account, url).await
    {
        warn!(%error, "WhatsApp was not told where its webhooks go; what was told before still holds.");
    }
    let deliverer = Deliverer {
        api: Arc::clone(&api),
        number: account.number.clone(),
        clock: clock.clone(),
        people: Arc::clone(&people),
        sent,
        templates,
        progress: Progress::default(),
        sink,
    };
    let files = Files { api: Arc::clone(&api), number: account.number.clone() };
    let watching = AsyncMutex::new(Watching::start(api, &intake, &end));
    Ok(Arc::new(CloudSession { account, me, clock, hooks, intake, people, deliverer, files, end, watching }))
}

/// `POST /{Phone-Number-ID}`: from now on webhooks of this number come here
/// (<https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override>).
async fn subscribe(api: &Api, account: &Account, url: &str) -> Result<(), ApiError> {
    let configuration = json!({"override_callback_uri": url, "verify_token": account.verify_token.expose()});
    api.post(&account.number, &json!({"webhook_configuration": configuration})).await.map(drop)
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

/// Looks now and then whether the account is still good, and lets time pass in the rooms.
struct Watching {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Watching {
    fn start(api: Arc<Api>, intake: &Arc<Intake>, end: &End) -> Self {
        let stop = CancellationToken::new();
        let intake = Arc::clone(intake);
        let work = async move {
            tokio::select! {
                why = look(api, intake.number.clone()) => why,
                why = intake.count_down() => why,
            }
        };
        let (work, end) = (stop.clone().run_until_cancelled_owned(work), end.clone());
        let task = tokio::spawn(async move {
            if let Some(why) = work.await {
                end_session(&end, why);
            }
        });
        Self { stop, task: Some(task) }
    }

    async fn end(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // It ends with its next wait, and a panic in it is told by the runtime.
            let _ = task.await;
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Runs until the account is no good any more, or nobody answers.
async fn look(api: Arc<Api>, number: String) -> ConnectError {
    let mut next = interval(LOOK_EVERY);
    next.set_missed_tick_behavior(MissedTickBehavior::Delay);
    next.tick().await;
    loop {
        next.tick().await;
        let mut found = api.get(&number_path(&number)).await;
        if matches!(found, Err(ApiError::NotSent(_))) {
            sleep(LOOK_AGAIN).await;
            found = api.get(&number_path(&number)).await;
        }
        match found.map_err(|error| (connect_verdict(&error), error)) {
            Err((why @ ConnectError::BadCredentials(_), _)) | Err((why, ApiError::NotSent(_))) => return why,
            // Whatever else went wrong may be over by the next look.
            Err(_) | Ok(_) => {}
        }
    }
}

#[async_trait]
impl Session for CloudSession {
    fn me(&self) -> RemoteUserId {
        self.me.clone()
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        match place::person(&self.account.number, chat) {
            Some(person) => capabilities::limits(self.people.cached(&person).as_ref()),
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
        if let Err(DeliverError::LoggedOut(_)) = &delivered {
            end_session(&self.end, ConnectError::BadCredentials(BAD_TOKEN.to_owned()));
        }
        delivered
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        let Some(person) = place::person(&self.account.number, id) else { return Ok(None) };
        // So that it is known whether the chat is open.
        let met = self.people.met(&person).await.map_err(|error| PlatformError(error.to_string()))?;
        let phase = Phase::of(met.open_until_ms(), self.clock.now_ms());
        Ok(Some(chat_info(&person, phase)))
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        if ids::digits(id).is_none() && ids::business_scoped(id.as_str()).is_none() {
            return Ok(None);
        }
        self.people.info(id).await.map(Some).map_err(|error| PlatformError(error.to_string()))
    }

    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        self.files.open(file).await
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
        self.hooks.leave(&self.account.number, &self.intake);
        // Whatever is being taken in now is pushed before this returns.
        drop(self.intake.order.lock().await);
        end_session(&self.end, ConnectError::Closed);
        self.watching.lock().await.end().await;
    }

    async fn log_out(&self) {
        self.close().await;
        self.hooks.forget(&self.account.number);
    }
}
