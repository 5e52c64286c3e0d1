//! A homeserver in memory, on loopback, that behaves as Synapse does where a bridge can tell the difference.
//!
//! Transaction ids are shared by all ghosts of one registration; our own events come back; transactions are pushed in
//! order, one at a time, with the same id until they are accepted. It waits for events and never for the clock, and it
//! can be told to fail. It must stay fast, since benchmarks run against it. Next: [`FakePerson`], the other side of a
//! conversation, and [`Faults`].

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64},
    },
    time::Duration,
};

use bytes::Bytes;
use ruma::{
    MxcUri, OwnedMxcUri, OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, ServerName, UserId, server_name,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use self::world::World;
pub use self::{
    event::FakeEvent,
    faults::{Fault, FaultRule, Faults, Gate},
    person::FakePerson,
    world::{Media, Membership},
};
use crate::{
    clock::Clock,
    config::Secret,
    homeserver::{HomeserverSettings, Profile},
};

mod api;
mod event;
mod faults;
mod person;
mod power;
mod push;
mod request;
mod rooms;
mod transactions;
mod world;

/// In no test that goes on does nothing change for this long; passing it is a failure with words instead of a test that hangs.
const QUIET_MAX: Duration = Duration::from_secs(120);

/// In no test does what is waited for take longer, however much goes on.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// Called for every event as it takes its place, under the homeserver's lock: it must be quick and must not call back.
pub type Observer = Arc<dyn Fn(&FakeEvent) + Send + Sync>;

/// How the homeserver is set up.
#[derive(Clone)]
pub struct FakeSettings {
    /// Its name.
    pub server_name: OwnedServerName,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The application services that it knows.
    pub registrations: Vec<FakeRegistration>,
    /// Whether events are kept; without, they are only counted and pushed.
    pub keep_events: bool,
    /// Sees every event.
    pub observer: Option<Observer>,
    /// The version of rooms that ask for none.
    pub default_room_version: String,
    /// The pause before a transaction is pushed again.
    pub push_retry_pause: Duration,
    /// Time and randomness.
    pub clock: Clock,
}

/// An application service as the homeserver knows it.
#[derive(Clone, Debug)]
pub struct FakeRegistration {
    /// Its id.
    pub id: String,
    /// Its token towards us.
    pub as_token: String,
    /// Our token towards it.
    pub hs_token: String,
    /// Its bot.
    pub sender_localpart: String,
    /// What its users' ids start with, `@discord_`.
    pub user_prefix: String,
    /// Where transactions go; nowhere when absent.
    pub url: Option<String>,
}

/// A running homeserver. Cloning is cheap; it stops with [`FakeHomeserver::stop`] or with its runtime.
#[derive(Clone)]
pub struct FakeHomeserver(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    registrations: Vec<Registration>,
    server_name: OwnedServerName,
    world: Mutex<World>,
    changed: Notify,
    faults: Faults,
    push_retry_pause: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
}

struct Registration {
    fixed: FakeRegistration,
    bot: OwnedUserId,
    url: Mutex<Option<String>>,
    wake: Notify,
    paused: AtomicBool,
    answers_to_lose: AtomicU32,
    accepted: AtomicU64,
}

impl FakeSettings {
    /// One application service with a known token pair, on a free port.
    pub fn with_bridge(user_prefix: &str, sender_localpart: &str) -> Self {
        Self {
            server_name: server_name!("example.org").to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            registrations: vec![FakeRegistration {
                id: "magpie".to_owned(),
                as_token: "as-token-for-tests".to_owned(),
                hs_token: "hs-token-for-tests".to_owned(),
                sender_localpart: sender_localpart.to_owned(),
                user_prefix: user_prefix.to_owned(),
                url: None,
            }],
            keep_events: true,
            observer: None,
            default_room_version: "12".to_owned(),
            push_retry_pause: Duration::from_millis(20),
            clock: Clock::system(),
        }
    }
}

impl FakeHomeserver {
    /// Starts on the current runtime.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(settings: FakeSettings) -> std::io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let registrations: Vec<_> = settings
            .registrations
            .iter()
            .map(|fixed| Registration::new(fixed.clone(), &settings.server_name))
            .collect();
        let shared = Arc::new(Shared {
            address,
            server_name: settings.server_name.clone(),
            push_retry_pause: settings.push_retry_pause,
            world: Mutex::new(World::new(settings, registrations.iter().map(|r| r.bot.clone()).collect())),
            registrations,
            changed: Notify::new(),
            faults: Faults::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        shared.tasks.spawn(request::serve(listener, Arc::clone(&shared)));
        for index in 0..shared.registrations.len() {
            shared.tasks.spawn(push::run(Arc::clone(&shared), index));
        }
        Ok(Self(shared))
    }

    /// Ends it and waits until nothing of it runs.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Where it listens.
    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.0.address)).expect("a socket address is a valid host")
    }

    /// Its name.
    pub fn server_name(&self) -> &ServerName {
        &self.0.server_name
    }

    /// What the first registration's client needs.
    pub fn client_settings(&self) -> HomeserverSettings {
        let registration = &self.0.registrations[0];
        HomeserverSettings {
            url: self.url(),
            as_token: Secret::new(registration.fixed.as_token.clone()),
            previous_as_token: None,
            bot: registration.bot.clone(),
            double_puppet_token: None,
            other_servers: BTreeMap::default(),
        }
    }

    /// Tells where the first registration's transactions go, and sends what waits.
    pub fn set_appservice_url(&self, url: &str) {
        let registration = &self.0.registrations[0];
        *lock(&registration.url) = Some(url.trim_end_matches('/').to_owned());
        registration.wake.notify_waiters();
        registration.wake.notify_one();
    }

    /// Somebody with an account here, made if need be. They accept every invitation.
    pub fn person(&self, localpart: &str) -> FakePerson {
        FakePerson::new(self.clone(), localpart)
    }

    /// Faults for calls from the bridge.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Forgets all transaction ids, as Synapse does after half an hour: a repeat then sends again.
    pub fn forget_transactions(&self) {
        self.0.world().transactions.forget();
    }

    /// Stores a file.
    pub fn put_media(&self, mime: &str, bytes: impl Into<Bytes>) -> OwnedMxcUri {
        self.0.world().put_media(Media { mime: mime.to_owned(), filename: None, bytes: bytes.into() })
    }

    /// Takes no larger file from now on, and says so to whoever asks.
    pub fn limit_uploads(&self, size_bytes_max: u64) {
        self.0.world().upload_bytes_max = Some(size_bytes_max);
    }

    /// A stored file.
    pub fn media(&self, mxc: &MxcUri) -> Option<Media> {
        let (_, id) = mxc.parts().ok()?;
        self.0.world().media.get(id).cloned()
    }

    /// All rooms, the oldest first.
    pub fn rooms(&self) -> Vec<OwnedRoomId> {
        self.0.world().room_order.clone()
    }

    /// The room of that name.
    pub fn room_named(&self, name: &str) -> Option<OwnedRoomId> {
        let has_name = |room: &OwnedRoomId| {
            let content = self.state(room, "m.room.name", "");
            content.is_some_and(|content| content["name"] == name)
        };
        self.rooms().into_iter().find(has_name)
    }

    /// The events of a room in order, state included.
    pub fn events(&self, room: &RoomId) -> Vec<Arc<FakeEvent>> {
        self.0.world().rooms.get(room).map(|room| room.events.clone()).unwrap_or_default()
    }

    /// The bodies of the messages of a room in order, each with its sender.
    pub fn messages(&self, room: &RoomId) -> Vec<(OwnedUserId, String)> {
        let events = self.events(room);
        let messages = events.iter().filter(|event| event.event_type == "m.room.message");
        messages.map(|event| (event.sender.clone(), event.body())).collect()
    }

    /// How many events there are in all rooms together.
    pub fn event_count(&self) -> u64 {
        self.0.world().event_count
    }

    /// The content of a piece of state.
    pub fn state(&self, room: &RoomId, event_type: &str, state_key: &str) -> Option<Value> {
        let world = self.0.world();
        world.rooms.get(room)?.state_event(event_type, state_key).map(|event| event.content())
    }

    /// Where somebody stands in a room.
    pub fn membership(&self, room: &RoomId, user: &UserId) -> Option<Membership> {
        self.0.world().rooms.get(room)?.members.get(user).copied()
    }

    /// How somebody shows themselves; `None` without an account.
    pub fn profile(&self, user: &UserId) -> Option<Profile> {
        self.0.world().users.get(user).map(|user| user.profile.clone())
    }

    /// Whether somebody shows as typing.
    pub fn is_typing(&self, room: &RoomId, user: &UserId) -> bool {
        self.0.world().typing.contains(&(room.to_owned(), user.to_owned()))
    }

    /// Up to where somebody has read.
    pub fn read_up_to(&self, room: &RoomId, user: &UserId) -> Option<String> {
        self.0.world().receipts.get(&(room.to_owned(), user.to_owned())).cloned()
    }

    /// Waits for the first event of a room, old ones included, that `wanted` accepts.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn wait_for(
        &self,
        room: &RoomId,
        mut wanted: impl FnMut(&FakeEvent) -> bool,
    ) -> Arc<FakeEvent> {
        let mut seen = 0;
        let look = |homeserver: &Self| {
            let world = homeserver.0.world();
            let events = &world.rooms.get(room)?.events[seen..];
            seen += events.len();
            events.iter().find(|event| wanted(event)).cloned()
        };
        match self.wait_while_busy(look).await {
            Some(event) => event,
            None => panic!("no such event in {room}; there are {:#?}", self.events(room)),
        }
    }

    /// Waits for a message with exactly this body.
    pub async fn wait_for_body(&self, room: &RoomId, body: &str) -> Arc<FakeEvent> {
        self.wait_for(room, |event| event.event_type == "m.room.message" && event.body() == body).await
    }

    /// Waits until `look` finds something; it is asked again after every change.
    ///
    /// # Panics
    /// When it never does.
    pub async fn wait_until<T>(&self, look: impl FnMut(&Self) -> Option<T>) -> T {
        self.wait_while_busy(look).await.expect("what the test waits for happens")
    }

    /// Nothing when it was quiet for too long; how long a busy machine takes does not matter, unless what goes on has nothing to do with it.
    async fn wait_while_busy<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> Option<T> {
        let seen = async {
            loop {
                let mut changed = std::pin::pin!(self.0.changed.notified());
                changed.as_mut().enable();
                if let Some(found) = look(self) {
                    return Some(found);
                }
                tokio::time::timeout(QUIET_MAX, changed).await.ok()?;
            }
        };
        tokio::time::timeout(WAIT_MAX, seen).await.ok()?
    }
}

impl std::fmt::Debug for FakeHomeserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FakeHomeserver({})", self.0.address)
    }
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Tells whoever waits, and the pushers, that something is new.
    fn announce(&self) {
        self.changed.notify_waiters();
        for registration in &self.registrations {
            registration.wake.notify_one();
        }
    }
}

impl Registration {
    fn new(fixed: FakeRegistration, server_name: &ServerName) -> Self {
        let bot = UserId::parse(format!("@{}:{server_name}", fixed.sender_localpart))
            .expect("the bot of a test has a valid name");
        Self {
            url: Mutex::new(fixed.url.clone()),
            bot,
            fixed,
            wake: Notify::new(),
            paused: AtomicBool::new(false),
            answers_to_lose: AtomicU32::new(0),
            accepted: AtomicU64::new(0),
        }
    }

    fn owns(&self, user: &UserId) -> bool {
        *user == *self.bot || user.as_str().starts_with(&self.fixed.user_prefix)
    }
}

/// A test that panicked elsewhere must not hide its reason behind a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
