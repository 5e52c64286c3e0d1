//! One bot while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `api`, `limiter`, `verdict` | Discord's HTTP API, its rate limits, what failures mean |
//! | `gateway` | the websocket, by way of serenity |
//! | `pump`, `recovery`, `review`, `world` | events in, in order, with what was missed; what is remembered of guilds |
//! | `deliver`, `webhooks`, `history` | messages out, once |
//! | `download`, `permissions` | files; rights |
//! | `directory`, `direct` | finding people; conversations of two |
//!
//! A session lives as long as its gateway session. When that is lost beyond resuming, the session ends and the next one catches
//! up from the cursors.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Directory, Download, EventSink, History,
        PlatformError, Progress, Session,
    },
};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc, oneshot, watch},
    task::JoinHandle,
    time,
};
use tokio_util::sync::CancellationToken;

use self::{
    api::Api,
    attachments::{Addresses, Attachments},
    deliver::Deliverer,
    download::Downloads,
    gateway::{Gateway, GatewayAddress},
    pump::{Inlets, Outlets, Pump},
    recovery::Recovery,
    webhooks::Webhooks,
    world::World,
};
use crate::{config::DiscordConfig, format, json::text};

pub(crate) mod api;
mod attachments;
mod capabilities;
mod deliver;
mod direct;
mod directory;
pub(crate) mod download;
mod gateway;
mod head;
mod history;
mod limiter;
mod past;
pub(crate) mod permissions;
mod pump;
mod recovery;
mod review;
pub(crate) mod seen;
mod verdict;
mod webhooks;
pub(crate) mod world;

/// What a refused token means, and what to do.
pub(crate) const BAD_TOKEN: &str = "Discord does not take the bot's token. Reset it in the developer portal \
    (https://discord.com/developers/applications, your application, Bot, Reset Token) and put the new one into `platform.token`.";

/// What a missing intent means, and what to do.
pub(crate) const MISSING_INTENT: &str = "The bot may not read messages: its Message Content Intent is off. Switch it on in the \
    developer portal (https://discord.com/developers/applications, your application, Bot, Privileged Gateway Intents).";

/// An application's flags that allow reading messages: for large bots, and for small ones.
pub(crate) const MESSAGE_CONTENT_FLAGS: u64 = 1 << 18 | 1 << 19;

/// Events between the gateway's thread and the pump.
const EVENTS_MAX: usize = 512;

/// How long READY may take.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long the pump may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// A connected bot.
pub(crate) struct DiscordSession {
    me: String,
    api: Arc<Api>,
    world: Arc<World>,
    deliverer: Deliverer,
    attachments: Attachments,
    addresses: Arc<Addresses>,
    file_bytes_max: Option<u64>,
    end: watch::Sender<Option<ConnectError>>,
    running: AsyncMutex<Running>,
}

struct Running {
    gateway: Gateway,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// What a session is made from.
pub(crate) struct Setup {
    /// The settings.
    pub config: Arc<DiscordConfig>,
    /// The bot's token.
    pub token: Secret,
    /// Time.
    pub clock: Clock,
    /// Where events go.
    pub sink: EventSink,
}

/// Brings a session up: asks who we are and where the gateway is, connects, and waits for the guilds.
pub(crate) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let config = &setup.config;
    let failed = |error: &dyn std::fmt::Display| {
        ConnectError::Transient(format!("The bridge cannot start a client: {error}."))
    };
    let api = Arc::new(Api::new(&config.api_url, setup.token.clone()).map_err(|error| failed(&error))?);
    let downloads = Downloads::new(&config.cdn_url).map_err(|error| failed(&error))?;
    let world = Arc::new(World::default());
    world.write().settings.clone_from(&config.guild_settings);
    let addresses = Arc::new(Addresses::default());
    let me = introduce(&api, &world).await?;
    let (url, shards) = gateway_address(&api, config).await?;
    let address = GatewayAddress { origin: config.api_url.clone(), url, shards, token: setup.token.clone() };
    let (events, incoming) = mpsc::channel(EVENTS_MAX);
    let (gateway, gone) = gateway::start(address, events).map_err(|error| failed(&error))?;
    let end = watch::Sender::new(None);
    let ready = watch::Sender::new(false);
    let (stop, tasks) = start_tasks(&setup, (&api, &world, &addresses), incoming, (&ready, &end));
    let mut running = Running { gateway, stop, tasks };
    running.tasks.push(tokio::spawn(watch_gateway(gone, end.clone())));
    if let Err(error) = wait_until_ready(ready.subscribe(), end.subscribe()).await {
        running.end().await;
        return Err(error);
    }
    let deliverer = deliverer(&setup, &api, &world);
    let attachments = Attachments::new(Arc::clone(&api), downloads, Arc::clone(&addresses));
    Ok(Arc::new(DiscordSession {
        me,
        api,
        world,
        deliverer,
        attachments,
        addresses,
        file_bytes_max: setup.config.file_bytes_max,
        end,
        running: AsyncMutex::new(running),
    }))
}

