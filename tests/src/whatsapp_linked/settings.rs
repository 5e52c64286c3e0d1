//! App state: what a person sets on the phone and all linked devices follow.

use serde_json::{Value, json};

use super::Phone;

impl Phone {
    /// Names somebody in the address book.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn name_contact(&self, who: &Self, name: &str) -> anyhow::Result<()> {
        let first = name.split(' ').next().unwrap_or(name);
        let action = json!({"fullName": name, "firstName": first, "lidJid": who.lid, "saveOnPrimaryAddressbook": true});
        self.set("critical_unblock_low", &["contact", &who.jid], json!({"contactAction": action}), 2).await
    }

    /// Changes the name by which this account shows itself.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn rename(&self, name: &str) -> anyhow::Result<()> {
        self.set("critical_block", &["setting_pushName"], json!({"pushNameSetting": {"name": name}}), 1).await
    }

    /// Puts a chat into the archive, or back.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn archive(&self, chat: &str, is_archived: bool) -> anyhow::Result<()> {
        let action = json!({"archiveChatAction": {"archived": is_archived, "messageRange": {}}});
        self.set("regular_low", &["archive", chat], action, 3).await
    }

    /// Pins a chat to the top, or lets it go.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn pin(&self, chat: &str, is_pinned: bool) -> anyhow::Result<()> {
        self.set("regular_low", &["pin_v1", chat], json!({"pinAction": {"pinned": is_pinned}}), 5).await
    }

    /// Mutes a chat until a time in milliseconds since 1970, -1 for always; `None` ends it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn mute(&self, chat: &str, until_ms: Option<i64>) -> anyhow::Result<()> {
        let action = json!({"muted": until_ms.is_some(), "muteEndTimestamp": until_ms});
        self.set("regular_high", &["mute", chat], json!({"muteAction": action}), 2).await
    }

    /// Marks a whole chat as read, or as unread.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn mark_chat(&self, chat: &str, is_read: bool) -> anyhow::Result<()> {
        let action = json!({"markChatAsReadAction": {"read": is_read, "messageRange": {}}});
        self.set("regular_low", &["markChatAsRead", chat], action, 3).await
    }

    /// Deletes a message only for this account.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn delete_for_me(&self, chat: &str, id: &str, is_own: bool) -> anyhow::Result<()> {
        let index = ["deleteMessageForMe", chat, id, if is_own { "1" } else { "0" }, "0"];
        let action = json!({"deleteMessageForMeAction": {"deleteMedia": true}});
        self.set("regular_high", &index, action, 3).await
    }

    /// Sets anything: the collection, the index of the value, the value (a `SyncActionValue` in JSON form) and its version.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn set(
        &self,
        collection: &str,
        index: &[&str],
        action: Value,
        version: u32,
    ) -> anyhow::Result<()> {
        let fields = json!({"collection": collection, "index": index, "action": action, "version": version});
        self.ask("setting", fields).await.map(drop)
    }
}
