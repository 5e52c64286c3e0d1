//! A program that watches over bridges: it takes their reports over HTTP, or has trouble, as it is told.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION, header::LOCATION},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use url::Url;

use super::platform_suite::within;

/// Something that takes reports. It ends when it is dropped.
pub struct FakeWatcher {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: AbortOnDropHandle<()>,
}

struct Shared {
    posts: Mutex<Vec<Post>>,
    trouble: Mutex<VecDeque<Trouble>>,
    changed: watch::Sender<usize>,
}

/// What it does instead of taking a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Answers with that status; a redirect leads back to itself.
    Status(u16),
    /// Never answers.
    Silence,
}

/// One report as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// The header that tells from whom.
    pub authorization: String,
    /// What it says.
    pub body: Value,
    /// The trouble that it met.
    pub trouble: Option<Trouble>,
}

impl FakeWatcher {
    /// A watcher at a free port of this machine.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// A watcher at that address.
    ///
    /// # Panics
    /// When it is taken.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("an address");
        let address = listener.local_addr().expect("an address");
        let (changed, _) = watch::channel(0);
        let shared = Arc::new(Shared { posts: Mutex::default(), trouble: Mutex::default(), changed });
        let router = Router::new().route("/{name}", post(take)).with_state(shared.clone());
        let stop = CancellationToken::new();
        let server = tokio::spawn(crate::appservice::serve(listener, router, stop));
        Self { address, shared, _server: AbortOnDropHandle::new(server) }
    }

    /// Where it takes reports.
    ///
    /// # Panics
    /// Never.
    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}/reports", self.address)).expect("an address")
    }

    /// The next reports meet that, one after the other.
    pub fn meets(&self, trouble: impl IntoIterator<Item = Trouble>) {
        lock(&self.shared.trouble).extend(trouble);
    }

    /// All reports, in order.
    pub fn posts(&self) -> Vec<Post> {
        lock(&self.shared.posts).clone()
    }

    /// What was taken, in order.
    pub fn taken(&self) -> Vec<Value> {
        self.posts().into_iter().filter(|post| post.trouble.is_none()).map(|post| post.body).collect()
    }

    /// The checkpoints of messages among what was taken.
    pub fn checkpoints(&self) -> Vec<Value> {
        let lists = self.taken().into_iter().filter_map(|body| body.get("checkpoints")?.as_array().cloned());
        lists.flatten().collect()
    }

    /// Waits until `look` finds something.
    ///
    /// # Panics
    /// When it never does.
    pub async fn wait_until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changed = self.shared.changed.subscribe();
        within(what, async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = look(self) {
                    return found;
                }
                changed.changed().await.expect("the watcher holds the sender");
            }
        })
        .await
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let trouble = lock(&shared.trouble).pop_front();
    let authorization = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    lock(&shared.posts).push(Post { authorization: authorization.to_owned(), body, trouble });
    shared.changed.send_modify(|posts| *posts += 1);
    match trouble {
        None => StatusCode::OK.into_response(),
        Some(Trouble::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(LOCATION, "/elsewhere")]).into_response()
        }
        Some(Trouble::Silence) => std::future::pending().await,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
