//! Signing in with a bot's token.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use magpie_common::{
    config::Secret,
    ids::LoginId,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError, SavedLogin},
};

use crate::{
    config::DiscordConfig,
    events, format,
    json::text,
    session::{BAD_TOKEN, api::Api},
};

pub(crate) mod diagnosis;

/// The one way in.
pub(crate) const BOT_TOKEN: LoginFlow =
    LoginFlow { id: "bot-token", description: "with the token of a bot from Discord's developer portal" };

const TOKEN_FIELD: &str = "token";

/// The login that a token from the configuration stands for.
pub(crate) fn configured(token: &Secret) -> SavedLogin {
    let id = bot_of(token.expose()).unwrap_or_else(|| "configured".to_owned());
    SavedLogin { id: LoginId::new(id), name: "the configured bot".to_owned(), secret: token.clone() }
}

/// The bot's id, which a token begins with.
fn bot_of(token: &str) -> Option<String> {
    let id = token.trim_start_matches("Bot ").split('.').next()?;
    let id = String::from_utf8(STANDARD_NO_PAD.decode(id.trim_end_matches('=')).ok()?).ok()?;
    format::is_id(&id).then_some(id)
}

/// Asks for a token and tries it.
pub(crate) struct BotTokenLogin(pub Arc<DiscordConfig>);

#[async_trait]
impl LoginProcess for BotTokenLogin {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        let Some((_, token)) = answers.into_iter().find(|(name, _)| name == TOKEN_FIELD) else {
            let label = "The token of the bot (developer portal, your application, Bot, Reset Token)";
            return Ok(LoginStep::Ask(vec![LoginField { name: TOKEN_FIELD, label, secret: true }]));
        };
        let token = Secret::new(token.expose().trim());
        let failed =
            |error: &dyn std::fmt::Display| PlatformError(format!("The token could not be tried: {error}."));
        let api = Api::new(&self.0.api_url, token.clone()).map_err(|error| failed(&error))?;
        match api.get("/users/@me").await {
            Ok(user) => {
                let name = events::shown_name(&user, &serde_json::Value::Null);
                Ok(LoginStep::Done(SavedLogin { id: LoginId::new(text(&user["id"])), name, secret: token }))
            }
            Err(error) if error.is_bad_token() => Err(PlatformError(BAD_TOKEN.to_owned())),
            Err(error) => Err(failed(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_begins_with_the_bots_id() {
        assert_eq!(bot_of("MTAwMDAwMDAwMDAwMDAwMDAw.x.y").as_deref(), Some("100000000000000000"));
        assert_eq!(bot_of("nonsense"), None);
    }
}
