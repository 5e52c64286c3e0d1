//! One number while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `api`, `limiter`, `verdict` | the Graph API, how fast we may speak, what errors mean |
//! | `intake`, `changes` | webhooks taken in and stored; what was done to messages, in whatever order it is told |
//! | `people`, `window` | who is who, and when they wrote last; how rooms show the time that is left to write |
//! | `deliver`, `sent`, `templates` | messages out, once; what became of those in doubt; which templates there are |
//! | `files`, `directory`, `capabilities` | files; finding people; what a chat can carry |
//! | `watching`, `kept`, `newest` | whether the account is still good; what outlives a session, and how much of it |
//!
//! Nothing connects us and WhatsApp between calls. A session ends when its token is refused, when WhatsApp cannot be reached, or when its
//! events cannot be stored. Only the last one shuts the way in: webhooks need no token.

use std::sync::{Arc, atomic::AtomicBool};

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
use serde_json::json;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio_util::task::TaskTracker;
use tracing::warn;

use self::{
    api::{Api, ApiError},
    changes::Changes,
    deliver::Deliverer,
    files::Files,
    intake::Intake,
    kept::Kept,
    people::{People, chat_info},
    templates::Templates,
    verdict::{BAD_TOKEN, connect_verdict},
    watching::Watching,
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
pub(super) mod kept;
mod limiter;
mod newest;
mod people;
mod sent;
mod slots;
mod templates;
pub(super) mod verdict;
mod watching;
mod window;

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
    /// What is kept of the number from session to session.
    pub kept: Arc<Kept>,
    /// Where events go.
    pub sink: EventSink,
}

/// Brings a session up: asks who we are, and lets webhooks come.
pub(super) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let Setup { config, clock, hooks, account, kept, sink } = setup;
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
    let templates = Arc::new(Templates::new(Arc::clone(&api), sink.clone()));
    let intake = Arc::new(Intake {
        number: account.number.clone(),
        me: me.clone(),
        name: name(&number["verified_name"]),
        sink: sink.clone(),
        people: Arc::clone(&people),
        changes: Changes(sink.clone()),
        kept: Arc::clone(&kept),
        templates: Arc::clone(&templates),
        clock: clock.clone(),
        waiting: Waiting::default(),
        end: end.clone(),
        order: AsyncMutex::default(),
        shut: AtomicBool::default(),
        tasks: TaskTracker::default(),
    });
    intake.open().await?;
    take_over(&hooks, &account, &intake).await;
    if let Some(url) = &config.cloud_webhook_url
        && let Err(error) = subscribe(&api, &account, url).await
    {
        warn!(%error, "WhatsApp was not told where its webhooks go; what was told before still holds.");
    }
    let deliverer = Deliverer {
        api: Arc::clone(&api),
        number: account.number.clone(),
        clock: clock.clone(),
        begun_ms: clock.now_ms(),
        people: Arc::clone(&people),
        kept,
        intake: Arc::clone(&intake),
        templates,
        sink,
    };
    let files = Files { api: Arc::clone(&api), number: account.number.clone() };
    let watching = AsyncMutex::new(Watching::start(api, &intake, &end));
    Ok(Arc::new(CloudSession { account, me, clock, hooks, intake, people, deliverer, files, end, watching }))
}

/// From now on webhooks come in here, after all that the session before has taken.
async fn take_over(hooks: &Hooks, account: &Account, intake: &Arc<Intake>) {
    let _order = intake.order.lock().await;
    if let Some(before) = hooks.take(account, intake) {
        before.close(ConnectError::Closed).await;
    }
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
        self.intake.close(ConnectError::Closed).await;
        self.watching.lock().await.end().await;
    }

    async fn log_out(&self) {
        self.close().await;
        self.hooks.forget(&self.account.number);
    }
}
