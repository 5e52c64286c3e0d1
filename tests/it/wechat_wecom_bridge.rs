//! The WeChat bridge by an app in WeCom, against the simulator: the suite of all platforms, and WeCom's own traps.

mod callbacks;
mod hearing;
mod real_synapse;
mod sending;
mod service;
mod suite;
mod trouble;
mod welcome;

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{RemoteChatId, RemoteUserId},
    message::{
        ChatCommand, FileSource, Message, Outgoing, OutgoingMessage, RemoteEvent, RemoteMessage, RichText,
    },
    platform::{
        DeliverError, Delivered, DeliveryKey, EventSink, InDoubt, Platform, SavedLogin, Session,
        WEBHOOK_PATH, Webhook, WebhookAnswer, WebhookHead,
    },
    testkit::platform_suite::Recorder,
};
use magpie_tests::wechat_wecom::{
    AES_KEY, AGENT_ID, CORP_ID, Customer, KF_SECRET, SECRET, SmallWorld, TOKEN, To, WeComSim, World,
    staged::callback_address,
};
use magpie_wechat::{WeChat, WeChatConfig};
use tokio::net::TcpListener;

/// A small company whose app the bridge has.
struct Stage {
    sim: WeComSim,
    small: SmallWorld,
    clock: Clock,
    recorder: Recorder,
    door: Door,
}

impl Stage {
    async fn new() -> Self {
        Self::on_clock(Clock::system()).await
    }

    /// On a clock that stands still until the test moves it.
    async fn standing() -> Self {
        Self::on_clock(Clock::fixed(Clock::system().now_ms(), 7)).await
    }

    async fn on_clock(clock: Clock) -> Self {
        let (world, small) = World::small(clock.clone());
        let sim = WeComSim::start(world).await.expect("a loopback port is free");
        Self { sim, small, clock, recorder: Recorder::default(), door: Door::open().await }
    }

    fn platform(&self) -> WeChat {
        let platform = platform(config(&self.sim), &self.clock);
        self.door.lead_to(&platform);
        platform
    }

    /// A session of a bridge that is just started, to which callbacks are brought.
    async fn connect(&self) -> Arc<dyn Session> {
        self.connect_with(config(&self.sim)).await
    }

    /// The same with other settings.
    async fn connect_with(&self, config: WeChatConfig) -> Arc<dyn Session> {
        let platform = platform(config, &self.clock);
        self.door.lead_to(&platform);
        let login = login(&platform);
        let sink = EventSink::new(login.id.clone(), Arc::new(self.recorder.clone()));
        let session = platform.connect(&login, sink).await.expect("a healthy WeCom takes the app");
        self.sim.subscribe(&self.door.callback()).await.expect("the check is answered");
        session
    }

    fn member(&self, userid: &str) -> RemoteChatId {
        RemoteChatId::new(format!("wecom/{CORP_ID}/agent:{AGENT_ID}:{userid}"))
    }

    fn alice(&self) -> RemoteChatId {
        self.member(&self.small.alice)
    }

    fn to_alice(&self) -> To {
        To::Member(self.small.alice.clone())
    }

    fn talk(&self, customer: &Customer) -> RemoteChatId {
        RemoteChatId::new(format!("wecom/{CORP_ID}/kf:{}:{}", customer.kf, customer.external))
    }

    fn carol(&self) -> RemoteChatId {
        self.talk(&self.small.carol)
    }

    fn to_carol(&self) -> To {
        To::Customer(self.small.carol.clone())
    }

    /// Carol writes, so that she can be answered, and the bridge knows.
    async fn carol_writes(&self, words: &str) -> String {
        let id = self.sim.customer_says(&self.small.carol, words);
        self.arrived(words).await;
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

    /// How often a message with these words was pushed.
    fn count(&self, words: &str) -> usize {
        let messages = self.recorder.messages();
        messages.iter().filter(|it| it.message.text.to_plain() == words).count()
    }
}

/// A listener as the runtime has one, which leads to the newest bridge.
struct Door {
    url: String,
    behind: Behind,
}

type Behind = Arc<Mutex<Option<Arc<dyn Webhook>>>>;

impl Door {
    async fn open() -> Self {
        let behind = Behind::default();
        let router = Router::new().fallback(hand_on).with_state(Arc::clone(&behind));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
        let address = listener.local_addr().expect("it listens");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}"), behind }
    }

    /// Where the app is called.
    fn callback(&self) -> String {
        callback_address(&self.url)
    }

    fn lead_to(&self, platform: &WeChat) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = platform.webhook();
    }
}

async fn hand_on(State(behind): State<Behind>, request: Request) -> Response {
    let webhook = behind.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().map(str::to_owned);
    let path = parts.uri.path().strip_prefix(WEBHOOK_PATH).unwrap_or_default().to_owned();
    let head = WebhookHead { method: parts.method, path, query, headers: parts.headers };
    let answer = match webhook.map(|webhook| (webhook.admit(&head), webhook)) {
        None => WebhookAnswer::again(),
        Some((Err(refusal), _)) => refusal,
        Some((Ok(()), webhook)) => match to_bytes(body, 4 * 1024 * 1024).await {
            Ok(body) => webhook.receive(&head, body).await,
            Err(_) => WebhookAnswer::malformed(),
        },
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    response
}

fn config(sim: &WeComSim) -> WeChatConfig {
    WeChatConfig {
        wecom_corp_id: Some(CORP_ID.to_owned()),
        wecom_agent_id: Some(AGENT_ID),
        wecom_secret: Some(Secret::new(SECRET)),
        wecom_token: Some(Secret::new(TOKEN)),
        wecom_aes_key: Some(Secret::new(AES_KEY)),
        wecom_kf_secret: Some(Secret::new(KF_SECRET)),
        wecom_api_url: sim.origin(),
        ..WeChatConfig::default()
    }
}

fn platform(config: WeChatConfig, clock: &Clock) -> WeChat {
    WeChat::new(config, clock.clone()).expect("the settings are good")
}

fn login(platform: &WeChat) -> SavedLogin {
    platform.configured_login().expect("the configuration names an app")
}

fn user(native: &str) -> RemoteUserId {
    RemoteUserId::new(format!("wecom/{CORP_ID}/{native}"))
}

fn said(text: &str) -> Outgoing {
    message(Message::text(RichText::plain(text)))
}

fn command(name: &str, words: &str) -> Outgoing {
    let command = ChatCommand { name: name.to_owned(), words: words.to_owned() };
    message(Message { command: Some(command), ..Message::text(RichText::plain(&format!("{name} {words}"))) })
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

/// The words of a final refusal.
fn refused(delivered: Result<Delivered, DeliverError>) -> String {
    match delivered {
        Err(DeliverError::Rejected(words)) => words,
        other => panic!("it is not refused: {other:?}"),
    }
}

/// The bytes of the one file of a message.
async fn fetched(session: &dyn Session, message: &Message) -> Bytes {
    let [attachment] = &message.attachments[..] else { panic!("it has one file: {message:?}") };
    let FileSource::Remote(file) = &attachment.source else { panic!("it is WeCom's") };
    let download = session.download(file).await.expect("it is there");
    let chunks: Vec<Bytes> = download.stream.try_collect().await.expect("it comes whole");
    chunks.concat().into()
}
