//! One account while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `intake`, `scene`, `intake/votes` | messages mapped and stored before they are acknowledged; where they belong |
//! | `happenings`, `groups`, `feeds`, `undecrypted`, `history` | what is no message; groups; the status and channels; what cannot be read yet; the past |
//! | `world`, `learning` | what is remembered, here and in the vault; whose a number turns out to be |
//! | `deliver`, `acks` | messages out, under ids of ours; what the server says of them |
//! | `phone`, `unread`, `settings` | whether the phone is still there; what was not read yet; names and marks that were left unread |
//! | `download`, `directory`, `capabilities` | files in; finding people; what a chat can carry |
//!
//! `hearing` is where all of it comes in, `ending` how it ends.
//!
//! The library connects again by itself after breaks. A session ends when that cannot help, or when something could not be stored.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, RemoteMessage, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Directory, Download, EventSink, History,
        NotStored, PlatformError, Session, Until,
    },
};
use tokio::{
    task::JoinHandle,
    time::{Duration, timeout},
};
use tokio_util::sync::CancellationToken;
use wacore::store::traits::DeviceStore;
use wacore_binary::JidExt;
use whatsapp_rust::Client;

use self::{
    acks::Acks,
    deliver::Deliverer,
    ending::{End, Ending, Remains},
    happenings::Happenings,
    history::Past,
    intake::Intake,
    settings::Settings,
    undecrypted::Undecrypted,
    world::World,
};
use super::{
    file::RemoteFile,
    http::Http,
    identity::{self, Person},
    line, place,
    seed::{PlantError, Seed},
    store::Kept,
    verdict,
};
use crate::config::WhatsAppConfig;

mod acks;
mod capabilities;
mod deliver;
mod directory;
mod download;
mod ending;
mod feeds;
mod groups;
mod happenings;
mod hearing;
mod history;
mod intake;
mod learning;
mod phone;
mod scene;
mod settings;
mod undecrypted;
mod unread;
mod world;

/// A first connection asks for settings, and may wait for the phone that answers.
const CONNECT_WITHIN: Duration = Duration::from_secs(90);
/// How long WhatsApp may take to forget the device.
const LOG_OUT_WITHIN: Duration = Duration::from_secs(15);

/// What a session is made from.
pub(super) struct Setup {
    /// The settings.
    pub(super) config: Arc<WhatsAppConfig>,
    /// Time and randomness.
    pub(super) clock: Clock,
    /// What the sign-in left.
    pub(super) secret: Secret,
    /// Where events go.
    pub(super) sink: EventSink,
}

/// A connected account.
pub(super) struct LinkedSession {
    world: Arc<World>,
    client: Arc<Client>,
    http: Http,
    deliverer: Deliverer,
    end: End,
    ending: Ending,
}

/// Brings a session up: connects with the keys of the vault, and lets messages come.
pub(super) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let Setup { config, clock, secret, sink } = setup;
    let vault = sink.vault();
    Seed::plant(&secret, &vault).await.map_err(|error| match error {
        PlantError::Unreadable(_) => ConnectError::BadCredentials(
            "What was saved of this login is no linked device. Sign in again: `login`.".to_owned(),
        ),
        PlantError::NotStored(error) => error.into(),
    })?;
    let end = End::default();
    let broken = end.clone();
    let alarm = move |error: NotStored| broken.because(error.into());
    let store = Kept::new(vault.clone(), clock.clone(), Box::new(alarm));
    let device = tokio::select! {
        biased;
        device = store.load() => device.map_err(|error| ConnectError::Transient(error.to_string()))?,
        // What cannot be read has no answer.
        why = end.reason() => return Err(why),
    };
    let addresses = device.iter().flat_map(|device| [device.pn.as_ref(), device.lid.as_ref()]).flatten();
    let own = Person::told(addresses);
    if own.id().is_none() {
        let words = "The saved device was never linked to an account. Sign in again: `login`.";
        return Err(ConnectError::BadCredentials(words.to_owned()));
    }
    let login = sink.login().as_str();
    let me = RemoteUserId::new(login.strip_prefix(super::LOGIN_PREFIX).unwrap_or(login));
    let world = World::load(me, own, clock, Arc::clone(&config), (sink.clone(), store)).await?;
    let session = open(Arc::new(world), end, &config, sink).await?;
    if let Err(error) = session.up().await {
        session.close().await;
        return Err(error);
    }
    Ok(Arc::new(session))
}