/// Ends a session for a reason; the first reason counts.
fn end_session(end: &watch::Sender<Option<ConnectError>>, why: ConnectError) {
    end.send_if_modified(|reason| {
        let is_first = reason.is_none();
        if is_first {
            *reason = Some(why);
        }
        is_first
    });
}

fn deliverer(setup: &Setup, api: &Arc<Api>, world: &Arc<World>) -> Deliverer {
    let webhooks = Webhooks {
        api: Arc::clone(api),
        world: Arc::clone(world),
        name: setup.config.webhook_name.clone(),
        known: Mutex::default(),
    };
    Deliverer {
        api: Arc::clone(api),
        world: Arc::clone(world),
        webhooks,
        clock: setup.clock.clone(),
        progress: Progress::default(),
        sink: setup.sink.clone(),
    }
}

/// `GET /users/@me` and `GET /applications/@me`: who we are, and whether we may read.
async fn introduce(api: &Api, world: &World) -> Result<String, ConnectError> {
    let user = api.get("/users/@me").await.map_err(verdict::connect_verdict)?;
    let application = api.get("/applications/@me").await.map_err(verdict::connect_verdict)?;
    if application["flags"].as_u64().is_some_and(|flags| flags & MESSAGE_CONTENT_FLAGS == 0) {
        return Err(ConnectError::BadCredentials(MISSING_INTENT.to_owned()));
    }
    let me = text(&user["id"]);
    let mut known = world.write();
    known.me.clone_from(&me);
    known.application = text(&application["id"]);
    Ok(me)
}

/// `GET /gateway/bot`: where the gateway is, and for how many connections.
async fn gateway_address(api: &Api, config: &DiscordConfig) -> Result<(String, u32), ConnectError> {
    let answer = api.get("/gateway/bot").await.map_err(verdict::connect_verdict)?;
    let url = answer["url"].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
    if !config.allows_gateway(&url) {
        return Err(ConnectError::BadCredentials(format!(
            "The gateway is said to be at `{url}`, which `platform.gateway_hosts` does not allow."
        )));
    }
    let limit = &answer["session_start_limit"];
    if limit["remaining"].as_u64() == Some(0) {
        let minutes = limit["reset_after"].as_u64().unwrap_or_default() / 60_000;
        let words = format!(
            "The bot has used up its connections for today; Discord takes new ones in {minutes} minutes."
        );
        return Err(ConnectError::Transient(words));
    }
    let shards = answer["shards"].as_u64().and_then(|shards| u32::try_from(shards).ok()).unwrap_or(1).max(1);
    Ok((url, shards))
}

type Shared<'a> = (&'a Arc<Api>, &'a Arc<World>, &'a Arc<Addresses>);
type Signals<'a> = (&'a watch::Sender<bool>, &'a watch::Sender<Option<ConnectError>>);

