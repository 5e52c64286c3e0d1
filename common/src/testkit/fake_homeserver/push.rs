//! Transactions to an application service: in order, one in flight, the same id until it is accepted.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{
    Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use ruma::UserId;
use serde_json::{Value, json, value::RawValue};

use super::{
    FakeHomeserver, Registration, Shared, lock,
    world::{Outbox, Pushed, Refusal},
};

/// As many as Synapse puts into one transaction.
const EVENTS_MAX: usize = 100;
/// A call that takes longer counts as failed.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// One transaction on its way.
struct Attempt<'a> {
    path: &'a str,
    body: Bytes,
    index: usize,
    count: usize,
}

impl FakeHomeserver {
    /// Keeps transactions back; events gather meanwhile.
    pub fn pause_pushes(&self) {
        self.0.registrations[0].paused.store(true, Ordering::Release);
    }

    /// Pushes again.
    pub fn resume_pushes(&self) {
        self.0.registrations[0].paused.store(false, Ordering::Release);
        self.0.announce();
    }

    /// Takes the next `count` answers to transactions as lost on the way, so that each is pushed again.
    pub fn lose_push_answers(&self, count: u32) {
        self.0.registrations[0].answers_to_lose.store(count, Ordering::Release);
    }

    /// Pushes an entry as it is: no event needs to look like that.
    ///
    /// # Panics
    /// When it is not JSON at all.
    pub fn push_raw(&self, json: &str) {
        let raw = RawValue::from_string(json.to_owned()).expect("what is pushed is JSON");
        self.0.world().outboxes[0].events.push_back(Pushed::Raw(raw));
        self.0.announce();
    }

    /// How many transactions were accepted.
    pub fn accepted_pushes(&self) -> u64 {
        self.0.registrations[0].accepted.load(Ordering::Acquire)
    }

    /// Waits until everything so far was pushed and accepted.
    pub async fn wait_until_pushed(&self) {
        self.wait_until(|homeserver| {
            let world = homeserver.0.world();
            (world.outboxes[0].events.is_empty() && world.outboxes[0].ephemeral.is_empty()).then_some(())
        })
        .await;
    }

    /// Asks the application services about a user that nobody knows yet, as an invitation does.
    pub(super) async fn query_user(&self, user: &UserId) {
        if self.0.world().users.contains_key(user) {
            return;
        }
        let client = client();
        for registration in self.0.registrations.iter().filter(|registration| registration.owns(user)) {
            let path = format!("/_matrix/app/v1/users/{}", user.as_str().replace('/', "%2F"));
            let _: Option<StatusCode> = call(&client, registration, Method::GET, &path, Bytes::new()).await;
        }
    }
}

/// Pushes for one registration until the homeserver stops.
pub(super) async fn run(shared: Arc<Shared>, index: usize) {
    let client = client();
    let registration = &shared.registrations[index];
    let mut number = 0u64;
    loop {
        let (count, ephemeral) = {
            let world = shared.world();
            let outbox = &world.outboxes[index];
            (outbox.events.len().min(EVENTS_MAX), outbox.ephemeral.len().min(EVENTS_MAX))
        };
        let idle = count + ephemeral == 0 || registration.paused.load(Ordering::Acquire);
        if idle || lock(&registration.url).is_none() {
            if shared.stop.run_until_cancelled(registration.wake.notified()).await.is_none() {
                return;
            }
            continue;
        }
        number += 1;
        let path = format!("/_matrix/app/v1/transactions/{number}");
        // Ephemeral events go with the first attempt only.
        let first = body(&shared.world().outboxes[index], count, ephemeral);
        shared.world().outboxes[index].ephemeral.drain(..ephemeral);
        if !push_until_accepted(
            &shared,
            registration,
            &client,
            Attempt { path: &path, body: first, index, count },
        )
        .await
        {
            return;
        }
        shared.world().outboxes[index].events.drain(..count);
        registration.accepted.fetch_add(1, Ordering::AcqRel);
        shared.changed.notify_waiters();
    }
}

