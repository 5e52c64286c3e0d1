//! What an app is made of: the company's id, the app's, and secrets. Only this file writes and reads their saved form.

use magpie_common::{config::Secret, ids::LoginId, platform::SavedLogin};
use serde_json::{Value, json};

use super::{NAME, place::Names};
use crate::{
    api::{Api, Credentials, Door},
    callback::{Envelope, key_bytes},
    config::{WeChatConfig, is_corp_id, is_fit},
};

/// How often a busy WeCom is asked.
const TRIES_MAX: u32 = 3;

/// An app of a company, with all that is needed to speak and hear for it.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Whose app, and which.
    pub names: Names,
    /// The app's secret.
    pub secret: Secret,
    /// What signs callbacks.
    pub token: Secret,
    /// What seals callbacks.
    pub aes_key: Secret,
    /// The secret of customer service, where the company has it.
    pub kf_secret: Option<Secret>,
}

impl Account {
    /// The app of the configuration.
    pub fn configured(config: &WeChatConfig) -> Option<Self> {
        Some(Self {
            names: Names { corp_id: config.wecom_corp_id.clone()?, agent_id: config.wecom_agent_id? },
            secret: config.wecom_secret.clone()?,
            token: config.wecom_token.clone()?,
            aes_key: config.wecom_aes_key.clone()?,
            kf_secret: config.wecom_kf_secret.clone(),
        })
    }

    /// The saved form.
    pub fn saved(&self) -> SavedLogin {
        let Names { corp_id, agent_id } = &self.names;
        let secret = json!({
            "corp_id": corp_id, "agent_id": agent_id, "secret": self.secret.expose(), "token": self.token.expose(),
            "aes_key": self.aes_key.expose(), "kf_secret": self.kf_secret.as_ref().map(Secret::expose),
        });
        SavedLogin {
            id: LoginId::new(format!("{NAME}-{corp_id}-{agent_id}")),
            name: format!("WeCom app {agent_id} of {corp_id}"),
            secret: Secret::new(secret.to_string()),
        }
    }

    /// Reads the saved form.
    pub fn read(saved: &Secret) -> Option<Self> {
        let saved: Value = serde_json::from_str(saved.expose()).ok()?;
        let secret = |name: &str| saved[name].as_str().map(Secret::new).filter(is_fit);
        let corp_id = saved["corp_id"].as_str().filter(|id| is_corp_id(id))?.to_owned();
        Some(Self {
            names: Names { corp_id, agent_id: saved["agent_id"].as_u64()? },
            secret: secret("secret")?,
            token: secret("token")?,
            aes_key: secret("aes_key").filter(|key| key_bytes(key.expose()).is_some())?,
            kf_secret: secret("kf_secret"),
        })
    }

    /// A client that speaks for the app.
    pub fn api(&self, config: &WeChatConfig) -> Result<Api, reqwest::Error> {
        self.client(config, &self.secret)
    }

    /// A client that speaks for customer service.
    pub fn kf_api(&self, config: &WeChatConfig) -> Result<Option<Api>, reqwest::Error> {
        self.kf_secret.as_ref().map(|secret| self.client(config, secret)).transpose()
    }

    fn client(&self, config: &WeChatConfig, secret: &Secret) -> Result<Api, reqwest::Error> {
        let door = Door {
            base: config.wecom_api_url.clone(),
            credentials: Credentials::Corp { corp_id: self.names.corp_id.clone(), secret: secret.clone() },
            tries_max: TRIES_MAX,
        };
        Api::new(door, config.proxy.as_ref())
    }

    /// What opens its callbacks; `None` where the key is none.
    pub fn envelope(&self) -> Option<Envelope> {
        Envelope::new(self.token.clone(), &self.aes_key, self.names.corp_id.clone())
    }
}

/// The names of a saved app, by its id.
pub(super) fn names(login: &LoginId) -> Option<Names> {
    let (corp_id, agent_id) = login.as_str().strip_prefix(NAME)?.strip_prefix('-')?.rsplit_once('-')?;
    Some(Names { corp_id: corp_id.to_owned(), agent_id: agent_id.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_read_as_it_was_saved() {
        let account = Account {
            names: Names { corp_id: "wwd08c8e5ab44d".to_owned(), agent_id: 1_000_002 },
            secret: Secret::new("0123"),
            token: Secret::new("QDG6eK"),
            aes_key: Secret::new("A".repeat(43)),
            kf_secret: Some(Secret::new("4567")),
        };
        let saved = account.saved();
        assert_eq!(saved.id.as_str(), "wecom-wwd08c8e5ab44d-1000002");
        assert_eq!(names(&saved.id).as_ref(), Some(&account.names));
        let read = Account::read(&saved.secret).expect("it was written by us");
        assert_eq!((&read.names, read.token.expose()), (&account.names, "QDG6eK"));
        assert_eq!(read.kf_secret.as_ref().map(Secret::expose), Some("4567"));
        let without = Account { kf_secret: None, ..account.clone() };
        assert!(Account::read(&without.saved().secret).expect("it is one").kf_secret.is_none());
        let short_key = Account { aes_key: Secret::new("A"), ..account };
        for bad in [short_key.saved().secret, Secret::new(""), Secret::new("{}")] {
            assert!(Account::read(&bad).is_none());
        }
    }
}
