//! What an account is made of: where its gateway is, the gateway's token, and who it is there. Only this file writes and reads the saved form.

use magpie_common::{
    config::Secret,
    ids::{LoginId, RemoteChatId, RemoteUserId},
    platform::SavedLogin,
};
use serde_json::{Value, json};

use super::NAME;
use crate::{config::is_fit, ids};

/// An account behind a gateway.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Where the gateway is, as it was written.
    pub endpoint: String,
    /// What the gateway wants to be shown.
    pub token: Secret,
    /// WeChat's own id of the account.
    pub me: String,
}

impl Account {
    /// The saved form, under the name that people know the account by.
    pub fn saved(&self, name: Option<String>) -> SavedLogin {
        let secret = json!({"endpoint": self.endpoint, "token": self.token.expose(), "me": self.me});
        SavedLogin {
            id: LoginId::new(format!("{NAME}-{}", self.me)),
            name: name.unwrap_or_else(|| self.me.clone()),
            secret: Secret::new(secret.to_string()),
        }
    }

    /// Reads the saved form.
    pub fn read(saved: &Secret) -> Option<Self> {
        let saved: Value = serde_json::from_str(saved.expose()).ok()?;
        let me = saved["me"].as_str().filter(|me| ids::user(NAME, me, me).is_some())?.to_owned();
        let token = saved["token"].as_str().map(Secret::new).filter(is_fit)?;
        Some(Self { endpoint: saved["endpoint"].as_str()?.to_owned(), token, me })
    }
}

/// Whose ids are made and read: those that one account knows.
#[derive(Clone, Debug)]
pub(super) struct Own(pub String);

impl Own {
    /// Somebody, the account itself among them.
    pub fn user(&self, native: &str) -> Option<RemoteUserId> {
        ids::user(NAME, &self.0, native)
    }

    /// A group, or the chat with somebody.
    pub fn chat(&self, native: &str) -> Option<RemoteChatId> {
        self.user(native).map(|user| ids::direct(&user))
    }

    /// WeChat's own id of somebody or of a chat.
    pub fn native<'a>(&self, id: &'a str) -> Option<&'a str> {
        ids::native(id, NAME, &self.0)
    }

    /// Whether it is the account itself.
    pub fn is_me(&self, native: &str) -> bool {
        self.0 == native
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_as_it_was_saved() {
        let account = Account {
            endpoint: "gateway.example.org:8788".to_owned(),
            token: Secret::new("insecure_0b1c"),
            me: "wxid_me".to_owned(),
        };
        let saved = account.saved(Some("Ada".to_owned()));
        assert_eq!((saved.id.as_str(), saved.name.as_str()), ("wechaty-wxid_me", "Ada"));
        let read = Account::read(&saved.secret).expect("it was written by us");
        assert_eq!((&read.endpoint, read.token.expose()), (&account.endpoint, "insecure_0b1c"));
        assert_eq!(read.me, "wxid_me");
        let nobody = Account { me: "a/b".to_owned(), ..account };
        for bad in [nobody.saved(None).secret, Secret::new(""), Secret::new("{}")] {
            assert!(Account::read(&bad).is_none());
        }
    }

    #[test]
    fn ids_of_one_account_are_not_those_of_another() {
        let (me, other) = (Own("wxid_me".to_owned()), Own("wxid_other".to_owned()));
        let room = me.chat("7@chatroom").expect("a group");
        assert_eq!(room.as_str(), "wechaty/wxid_me/7@chatroom");
        assert_eq!((me.native(room.as_str()), other.native(room.as_str())), (Some("7@chatroom"), None));
        assert!(me.is_me("wxid_me") && !me.is_me("wxid_other"));
    }
}
