//! An account's phone and the person who holds it.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::content::FileKind;
use crate::harness::node::NodeProcess;

/// The phone of one account. Clones are the same phone.
#[derive(Clone, Debug)]
pub struct Phone {
    pub(super) node: NodeProcess,
    /// The phone number, digits only.
    pub number: String,
    /// The address by number: `12025550101@s.whatsapp.net`.
    pub jid: String,
    /// The address by LID: `9912025550101@lid`.
    pub lid: String,
}

/// What a receipt of a phone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It was read.
    Read,
    /// It was listened to or watched.
    Played,
}

/// What somebody is doing in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Typing.
    Typing,
    /// Recording a voice message.
    Recording,
    /// Neither any more.
    Nothing,
}

/// A linked device as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// Its address by number.
    pub jid: String,
    /// Whether it is connected and gets what is sent.
    pub is_online: bool,
    /// How many stanzas wait until it acknowledges them.
    pub queued: u64,
}

impl Phone {
    pub(super) fn new(node: NodeProcess, made: &Value) -> anyhow::Result<Self> {
        let field =
            |name: &str| made[name].as_str().map(str::to_owned).context("the server names no account");
        Ok(Self { node, number: field("user")?, jid: field("pn")?, lid: field("lid")? })
    }

    /// Scans the code that a client shows, given as text. Gives the address of the new device.
    ///
    /// # Errors
    /// When no connection shows this code.
    pub async fn scan(&self, code: &str) -> anyhow::Result<String> {
        let device = self.ask("scan", json!({"qr": code})).await?;
        device.as_str().map(str::to_owned).context("the server names no device")
    }

    /// Types the pair code that a client shows for this number.
    ///
    /// # Errors
    /// When no client asked for one.
    pub async fn enter_code(&self, code: &str) -> anyhow::Result<()> {
        self.ask("code", json!({"code": code})).await.map(drop)
    }

