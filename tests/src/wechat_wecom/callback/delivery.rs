//! The task that brings callbacks, one after the other, each until the answer is a success or WeCom gives up.

use std::{sync::Arc, time::Duration};

use reqwest::redirect::Policy;

use super::{Delivery, Written, due};
use crate::wechat_wecom::state::Inner;

const ANSWER_MAX: Duration = Duration::from_secs(5);

/// The client for everything that goes to the app.
pub(crate) fn client() -> reqwest::Client {
    let client =
        reqwest::Client::builder().redirect(Policy::none()).timeout(ANSWER_MAX).user_agent("Mozilla/4.0");
    client.build().expect("the client's settings are good")
}

/// Brings whatever is due until the simulator stops.
pub(crate) async fn run(inner: Arc<Inner>) {
    let http = client();
    loop {
        let changed = inner.changed.notified();
        tokio::pin!(changed);
        // From here on no change is missed, so looking comes second.
        changed.as_mut().enable();
        let (next, now_ms) = {
            let state = inner.lock();
            (state.callbacks.next().map(|(place, delivery)| (place, delivery.clone())), state.now_ms())
        };
        let wait_ms = next.as_ref().and_then(|(_, delivery)| delivery.due_ms).map(|due_ms| due_ms - now_ms);
        match (next, wait_ms) {
            (Some((place, delivery)), Some(wait_ms)) if wait_ms <= 0 => {
                let written = due(&inner, &delivery);
                let answer = tokio::select! {
                    () = inner.stop.cancelled() => return,
                    answer = attempt(&http, &delivery, &written) => answer,
                };
                inner.change(|state| {
                    let now_ms = state.now_ms();
                    state.callbacks.answered(place, (written, answer), now_ms);
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

/// The status; 502 stands for words that are no sealed answer.
async fn attempt(http: &reqwest::Client, delivery: &Delivery, written: &Written) -> Option<u16> {
    let address = format!("{}?{}", delivery.callback, written.query);
    let request = http.post(address).header("Content-Type", "text/xml").body(written.body.clone());
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let body = response.text().await.ok()?;
    let is_success = matches!(body.as_str(), "" | "success");
    Some(if status == 200 && !is_success { 502 } else { status })
}
