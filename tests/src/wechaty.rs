//! A WeChat behind a Wechaty gateway: the real puppet service of Wechaty, and a world of people and rooms that a test moves.
//!
//! The gateway is a Node program (`tests/judges/wechaty/gateway.mjs`): what goes over the wire, authorization and TLS are Wechaty's own; only
//! the puppet behind it is ours. [`start`](Gateway::start) it, make people and rooms, point a bridge at [`endpoint`](Gateway::endpoint), let
//! somebody sign in and people act; then look at what was sent.
//!
//! ```no_run
//! # async fn story() -> anyhow::Result<()> {
//! use magpie_tests::wechaty::{Gateway, content::text};
//! let gateway = Gateway::start().await?;
//! gateway.contact("wxid_me", "Me").await?;
//! gateway.contact("wxid_li", "Li Lei").await?;
//! gateway.login("wxid_me").await?;
//! gateway.heard_by_somebody().await?; // the bridge has opened its stream
//! gateway.says("wxid_li", "wxid_me", text("Hello.")).await?;
//! gateway.expect_text("wxid_li", "Hello to you.").await?;
//! # Ok(())
//! # }
//! ```
//!
//! Words. An *id* is WeChat's own: `wxid_*` for people, `*@chatroom` for rooms. A *conversation* is either. What is said is JSON with what
//! makes it a message of its kind ([`content`]).
//!
//! What can be done: [`talk`], [`people`], [`faults`]. What can be seen: [`observe`]. A gateway can be killed and started again on the same
//! port ([`kill`](Gateway::kill), [`respawn`](Gateway::respawn)): the world is as it was, but what was said is forgotten, and so are files.
//! [`client`] is Wechaty's own client, as the second opinion.
//!
//! It must never be kinder than the real one: nothing is kept for a bridge that does not listen, one stream at a time, no id where
//! [`ids`](Habits::ids) says so.

pub mod client;
pub mod content;
pub mod faults;
mod identity;
pub mod observe;
pub mod people;
pub mod staged;
pub mod talk;

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::{
    client::Client,
    faults::{Fault, FaultKind},
    people::Habits,
};
use crate::harness::{node::NodeProcess, ports::free_port};

/// The folder of the Node programs, below `tests/judges/`.
pub const JUDGE: &str = "wechaty";

/// Whoever asks by this is the gateway's owner.
const TOKEN: &str = "insecure_magpie-token-of-a-test";

/// How the gateway's connections are sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    #[default]
    None,
    /// By the certificate that comes with Wechaty: everybody has its key, and it names no host.
    Stock,
    /// By one of its own for 127.0.0.1, for which an authority of its own vouches.
    Own,
}

/// A running gateway. Clones are the same one; its process ends with the last of them.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    port: u16,
    tls: Tls,
    now: Mutex<Now>,
    // Goes after the process that writes there.
    folder: TempDir,
}

#[derive(Debug)]
struct Now {
    node: NodeProcess,
    stock: Value,
    /// The commands that make the world as it is.
    world: Vec<Value>,
    /// What processes told that have ended.
    past: Vec<Value>,
}

impl Gateway {
    /// Starts without TLS.
    ///
    /// # Errors
    /// When Node or what it needs from npm is not there.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(Tls::None).await
    }

    /// Starts on a loopback port that the system chooses.
    ///
    /// # Errors
    /// When Node or what it needs from npm is not there, or `openssl` where a certificate is to be made.
    pub async fn start_with(tls: Tls) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("magpie-wechaty-").tempdir()?;
        if tls == Tls::Own {
            identity::make(folder.path()).await?;
        }
        let port = free_port()?;
        let (node, stock) = spawn(port, tls, &folder, &[]).await?;
        let now = Mutex::new(Now { node, stock, world: Vec::new(), past: Vec::new() });
        Ok(Self(Arc::new(Inner { port, tls, now, folder })))
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.0.port)
    }

    /// The same as operators write it: without TLS that must be said.
    pub fn address(&self) -> String {
        let scheme = if self.0.tls == Tls::None { "http://" } else { "" };
        scheme.to_owned() + &self.endpoint()
    }

    /// What it wants to be told by whoever asks.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// How it is sealed.
    pub fn tls(&self) -> Tls {
        self.0.tls
    }

    /// A file with the certificate that it shows (PEM).
    ///
    /// # Errors
    /// When it cannot be written, or the gateway has none.
    pub fn certificate(&self) -> anyhow::Result<PathBuf> {
        self.pem("certificate", identity::CERTIFICATE)
    }

    /// A file with the certificate of the authority that vouches for that one (PEM).
    ///
    /// # Errors
    /// When it cannot be written, or the gateway has none.
    pub fn authority(&self) -> anyhow::Result<PathBuf> {
        self.pem("ca", identity::AUTHORITY)
    }

    /// SIGKILL, and waits for the end. Whoever is connected finds out by itself.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.node().kill().await
    }

    /// Starts it again on the same port, with the same world. What was said is forgotten.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn respawn(&self) -> anyhow::Result<()> {
        let world = self.now().world.clone();
        let (node, stock) = spawn(self.0.port, self.0.tls, &self.0.folder, &world).await?;
        let mut now = self.now();
        let told = now.node.seen_from(0).0;
        now.past.extend(told);
        (now.node, now.stock) = (node, stock);
        Ok(())
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.node().stop().await
    }

    /// Sends it any command: what is missing in here, and what tests of the gateway itself need.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn command(&self, name: &str, fields: Value) -> anyhow::Result<Value> {
        self.node().ask(name, fields).await
    }

    /// The same for a command that changes the world, so that it is done again after a restart.
    async fn shapes(&self, name: &str, fields: Value) -> anyhow::Result<Value> {
        let answer = self.command(name, fields.clone()).await?;
        let mut command = fields;
        command["do"] = json!(name);
        self.now().world.push(command);
        Ok(answer)
    }

    fn node(&self) -> NodeProcess {
        self.now().node.clone()
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pem(&self, stock: &str, own: &str) -> anyhow::Result<PathBuf> {
        let path = self.0.folder.path().join(own);
        match self.0.tls {
            Tls::None => bail!("the gateway has no certificate"),
            Tls::Own => {}
            Tls::Stock => {
                let now = self.now();
                let pem = now.stock[stock].as_str().context("the gateway tells no certificate of its own")?;
                fs::write(&path, pem).context("write the certificate")?;
            }
        }
        Ok(path)
    }
}

/// A gateway in which the world is made before it listens; with the certificates that it comes with.
async fn spawn(
    port: u16,
    tls: Tls,
    folder: &TempDir,
    world: &[Value],
) -> anyhow::Result<(NodeProcess, Value)> {
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(path("world.json"), json!(world).to_string()).context("write the world down")?;
    let identity = match tls {
        Tls::None => String::new(),
        Tls::Stock => "stock".to_owned(),
        Tls::Own => path(identity::BOTH),
    };
    let (port, world, here) = (port.to_string(), path("world.json"), path(""));
    let node = NodeProcess::start(
        JUDGE,
        "gateway.mjs",
        &[
            ("GATEWAY_PORT", port.as_str()),
            ("GATEWAY_TOKEN", TOKEN),
            ("GATEWAY_TLS", identity.as_str()),
            ("GATEWAY_WORLD", world.as_str()),
            // It keeps files in there, and is killed before it can remove them.
            ("TMPDIR", here.as_str()),
            ("HOME", here.as_str()),
        ],
    )
    .await?;
    let ready = node.expect("ready", |_| true).await?;
    Ok((node, ready["stock"].clone()))
}
