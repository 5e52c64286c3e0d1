//! The past that a phone gives to its linked devices.

use serde_json::{Value, json};

use super::{LinkedSim, Phone};

/// A message of the past.
#[derive(Clone, Debug)]
pub struct PastMessage {
    /// Its id.
    pub id: String,
    /// Whether the account itself wrote it.
    pub is_own: bool,
    /// Its author's address, in groups.
    pub author: Option<String>,
    /// When, in seconds since 1970.
    pub at: u64,
    /// The name its author had.
    pub name: Option<String>,
    /// What it says.
    pub content: Value,
}

/// A chat of the past.
#[derive(Clone, Debug)]
pub struct PastChat {
    /// Its address.
    pub chat: String,
    /// Its name.
    pub name: Option<String>,
    /// Its messages, the oldest first.
    pub messages: Vec<PastMessage>,
    /// More of what protobuf's `Conversation` has: `unreadCount`, `archived`, `ephemeralExpiration`, `pnJid`, `lidJid`, ...
    pub more: Value,
}

/// Which part of the past a blob is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// The first, right after linking.
    Bootstrap,
    /// The last weeks.
    Recent,
    /// All there is.
    Full,
    /// Names that people gave themselves.
    Names,
}

impl PastChat {
    /// A chat without messages.
    pub fn new(chat: &str) -> Self {
        Self { chat: chat.to_owned(), name: None, messages: Vec::new(), more: json!({}) }
    }

    /// With one more message.
    #[must_use]
    pub fn with(mut self, message: PastMessage) -> Self {
        self.messages.push(message);
        self
    }

    /// As a `Conversation` in JSON form: the newest message comes first.
    pub fn conversation(&self) -> Value {
        let mut all = self.more.clone();
        all["id"] = json!(self.chat);
        all["name"] = json!(self.name);
        let shown = self.messages.iter().rev().map(|message| json!({"message": message.web(&self.chat)}));
        all["messages"] = shown.collect();
        all["conversationTimestamp"] = json!(self.messages.last().map(|message| message.at));
        all
    }
}

impl PastMessage {
    /// As a `WebMessageInfo` in JSON form.
    pub fn web(&self, chat: &str) -> Value {
        let key =
            json!({"remoteJid": chat, "fromMe": self.is_own, "id": self.id, "participant": self.author});
        json!({
            "key": key,
            "message": self.content,
            "messageTimestamp": self.at,
            "participant": self.author,
            "pushName": self.name,
        })
    }
}

impl Phone {
    /// What devices that are linked from now on get at once.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn keep_history(&self, chats: &[PastChat]) -> anyhow::Result<()> {
        self.ask("account", json!({"history": conversations(chats)})).await.map(drop)
    }

    /// What a device finds that asks for older messages of a chat; the oldest first.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn keep_older(&self, chat: &PastChat) -> anyhow::Result<()> {
        let messages: Vec<_> = chat.messages.iter().map(|message| message.web(&chat.chat)).collect();
        self.ask("older", json!({"chat": chat.chat, "messages": messages})).await.map(drop)
    }
}

impl LinkedSim {
    /// Sends a device a blob of the past now. `more` goes into protobuf's `HistorySync`: `pushnames`, `phoneNumberToLidMappings`, and
    /// `chunkOrder`, `progress`; with `isUploaded: true` the blob goes over the media host.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn send_history(
        &self,
        device: &str,
        stretch: Stretch,
        chats: &[PastChat],
        mut more: Value,
    ) -> anyhow::Result<()> {
        let sync_type = match stretch {
            Stretch::Bootstrap => 0,
            Stretch::Full => 2,
            Stretch::Recent => 3,
            Stretch::Names => 4,
        };
        more["device"] = json!(device);
        more["syncType"] = json!(sync_type);
        more["conversations"] = conversations(chats);
        self.command("history", more).await.map(drop)
    }
}

fn conversations(chats: &[PastChat]) -> Value {
    chats.iter().map(PastChat::conversation).collect()
}
