//! Requests of a network: mounted only for a platform that takes them, and handed to it with a bound on everything.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::any,
};

use super::routes::read_body;
use crate::platform::{WEBHOOK_PATH, Webhook, WebhookAnswer, WebhookHead};

/// The largest request. Networks send addresses of files, never files.
const WEBHOOK_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The routes below [`WEBHOOK_PATH`].
pub fn webhook_router(webhook: Arc<dyn Webhook>) -> Router {
    Router::new()
        .route(WEBHOOK_PATH, any(receive))
        .route(&format!("{WEBHOOK_PATH}/{{*path}}"), any(receive))
        .with_state(webhook)
}

/// Any method, `/_magpie/webhook/…`
async fn receive(State(webhook): State<Arc<dyn Webhook>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix(WEBHOOK_PATH).unwrap_or_default().to_owned();
    let query = parts.uri.query().map(str::to_owned);
    let head = WebhookHead { method: parts.method, path, query, headers: parts.headers };
    if let Err(refusal) = webhook.admit(&head) {
        return written(refusal);
    }
    match read_body(body, WEBHOOK_BYTES_MAX).await {
        Ok(body) => written(webhook.receive(&head, body).await),
        Err(error) => error.into_response(),
    }
}

fn written(answer: WebhookAnswer) -> Response {
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use axum::{body::Body, http::StatusCode};
    use bytes::Bytes;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    /// Takes what bears the word `open`, and keeps it.
    #[derive(Default)]
    struct Door(Mutex<Vec<(String, Option<String>, Bytes)>>);

    #[async_trait]
    impl Webhook for Door {
        fn admit(&self, head: &WebhookHead) -> Result<(), WebhookAnswer> {
            let is_admitted = head.headers.get("x-word").is_some_and(|word| word == "open");
            if is_admitted { Ok(()) } else { Err(WebhookAnswer::unauthorized()) }
        }

        async fn receive(&self, head: &WebhookHead, body: Bytes) -> WebhookAnswer {
            let call = (head.path.clone(), head.query.clone(), body);
            self.0.lock().expect("nobody panics").push(call);
            WebhookAnswer::words("thanks")
        }
    }

    async fn ask(door: &Arc<Door>, path: &str, word: &str, body: Vec<u8>) -> StatusCode {
        let service = TowerToHyperService::new(webhook_router(Arc::<Door>::clone(door)));
        let request = Request::post(path).header("x-word", word).body(Body::from(body));
        let answer = service.call(request.expect("it is a request")).await;
        answer.expect("routers do not fail").status()
    }

    #[tokio::test]
    async fn only_what_is_admitted_and_small_reaches_the_bridge() {
        let door = Arc::new(Door::default());
        assert_eq!(
            ask(&door, "/_magpie/webhook/7?a=b", "shut", b"x".to_vec()).await,
            StatusCode::UNAUTHORIZED
        );
        let large = vec![0; WEBHOOK_BYTES_MAX + 1];
        assert_eq!(ask(&door, "/_magpie/webhook/7", "open", large).await, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(ask(&door, "/_magpie/elsewhere", "open", Vec::new()).await, StatusCode::NOT_FOUND);
        assert_eq!(door.0.lock().expect("nobody panics").len(), 0, "nothing of it was handed on");

        assert_eq!(ask(&door, "/_magpie/webhook/7?a=b", "open", b"x".to_vec()).await, StatusCode::OK);
        assert_eq!(ask(&door, "/_magpie/webhook", "open", b"y".to_vec()).await, StatusCode::OK);
        let taken = door.0.lock().expect("nobody panics").clone();
        let first = ("/7".to_owned(), Some("a=b".to_owned()), Bytes::from_static(b"x"));
        assert_eq!(taken, [first, (String::new(), None, Bytes::from_static(b"y"))]);
    }
}
