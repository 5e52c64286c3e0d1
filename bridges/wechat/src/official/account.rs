//! What an account is made of: its AppID and three secrets. Only this file writes and reads their saved form.

use magpie_common::{config::Secret, ids::LoginId, platform::SavedLogin};
use serde_json::{Value, json};

use super::NAME;
use crate::{
    api::{Api, Credentials, Door},
    callback::{Envelope, key_bytes},
    config::{WeChatConfig, is_app_id, is_fit},
};

/// An Official Account, with all that is needed to speak and hear for it.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Its AppID.
    pub app_id: String,
    /// Its AppSecret.
    pub app_secret: Secret,
    /// What signs callbacks.
    pub token: Secret,
    /// What seals callbacks.
    pub aes_key: Secret,
}

impl Account {
    /// The account of the configuration.
    pub fn configured(config: &WeChatConfig) -> Option<Self> {
        Some(Self {
            app_id: config.official_app_id.clone()?,
            app_secret: config.official_app_secret.clone()?,
            token: config.official_token.clone()?,
            aes_key: config.official_aes_key.clone()?,
        })
    }

    /// The saved form.
    pub fn saved(&self) -> SavedLogin {
        let secret = json!({
            "app_id": self.app_id, "app_secret": self.app_secret.expose(), "token": self.token.expose(),
            "aes_key": self.aes_key.expose(),
        });
        SavedLogin {
            id: LoginId::new(format!("{NAME}-{}", self.app_id)),
            name: format!("Official Account {}", self.app_id),
            secret: Secret::new(secret.to_string()),
        }
    }

    /// Reads the saved form.
    pub fn read(saved: &Secret) -> Option<Self> {
        let saved: Value = serde_json::from_str(saved.expose()).ok()?;
        let secret = |name: &str| saved[name].as_str().map(Secret::new).filter(is_fit);
        Some(Self {
            app_id: saved["app_id"].as_str().filter(|id| is_app_id(id))?.to_owned(),
            app_secret: secret("app_secret")?,
            token: secret("token")?,
            aes_key: secret("aes_key").filter(|key| key_bytes(key.expose()).is_some())?,
        })
    }

    /// A client that speaks for it.
    pub fn api(&self, config: &WeChatConfig) -> Result<Api, reqwest::Error> {
        let door = Door {
            base: config.official_api_url.clone(),
            credentials: Credentials::Official {
                app_id: self.app_id.clone(),
                app_secret: self.app_secret.clone(),
            },
            tries_max: 1,
        };
        Api::new(door, config.proxy.as_ref())
    }

    /// What opens its callbacks; `None` where the key is none.
    pub fn envelope(&self) -> Option<Envelope> {
        Envelope::new(self.token.clone(), &self.aes_key, self.app_id.clone())
    }
}

/// The AppID of a saved account, by its id.
pub(super) fn app_id(login: &LoginId) -> Option<&str> {
    login.as_str().strip_prefix(NAME)?.strip_prefix('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_as_it_was_saved() {
        let account = Account {
            app_id: "wx5823bf96d3bd56c7".to_owned(),
            app_secret: Secret::new("0123"),
            token: Secret::new("QDG6eK"),
            aes_key: Secret::new("A".repeat(43)),
        };
        let saved = account.saved();
        assert_eq!(saved.id.as_str(), "official-wx5823bf96d3bd56c7");
        assert_eq!(app_id(&saved.id), Some("wx5823bf96d3bd56c7"));
        let read = Account::read(&saved.secret).expect("it was written by us");
        assert_eq!((&read.app_id, read.token.expose()), (&account.app_id, "QDG6eK"));
        let short_key = Account { aes_key: Secret::new("A"), ..account };
        for bad in [short_key.saved().secret, Secret::new(""), Secret::new("{}")] {
            assert!(Account::read(&bad).is_none());
        }
    }
}
