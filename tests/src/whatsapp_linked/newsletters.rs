//! Newsletters: one side writes in the clear, followers read and react.

use anyhow::Context;
use serde_json::{Value, json};

use super::Phone;

impl Phone {
    /// Makes a newsletter of this account. Gives its address.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn create_newsletter(&self, name: &str, about: &str) -> anyhow::Result<String> {
        let made = self.ask("newsletter", json!({"name": name, "about": about})).await?;
        made.as_str().map(str::to_owned).context("the server names no newsletter")
    }

    /// Follows a newsletter.
    ///
    /// # Errors
    /// When there is no such newsletter.
    pub async fn follow(&self, newsletter: &str) -> anyhow::Result<()> {
        self.ask("follow", json!({"newsletter": newsletter})).await.map(drop)
    }

    /// Writes to the followers. Gives the message's id.
    ///
    /// # Errors
    /// When there is no such newsletter.
    pub async fn publish(&self, newsletter: &str, content: Value) -> anyhow::Result<String> {
        let id = self.ask("publish", json!({"newsletter": newsletter, "message": content})).await?;
        id.as_str().map(str::to_owned).context("the server names no message")
    }
}