    /// The linked devices, the phone left out.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn devices(&self) -> anyhow::Result<Vec<DeviceState>> {
        let shown = self.ask("show", json!({})).await?;
        let devices = shown["devices"].as_array().context("the server lists no devices")?;
        let state = |device: &Value| DeviceState {
            jid: device["jid"].as_str().unwrap_or_default().to_owned(),
            is_online: device["online"] == true,
            queued: device["queued"].as_u64().unwrap_or_default(),
        };
        Ok(devices.iter().filter(|device| device["id"] != 0).map(state).collect())
    }

    /// Writes to an address, in whose form the conversation is held. Gives the message's id. Linked devices get a copy.
    ///
    /// # Errors
    /// When there is no such address.
    pub async fn send(&self, to: &str, content: Value) -> anyhow::Result<String> {
        self.send_with(to, content, json!({})).await
    }

    /// Writes with `id`, `type` (`text`, `media`, `reaction`, `poll`), `edit` (`1` edit, `7` and `8` revoke), `audience` (numbers that
    /// see a status).
    ///
    /// # Errors
    /// When there is no such address.
    pub async fn send_with(&self, to: &str, content: Value, mut options: Value) -> anyhow::Result<String> {
        options["to"] = json!(to);
        options["message"] = content;
        let id = self.ask("send", options).await?;
        id.as_str().map(str::to_owned).context("the server names no message")
    }

    /// Uploads a file as this phone would and writes a message about it; `fields` go into its part (caption, mimetype, ...).
    ///
    /// # Errors
    /// When there is no such address.
    pub async fn send_file(
        &self,
        to: &str,
        kind: FileKind,
        data: &[u8],
        fields: Value,
    ) -> anyhow::Result<String> {
        let sealed = json!({"kind": kind.word(), "data": {"bytes": STANDARD.encode(data)}});
        let mut part = self.node.ask("seal", sealed).await?;
        for (name, value) in fields.as_object().into_iter().flatten() {
            part[name] = value.clone();
        }
        self.send_with(to, json!({kind.part(): part}), json!({"type": "media"})).await
    }

    /// Opens the file of a message that this phone has read, checking its hashes and its seal.
    ///
    /// # Errors
    /// When the file is not there or anything about it is wrong.
    pub async fn open_file(&self, kind: FileKind, content: &Value) -> anyhow::Result<Vec<u8>> {
        let asked = json!({"kind": kind.word(), "file": content[kind.part()]});
        let data = self.node.ask("open", asked).await?;
        STANDARD.decode(data.as_str().unwrap_or_default()).context("the server gives no bytes")
    }

    /// Marks messages of a chat; `author` is who wrote them, in groups.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn mark(&self, mark: Mark, chat: &str, author: Option<&str>, id: &str) -> anyhow::Result<()> {
        let word = if mark == Mark::Read { "read" } else { "played" };
        let fields = json!({"to": chat, "participant": author, "id": id, "type": word});
        self.ask("receipt", fields).await.map(drop)
    }

    /// Types or records in a chat, or stops.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn does(&self, doing: Doing, chat: &str) -> anyhow::Result<()> {
        let (state, media) = match doing {
            Doing::Typing => ("composing", None),
            Doing::Recording => ("composing", Some("audio")),
            Doing::Nothing => ("paused", None),
        };
        self.ask("chatstate", json!({"to": chat, "state": state, "media": media})).await.map(drop)
    }

    /// Is online, for those who may know, or not any more.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn set_online(&self, is_online: bool) -> anyhow::Result<()> {
        let word = if is_online { "available" } else { "unavailable" };
        self.ask("presence", json!({"type": word})).await.map(drop)
    }

    /// Rings somebody, or a group. Gives the call's id.
    ///
    /// # Errors
    /// When there is no such address.
    pub async fn call(&self, to: &str, is_video: bool) -> anyhow::Result<String> {
        let id = self.ask("offerCall", json!({"to": to, "isVideo": is_video})).await?;
        id.as_str().map(str::to_owned).context("the server names no call")
    }

    /// Gives up a call that nobody has answered.
    ///
    /// # Errors
    /// When there is no such address.
    pub async fn hang_up(&self, to: &str, call: &str) -> anyhow::Result<()> {
        self.ask("endCall", json!({"to": to, "id": call})).await.map(drop)
    }

    /// Loses the network, or is back: what came meanwhile is then read and answered.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn set_away(&self, is_away: bool) -> anyhow::Result<()> {
        self.ask("away", json!({"away": is_away})).await.map(drop)
    }

    /// Sets the account's picture, or takes it away.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn set_picture(&self, image: Option<&[u8]>) -> anyhow::Result<()> {
        let image = image.map(|bytes| json!({"bytes": STANDARD.encode(bytes)}));
        self.ask("picture", json!({"image": image})).await.map(drop)
    }

    /// Takes another number, another LID, or both. Everybody is told, as are the groups. Gives the phone as it is now.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn renumber(self, number: Option<&str>, lid: Option<&str>) -> anyhow::Result<Self> {
        let shown = self.ask("renumber", json!({"newPhone": number, "newLid": lid})).await?;
        Self::new(self.node, &shown)
    }

    /// Installs the app anew: other keys, no linked devices. Everybody is told that the identity has changed.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn reinstall(&self) -> anyhow::Result<()> {
        self.ask("reinstall", json!({})).await.map(drop)
    }

    /// Tells a linked device of this account which number has which LID, as phones do when chats move from numbers to LIDs.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn tell_mappings(&self, device: &str) -> anyhow::Result<()> {
        self.ask("tellMappings", json!({"device": device})).await.map(drop)
    }

    /// Waits until this phone could read a message, and gives what is told of it (see [`super::observe`]).
    ///
    /// # Errors
    /// When it does not come.
    pub async fn expect(&self, id: &str) -> anyhow::Result<Value> {
        let fits = |event: &Value| event["phone"] == self.number.as_str() && event["id"] == id;
        self.node.expect("phone-message", fits).await
    }

    pub(super) async fn ask(&self, name: &str, mut fields: Value) -> anyhow::Result<Value> {
        fields["phone"] = json!(self.number);
        self.node.ask(name, fields).await
    }
}
