//! The Telegram bridge against the simulator: the suite of all platforms, and Telegram's own traps.

mod faults;
mod hearing;
mod kinds;
mod sending;
mod suite;
mod webhook;

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{LoginId, RemoteChatId},
    message::{Message, Outgoing, OutgoingMessage, RemoteMessage, RichText},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, EventSink, InDoubt, Platform, SavedLogin, Session,
    },
    testkit::platform_suite::Recorder,
};
use magpie_telegram::{Telegram, TelegramConfig};
use magpie_tests::{
    openapi::skip,
    telegram::{ChatId, SmallWorld, TelegramSim, World},
};

/// A small Telegram with the bridge's bot in it.
struct Stage {
    sim: TelegramSim,
    small: SmallWorld,
    recorder: Recorder,
}

impl Stage {
    async fn new() -> Self {
        let (world, small) = World::small();
        Self::of(world, small).await
    }

    async fn of(world: World, small: SmallWorld) -> Self {
        let sim = TelegramSim::start(world).await.expect("a loopback port is free");
        Self { sim, small, recorder: Recorder::default() }
    }

    fn config(&self) -> TelegramConfig {
        config(&self.sim.url(), &self.sim.token())
    }

    async fn try_connect(&self) -> Result<Arc<dyn Session>, ConnectError> {
        platform(self.config()).connect(&login(&self.sim.token()), self.sink()).await
    }

    async fn connect(&self) -> Arc<dyn Session> {
        self.try_connect().await.expect("a healthy Telegram takes the bot")
    }

    fn sink(&self) -> EventSink {
        EventSink::new(LoginId::new("bot"), Arc::new(self.recorder.clone()))
    }

    /// The room's name for a chat of the small world.
    fn id(&self, chat: ChatId) -> RemoteChatId {
        let is_own = chat == self.small.private || chat == self.small.group;
        RemoteChatId::new(if is_own { format!("{chat}@{}", self.small.bot) } else { chat.to_string() })
    }

    /// Waits until a message with these words in it has arrived.
    async fn arrived(&self, words: &str) -> RemoteMessage {
        let seen = |recorder: &Recorder| {
            recorder.messages().into_iter().find(|it| it.message.text.to_plain().contains(words))
        };
        self.recorder.wait_for(words, seen).await
    }

    /// Neither our requests nor the simulator's answers may disagree with Telegram's description.
    fn should_be_honest(&self, test: &str) {
        if !self.sim.is_judged() {
            skip(test, "the description of the Bot API is not present (see MAGPIE_SPECS)");
        }
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

fn config(api_url: &str, token: &str) -> TelegramConfig {
    TelegramConfig {
        token: Some(Secret::new(token)),
        api_url: api_url.to_owned(),
        ..TelegramConfig::default()
    }
}

fn platform(config: TelegramConfig) -> Telegram {
    Telegram::new(config, Clock::system()).expect("the settings are good")
}

fn login(token: &str) -> SavedLogin {
    SavedLogin { id: LoginId::new("bot"), name: "the bot".to_owned(), secret: Secret::new(token) }
}

fn said(text: &str) -> Outgoing {
    message(Message::text(RichText::plain(text)))
}

fn message(message: Message) -> Outgoing {
    Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: 1 })
}

fn key(nth: usize) -> DeliveryKey {
    DeliveryKey { key: format!("sample-key-{nth:011}"), in_doubt: None }
}

fn in_doubt(nth: usize) -> DeliveryKey {
    let accepted_ms = Clock::system().now_ms() - 1000;
    DeliveryKey { in_doubt: Some(InDoubt { after: None, accepted_ms }), ..key(nth) }
}

fn ids(delivered: Result<Delivered, DeliverError>) -> Vec<String> {
    let delivered = delivered.expect("it is delivered");
    delivered.ids.iter().map(|id| id.as_str().to_owned()).collect()
}
