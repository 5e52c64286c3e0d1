//! The line network: a small chat network over plain TCP, the counterpart of the example platform.
//!
//! One JSON object a line. A client logs in and then asks; every request has an `id`, every answer names it in `re`:
//!
//! | request | answer |
//! |---|---|
//! | `{"id":0,"do":"login","token":"…","after":7}` | `{"re":0,"ok":{"account":"ada","name":"Ada","device":"d1","keys":true}}` |
//! | `{"id":0,"do":"pair"}` | `{"re":0,"ok":{"code":"line:…","valid_ms":60000}}`, and later `{"re":0,"ok":{"account":"ada","name":"Ada","token":"…"}}` |
//! | `{"id":1,"do":"say","chat":"lobby","key":"k","text":"hi","author":"Ada"}` | `{"re":1,"ok":{"message":"m9"}}` |
//! | `{"id":2,"do":"unsay","chat":"lobby","message":"m9"}` | `{"re":2,"ok":{}}` |
//! | `{"id":3,"do":"chat","chat":"lobby"}` | `{"re":3,"ok":{"name":"The lobby"}}`, or `null` when there is none |
//! | `{"id":4,"do":"user","user":"ada"}` | `{"re":4,"ok":{"name":"Ada"}}`, or `null` when there is none |
//! | `{"id":5,"do":"admit","code":"line:…"}` | `{"re":5,"ok":{}}` |
//!
//! A token is one device of an account, and an account has as many as it likes, each with any number of connections. Without a token
//! a client asks for a code with `pair` and shows it; when a device that is signed in admits the code, the new one is told its own
//! token, and logs in with it. A code that nobody admits ends in `expired` or `denied`.
//!
//! A refusal is `{"re":1,"error":"too_long","words":"…"}`; `busy` adds `retry_ms`. What happens is told to everybody as numbered
//! events, from `after` on (nothing is told without `after`), a client's own messages included; `via` is the device that said it:
//! `{"seq":8,"event":"said","chat":"lobby","message":"m8","by":"ada","via":"d1","name":"Ada","text":"hi","at":1700000000000}`.
//! A known `key` gets its first answer again, unless the server said `"keys":false` at login.
//!
//! The server lives in memory and outlives the bridge that it serves. It must never trust a line: length, depth of time and
//! number of connections are bounded. Next: [`network`] for what it remembers, [`crate::example`] for the client.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use magpie_common::clock::Clock;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Semaphore, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::codec::{Framed, LinesCodec};

use self::network::{Device, Fate, Greeting, Network, Step};
pub use self::network::{Fault, LineMessage};

mod network;

/// A longer line ends the connection.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// A longer text is refused.
pub const TEXT_CHARS_MAX: usize = 1_000;
const CONNECTIONS_MAX: usize = 256;
const LOGIN_WITHIN: Duration = Duration::from_secs(10);
const WAIT_AT_MOST: Duration = Duration::from_secs(20);

/// A running server, with the hands of everybody on the other side.
pub struct LineServer {
    address: SocketAddr,
    network: Arc<Network>,
    listening: Mutex<JoinHandle<()>>,
}

