//! One bot while it is connected.
//!
//! | part | duty |
//! |---|---|
//! | `api`, `limiter`, `verdict` | the Bot API, how fast we may speak, what failures mean |
//! | `tasks` | what runs while it is connected |
//! | `polling`, `brought` | updates in: asked for, or brought by the webhook |
//! | `intake`, `taken`, `world`, `faces` | updates mapped and stored, once; what is remembered; pictures of people |
//! | `polls` | where polls of ours stand |
//! | `lasting`, `awake` | what outlives a session; how long none was there |
//! | `errands` | commands that people in Telegram give the bot |
//! | `deliver` | messages out, once |
//! | `files`, `directory`, `capabilities` | files; finding people; what a chat can carry |
//!
//! A session ends when updates cannot be had for a while or cannot be stored; the next one goes on where Telegram's own memory of confirmed
//! updates stands.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, Limits, Outgoing, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Directory, Download, EventSink, PlatformError,
        Session,
    },
};
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tracing::{info, warn};

use self::{
    api::Api,
    deliver::Deliverer,
    files::Files,
    lasting::{Kept, Lasting},
    tasks::{Running, end_session},
    verdict::connect_verdict,
    world::World,
};
use crate::{
    config::{Mode, TelegramConfig},
    events::{WANTED, command::MENU},
    place,
    webhook::Hooks,
};

pub(crate) mod api;
mod awake;
mod brought;
mod capabilities;
mod deliver;
mod directory;
mod errands;
mod faces;
mod files;
mod intake;
pub(crate) mod lasting;
mod limiter;
mod polling;
mod polls;
mod taken;
mod tasks;
mod verdict;
pub(crate) mod world;

/// What a refused token means, and what to do.
pub(crate) const BAD_TOKEN: &str = "Telegram does not take the bot's token. Write /token to @BotFather, choose the bot, and put the token \
    that it shows into `platform.token`.";

/// What it means that somebody else takes the updates.
pub(crate) const CONFLICT: &str = "Another program takes this bot's updates, so they do not come here. Stop it, or write /revoke to \
    @BotFather and give the new token to this bridge alone.";

/// What privacy mode means.
pub(crate) const PRIVACY_MODE: &str = "privacy mode is on: in groups the bot sees only commands, replies to it and mentions of it, \
    unless it is an admin";

const MEBIBYTE: u64 = 1024 * 1024;

/// What bots may fetch and send: <https://core.telegram.org/bots/api#getfile>, <https://core.telegram.org/bots/api#sending-files>.
const DOWNLOAD_BYTES_MAX: u64 = 20 * MEBIBYTE;
const UPLOAD_BYTES_MAX: u64 = 50 * MEBIBYTE;

/// The same with a server of one's own: <https://core.telegram.org/bots/api#using-a-local-bot-api-server>.
const LOCAL_BYTES_MAX: u64 = 2_000 * MEBIBYTE;

/// A connected bot.
pub(crate) struct TelegramSession {
    me: i64,
    api: Arc<Api>,
    world: Arc<World>,
    deliverer: Deliverer,
    files: Files,
    sink: EventSink,
    upload_bytes_max: u64,
    end: watch::Sender<Option<ConnectError>>,
    running: AsyncMutex<Running>,
}

/// What a session is made from.
pub(crate) struct Setup {
    /// The settings.
    pub config: Arc<TelegramConfig>,
    /// The bot's token.
    pub token: Secret,
    /// Where events go.
    pub sink: EventSink,
    /// The way in where Telegram calls us.
    pub hooks: Option<Arc<Hooks>>,
    /// The time.
    pub clock: Clock,
    /// What earlier sessions have left.
    pub lasting: Arc<Lasting>,
}

/// Brings a session up: asks who we are, and lets updates come.
pub(crate) async fn connect(setup: Setup) -> Result<Arc<dyn Session>, ConnectError> {
    let config = &setup.config;
    let Some(bot) = crate::config::bot_of(setup.token.expose()) else {
        return Err(ConnectError::BadCredentials(BAD_TOKEN.to_owned()));
    };
    let Kept { world, limiter, progress, reactions } = setup.lasting.of(bot);
    let api = Api::new(config, setup.token.clone()).map_err(|error| {
        ConnectError::Transient(format!("The bridge cannot start a client: {}.", error.without_url()))
    })?;
    let api = Arc::new(api.with_limiter(limiter));
    let me = api.call("getMe", &json!({})).await.map_err(|error| connect_verdict(&error))?;
    if me["can_read_all_group_messages"] != true {
        warn!(
            bot = me["username"].as_str(),
            "In Telegram {PRIVACY_MODE}; switch it off with @BotFather (/setprivacy)."
        );
    }
    world.write().begin(&me);
    let me = world.read().me;
    set_way_in(&api, &setup, me).await?;
    let commands: Vec<Value> = MENU
        .iter()
        .map(|(command, description)| json!({"command": command, "description": description}))
        .collect();
    if let Err(error) = api.call("setMyCommands", &json!({"commands": commands})).await {
        info!(%error, "The menu of commands could not be set in Telegram.");
    }
    let end = watch::Sender::new(None);
    let running = tasks::start(&setup, (&api, &world), &end);
    let deliverer = Deliverer {
        api: Arc::clone(&api),
        world: Arc::clone(&world),
        progress,
        reactions,
        sink: setup.sink.clone(),
    };
    let files = Files { api: Arc::clone(&api), is_local: config.local_server };
    let upload_bytes_max = if config.local_server { LOCAL_BYTES_MAX } else { UPLOAD_BYTES_MAX };
    let (running, sink) = (AsyncMutex::new(running), setup.sink.clone());
    Ok(Arc::new(TelegramSession { me, api, world, deliverer, files, sink, upload_bytes_max, end, running }))
}

