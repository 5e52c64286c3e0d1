//! Updates that Telegram brings.

use std::sync::Arc;

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
use tokio::net::TcpListener;

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

async fn on_webhook(stage: &Stage) -> (Telegram, String) {
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
    relay.0.set(telegram.webhook().expect("it takes updates")).ok().expect("it is set once");
    (telegram, url)
}

/// Hands on to a webhook that comes later.
#[derive(Default)]
struct Relay(std::sync::OnceLock<Arc<dyn Webhook>>);

#[async_trait::async_trait]
impl Webhook for Relay {
    fn admit(&self, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        self.0.get().expect("it is set").admit(head)
    }

    async fn receive(&self, head: &WebhookHead, body: bytes::Bytes) -> WebhookAnswer {
        self.0.get().expect("it is set").receive(head, body).await
    }
}

#[tokio::test]
async fn what_telegram_brings_is_stored_before_it_is_answered() {
    let stage = Stage::new().await;
    let (telegram, _) = on_webhook(&stage).await;
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
    let (telegram, url) = on_webhook(&stage).await;
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
