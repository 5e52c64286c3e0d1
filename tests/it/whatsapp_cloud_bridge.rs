//! The WhatsApp bridge by the Cloud API, against the simulator: the suite of all platforms, and WhatsApp's own traps.

mod alone;
mod doctor;
mod doubt;
mod examples;
mod flood;
mod gated;
mod hearing;
mod identity;
mod kinds;
mod real_synapse;
mod sending;
mod story;
mod suite;
mod webhook;
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
    message::{Message, Outgoing, OutgoingMessage, RemoteEvent, RemoteMessage, RichText},
    platform::{
        DeliverError, Delivered, DeliveryKey, EventSink, InDoubt, Platform, SavedLogin, Session,
        WEBHOOK_PATH, Webhook, WebhookAnswer, WebhookHead,
    },
    testkit::platform_suite::Recorder,
};
use magpie_tests::{
    openapi::skip,
    whatsapp_cloud::{Chat, SmallWorld, WhatsAppCloudSim, World},
};
use magpie_whatsapp::{WhatsApp, WhatsAppConfig};
use tokio::net::TcpListener;

/// A small WhatsApp with a business whose number the bridge has.
struct Stage {
    sim: WhatsAppCloudSim,
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
        Self::of(world, small, clock).await
    }

    async fn of(world: World, small: SmallWorld, clock: Clock) -> Self {
        let sim = WhatsAppCloudSim::start(world).await.expect("a loopback port is free");
        Self { sim, small, clock, recorder: Recorder::default(), door: Door::open().await }
    }

    fn platform(&self) -> WhatsApp {
        let platform = platform(config(&self.sim, &self.small), &self.clock);
        self.door.lead_to(&platform);
        platform
    }

    /// A session of a bridge that is just started, to which webhooks are brought.
    async fn connect(&self) -> Arc<dyn Session> {
        let platform = self.platform();
        let login = platform.configured_logins().pop().expect("the configuration names a number");
        let session =
            platform.connect(&login, self.sink()).await.expect("a healthy WhatsApp takes the number");
        self.sim.subscribe(&self.door.url).await.expect("the handshake is answered");
        session
    }

    fn sink(&self) -> EventSink {
        let login = self.platform_login();
        EventSink::new(login.id, Arc::new(self.recorder.clone()))
    }

    fn platform_login(&self) -> SavedLogin {
        let platform = platform(config(&self.sim, &self.small), &self.clock);
        platform.configured_logins().pop().expect("the configuration names a number")
    }

    /// The room's name for Alice's chat.
    fn alice(&self) -> RemoteChatId {
        self.id(self.small.with_alice())
    }

    fn id(&self, chat: Chat) -> RemoteChatId {
        RemoteChatId::new(format!("{}/{}", chat.number, self.user(chat)))
    }

    /// How the bridge names a person, where user ids are told.
    fn user(&self, chat: Chat) -> RemoteUserId {
        RemoteUserId::new(self.sim.person(chat.person).expect("it is a person").user_id)
    }

    /// Alice writes, so that the window is open, and the bridge knows.
    async fn alice_writes(&self) -> String {
        let id = self.sim.person_says(self.small.with_alice(), "let us talk");
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

    /// Neither our requests nor the simulator's answers may disagree with Meta's description.
    fn should_be_honest(&self, test: &str) {
        if !self.sim.is_judged() {
            skip(test, "the description of the Cloud API is not present (see MAGPIE_SPECS)");
        }
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
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
        let router = Router::new().route(WEBHOOK_PATH, any(hand_on)).with_state(Arc::clone(&behind));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
        let address = listener.local_addr().expect("it listens");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}{WEBHOOK_PATH}"), behind }
    }

    fn lead_to(&self, platform: &WhatsApp) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = platform.webhook();
    }
}

async fn hand_on(State(behind): State<Behind>, request: Request) -> Response {
    let webhook = behind.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().map(str::to_owned);
    let head = WebhookHead { method: parts.method, path: String::new(), query, headers: parts.headers };
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

fn config(sim: &WhatsAppCloudSim, small: &SmallWorld) -> WhatsAppConfig {
    let secrets = sim.secrets();
    WhatsAppConfig {
        linked_devices: false,
        cloud_phone_number_id: Some(small.number.to_string()),
        cloud_access_token: Some(Secret::new(secrets.token)),
        cloud_app_secret: Some(Secret::new(secrets.app_secret)),
        cloud_verify_token: Some(Secret::new(secrets.verify_token)),
        cloud_graph_url: sim.graph_url(),
        ..WhatsAppConfig::default()
    }
}

fn platform(config: WhatsAppConfig, clock: &Clock) -> WhatsApp {
    WhatsApp::new(config, clock.clone()).expect("the settings are good")
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
