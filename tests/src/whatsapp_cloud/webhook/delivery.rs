//! The task that posts webhooks, one after the other, each until the answer is 200.

use std::{sync::Arc, time::Duration};

use reqwest::redirect::Policy;

use super::{SIGNATURE_HEADER, queue::Delivery};
use crate::whatsapp_cloud::state::Inner;

const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The client for everything that goes to the business. Meta follows no redirects.
pub(crate) fn client() -> reqwest::Client {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .timeout(ANSWER_MAX)
        .user_agent("facebookexternalua");
    client.build().expect("the client's settings are good")
}

/// Posts whatever is due until the simulator stops.
pub(crate) async fn run(inner: Arc<Inner>) {
    let http = client();
    loop {
        let changed = inner.changed.notified();
        tokio::pin!(changed);
        // From here on no change is missed, so looking comes second.
        changed.as_mut().enable();
        let (next, now_ms) = {
            let state = inner.lock();
            (state.webhooks.next().map(|(place, delivery)| (place, delivery.clone())), state.now_ms())
        };
        let wait_ms = next.as_ref().and_then(|(_, delivery)| delivery.due_ms).map(|due_ms| due_ms - now_ms);
        match (next, wait_ms) {
            (Some((place, delivery)), Some(wait_ms)) if wait_ms <= 0 => {
                let answer = tokio::select! {
                    () = inner.stop.cancelled() => return,
                    answer = attempt(&http, &delivery) => answer,
                };
                inner.change(|state| {
                    let now_ms = state.now_ms();
                    state.webhooks.answered(place, answer, now_ms);
                });
            }
            (_, wait_ms) => {
                // On a clock that stands still this only looks again.
                let wait = wait_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
                tokio::select! {
                    () = inner.stop.cancelled() => return,
                    () = changed => {}
                    () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
                }
            }
        }
    }
}

async fn attempt(http: &reqwest::Client, delivery: &Delivery) -> Option<u16> {
    let request = http
        .post(&delivery.callback)
        .header("Content-Type", "application/json")
        .header(SIGNATURE_HEADER, &delivery.signature)
        .body(delivery.body.clone());
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    // The rest of the answer interests nobody, but the connection is used again.
    let _ = response.bytes().await;
    Some(status)
}
