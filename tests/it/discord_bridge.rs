//! The Discord bridge against the simulator: the suite of all platforms, and Discord's own traps.

mod absence;
mod finding;
mod hearing;
mod kinds;
mod receiving;
mod sending;
mod suite;

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{LoginId, RemoteChatId},
    message::{Author, Message, Outgoing, OutgoingMessage, RichText},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, EventSink, InDoubt, Platform, SavedLogin, Session,
    },
    testkit::platform_suite::Recorder,
};
use magpie_discord::{Discord, DiscordConfig};
use magpie_tests::{
    discord::{DiscordSim, SmallWorld, Snowflake, World},
    openapi::skip,
};

/// A small Discord with the bridge's bot in it.
struct Stage {
    sim: DiscordSim,
    small: SmallWorld,
    recorder: Recorder,
}

impl Stage {
    async fn new() -> Self {
        let (world, small) = World::small();
        Self::of(world, small).await
    }

    async fn of(world: World, small: SmallWorld) -> Self {
        let sim = DiscordSim::start(world).await.expect("a loopback port is free");
        Self { sim, small, recorder: Recorder::default() }
    }

    fn platform(&self) -> Discord {
        platform(&self.sim, self.sim.token())
    }

    async fn try_connect(&self) -> Result<Arc<dyn Session>, ConnectError> {
        self.platform().connect(&login(&self.sim.token()), self.sink()).await
    }

    async fn connect_with(&self, config: DiscordConfig) -> Arc<dyn Session> {
        let platform = Discord::new(config, Clock::system()).expect("the settings are good");
        let session = platform.connect(&login(&self.sim.token()), self.sink()).await;
        session.expect("a healthy Discord takes the bot")
    }

    fn sink(&self) -> EventSink {
        EventSink::new(LoginId::new("bot"), Arc::new(self.recorder.clone()))
    }

    async fn connect(&self) -> Arc<dyn Session> {
        self.try_connect().await.expect("a healthy Discord takes the bot")
    }

    fn general(&self) -> RemoteChatId {
        RemoteChatId::new(self.small.general.to_string())
    }

    /// Waits until these words have arrived.
    async fn arrived(&self, words: &str) {
        let seen = |recorder: &Recorder| {
            recorder.messages().iter().find(|it| it.message.text.to_plain() == words).map(|_| ())
        };
        self.recorder.wait_for(words, seen).await;
    }

    /// Everything that arrived, in order.
    /// What was said, each message once: what is both live and missed comes twice, and the store knows the second for what it is.
    fn words(&self) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let messages = self.recorder.messages();
        let new = messages.iter().filter(|it| seen.insert(it.id.clone()));
        new.map(|it| it.message.text.to_plain()).collect()
    }

    /// The contents of a channel.
    fn contents(&self, channel: Snowflake) -> Vec<String> {
        self.sim.messages(channel).into_iter().map(|it| it.content).collect()
    }

    /// Neither our requests nor the simulator's answers may disagree with Discord's description.
    fn should_be_honest(&self, test: &str) {
        if !self.sim.is_judged() {
            skip(test, "Discord's OpenAPI description is not present (see MAGPIE_SPECS)");
        }
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

fn config(sim: &DiscordSim, token: String) -> DiscordConfig {
    DiscordConfig {
        token: Some(Secret::new(token)),
        api_url: sim.origin(),
        cdn_url: sim.cdn_url(),
        gateway_hosts: vec!["127.0.0.1".to_owned()],
        ..DiscordConfig::default()
    }
}

fn platform(sim: &DiscordSim, token: String) -> Discord {
    Discord::new(config(sim, token), Clock::system()).expect("the settings are good")
}

fn login(token: &str) -> SavedLogin {
    SavedLogin { id: LoginId::new("bot"), name: "the bot".to_owned(), secret: Secret::new(token) }
}

fn said(text: &str) -> Outgoing {
    let message = Message::text(RichText::plain(text));
    Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: 1 })
}

fn said_by(name: &str, text: &str) -> Outgoing {
    let user_id = "@bird:example.org".try_into().expect("it is a Matrix id");
    let avatar_url = Some("https://example.org/bird.png".to_owned());
    let author = Some(Author { user_id, name: name.to_owned(), avatar_url });
    let message = Message::text(RichText::plain(text));
    Outgoing::Message(OutgoingMessage { message, author, sent_ms: 1 })
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
