//! Signing in with an Official Account.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    config::Secret,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError},
};

use super::{account::Account, session::verdict::words};
use crate::{
    callback::key_bytes,
    config::{WeChatConfig, is_app_id, is_fit},
};

pub(super) mod diagnosis;

/// The one way in.
pub(super) const ACCOUNT: LoginFlow = LoginFlow {
    id: "official",
    description: "with an Official Account: its AppID and AppSecret, and the token and EncodingAESKey of its callbacks",
};

const FIELDS: [LoginField; 4] = [
    LoginField {
        name: "app_id",
        label: "The AppID, from WeChat's console (basic configuration)",
        secret: false,
    },
    LoginField { name: "app_secret", label: "The AppSecret, from the same page", secret: true },
    LoginField {
        name: "token",
        label: "The token: 3 to 32 letters that you make up, and write into the console beside the server address",
        secret: true,
    },
    LoginField {
        name: "aes_key",
        label: "The EncodingAESKey: 43 letters, which the console makes. Set the mode there to safe",
        secret: true,
    },
];

/// Asks for an account and tries it.
pub(super) struct AccountLogin(pub Arc<WeChatConfig>);

#[async_trait]
impl LoginProcess for AccountLogin {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        if answers.is_empty() {
            return Ok(LoginStep::Ask(FIELDS.to_vec()));
        }
        let answer = |wanted: &LoginField| {
            let found = answers.iter().find(|(name, _)| name == wanted.name);
            let secret = found.map(|(_, secret)| Secret::new(secret.expose().trim())).filter(is_fit);
            secret.ok_or_else(|| {
                PlatformError(format!("What is missing or cannot be right: {}.", wanted.label))
            })
        };
        let [app_id, app_secret, token, aes_key] = FIELDS.each_ref().map(answer);
        let app_id = app_id?.expose().to_owned();
        if !is_app_id(&app_id) {
            let words = "An AppID is `wx` and 16 letters and digits. It is neither the account's name nor the AppSecret.";
            return Err(PlatformError(words.to_owned()));
        }
        let aes_key = aes_key?;
        if key_bytes(aes_key.expose()).is_none() {
            return Err(PlatformError("The EncodingAESKey has 43 letters and digits.".to_owned()));
        }
        let account = Account { app_id, app_secret: app_secret?, token: token?, aes_key };
        let api = account
            .api(&self.0)
            .map_err(|error| PlatformError(format!("The account could not be tried: {error}.")))?;
        api.prove().await.map_err(|error| PlatformError(words(&error)))?;
        Ok(LoginStep::Done(account.saved()))
    }
}
