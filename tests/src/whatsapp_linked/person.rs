//! The human on the other side, as a program of somebody else plays them: baileys, in a process of its own.
//!
//! [`linked`](Person::linked) pairs it with an account; [`send`](Person::send) takes content as baileys' documentation has it
//! (`{"text": …}`, `{"image": {"bytes": base64}, "caption": …}`, `{"poll": {"name": …, "values": […]}}`); the rest of what it can do is in
//! `tests/judges/whatsapp/person/deeds.mjs` and goes through [`tell`](Person::tell). What it receives are events, waited for with
//! [`expect`](Person::expect): `message` (`id`, `chat`, `fromMe`, `participant`, `name`, `kind`, `text`, `message`, `isLive`), `update`, `reaction`
//! (`id` of what, `participant`, `text`), `vote` (`poll`, `options`), `receipt` (`id`, `by`, `kind`), `presence` (`chat`, `who`, `state`), `group`,
//! `group-change`, `members` (`action`, `participants`), `history` (`syncType`, `chats`, `messages`), `contact`, `chat`, `call`, `mapping`; and
//! of its connection `qr`, `code`, `open`, `caught-up`, `close` (`code`, `isFinal`).

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{JUDGE, LinkedSim, Phone};
use crate::harness::node::NodeProcess;

/// A baileys client. Its process ends with the last clone.
#[derive(Clone, Debug)]
pub struct Person {
    node: NodeProcess,
}

impl Person {
    /// Starts a client that is not connected.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(sim: &LinkedSim) -> anyhow::Result<Self> {
        let media = format!("127.0.0.1:{}", sim.media_port());
        let variables = [("PERSON_URL", &*sim.url()), ("PERSON_ROOT", sim.root()), ("PERSON_MEDIA", &media)];
        let node = NodeProcess::start(JUDGE, "person.mjs", &variables).await?;
        node.expect("ready", |_| true).await?;
        Ok(Self { node })
    }

    /// Starts a client and links it to an account by QR code.
    ///
    /// # Errors
    /// When that fails.
    pub async fn linked(sim: &LinkedSim, phone: &Phone) -> anyhow::Result<Self> {
        let person = Self::start(sim).await?;
        person.tell("connect", json!({})).await?;
        let shown = person.expect("qr", |_| true).await?;
        phone.scan(shown["qr"].as_str().context("the code is no text")?).await?;
        person.caught_up().await?;
        Ok(person)
    }

    /// Starts a client and links it to an account by pair code.
    ///
    /// # Errors
    /// When that fails.
    pub async fn linked_by_code(sim: &LinkedSim, phone: &Phone) -> anyhow::Result<Self> {
        let person = Self::start(sim).await?;
        person.tell("connect", json!({"phone": phone.number})).await?;
        let shown = person.expect("code", |_| true).await?;
        phone.enter_code(shown["code"].as_str().context("the code is no text")?).await?;
        person.caught_up().await?;
        Ok(person)
    }

    /// Waits until it is connected and has got what waited for it.
    ///
    /// # Errors
    /// When it does not come so far.
    pub async fn caught_up(&self) -> anyhow::Result<()> {
        self.expect("open", |_| true).await?;
        self.expect("caught-up", |_| true).await.map(drop)
    }

    /// Gives any command of `deeds.mjs`.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn tell(&self, name: &str, fields: Value) -> anyhow::Result<Value> {
        self.node.ask(name, fields).await
    }

    /// Sends content in baileys' form. Gives the message's id.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn send(&self, to: &str, content: Value) -> anyhow::Result<String> {
        self.send_with(json!({"to": to, "content": content})).await
    }

    /// Sends text.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn say(&self, to: &str, words: &str) -> anyhow::Result<String> {
        self.send(to, json!({"text": words})).await
    }

    /// Replies with text to a message that this person knows.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn reply(&self, to: &str, id: &str, words: &str) -> anyhow::Result<String> {
        self.send_with(json!({"to": to, "content": {"text": words}, "quoted": id})).await
    }

    /// Replaces the text of an own message.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn edit(&self, to: &str, id: &str, words: &str) -> anyhow::Result<String> {
        self.about(to, id, json!({"text": words, "edit": true})).await
    }

    /// Deletes a message for everyone.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn revoke(&self, to: &str, id: &str) -> anyhow::Result<String> {
        self.about(to, id, json!({"delete": true})).await
    }

    /// Reacts to a message; an empty emoji takes it back.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn react(&self, to: &str, id: &str, emoji: &str) -> anyhow::Result<String> {
        self.about(to, id, json!({"react": {"text": emoji}})).await
    }

    /// Votes in a poll that this person knows.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn vote(&self, poll: &str, options: &[&str]) -> anyhow::Result<String> {
        id_of(&self.tell("vote", json!({"poll": poll, "options": options})).await?)
    }

    /// Marks messages that this person knows as read.
    ///
    /// # Errors
    /// When baileys fails.
    pub async fn read(&self, ids: &[&str]) -> anyhow::Result<()> {
        self.tell("read", json!({"ids": ids})).await.map(drop)
    }

    /// Downloads and opens the file of a message, asking the sender's phone once if it has expired.
    ///
    /// # Errors
    /// When the file cannot be had or does not fit its hashes.
    pub async fn download(&self, id: &str) -> anyhow::Result<Vec<u8>> {
        let file = self.tell("download", json!({"id": id, "retry": true})).await?;
        STANDARD.decode(file["data"].as_str().unwrap_or_default()).context("the person gives no bytes")
    }

    /// Waits for the first event of a kind that fits and was not taken by an earlier call.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn expect(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.node.expect(kind, fits).await
    }

    /// Waits for a message that this person could decrypt.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn expect_message(&self, id: &str) -> anyhow::Result<Value> {
        self.expect("message", |event| event["id"] == id && event.get("kind").is_some()).await
    }

    /// All events of a kind so far.
    pub fn seen(&self, kind: &str) -> Vec<Value> {
        self.node.seen(kind)
    }

    /// Ends the process in order.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.node.stop().await
    }

    async fn about(&self, to: &str, id: &str, content: Value) -> anyhow::Result<String> {
        self.send_with(json!({"to": to, "content": content, "about": id})).await
    }

    async fn send_with(&self, fields: Value) -> anyhow::Result<String> {
        id_of(&self.tell("send", fields).await?)
    }
}

/// Bytes as content for a person to send.
pub fn bytes(data: &[u8]) -> Value {
    json!({"bytes": STANDARD.encode(data)})
}

fn id_of(sent: &Value) -> anyhow::Result<String> {
    sent["id"].as_str().map(str::to_owned).context("the person names no message")
}
