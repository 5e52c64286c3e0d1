//! Updates that Telegram brings.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
    routing::any,
};
use http::StatusCode;
use magpie_common::{
    config::Secret,
    platform::{Platform, WEBHOOK_PATH, Webhook, WebhookAnswer, WebhookHead},
};
use magpie_telegram::{Mode, Telegram, TelegramConfig};
use tokio::{net::TcpListener, sync::Notify};

use super::{Stage, login, platform};

const SECRET: &str = "a-secret-for-tests-only";

/// A listener as the runtime has one.
async fn listen(webhook: Arc<dyn Webhook>) -> String {
    let router = Router::new().route(&format!("{WEBHOOK_PATH}/{{*path}}"), any(hand_on)).with_state(webhook);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
    let address = listener.local_addr().expect("it listens");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}{WEBHOOK_PATH}")
}

async fn hand_on(State(webhook): State<Arc<dyn Webhook>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_start_matches(WEBHOOK_PATH).to_owned();
    let head = WebhookHead { method: parts.method, path, query: None, headers: parts.headers };
    let answer = match webhook.admit(&head) {
        Err(refusal) => refusal,
        Ok(()) => match to_bytes(body, 1024 * 1024).await {
            Ok(body) => webhook.receive(&head, body).await,
            Err(_) => WebhookAnswer::malformed(),
        },
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    response
}

async fn on_webhook(stage: &Stage) -> (Telegram, String, Arc<Relay>) {
    let config = |url: Option<String>| TelegramConfig {
        mode: Mode::Webhook,
        webhook_url: url,
        webhook_secret: Some(Secret::new(SECRET)),
        local_server: true,
        ..stage.config()
    };
    // The address is known only when somebody listens, and who listens hands on to the platform that knows it.
    let relay = Arc::new(Relay::default());
    let url = listen(Arc::<Relay>::clone(&relay)).await;
    let telegram = platform(config(Some(url.clone())));
    relay.to.set(telegram.webhook().expect("it takes updates")).ok().expect("it is set once");
    (telegram, url, relay)
}

/// Hands on to a webhook that comes later.
#[derive(Default)]
struct Relay {
    to: OnceLock<Arc<dyn Webhook>>,
    /// The next update does not get through.
    breaks: AtomicBool,
    broken: Notify,
}

#[async_trait::async_trait]
impl Webhook for Relay {
    fn admit(&self, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        self.to.get().expect("it is set").admit(head)
    }

    async fn receive(&self, head: &WebhookHead, body: bytes::Bytes) -> WebhookAnswer {
        if self.breaks.swap(false, Ordering::Relaxed) {
            self.broken.notify_one();
            return WebhookAnswer::again();
        }
        self.to.get().expect("it is set").receive(head, body).await
    }
}

#[tokio::test]
async fn what_telegram_brings_is_stored_before_it_is_answered() {
    let stage = Stage::new().await;
    let (telegram, ..) = on_webhook(&stage).await;
    let session = telegram.connect(&login(&stage.sim.token()), stage.sink()).await.expect("it connects");
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    stage.sim.person_sends(chat, alice, "brought");
    stage.arrived("brought").await;

    // What is not stored is brought again.
    stage.recorder.refuse(true);
    stage.sim.person_sends(chat, alice, "brought again");
    stage.recorder.wait_for("a refusal", |recorder| (recorder.refused() > 0).then_some(())).await;
    stage.recorder.refuse(false);
    session.ended().await;
    drop(session);
    let session = telegram.connect(&login(&stage.sim.token()), stage.sink()).await.expect("it connects");
    stage.arrived("brought again").await;
    session.close().await;

    // And who asks for updates afterwards takes the webhook away.
    let session = stage.connect().await;
    stage.sim.person_sends(chat, alice, "asked for");
    stage.arrived("asked for").await;
    session.close().await;
    stage.should_be_honest("what_telegram_brings_is_stored_before_it_is_answered");
}

#[tokio::test]
async fn a_forged_update_is_refused() {
    let stage = Stage::new().await;
    let (telegram, url, _) = on_webhook(&stage).await;
    let session = telegram.connect(&login(&stage.sim.token()), stage.sink()).await.expect("it connects");
    let forged = format!(
        "{{\"update_id\": 1, \"message\": {{\"message_id\": 9, \"date\": 1, \"text\": \"forged\", \"chat\": {{\"id\": {}, \
         \"type\": \"supergroup\"}}, \"from\": {{\"id\": 5, \"is_bot\": false, \"first_name\": \"E\"}}}}}}",
        stage.small.supergroup
    );
    for secret in ["", "a-secret-for-tests-onl", "a-secret-for-tests-only2"] {
        let request = reqwest::Client::new().post(format!("{url}/{}", stage.small.bot)).body(forged.clone());
        let answer =
            request.header("X-Telegram-Bot-Api-Secret-Token", secret).send().await.expect("it answers");
        assert_eq!(answer.status().as_u16(), StatusCode::UNAUTHORIZED.as_u16());
    }
    assert_eq!(stage.recorder.events().len(), 0);
    session.close().await;
}

/// Telegram's queues are those of chats: what did not get through comes again after what other chats have said since.
#[tokio::test]
async fn what_comes_again_after_younger_updates_of_other_chats_is_taken_in() {
    let stage = Stage::new().await;
    stage.sim.settings(|settings| settings.webhook_pause_ms = 400);
    let (telegram, _, relay) = on_webhook(&stage).await;
    let session = telegram.connect(&login(&stage.sim.token()), stage.sink()).await.expect("it connects");
    relay.breaks.store(true, Ordering::Relaxed);
    stage.sim.person_sends(stage.small.supergroup, stage.small.alice, "not at once");
    relay.broken.notified().await;
    stage.sim.person_sends(stage.small.group, stage.small.alice, "younger");
    stage.arrived("younger").await;
    stage.arrived("not at once").await;
    // And what was stored is told apart by another session, too.
    session.close().await;
    let session = telegram.connect(&login(&stage.sim.token()), stage.sink()).await.expect("it connects");
    stage.sim.person_sends(stage.small.supergroup, stage.small.alice, "last");
    stage.arrived("last").await;
    let words: Vec<_> = stage.recorder.messages().iter().map(|it| it.message.text.to_plain()).collect();
    assert_eq!(words, ["younger", "not at once", "last"]);
    session.close().await;
}
