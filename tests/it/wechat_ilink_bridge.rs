//! The WeChat bridge by iLink, against the simulator: the suite of all platforms, and iLink's own traps.

mod files;
mod hearing;
mod parts;
mod real_synapse;
mod sending;
mod signing_in;
mod staying;
mod story;
mod suite;

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId},
    message::{Message, Outgoing, OutgoingMessage, RemoteEvent, RemoteMessage, RichText},
    platform::{
        DeliverError, Delivered, DeliveryKey, EventSink, InDoubt, LoginProcess, LoginStep, Platform,
        SavedLogin, Session,
    },
    testkit::platform_suite::Recorder,
};
use magpie_tests::wechat_ilink::{BotId, ILinkSim, PersonId, SmallWorld, World};
use magpie_wechat::{WeChat, WeChatConfig};

/// How one signs in.
const FLOW: &str = "ilink";

/// A small iLink, where Alice is signed in at the bridge.
struct Stage {
    sim: ILinkSim,
    small: SmallWorld,
    clock: Clock,
    recorder: Recorder,
    bot: BotId,
    login: SavedLogin,
}

impl Stage {
    async fn new() -> Self {
        Self::on_clock(Clock::system()).await
    }

    async fn on_clock(clock: Clock) -> Self {
        let mut world = World::on_clock(clock.clone());
        let small = SmallWorld { alice: world.person("Alice"), bob: world.person("Bob") };
        let sim = ILinkSim::start(world).await.expect("a loopback port is free");
        let (bot, login) = sign_in(&platform(&sim, &clock), &sim, small.alice).await;
        Self { sim, small, clock, recorder: Recorder::default(), bot, login }
    }

    fn platform(&self) -> WeChat {
        platform(&self.sim, &self.clock)
    }

    /// A session of a bridge that was just started.
    async fn connect(&self) -> Arc<dyn Session> {
        self.connect_by(&self.platform()).await
    }

    /// A session of a bridge that runs already.
    async fn connect_by(&self, platform: &WeChat) -> Arc<dyn Session> {
        let connected = platform.connect(&self.login, self.sink()).await;
        connected.expect("a healthy iLink takes the bot")
    }

    fn sink(&self) -> EventSink {
        EventSink::new(self.login.id.clone(), Arc::new(self.recorder.clone()))
    }

    /// The room's name for the chat with Alice.
    fn chat(&self) -> RemoteChatId {
        chat(self.bot, self.small.alice)
    }

    /// Alice writes, so that the bridge may answer.
    async fn alice_writes(&self) -> u64 {
        let id = self.sim.person_says(self.bot, "let us talk");
        self.arrived("let us talk").await;
        id
    }

    /// Waits until a message with these words in it has arrived.
    async fn arrived(&self, words: &str) -> RemoteMessage {
        let seen = |recorder: &Recorder| {
            recorder.messages().into_iter().find(|it| it.message.text.to_plain().contains(words))
        };
        self.recorder.wait_for(words, seen).await
    }

    /// Waits for an event.
    async fn happened<T>(&self, what: &str, look: impl Fn(RemoteEvent) -> Option<T>) -> T {
        let seen = |recorder: &Recorder| recorder.events().into_iter().find_map(|it| look(it.event));
        self.recorder.wait_for(what, seen).await
    }

    /// The words of all that has arrived, in order.
    fn words(&self) -> Vec<String> {
        self.recorder.messages().into_iter().map(|it| it.message.text.to_plain()).collect()
    }

    /// Nothing that the bridge sent may be wrong.
    fn should_be_right(&self) {
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

fn config(sim: &ILinkSim) -> WeChatConfig {
    WeChatConfig { ilink_api_url: sim.api_url(), ilink_cdn_url: sim.cdn_url(), ..WeChatConfig::default() }
}

fn platform(sim: &ILinkSim, clock: &Clock) -> WeChat {
    WeChat::new(config(sim), clock.clone()).expect("the settings are good")
}

fn chat(bot: BotId, person: PersonId) -> RemoteChatId {
    RemoteChatId::new(format!("ilink/{bot}/{person}"))
}

fn message_id(id: u64) -> RemoteMessageId {
    RemoteMessageId::new(id.to_string())
}

/// A code that somebody can scan, and the sign-in that shows it.
async fn shown(platform: &WeChat) -> (Box<dyn LoginProcess>, String) {
    let mut process = platform.begin_login(FLOW).await.expect("the flow begins");
    let step = process.step(Vec::new()).await.expect("the first step needs no answers");
    (process, code(step))
}

/// The code that a step shows.
fn code(step: LoginStep) -> String {
    match step {
        LoginStep::Show { code, qr: true, .. } => code,
        other => panic!("no code is shown but {other:?}"),
    }
}

/// The account that a step ends in.
fn done(step: LoginStep) -> SavedLogin {
    match step {
        LoginStep::Done(login) => login,
        other => panic!("nobody is signed in: {other:?}"),
    }
}

/// Waits until somebody has agreed; until then the same code may be shown with other words.
async fn finish(process: &mut dyn LoginProcess) -> SavedLogin {
    loop {
        match process.step(Vec::new()).await.expect("somebody agreed") {
            LoginStep::Show { .. } => {}
            other => return done(other),
        }
    }
}

/// Somebody scans a code and agrees.
async fn sign_in(platform: &WeChat, sim: &ILinkSim, person: PersonId) -> (BotId, SavedLogin) {
    let (mut process, code) = shown(platform).await;
    let bot = sim.person_confirms(&code, person);
    (bot, finish(&mut *process).await)
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
