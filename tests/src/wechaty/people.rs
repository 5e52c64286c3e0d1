//! Who is there: people, rooms, the account behind the gateway; and the habits of the puppet.

use serde_json::{Value, json};

use super::Gateway;

/// When the account's own message comes back as an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// Before the answer to the send.
    Before,
    /// After it.
    After,
    /// Never.
    Never,
}

/// What a puppet is like: they differ.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// When own messages come back.
    pub echo: Echo,
    /// Whether sends are answered with the message's id.
    pub ids: bool,
    /// Whether whoever opens a stream is told again what was said since the one before.
    pub again: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { echo: Echo::Before, ids: true, again: false }
    }
}

impl Gateway {
    /// Makes a person who is a friend, or names them anew.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn contact(&self, id: &str, name: &str) -> anyhow::Result<()> {
        self.contact_with(id, name, json!({})).await
    }

    /// The same with more fields of Wechaty's contact payload: `alias`, `friend`, `type` (1 person, 2 official account, 3 corporation),
    /// `phone`, `weixin`.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn contact_with(&self, id: &str, name: &str, mut fields: Value) -> anyhow::Result<()> {
        fields["id"] = json!(id);
        fields["name"] = json!(name);
        self.shapes("contact", fields).await.map(drop)
    }

    /// Makes a room; the first member owns it. Its id must contain an `@`.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn room(&self, id: &str, topic: &str, members: &[&str]) -> anyhow::Result<()> {
        self.shapes("room", json!({"id": id, "topic": topic, "members": members})).await.map(drop)
    }

    /// Names somebody in a room.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn nick(&self, room: &str, contact: &str, name: &str) -> anyhow::Result<()> {
        self.shapes("nick", json!({"room": room, "contact": contact, "name": name})).await.map(drop)
    }

    /// Somebody brings others into a room.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn joins(&self, room: &str, invitees: &[&str], inviter: &str) -> anyhow::Result<()> {
        self.shapes("join", json!({"room": room, "invitees": invitees, "inviter": inviter})).await.map(drop)
    }

    /// Somebody puts others out of a room, or goes.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn leaves(&self, room: &str, removees: &[&str], remover: &str) -> anyhow::Result<()> {
        self.shapes("leave", json!({"room": room, "removees": removees, "remover": remover})).await.map(drop)
    }

    /// Somebody names a room anew.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn names_room(&self, room: &str, topic: &str, changer: &str) -> anyhow::Result<()> {
        self.shapes("topic", json!({"room": room, "topic": topic, "changer": changer})).await.map(drop)
    }

    /// Makes the puppet have these habits.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn has(&self, habits: Habits) -> anyhow::Result<()> {
        let echo = match habits.echo {
            Echo::Before => "before",
            Echo::After => "after",
            Echo::Never => "never",
        };
        self.shapes("set", json!({"echo": echo, "ids": habits.ids, "again": habits.again})).await.map(drop)
    }

    /// Shows a code, which stands for a link that the phone would scan.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn shows_code(&self, link: &str) -> anyhow::Result<()> {
        self.scan_is(link, ScanState::Waiting).await
    }

    /// Tells what has become of a code.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn scan_is(&self, link: &str, state: ScanState) -> anyhow::Result<()> {
        self.command("scan", json!({"qrcode": link, "status": state as u8})).await.map(drop)
    }

    /// The phone signs this person in; their account is the gateway's from now on, across restarts.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn login(&self, id: &str) -> anyhow::Result<()> {
        self.shapes("login", json!({"id": id})).await.map(drop)
    }

    /// The phone signs the account out.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn logout(&self) -> anyhow::Result<()> {
        self.command("logout", json!({})).await?;
        self.now().world.retain(|command| command["do"] != "login");
        Ok(())
    }
}

/// What has become of a code, as Wechaty numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanState {
    /// The phone said no.
    Cancel = 1,
    /// It waits to be scanned.
    Waiting = 2,
    /// It was scanned, and the phone asks.
    Scanned = 3,
    /// The phone said yes.
    Confirmed = 4,
    /// Its time is over.
    Timeout = 5,
}