/// `setWebhook` or `deleteWebhook`, after which updates come as the settings say. What waits is not dropped.
async fn set_way_in(api: &Api, setup: &Setup, me: i64) -> Result<(), ConnectError> {
    let asked = match setup.config.mode {
        Mode::Polling => api.call("deleteWebhook", &json!({"drop_pending_updates": false})).await,
        Mode::Webhook => {
            let url = webhook_url(&setup.config, me);
            let secret = setup.config.webhook_secret.as_ref().map(Secret::expose).unwrap_or_default();
            // One at a time keeps the order of each chat; one that fails lets those of other chats pass.
            let fields = json!({
                "url": url, "secret_token": secret, "max_connections": 1, "allowed_updates": WANTED,
                "drop_pending_updates": false,
            });
            api.call("setWebhook", &fields).await
        }
    };
    asked.map(drop).map_err(|error| connect_verdict(&error))
}

/// Where Telegram brings the updates of this bot.
pub(crate) fn webhook_url(config: &TelegramConfig, me: i64) -> String {
    let base = config.webhook_url.as_deref().unwrap_or_default().trim_end_matches('/');
    format!("{base}{}", Hooks::path(me))
}

impl TelegramSession {
    /// The name of a topic, which was told only once.
    async fn recall_topic(&self, id: &RemoteChatId) -> Result<(), PlatformError> {
        let unnamed = {
            let known = self.world.read();
            known
                .own_spot(id)
                .filter(|spot| spot.topic.is_some_and(|topic| !known.is_named(spot.chat, topic)))
        };
        if let Some(spot) = unnamed
            && let Some(topic) = spot.topic
        {
            let told = self.sink.remembered(id.as_str()).await;
            let told =
                told.map_err(|error| PlatformError(format!("The topic could not be looked up: {error}.")))?;
            if let Some(name) = told {
                self.world.write().name_topic(spot.chat, topic, name);
            }
        }
        Ok(())
    }

    /// `getChat`, and what the bot may do there.
    async fn look_up(&self, chat: i64) -> Result<Option<Value>, PlatformError> {
        let failed = |error: &dyn std::fmt::Display| {
            PlatformError(format!("The chat could not be looked up: {error}."))
        };
        let found = match self.api.call("getChat", &json!({"chat_id": chat})).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        self.world.write().learn_whole_chat(&found);
        if chat < 0 {
            // A chat whose members are hidden does not tell; then nothing is known of rights.
            let asked = self.api.call("getChatMember", &json!({"chat_id": chat, "user_id": self.me})).await;
            if let Ok(member) = asked {
                self.world.write().learn_rights(chat, &member);
            }
        }
        Ok(Some(found))
    }
}

#[async_trait]
impl Session for TelegramSession {
    fn me(&self) -> RemoteUserId {
        place::user(self.me)
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        self.world.read().limits(chat, self.upload_bytes_max)
    }

    async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        if self.limits(chat).support(outgoing.action()).is_none() {
            let action = outgoing.action().words();
            let words = format!("A bot cannot bring {action} to this chat in Telegram.");
            return Err(DeliverError::Unsupported(words));
        }
        let is_poll = matches!(outgoing, Outgoing::Poll { .. });
        let _under_way = is_poll.then(|| self.world.poll_under_way());
        let delivered = self.deliverer.deliver(chat, outgoing, key).await?;
        self.world.write().learn_said(chat, &delivered.ids);
        if is_poll {
            self.world.keep_poll(&self.sink, chat, &delivered).await;
        }
        Ok(delivered)
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        let number = {
            let known = self.world.read();
            place::forum_of_space(id).or_else(|| known.own_spot(id).map(|spot| spot.chat))
        };
        let Some(number) = number else { return Ok(None) };
        let is_whole = self.world.read().chat(number).is_some_and(|chat| chat.is_whole);
        if !is_whole && self.look_up(number).await?.is_none() {
            return Ok(None);
        }
        self.recall_topic(id).await?;
        Ok(self.world.read().chat_info(id))
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        self.find(id).await
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
        end_session(&self.end, ConnectError::Closed);
        self.running.lock().await.end().await;
    }
}
