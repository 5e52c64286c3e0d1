//! What people do: they say something, take it back, ask to be friends, ask into rooms.

use anyhow::Context;
use serde_json::{Value, json};

use super::Gateway;

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its id.
    pub id: String,
    /// Whether a stream was open, so that somebody was told.
    pub heard: bool,
}

impl Gateway {
    /// Somebody says something (see [`super::content`]) in a room, or to somebody; gives its id.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn says(&self, talker: &str, to: &str, content: Value) -> anyhow::Result<String> {
        Ok(self.says_with(talker, to, content).await?.id)
    }

    /// The same, with the fields `id` or `timestamp` (milliseconds) in the content where it is to have these; and whether it was heard.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn says_with(&self, talker: &str, to: &str, content: Value) -> anyhow::Result<Said> {
        let said = self.command("say", spoken(talker, to, content)).await?;
        let id = said["id"].as_str().context("what was said has no id")?.to_owned();
        Ok(Said { id, heard: said["heard"] == true })
    }

    /// Something was said, and nobody is told of it; gives its id.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn keeps(&self, talker: &str, to: &str, content: Value) -> anyhow::Result<String> {
        let kept = self.command("keep", spoken(talker, to, content)).await?;
        kept["id"].as_str().map(str::to_owned).context("what was said has no id")
    }

    /// What was said is told once more.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn repeats(&self, id: &str) -> anyhow::Result<()> {
        self.command("repeat", json!({"id": id})).await.map(drop)
    }

    /// Somebody takes back what they said in a conversation.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn recalls(&self, talker: &str, to: &str, id: &str) -> anyhow::Result<()> {
        self.command("recall", json!({"talker": talker, "to": to, "id": id})).await.map(drop)
    }

    /// Somebody asks to be a friend.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn asks_friendship(&self, id: &str, contact: &str, hello: &str) -> anyhow::Result<()> {
        self.command("friendship", json!({"id": id, "contact": contact, "hello": hello})).await.map(drop)
    }

    /// Somebody asks the account into a room of that name.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn invites(&self, id: &str, inviter: &str, topic: &str) -> anyhow::Result<()> {
        let fields = json!({"id": id, "inviter": inviter, "topic": topic, "members": [inviter]});
        self.command("invitation", fields).await.map(drop)
    }

    /// Any event at all, for what no puppet should tell: `name` is Wechaty's (`message`, `room-join`).
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn emits(&self, name: &str, payload: Value) -> anyhow::Result<()> {
        self.command("emit", json!({"name": name, "payload": payload})).await.map(drop)
    }
}

fn spoken(talker: &str, to: &str, mut content: Value) -> Value {
    content["talker"] = json!(talker);
    content["to"] = json!(to);
    content
}
