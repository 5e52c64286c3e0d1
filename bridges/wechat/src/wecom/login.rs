//! Signing in with an app in WeCom.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    config::Secret,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError},
};

use super::{account::Account, place::Names, session::verdict::words};
use crate::{
    callback::key_bytes,
    config::{WeChatConfig, is_corp_id, is_fit},
};

pub(super) mod diagnosis;

/// The one way in.
pub(super) const APP: LoginFlow = LoginFlow {
    id: "wecom",
    description: "with an app in WeCom: the CorpID, and the app's AgentId, Secret, Token and EncodingAESKey",
};

const FIELDS: [LoginField; 6] = [
    LoginField {
        name: "corp_id",
        label: "The CorpID, from WeCom's console (company profile)",
        secret: false,
    },
    LoginField { name: "agent_id", label: "The AgentId, from the app's page", secret: false },
    LoginField { name: "secret", label: "The app's Secret, from the same page", secret: true },
    LoginField {
        name: "token",
        label: "The Token: at most 32 letters that you make up, and write into the console where the app receives messages",
        secret: true,
    },
    LoginField {
        name: "aes_key",
        label: "The EncodingAESKey: 43 letters, which the console makes in the same place",
        secret: true,
    },
    LoginField {
        name: "kf_secret",
        label: "The Secret of WeChat customer service, which must use the same Token and EncodingAESKey; a minus sign where there is none",
        secret: true,
    },
];

/// What stands for no secret.
const NONE: &str = "-";

/// Asks for an app and tries it.
pub(super) struct AppLogin(pub Arc<WeChatConfig>);

#[async_trait]
impl LoginProcess for AppLogin {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        if answers.is_empty() {
            return Ok(LoginStep::Ask(FIELDS.to_vec()));
        }
        let account = account(&answers)?;
        let failed =
            |error: reqwest::Error| PlatformError(format!("The account could not be tried: {error}."));
        let api = account.api(&self.0).map_err(failed)?;
        api.prove().await.map_err(|error| PlatformError(words(&error)))?;
        if let Some(api) = account.kf_api(&self.0).map_err(failed)? {
            let proved = api.prove().await;
            proved.map_err(|error| PlatformError(format!("Of the customer service: {}", words(&error))))?;
        }
        Ok(LoginStep::Done(account.saved()))
    }
}

/// The app that the answers name, as far as can be seen without asking.
fn account(answers: &[(String, Secret)]) -> Result<Account, PlatformError> {
    let answer = |wanted: &LoginField| {
        let found = answers.iter().find(|(name, _)| name == wanted.name);
        let secret = found.map(|(_, secret)| Secret::new(secret.expose().trim())).filter(is_fit);
        secret.ok_or_else(|| PlatformError(format!("What is missing or cannot be right: {}.", wanted.label)))
    };
    let [corp_id, agent_id, secret, token, aes_key, kf_secret] = FIELDS.each_ref().map(answer);
    let corp_id = corp_id?.expose().to_owned();
    if !is_corp_id(&corp_id) {
        let words = "A CorpID has letters and digits alone, and mostly begins with `ww`.";
        return Err(PlatformError(words.to_owned()));
    }
    let agent_id = agent_id?.expose().parse();
    let agent_id =
        agent_id.map_err(|_| PlatformError("An AgentId is a number, such as 1000002.".to_owned()))?;
    let aes_key = aes_key?;
    if key_bytes(aes_key.expose()).is_none() {
        return Err(PlatformError("The EncodingAESKey has 43 letters and digits.".to_owned()));
    }
    // Nothing at all stands for none, too: the HTTP API may leave a field out.
    let kf_secret = kf_secret.ok().filter(|secret| secret.expose() != NONE);
    let names = Names { corp_id, agent_id };
    Ok(Account { names, secret: secret?, token: token?, aes_key, kf_secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(change: (&str, &str)) -> Vec<(String, Secret)> {
        let key = "A".repeat(43);
        let right = [
            ("corp_id", "wwd08c8e5ab44d"),
            ("agent_id", " 1000002 "),
            ("secret", "s"),
            ("token", "t"),
            ("aes_key", key.as_str()),
            ("kf_secret", "-"),
        ];
        let answer = |(name, value): (&str, &str)| {
            let value = if name == change.0 { change.1 } else { value };
            (name.to_owned(), Secret::new(value))
        };
        right.map(answer).to_vec()
    }

    #[test]
    fn answers_become_an_app() {
        let read = account(&answers(("", ""))).expect("all is there");
        assert_eq!((read.names.agent_id, read.kf_secret.is_none()), (1_000_002, true));
        let read = account(&answers(("kf_secret", "k"))).expect("all is there");
        assert_eq!(read.kf_secret.as_ref().map(Secret::expose), Some("k"));
        for bad in [("corp_id", "ww/1"), ("agent_id", "app"), ("secret", ""), ("aes_key", "short")] {
            assert!(account(&answers(bad)).is_err(), "{bad:?}");
        }
    }
}