/// Starts the line and everything that listens on it.
async fn open(
    world: Arc<World>,
    end: End,
    config: &WhatsAppConfig,
    sink: EventSink,
) -> Result<LinkedSession, ConnectError> {
    let http = Http::new(config).map_err(ConnectError::Transient)?;
    let (acks, stop) = (Acks::default(), CancellationToken::new());
    let undecrypted =
        Undecrypted::load(Arc::clone(&world), sink.clone(), (end.clone(), stop.clone())).await?;
    let intake = Intake {
        world: Arc::clone(&world),
        sink: sink.clone(),
        undecrypted: undecrypted.clone(),
        end: end.clone(),
    };
    let (ears, heard) = hearing::ears(acks.clone(), end.clone());
    let learned = learning::listen(&world);
    let setup = line::Setup {
        config,
        store: world.store.clone(),
        http: http.clone(),
        ears,
        hook: Some(Arc::new(intake.clone())),
        pair_code: None,
    };
    let bot = tokio::select! {
        biased;
        bot = line::build(setup) => bot.map_err(|error| ConnectError::Transient(error.to_string()))?,
        why = end.reason() => {
            world.store.retire();
            return Err(why);
        }
    };
    let client = bot.client();
    let settings = Settings::default();
    let past = Past::new(Arc::clone(&world), sink.clone());
    let happenings = Happenings {
        world: Arc::clone(&world),
        client: Arc::clone(&client),
        sink: sink.clone(),
        intake,
        undecrypted: undecrypted.clone(),
        settings: settings.clone(),
    };
    let tasks = vec![
        spawn(&stop, happenings.clone().messages(heard.messages, end.clone())),
        spawn(&stop, happenings.run(heard.rest)),
        spawn(&stop, past.clone().listen(Arc::clone(&client), heard.past)),
        spawn(&stop, past.run(Arc::clone(&client))),
        spawn(&stop, learning::run(Arc::clone(&world), learned)),
        spawn(&stop, phone::watch(Arc::clone(&world), Arc::clone(&client), sink.clone())),
        spawn(&stop, settings.run(Arc::clone(&client))),
        spawn(&stop, unread::run(Arc::clone(&world))),
    ];
    let deliverer = Deliverer { client: Arc::clone(&client), world: Arc::clone(&world), sink, acks };
    let remains = Remains { end: end.clone(), world: Arc::clone(&world), stop, tasks, undecrypted };
    let ending = Ending::awaits(bot.spawn(), remains);
    Ok(LinkedSession { world, client, http, deliverer, end, ending })
}

fn spawn(stop: &CancellationToken, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let work = stop.clone().run_until_cancelled_owned(work);
    tokio::spawn(async move {
        work.await;
    })
}

impl LinkedSession {
    /// Waits until messages can be delivered.
    async fn up(&self) -> Result<(), ConnectError> {
        tokio::select! {
            up = self.client.wait_for_connected(CONNECT_WITHIN) => up.map_err(|error| {
                ConnectError::Transient(format!(
                    "WhatsApp could not be reached, or did not let the bridge in ({}). Check the network and the clock of this machine.",
                    verdict::told(&error)
                ))
            }),
            why = self.end.reason() => Err(why),
        }
    }
}

#[async_trait]
impl Session for LinkedSession {
    fn me(&self) -> RemoteUserId {
        self.world.me.clone()
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        capabilities::limits(&self.world, chat)
    }

    async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        if self.limits(chat).support(outgoing.action()).is_none() {
            let action = outgoing.action().words();
            let words = format!("This account cannot bring {action} to this chat in WhatsApp.");
            return Err(DeliverError::Unsupported(words));
        }
        self.deliverer.deliver(chat, outgoing, key).await
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        let Some(jid) = place::address(&self.world.me, id) else { return Ok(None) };
        if let Some(info) = feeds::info(&self.world, &self.client, &jid).await? {
            return Ok(info);
        }
        if !jid.is_group() {
            return Ok(Some(history::direct(&self.world, &self.client, &jid).await));
        }
        match self.client.groups().get_metadata(&jid).await {
            Ok(group) => Ok(Some(groups::info(&self.world, &self.client, &group).await)),
            Err(whatsapp_rust::GroupError::Iq(whatsapp_rust::IqError::ServerError {
                code: 401 | 403 | 404,
                ..
            })) => Ok(None),
            Err(error) => {
                let words = format!("The group could not be looked up: {}.", verdict::told(&error));
                Err(PlatformError(words))
            }
        }
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        let Some(jid) = identity::address_of(id) else { return Ok(None) };
        Ok(Some(directory::info(&self.world, &self.client, &jid).await))
    }

    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let file =
            RemoteFile::of(file).ok_or_else(|| PlatformError("That is no file of WhatsApp.".to_owned()))?;
        download::download(&self.client, &self.http, file).await
    }

    fn history(&self) -> Option<&dyn History> {
        Some(self)
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    async fn ended(&self) -> ConnectError {
        self.ending.over().await
    }

    async fn close(&self) {
        self.ending.close().await;
    }

    async fn log_out(&self) {
        let _ = timeout(LOG_OUT_WITHIN, self.client.logout()).await;
        self.close().await;
    }
}

#[async_trait]
impl History for LinkedSession {
    async fn messages(
        &self,
        chat: &RemoteChatId,
        until: &Until,
        count: usize,
    ) -> Result<Vec<RemoteMessage>, PlatformError> {
        let names = history::names_of(&self.world, &self.client, chat).await;
        let found = history::messages(&self.world.vault, &names, until, count).await;
        found.map_err(|error| PlatformError(format!("The past of the chat could not be read: {error}.")))
    }
}

#[async_trait]
impl Directory for LinkedSession {
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError> {
        Ok(directory::search(&self.world, query, count_max))
    }

    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
        directory::resolve(&self.world, &self.client, identifier).await
    }

    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
        directory::direct_chat(&self.world, &self.client, user).await
    }
}
