//! The WeChat bridge by Official Accounts, against the simulator: the suite of all platforms, and WeChat's own traps.

mod flood;
mod hearing;
mod parts;
mod real_synapse;
mod sending;
mod story;
mod suite;
mod window;

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
    routing::any,
};
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{RemoteChatId, RemoteUserId},
    message::{Message, Outgoing, OutgoingMessage, RemoteMessage, RichText},
    platform::{
        DeliverError, Delivered, DeliveryKey, EventSink, Platform, Session, WEBHOOK_PATH, Webhook,
        WebhookAnswer, WebhookHead,
    },
    testkit::platform_suite::Recorder,
};
use magpie_tests::wechat_official::{
    AES_KEY, APP_ID, APP_SECRET, Follower, OfficialSim, SmallWorld, TOKEN, World, staged::callback_address,
};
use magpie_wechat::{WeChat, WeChatConfig};
use tokio::net::TcpListener;

/// What the bridge says.
const SEND: &str = "POST /cgi-bin/message/custom/send";

/// A small WeChat with an account that the bridge has.
struct Stage {
    sim: OfficialSim,
    small: SmallWorld,
    clock: Clock,
    recorder: Recorder,
    door: Door,
}

impl Stage {
    async fn new() -> Self {
        Self::on_clock(Clock::system()).await
    }

    async fn on_clock(clock: Clock) -> Self {
        let (world, small) = World::small(clock.clone());
        let sim = OfficialSim::start(world).await.expect("a loopback port is free");
        sim.brings_again_after_ms(20, 4);
        Self { sim, small, clock, recorder: Recorder::default(), door: Door::open().await }
    }

    /// A session of a bridge that is just started, to which callbacks are brought.
    async fn connect(&self) -> Arc<dyn Session> {
        self.connect_by(&platform(config(&self.sim), &self.clock)).await
    }

    /// A session of a bridge that runs already.
    async fn connect_by(&self, platform: &WeChat) -> Arc<dyn Session> {
        self.door.lead_to(platform);
        let login = platform.configured_logins().pop().expect("the configuration names an account");
        let sink = EventSink::new(login.id.clone(), Arc::new(self.recorder.clone()));
        let session = platform.connect(&login, sink).await.expect("a healthy WeChat takes the account");
        let address = callback_address(&self.door.url, APP_ID);
        self.sim.subscribe(APP_ID, &address).await.expect("the check is answered");
        session
    }

    fn alice(&self) -> RemoteChatId {
        chat(&self.small.alice)
    }

    /// Alice writes, so that the window is open, and the bridge knows.
    async fn alice_writes(&self, words: &str) {
        self.sim.person_says(&self.small.alice, words);
        self.arrived(words).await;
    }

    /// Waits until a message with these words in it has arrived.
    async fn arrived(&self, words: &str) -> RemoteMessage {
        let seen = |recorder: &Recorder| {
            recorder.messages().into_iter().find(|it| it.message.text.to_plain().contains(words))
        };
        self.recorder.wait_for(words, seen).await
    }

    /// All words to Alice.
    fn words(&self) -> Vec<String> {
        self.sim.sent_to(&self.small.alice).iter().map(|sent| sent.words().to_owned()).collect()
    }
}

/// How the bridge names the chat with somebody, and them.
fn chat(follower: &Follower) -> RemoteChatId {
    RemoteChatId::new(user(follower).as_str())
}

fn user(follower: &Follower) -> RemoteUserId {
    RemoteUserId::new(format!("official/{}/{}", follower.app_id, follower.openid))
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
        let router = Router::new().fallback(any(hand_on)).with_state(Arc::clone(&behind));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
        let address = listener.local_addr().expect("it listens");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}"), behind }
    }

    fn lead_to(&self, platform: &WeChat) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = platform.webhook();
    }
}

async fn hand_on(State(behind): State<Behind>, request: Request) -> Response {
    let webhook = behind.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix(WEBHOOK_PATH).unwrap_or_default().to_owned();
    let query = parts.uri.query().map(str::to_owned);
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

fn config(sim: &OfficialSim) -> WeChatConfig {
    WeChatConfig {
        official_app_id: Some(APP_ID.to_owned()),
        official_app_secret: Some(Secret::new(APP_SECRET)),
        official_token: Some(Secret::new(TOKEN)),
        official_aes_key: Some(Secret::new(AES_KEY)),
        official_api_url: sim.origin(),
        ..WeChatConfig::default()
    }
}

fn platform(config: WeChatConfig, clock: &Clock) -> WeChat {
    WeChat::new(config, clock.clone()).expect("the settings are good")
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

/// What everything random follows from: `MAGPIE_TEST_SEED` repeats a run, as far as the machine's own timing lets it.
fn seed() -> u64 {
    let wanted = std::env::var("MAGPIE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    wanted.unwrap_or_else(|| u64::from(u32::from_le_bytes(Clock::system().random_bytes())))
}
