//! The far side of a bridge, as a checker sees it: chats in which numbered people write, and what the bridge said there.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context;
use async_trait::async_trait;

use super::NETWORK_PEOPLE;
use crate::line_server::LineServer;

const TOKEN: &str = "magpie-token-of-a-checker";

/// How the room of a chat is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rooms {
    /// By its name, which is the chat's.
    Named,
    /// By the chat that it says it is of: rooms of direct chats have no name.
    Direct,
}

/// What a network promises of the order of messages in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is kept both ways.
    Kept,
    /// It is kept on the way to the network. What people write there comes in any order.
    ToNetwork,
}

/// A simulated network that outlives the bridge.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// The bridge that serves it: `example` for `magpie-example`.
    const BRIDGE: &'static str;

    /// How rooms of its chats are known.
    const ROOMS: Rooms = Rooms::Named;

    /// What it promises of the order of messages.
    const ORDER: Order = Order::Kept;

    /// Nothing takes this long. Below the homeserver's own limit, which panics.
    const WAIT_MAX: Duration = Duration::from_secs(25);

    /// Its program, where that is not the one that is shipped.
    const PROGRAM: Option<&'static str> = None;

    /// What the first person says to the bot in every room, where one must for others to be heard, and a part of the answer that is wanted.
    const GREETING: Option<(&'static str, &'static str)> = None;

    /// The bridge listens at `url` for the first time: signs in, where its configuration names no account.
    ///
    /// # Errors
    /// When that fails.
    async fn sign_in(&self, url: &str, admin: &str) -> anyhow::Result<()> {
        let _ = (url, admin);
        Ok(())
    }

    /// The lines of the `platform:` section of the bridge that listens at `url`.
    fn platform(&self, url: &str) -> String;

    /// Opens a chat, whose name becomes its room's name; gives its id.
    fn open_chat(&self, name: &str) -> String;

    /// Who may write in a chat.
    fn people(&self, _chat: &str) -> Vec<String> {
        NETWORK_PEOPLE.map(str::to_owned).to_vec()
    }

    /// A person writes; gives the message's id.
    fn person_says(&self, chat: &str, person: &str, text: &str) -> String;

    /// The ghost of a person, without the server's name.
    fn ghost(&self, person: &str) -> String;

    /// What the bridge said in a chat, from the `from`-th of all messages on, and how many messages there are.
    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize);

    /// A number that changes with everything that happens.
    fn version(&self) -> u64;

    /// Waits until the version is another one.
    async fn changed(&self, version: u64);

    /// Numbers of messages that somebody had to ask for again: what could not be read comes late, and out of its order.
    fn late(&self) -> BTreeSet<u64> {
        BTreeSet::new()
    }

    /// Waits until what was asked for again has come, as far as it comes.
    async fn caught_up(&self) {}

    /// Something has not come: keeps what the network has seen, for whoever looks into it.
    fn keep_record(&self) {}

    /// Waits until the bridge has taken what was written so far, where a later word does not show that it has.
    async fn taken(&self) {}
}

/// Something that the bridge said.
#[derive(Clone, Debug)]
pub struct Heard {
    /// For whom.
    pub author: String,
    /// What.
    pub text: String,
}

/// The line network, with or without keys.
pub struct LineNetwork(pub LineServer);

impl LineNetwork {
    /// Starts one.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(keys: bool) -> anyhow::Result<Self> {
        let server = LineServer::start().await.context("start the line server")?;
        server.add_account("bridge", "Bridge", TOKEN);
        if !keys {
            server.forget_keys();
        }
        Ok(Self(server))
    }
}

#[async_trait]
impl Network for LineNetwork {
    const BRIDGE: &'static str = "example";

    fn platform(&self, _url: &str) -> String {
        format!("server: {}\ntoken: {TOKEN}\n", self.0.address())
    }

    fn open_chat(&self, name: &str) -> String {
        self.0.add_chat(name, name);
        name.to_owned()
    }

    fn person_says(&self, chat: &str, person: &str, text: &str) -> String {
        self.0.person_says(chat, person, text)
    }

    fn ghost(&self, person: &str) -> String {
        format!("@example_{person}")
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let new = self.0.messages_from(chat, from);
        let count = from + new.len();
        let ours = new.into_iter().filter(|message| message.by == "bridge");
        let heard =
            ours.map(|message| Heard { author: message.author.unwrap_or_default(), text: message.text });
        (heard.collect(), count)
    }

    fn version(&self) -> u64 {
        *self.0.changes().borrow()
    }

    async fn changed(&self, version: u64) {
        // The sender lives as long as the server, and that is borrowed here.
        let _ = self.0.changes().wait_for(|now| *now != version).await;
    }
}
