//! Signing in with a bot's token.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    config::Secret,
    ids::LoginId,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError, SavedLogin},
};
use serde_json::json;

use crate::{
    config::{TelegramConfig, bot_of},
    json::user_name,
    session::{BAD_TOKEN, api::Api},
};

pub(crate) mod diagnosis;

/// The one way in.
pub(crate) const BOT_TOKEN: LoginFlow =
    LoginFlow { id: "bot-token", description: "with the token of a bot from @BotFather" };

const TOKEN_FIELD: &str = "token";

/// The login that a token from the configuration stands for.
pub(crate) fn configured(token: &Secret) -> SavedLogin {
    let id = bot_of(token.expose()).map_or_else(|| "configured".to_owned(), |id| id.to_string());
    SavedLogin { id: LoginId::new(id), name: "the configured bot".to_owned(), secret: token.clone() }
}

/// Asks for a token and tries it.
pub(crate) struct BotTokenLogin(pub Arc<TelegramConfig>);

#[async_trait]
impl LoginProcess for BotTokenLogin {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        let Some((_, token)) = answers.into_iter().find(|(name, _)| name == TOKEN_FIELD) else {
            let label = "The token of the bot (write /token to @BotFather)";
            return Ok(LoginStep::Ask(vec![LoginField { name: TOKEN_FIELD, label, secret: true }]));
        };
        let token = Secret::new(token.expose().trim());
        if bot_of(token.expose()).is_none() {
            return Err(PlatformError(BAD_TOKEN.to_owned()));
        }
        let failed =
            |error: &dyn std::fmt::Display| PlatformError(format!("The token could not be tried: {error}."));
        let api = Api::new(&self.0, token.clone()).map_err(|error| failed(&error.without_url()))?;
        match api.call("getMe", &json!({})).await {
            Ok(me) => {
                let id = me["id"].as_i64().ok_or_else(|| failed(&"the answer names no bot"))?;
                let name = user_name(&me).unwrap_or_else(|| id.to_string());
                Ok(LoginStep::Done(SavedLogin { id: LoginId::new(id.to_string()), name, secret: token }))
            }
            Err(error) if error.is_bad_token() => Err(PlatformError(BAD_TOKEN.to_owned())),
            Err(error) => Err(failed(&error)),
        }
    }
}