fn start_tasks(
    setup: &Setup,
    (api, world, addresses): Shared<'_>,
    events: mpsc::Receiver<gateway::GatewayEvent>,
    (ready, end): Signals<'_>,
) -> (CancellationToken, Vec<JoinHandle<()>>) {
    let stop = CancellationToken::new();
    let (missed_in, missed) = mpsc::channel(16);
    let (pages_in, pages) = mpsc::channel(2);
    let (tickets_in, tickets) = mpsc::channel(pump::TICKETS_MAX);
    let out = Outlets {
        sink: setup.sink.clone(),
        tickets: tickets_in,
        missed: missed_in,
        ready: ready.clone(),
        end: end.clone(),
    };
    let held_in_common = (Arc::clone(world), Arc::clone(addresses));
    let pump = Pump::new((Arc::clone(&setup.config), setup.clock.clone()), held_in_common, out);
    let messages_max = setup.config.recover_messages_max;
    let recovery = Recovery { api: Arc::clone(api), world: Arc::clone(world), messages_max };
    let recovery = stop.clone().run_until_cancelled_owned(recovery.run(missed, pages_in));
    let tasks = vec![
        tokio::spawn(pump.run(Inlets { events, pages, stop: stop.clone() })),
        tokio::spawn(async move {
            recovery.await;
        }),
        tokio::spawn(pump::watch_tickets(tickets, end.clone())),
    ];
    (stop, tasks)
}

async fn watch_gateway(gone: oneshot::Receiver<ConnectError>, end: watch::Sender<Option<ConnectError>>) {
    let lost = || ConnectError::Transient("The gateway's thread has ended unexpectedly.".to_owned());
    let why = gone.await.unwrap_or_else(|_| lost());
    end_session(&end, why);
}

async fn wait_until_ready(
    mut ready: watch::Receiver<bool>,
    mut end: watch::Receiver<Option<ConnectError>>,
) -> Result<(), ConnectError> {
    let silent = || ConnectError::Transient("Discord's gateway does not answer.".to_owned());
    tokio::select! {
        biased;
        why = ended(&mut end) => Err(why),
        became = ready.wait_for(|ready| *ready) => became.map(drop).map_err(|_| silent()),
        () = time::sleep(READY_WITHIN) => Err(silent()),
    }
}

async fn ended(end: &mut watch::Receiver<Option<ConnectError>>) -> ConnectError {
    match end.wait_for(Option::is_some).await {
        Ok(why) => why.clone().unwrap_or(ConnectError::Closed),
        Err(_) => ConnectError::Closed,
    }
}

impl Running {
    async fn end(&mut self) {
        self.stop.cancel();
        self.gateway.stop();
        for mut task in self.tasks.drain(..) {
            if time::timeout(END_WITHIN, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        self.gateway.stop();
    }
}

#[async_trait]
impl Session for DiscordSession {
    fn me(&self) -> RemoteUserId {
        RemoteUserId::new(self.me.as_str())
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        self.world.read().limits(chat.as_str(), self.file_bytes_max)
    }

    async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        self.deliverer.deliver(chat, outgoing, key).await
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        if let Some(info) = self.world.read().chat_info(id.as_str()) {
            return Ok(Some(info));
        }
        direct::look_up(&self.api, &self.world, id)
            .await
            .map_err(|error| PlatformError(format!("The channel could not be looked up: {error}.")))?;
        Ok(self.world.read().chat_info(id.as_str()))
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        if !format::is_id(id.as_str()) {
            return Ok(None);
        }
        match self.api.get(&format!("/users/{id}")).await {
            Ok(user) => Ok(Some(directory::read(&user))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(PlatformError(format!("The person could not be looked up: {error}."))),
        }
    }

    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        self.attachments.open(file).await
    }

    fn history(&self) -> Option<&dyn History> {
        Some(self)
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    async fn ended(&self) -> ConnectError {
        ended(&mut self.end.subscribe()).await
    }

    async fn close(&self) {
        end_session(&self.end, ConnectError::Closed);
        self.running.lock().await.end().await;
    }
}
