//! Signing in with the number of a business.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    config::Secret,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError},
};

use super::{
    account::Account,
    json::name,
    session::{api::Api, number_path, verdict::words},
};
use crate::config::{WhatsAppConfig, is_fit, is_guessed, is_number_id};

pub(super) mod diagnosis;

/// The one way in.
pub(super) const NUMBER: LoginFlow = LoginFlow {
    id: "cloud",
    description: "with the number of a business by the Cloud API: its id, an access token, the app's secret, a verify token",
};

const FIELDS: [LoginField; 4] = [
    LoginField {
        name: "phone_number_id",
        label: "The id of the phone number, from the app's dashboard (WhatsApp, API Setup)",
        secret: false,
    },
    LoginField { name: "access_token", label: "A permanent access token, of a system user", secret: true },
    LoginField { name: "app_secret", label: "The app's secret (App settings, Basic)", secret: true },
    LoginField {
        name: "verify_token",
        label: "The verify token: letters that you make up, and write into the dashboard beside the webhook's address",
        secret: true,
    },
];

/// Asks for an account and tries it.
pub(super) struct NumberLogin(pub Arc<WhatsAppConfig>);

#[async_trait]
impl LoginProcess for NumberLogin {
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
        let [number, token, app_secret, verify_token] = FIELDS.each_ref().map(answer);
        let number = number?.expose().to_owned();
        if !is_number_id(&number) {
            return Err(PlatformError(
                "The id of a phone number has digits only. It is not the number itself.".to_owned(),
            ));
        }
        let account = Account { number, token: token?, app_secret: app_secret?, verify_token: verify_token? };
        if is_guessed(&account.verify_token) {
            return Err(PlatformError(
                "The verify token is too short. Make up 12 letters or more.".to_owned(),
            ));
        }
        let api = Api::new(&self.0, account.token.clone())
            .map_err(|error| PlatformError(format!("The account could not be tried: {error}.")))?;
        match api.prove(&number_path(&account.number), &account.app_secret).await {
            Ok(found) => {
                let called = name(&found["verified_name"]).or_else(|| name(&found["display_phone_number"]));
                Ok(LoginStep::Done(account.saved(&called.unwrap_or_else(|| account.number.clone()))))
            }
            Err(error) => Err(PlatformError(words(&error))),
        }
    }
}