/// `false` when the homeserver stops first.
async fn push_until_accepted(
    shared: &Shared,
    registration: &Registration,
    client: &HttpClient,
    mut attempt: Attempt<'_>,
) -> bool {
    loop {
        let exchange = call(client, registration, Method::PUT, attempt.path, attempt.body.clone());
        let Some(status) = shared.stop.run_until_cancelled(exchange).await else { return false };
        let accepted = status.is_some_and(|status| status.is_success());
        if accepted && !loses_answer(registration) {
            return true;
        }
        attempt.body = body(&shared.world().outboxes[attempt.index], attempt.count, 0);
        let pause = async {
            tokio::select! {
                () = tokio::time::sleep(shared.push_retry_pause) => {}
                () = registration.wake.notified() => {}
            }
        };
        if shared.stop.run_until_cancelled(pause).await.is_none() {
            return false;
        }
    }
}

fn loses_answer(registration: &Registration) -> bool {
    let one_less = |count: u32| count.checked_sub(1);
    registration.answers_to_lose.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok()
}

/// `POST /_matrix/client/v1/appservice/{appserviceId}/ping`: calls back and wakes the queue.
pub(super) async fn ping(
    shared: &Shared,
    caller: usize,
    id: &str,
    request: &Value,
) -> Result<Value, Refusal> {
    let registration = &shared.registrations[caller];
    if registration.fixed.id != id {
        return Err(Refusal::forbidden("Mismatching application service ID in path"));
    }
    if lock(&registration.url).is_none() {
        let words = "The application service does not have a URL set";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "M_URL_NOT_SET", words));
    }
    let body = json!({ "transaction_id": request["transaction_id"] }).to_string();
    match call(&client(), registration, Method::POST, "/_matrix/app/v1/ping", body.into()).await {
        Some(status) if status.is_success() => {
            registration.wake.notify_one();
            Ok(json!({ "duration_ms": 1 }))
        }
        Some(status) => {
            let words = format!("HTTP {status}");
            Err(Refusal::new(StatusCode::BAD_GATEWAY, "M_BAD_STATUS", words))
        }
        None => Err(Refusal::new(StatusCode::BAD_GATEWAY, "M_CONNECTION_FAILED", "connection failed")),
    }
}

fn client() -> HttpClient {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(tcp)
}

/// The status of the answer, if one came.
async fn call(
    client: &HttpClient,
    registration: &Registration,
    method: Method,
    path: &str,
    body: Bytes,
) -> Option<StatusCode> {
    let base = lock(&registration.url).clone()?;
    let request = Request::builder()
        .method(method)
        .uri(format!("{base}{path}"))
        .header(AUTHORIZATION, format!("Bearer {}", registration.fixed.hs_token))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .ok()?;
    let exchange = async {
        let response = client.request(request).await.ok()?;
        let status = response.status();
        // Read to its end, so that the connection can be used again.
        response.into_body().collect().await.ok()?;
        Some(status)
    };
    tokio::time::timeout(CALL_TIMEOUT, exchange).await.ok().flatten()
}

fn body(outbox: &Outbox, events: usize, ephemeral: usize) -> Bytes {
    let mut out = Vec::with_capacity(64 + events * 512);
    out.extend_from_slice(b"{\"events\":[");
    for (index, pushed) in outbox.events.iter().take(events).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match pushed {
            Pushed::Event(event) => event.write_json(&mut out),
            Pushed::Raw(raw) => out.extend_from_slice(raw.get().as_bytes()),
        }
    }
    out.push(b']');
    if ephemeral > 0 {
        let all: Vec<_> = outbox.ephemeral.iter().take(ephemeral).collect();
        // With both flags in the registration, Synapse fills both keys with the same.
        for key in ["ephemeral", "de.sorunome.msc2409.ephemeral"] {
            out.extend_from_slice(format!(",\"{key}\":{}", json!(all)).as_bytes());
        }
    }
    out.push(b'}');
    out.into()
}
