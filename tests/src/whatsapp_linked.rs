//! A WhatsApp of our own, as the linked devices of personal accounts see it: the encrypted socket, the phones, the media host.
//!
//! The server is a Node program (`tests/judges/whatsapp/server.mjs`), because it needs the codec of `baileys`; this is the typed way to
//! it. [`start`](LinkedSim::start) it, make accounts, point a client at [`url`](LinkedSim::url), let the phone scan what the client shows,
//! and let people act; then look at what the server carried and what the phones could read.
//!
//! ```no_run
//! # async fn story() -> anyhow::Result<()> {
//! use magpie_tests::whatsapp_linked::{LinkedSim, content::text, person::Person};
//! let sim = LinkedSim::start().await?;
//! let alice = sim.account("12025550101", "Alice").await?;
//! let bob = sim.account("12025550102", "Bob").await?;
//! let client = Person::linked(&sim, &alice).await?; // baileys; any other client shows its code: `alice.scan(code).await?`
//! let id = bob.send(&alice.lid, text("Hello.")).await?;
//! client.expect_message(&id).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What a client needs that is not baileys: the address, [`root`](LinkedSim::root) as the certificate to trust (or no check of it), and
//! [`media_port`](LinkedSim::media_port), where the media host answers over https and over plain http alike; clients are told to use
//! `https://127.0.0.1:<media port>` with a certificate of its own.
//!
//! Words. A *number* is digits without a plus. An *address* is a JID; whoever has the number 12025550101 has the addresses
//! `12025550101@s.whatsapp.net` and, as LID, `9912025550101@lid`. A *device* is an address with `:1` and up before the `@`; device 0 is the
//! phone, simulated by the server, and needs no number. A message's content is JSON in the form of protobuf's `Message` ([`content`]);
//! bytes in it are base64 text.
//!
//! What can be done: [`phone`] (link, write, mark, type, be away, change the number), [`groups`], [`communities`],
//! [`newsletters`], [`settings`] (app state: names of contacts, archive, pin, mute), [`history`], [`faults`]. What can be seen: [`observe`], with all events. Where the human on the other side should
//! be a program of somebody else: [`person`], which is baileys.
//!
//! It must never be kinder than WhatsApp where that is known. Not simulated: passkeys, limits on the server's side, server state across a
//! restart.

pub mod communities;
pub mod content;
pub mod faults;
pub mod groups;
pub mod history;
pub mod newsletters;
pub mod observe;
pub mod person;
pub mod phone;
pub mod settings;
pub mod staged;

use anyhow::Context;
use serde_json::{Value, json};

pub use self::{
    faults::{Fault, FaultKind, Refusal},
    history::{PastChat, PastMessage},
    person::Person,
    phone::Phone,
};
use crate::harness::node::NodeProcess;

/// The folder of the Node programs, below `tests/judges/`.
const JUDGE: &str = "whatsapp";

/// A running simulator. Its process ends when this and everything made of it is dropped.
#[derive(Clone, Debug)]
pub struct LinkedSim {
    node: NodeProcess,
    port: u16,
    media_port: u16,
    root: String,
}

impl LinkedSim {
    /// Starts on loopback ports that the system chooses.
    ///
    /// # Errors
    /// When Node or what it needs from npm is not there.
    pub async fn start() -> anyhow::Result<Self> {
        let node = NodeProcess::start(JUDGE, "server.mjs", &[]).await?;
        let ready = node.expect("ready", |_| true).await?;
        let port = |name: &str| ready[name].as_u64().and_then(|port| u16::try_from(port).ok());
        Ok(Self {
            port: port("port").context("the server names no port")?,
            media_port: port("mediaPort").context("the server names no port for media")?,
            root: ready["root"].as_str().context("the server names no root key")?.to_owned(),
            node,
        })
    }

    /// What stands in for `wss://web.whatsapp.com/ws/chat`.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws/chat", self.port)
    }

    /// Where the media host listens on loopback.
    pub fn media_port(&self) -> u16 {
        self.media_port
    }

    /// The media host over plain http, for clients with an HTTP layer of their own.
    pub fn media_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.media_port)
    }

    /// The public key, in hex, that stands in for WhatsApp's own as the root of certificates.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Makes an account with a phone. `number` is digits, from a range that nobody has.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn account(&self, number: &str, name: &str) -> anyhow::Result<Phone> {
        self.account_with(number, json!({"name": name})).await
    }

    /// Makes an account with `lid` (its digits), `hidden` (the number is told to nobody who knows the LID), `groupadd: "none"` (cannot be
    /// put into groups), beside its `name`.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn account_with(&self, number: &str, mut fields: Value) -> anyhow::Result<Phone> {
        fields["phone"] = json!(number);
        let made = self.node.ask("account", fields).await?;
        Phone::new(self.node.clone(), &made)
    }

    /// Sends the server any command: what is missing in here, and what tests of the server itself need.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn command(&self, name: &str, fields: Value) -> anyhow::Result<Value> {
        self.node.ask(name, fields).await
    }

    /// Ends the server in order.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.node.stop().await
    }
}
