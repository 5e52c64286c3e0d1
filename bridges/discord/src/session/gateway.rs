//! The gateway connection. The only file that knows serenity.
//!
//! Serenity hands each event to a task of its own and may start new connections by itself. So it lives in a thread with a
//! runtime of its own: tasks there begin in the order of the events (the runtime has one thread and one queue), nothing it
//! leaves behind survives the session, and its loops cannot stall the bridge. It may resume a connection; when it would need a new
//! session, ours ends instead, because only a new session fetches what was missed.
//!
//! Events go on as JSON, also those that serenity could not read. Must never interpret them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use magpie_common::{config::Secret, platform::ConnectError};
use serde_json::Value;
use serenity::{
    Client, Error,
    all::{Context, Event, GatewayIntents, RawEventHandler},
    client::ClientBuilder,
    gateway::GatewayError,
    http::HttpBuilder,
};
use tokio::{
    sync::{mpsc, oneshot},
    time,
};

use self::unread::{UNREADABLE, Unread};

mod unread;

/// Events that wait for the store. Beyond it the connection is given up; what was missed is fetched later.
const BACKLOG_MAX: usize = 20_000;

const TOO_FAST: &str = "Discord sends faster than events can be stored; what is missing is fetched again.";

/// How often it is looked whether serenity still has its connection.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long an orderly end may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// An event as it came.
#[derive(Debug)]
pub(super) struct GatewayEvent {
    /// Its name: `MESSAGE_CREATE`.
    pub kind: String,
    /// Its payload.
    pub data: Value,
}

/// Where and as whom to connect.
pub(super) struct GatewayAddress {
    /// The API's origin, for serenity's own requests.
    pub origin: String,
    /// The gateway's address, which has been checked.
    pub url: String,
    /// How many connections Discord asks for.
    pub shards: u32,
    /// The bot's token.
    pub token: Secret,
}

/// A running connection. It ends when this is dropped or told to.
pub(super) struct Gateway {
    stop: Option<oneshot::Sender<()>>,
}

/// Starts the connection. The second receiver tells why it ended.
pub(super) fn start(
    address: GatewayAddress,
    events: mpsc::Sender<GatewayEvent>,
) -> Result<(Gateway, oneshot::Receiver<ConnectError>), std::io::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    thread::Builder::new().name("discord-gateway".to_owned()).spawn(move || {
        let (tell, told) = mpsc::channel(1);
        let lost = Arc::new(AtomicBool::new(false));
        let handler =
            Handler { events, waiting: AtomicUsize::new(0), lost: Arc::clone(&lost), tell: tell.clone() };
        let log = Unread { lost, tell, spans: AtomicU64::new(0) };
        let work = run(address, handler, (told, stopped));
        let why = tracing::subscriber::with_default(log, || runtime.block_on(work));
        runtime.shutdown_background();
        // Nobody listens when the session is gone already.
        let _ = end.send(why);
    })?;
    Ok((Gateway { stop: Some(stop) }, ended))
}

impl Gateway {
    /// Asks the connection to end; the receiver given by [`start`] tells when it has.
    pub(super) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

fn intents() -> GatewayIntents {
    GatewayIntents::GUILDS
        | GatewayIntents::GUILD_WEBHOOKS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::GUILD_MESSAGE_REACTIONS
        | GatewayIntents::GUILD_MESSAGE_TYPING
        | GatewayIntents::DIRECT_MESSAGES
        | GatewayIntents::DIRECT_MESSAGE_REACTIONS
        | GatewayIntents::DIRECT_MESSAGE_TYPING
        | GatewayIntents::MESSAGE_CONTENT
}

async fn run(
    address: GatewayAddress,
    handler: Handler,
    (told, stopped): (mpsc::Receiver<&'static str>, oneshot::Receiver<()>),
) -> ConnectError {
    let mut client = match client(&address, handler).await {
        Ok(client) => client,
        Err(error) => return ConnectError::Transient(format!("The Discord client did not start: {error}")),
    };
    // Serenity falls back to the public gateway when its own question fails; the address that was checked counts.
    *client.ws_url.lock().await = address.url;
    let shards = Arc::clone(&client.shard_manager);
    let lost = connection_lost(&shards, told);
    let end = tokio::select! {
        outcome = client.start_shards(address.shards) => end_of(outcome),
        why = lost => why,
        _ = stopped => ConnectError::Closed,
    };
    if end == ConnectError::Closed {
        // An impolite end is harmless: Discord notices that the connection is gone.
        let _ = time::timeout(CLOSE_WITHIN, shards.shutdown_all()).await;
    }
    end
}

async fn client(address: &GatewayAddress, handler: Handler) -> Result<Client, Error> {
    let http = HttpBuilder::new(address.token.expose()).proxy(&address.origin).build();
    ClientBuilder::new_with_http(http, intents()).raw_event_handler(handler).await
}

/// Resolves when serenity has given a connection up, or something was lost on the way.
async fn connection_lost(
    shards: &serenity::gateway::ShardManager,
    mut told: mpsc::Receiver<&'static str>,
) -> ConnectError {
    let mut begun = false;
    loop {
        tokio::select! {
            Some(why) = told.recv() => return ConnectError::Transient(why.to_owned()),
            () = time::sleep(LOOK_EVERY) => {}
        }
        let running = !shards.runners.lock().await.is_empty();
        if begun && !running {
            return ConnectError::Transient("The connection to Discord's gateway was lost.".to_owned());
        }
        begun |= running;
    }
}

fn end_of(outcome: Result<(), Error>) -> ConnectError {
    let Err(error) = outcome else {
        return ConnectError::Transient("Discord's gateway ended the session.".to_owned());
    };
    match error {
        Error::Gateway(GatewayError::InvalidAuthentication) => {
            ConnectError::BadCredentials(super::BAD_TOKEN.to_owned())
        }
        Error::Gateway(GatewayError::DisallowedGatewayIntents) => {
            ConnectError::BadCredentials(super::MISSING_INTENT.to_owned())
        }
        Error::Gateway(GatewayError::InvalidGatewayIntents) => ConnectError::BadCredentials(
            "Discord does not know an intent that this bridge asks for; update the bridge.".to_owned(),
        ),
        other => ConnectError::Transient(format!("Discord's gateway ended the session: {other}")),
    }
}

struct Handler {
    events: mpsc::Sender<GatewayEvent>,
    waiting: AtomicUsize,
    /// Something was lost: nothing younger may go on, or it could not be fetched any more.
    lost: Arc<AtomicBool>,
    tell: mpsc::Sender<&'static str>,
}

#[serenity::async_trait]
impl RawEventHandler for Handler {
    async fn raw_event(&self, _context: Context, event: Event) {
        let plain = plain(&event);
        if plain.is_none() {
            self.lose(UNREADABLE);
        }
        if self.waiting.load(Ordering::Relaxed) >= BACKLOG_MAX {
            self.lose(TOO_FAST);
        }
        let Some(event) = plain.filter(|_| !self.lost.load(Ordering::Relaxed)) else { return };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // Places are given in the order in which they are asked for. The session is over when nobody takes events.
        let _ = self.events.send(event).await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Handler {
    fn lose(&self, why: &'static str) {
        self.lost.store(true, Ordering::Relaxed);
        // One word is enough; further ones find the channel full.
        let _ = self.tell.try_send(why);
    }
}

/// `None` when serenity cannot write down what it has read.
fn plain(event: &Event) -> Option<GatewayEvent> {
    let mut event = serde_json::to_value(event).ok()?;
    let kind = event["t"].as_str()?.to_owned();
    Some(GatewayEvent { kind, data: event["d"].take() })
}
