//! What an account is made of: the number's id and three secrets. Only this file writes and reads their saved form.

use magpie_common::{config::Secret, ids::LoginId, platform::SavedLogin};
use serde_json::{Value, json};

use crate::config::{WhatsAppConfig, is_fit, is_number_id};

/// What the id of such a login begins with.
const PREFIX: &str = "cloud-";

/// The number of a business, with all that is needed to speak and hear for it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The id under which the Graph API knows the number.
    pub number: String,
    /// The access token.
    pub token: Secret,
    /// What signs webhooks.
    pub app_secret: Secret,
    /// What Meta shows in the handshake.
    pub verify_token: Secret,
}

/// Whether a login is a number at the Cloud API.
pub(crate) fn is_ours(login: &LoginId) -> bool {
    login.as_str().starts_with(PREFIX)
}

impl Account {
    /// The account of the configuration.
    pub fn configured(config: &WhatsAppConfig) -> Option<Self> {
        Some(Self {
            number: config.cloud_phone_number_id.clone()?,
            token: config.cloud_access_token.clone()?,
            app_secret: config.cloud_app_secret.clone()?,
            verify_token: config.cloud_verify_token.clone()?,
        })
    }

    /// The saved form.
    pub fn saved(&self, name: &str) -> SavedLogin {
        let secret = json!({
            "number": self.number, "token": self.token.expose(), "app_secret": self.app_secret.expose(),
            "verify_token": self.verify_token.expose(),
        });
        SavedLogin {
            id: LoginId::new(format!("{PREFIX}{}", self.number)),
            name: name.to_owned(),
            secret: Secret::new(secret.to_string()),
        }
    }

    /// Reads the saved form.
    pub fn read(saved: &Secret) -> Option<Self> {
        let saved: Value = serde_json::from_str(saved.expose()).ok()?;
        let secret = |name: &str| saved[name].as_str().map(Secret::new).filter(is_fit);
        Some(Self {
            number: saved["number"].as_str().filter(|id| is_number_id(id))?.to_owned(),
            token: secret("token")?,
            app_secret: secret("app_secret")?,
            verify_token: secret("verify_token")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_as_it_was_saved() {
        let account = Account {
            number: "106540352242922".to_owned(),
            token: Secret::new("EAAJB"),
            app_secret: Secret::new("0123"),
            verify_token: Secret::new("verify"),
        };
        let saved = account.saved("Birds");
        assert!(is_ours(&saved.id) && !is_ours(&LoginId::new("16505551234")));
        let read = Account::read(&saved.secret).expect("it was written by us");
        assert_eq!((read.number, read.app_secret.expose()), (account.number, "0123"));
        for bad in [
            "",
            "{}",
            "{\"number\": \"1/2\", \"token\": \"a\", \"app_secret\": \"b\", \"verify_token\": \"c\"}",
        ] {
            assert!(Account::read(&Secret::new(bad)).is_none(), "{bad}");
        }
    }
}