impl LineServer {
    /// Starts on a free port of the loopback interface, with nobody in it.
    ///
    /// # Errors
    /// When no port could be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), Clock::system()).await
    }

    /// Starts at an address.
    ///
    /// # Errors
    /// When the address could not be had.
    pub async fn start_at(address: SocketAddr, clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let network = Arc::new(Network::new(clock));
        let listening = Mutex::new(tokio::spawn(accept(listener, network.clone())));
        Ok(Self { address, network, listening })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets somebody in by a token: the account is made, or has one device more.
    pub fn add_account(&self, account: &str, name: &str, token: &str) {
        self.network.add_account(account, name, token);
    }

    /// Opens a chat.
    pub fn add_chat(&self, chat: &str, name: &str) {
        self.network.add_chat(chat, name);
    }

    /// A person says something on a device of their own; gives the message's id.
    pub fn person_says(&self, chat: &str, person: &str, text: &str) -> String {
        self.network.person_says(chat, person, text)
    }

    /// The codes that wait to be scanned.
    pub fn codes(&self) -> Vec<String> {
        self.network.codes()
    }

    /// Waits until there is a code to scan.
    ///
    /// # Errors
    /// When nobody asks for one.
    pub async fn wait_for_code(&self) -> anyhow::Result<String> {
        let code = async |server: &Self| {
            let mut changed = server.network.changes();
            loop {
                changed.borrow_and_update();
                if let Some(code) = server.codes().into_iter().next() {
                    return Ok(code);
                }
                changed.changed().await?;
            }
        };
        timeout(WAIT_AT_MOST, code(self)).await.unwrap_or_else(|_| anyhow::bail!("nobody shows a code"))
    }

    /// Somebody scans a code with a device of theirs, and says yes. False when the code does not hold, or there is no such account.
    pub fn person_scans(&self, code: &str, account: &str) -> bool {
        self.network.decide(code, Fate::Admitted(account.to_owned()))
    }

    /// Somebody scans a code, and says no. False when it does not hold.
    pub fn person_denies(&self, code: &str) -> bool {
        self.network.decide(code, Fate::Refused)
    }

    /// A code's time is over. False when it was so already.
    pub fn code_expires(&self, code: &str) -> bool {
        self.network.decide(code, Fate::Expired)
    }

    /// From now on codes hold for so long.
    pub fn codes_hold_for(&self, valid_for: Duration) {
        self.network.codes_hold_for(valid_for);
    }

    /// Tells everybody of something that happened, in any words.
    pub fn tell(&self, event: Value) {
        self.network.tell(event);
    }

    /// What stands in a chat, oldest first.
    pub fn messages(&self, chat: &str) -> Vec<LineMessage> {
        self.network.messages(chat)
    }

    /// The same without the first `from`.
    pub fn messages_from(&self, chat: &str, from: usize) -> Vec<LineMessage> {
        self.network.messages_from(chat, from)
    }

    /// A number that grows with everything that happens.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.network.changes()
    }

    /// Waits until a look at the chat's messages finds something.
    ///
    /// # Errors
    /// When nothing was found for a long time.
    pub async fn wait_for<T>(
        &self,
        chat: &str,
        mut look: impl FnMut(&[LineMessage]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut changed = self.network.changes();
        let found = async {
            loop {
                if let Some(found) = look(&self.messages(chat)) {
                    return Ok(found);
                }
                changed.changed().await?;
            }
        };
        match timeout(WAIT_AT_MOST, found).await {
            Ok(found) => found,
            Err(_) => anyhow::bail!("not found in `{chat}` in time; it holds {:?}", self.messages(chat)),
        }
    }

    /// The next `say` meets this; several queue up.
    pub fn fault(&self, fault: Fault) {
        self.network.add_fault(fault);
    }

    /// From now on keys are ignored, and logins are told so.
    pub fn forget_keys(&self) {
        self.network.forget_keys();
    }

    /// Takes a token back, and ends the connections (whose they are does not matter to a test).
    pub fn revoke(&self, token: &str) {
        self.network.revoke(token);
        self.cut();
    }

    /// Ends every connection.
    pub fn cut(&self) {
        self.network.cut();
    }

    /// Ends every connection and listens no more; everything is remembered.
    pub async fn go_away(&self) {
        let mut listening = self.listening.lock().await;
        listening.abort();
        // Only when the task is gone does the system refuse new connections.
        let _ = (&mut *listening).await;
        self.cut();
    }

    /// Listens again at the same address.
    ///
    /// # Errors
    /// When the address is taken by now.
    pub async fn come_back(&self) -> io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        *self.listening.lock().await = tokio::spawn(accept(listener, self.network.clone()));
        Ok(())
    }
}

impl Drop for LineServer {
    fn drop(&mut self) {
        self.listening.get_mut().abort();
        self.network.cut();
    }
}

async fn accept(listener: TcpListener, network: Arc<Network>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        // Who finds no place is turned away at once instead of holding up those who come after.
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let network = network.clone();
        tokio::spawn(async move {
            let mut cut = network.cuts();
            tokio::select! {
                _ = cut.changed() => {}
                _ = converse(&network, socket) => {}
            }
            drop(place);
        });
    }
}

/// One connection from login to its end; `None` is an end like any other.
async fn converse(network: &Network, socket: TcpStream) -> Option<()> {
    let mut lines = Framed::new(socket, LinesCodec::new_with_max_length(LINE_BYTES_MAX));
    let hello = timeout(LOGIN_WITHIN, lines.next()).await.ok()??.ok()?;
    match network.greet(&hello) {
        Greeting::Refused(answer) => lines.send(answer).await.ok(),
        Greeting::SignedIn { answer, who, after } => {
            lines.send(answer).await.ok()?;
            serve(network, lines, &who, after).await
        }
        Greeting::Pairing { answer, pairing } => {
            lines.send(answer).await.ok()?;
            let last = tokio::select! {
                last = pairing.ended() => last,
                // There is nothing to ask for meanwhile, so this is a client that hangs up.
                _ = lines.next() => return None,
            };
            lines.send(last).await.ok()
        }
    }
}

async fn serve(
    network: &Network,
    mut lines: Framed<TcpStream, LinesCodec>,
    who: &Device,
    mut told: Option<u64>,
) -> Option<()> {
    let mut changes = network.changes();
    loop {
        for event in network.events_after(&mut told) {
            lines.send(event).await.ok()?;
        }
        tokio::select! {
            request = lines.next() => match network.perform(who, &request?.ok()?) {
                Step::Answer(answer) => lines.send(answer).await.ok()?,
                Step::AnswerLate(answer, late) => {
                    sleep(late).await;
                    lines.send(answer).await.ok()?;
                }
                Step::Cut => return None,
            },
            changed = changes.changed() => changed.ok()?,
        }
    }
}
