//! What a bot is made of: its id, its token, where it is served and whose it is. Only this file writes and reads the saved form.

use magpie_common::{config::Secret, ids::LoginId, platform::SavedLogin};
use serde_json::{Value, json};

use super::{NAME, hosts::Hosts};
use crate::{config::is_fit, ids, json::text};

/// A bot of somebody's on WeChat, with all that is needed to speak and hear for it.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Its id.
    pub bot_id: String,
    /// What proves that we are it.
    pub token: Secret,
    /// Where it is served.
    pub base: String,
    /// Whose it is, where WeChat said so: the one person with whom it can talk.
    pub user_id: Option<String>,
}

/// What is wrong with a bot that WeChat names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAccount {
    /// No id.
    #[error(
        "WeChat agreed, but did not say which bot it is. Begin again; if this stays so, update the WeChat on your phone"
    )]
    NoId,
    /// No token.
    #[error("WeChat agreed, but gave no token for the bot. Begin again")]
    NoToken,
    /// It is served somewhere else.
    #[error(
        "WeChat names a host for the bot that is not on the list `platform.ilink_hosts`, so the bridge does not go there"
    )]
    StrangeHost,
}

impl Account {
    /// Reads what WeChat tells once somebody has agreed. Without an address it is served at `base`.
    pub fn confirmed(told: &Value, base: &str, hosts: &Hosts) -> Result<Self, NoAccount> {
        let bot_id = text(&told["ilink_bot_id"]).trim();
        ids::user(NAME, bot_id, bot_id).ok_or(NoAccount::NoId)?;
        let token =
            Some(Secret::new(text(&told["bot_token"]).trim())).filter(is_fit).ok_or(NoAccount::NoToken)?;
        let base = match text(&told["baseurl"]).trim() {
            "" => base.to_owned(),
            address => {
                hosts.admit(address).ok_or(NoAccount::StrangeHost)?;
                address.trim_end_matches('/').to_owned()
            }
        };
        let user_id =
            Some(text(&told["ilink_user_id"]).trim()).filter(|id| ids::user(NAME, bot_id, id).is_some());
        Ok(Self { bot_id: bot_id.to_owned(), token, base, user_id: user_id.map(str::to_owned) })
    }

    /// The saved form.
    pub fn saved(&self) -> SavedLogin {
        let secret = json!({
            "bot_id": self.bot_id, "token": self.token.expose(), "base": self.base, "user_id": self.user_id,
        });
        SavedLogin {
            id: LoginId::new(format!("{NAME}-{}", self.bot_id)),
            name: format!("WeChat bot {}", self.bot_id),
            secret: Secret::new(secret.to_string()),
        }
    }

    /// Reads the saved form; `None` also for one whose host is not allowed any more.
    pub fn read(saved: &Secret, hosts: &Hosts) -> Option<Self> {
        let saved: Value = serde_json::from_str(saved.expose()).ok()?;
        let told = json!({
            "ilink_bot_id": saved["bot_id"], "bot_token": saved["token"], "baseurl": saved["base"], "ilink_user_id": saved["user_id"],
        });
        let has_base = !text(&saved["base"]).is_empty();
        has_base.then(|| Self::confirmed(&told, "", hosts).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WeChatConfig;

    fn told() -> Value {
        json!({
            "ilink_bot_id": "b0f5@im.bot", "bot_token": "b0f5@im.bot:hush", "ilink_user_id": "o9cq80-x@im.wechat",
            "baseurl": "https://ilink2.weixin.qq.com/",
        })
    }

    #[test]
    fn a_bot_is_read_as_it_was_saved() {
        let hosts = Hosts::new(&WeChatConfig::default());
        let account = Account::confirmed(&told(), "", &hosts).expect("it is whole");
        let saved = account.saved();
        assert_eq!(saved.id.as_str(), "ilink-b0f5@im.bot");
        let read = Account::read(&saved.secret, &hosts).expect("it was written by us");
        assert_eq!(
            (read.bot_id.as_str(), read.base.as_str()),
            ("b0f5@im.bot", "https://ilink2.weixin.qq.com")
        );
        assert_eq!(
            (read.token.expose(), read.user_id.as_deref()),
            ("b0f5@im.bot:hush", Some("o9cq80-x@im.wechat"))
        );
        for bad in ["", "{}", r#"{"bot_id":"b","token":"t","base":"https://example.org"}"#] {
            assert!(Account::read(&Secret::new(bad), &hosts).is_none(), "{bad}");
        }
        assert!(!format!("{account:?}").contains("hush"), "a token is never shown");
    }

    #[test]
    fn what_is_missing_is_named() {
        let hosts = Hosts::new(&WeChatConfig::default());
        for (field, value, problem) in [
            ("ilink_bot_id", Value::Null, NoAccount::NoId),
            ("ilink_bot_id", json!("a/b"), NoAccount::NoId),
            ("bot_token", json!(""), NoAccount::NoToken),
            ("bot_token", json!("a b"), NoAccount::NoToken),
            ("baseurl", json!("https://weixin.qq.com.example.org"), NoAccount::StrangeHost),
            ("baseurl", json!("http://ilink2.weixin.qq.com"), NoAccount::StrangeHost),
        ] {
            let mut told = told();
            told[field] = value;
            assert_eq!(Account::confirmed(&told, "https://x", &hosts).err(), Some(problem), "{told}");
        }
        let mut told = told();
        (told["baseurl"], told["ilink_user_id"]) = (Value::Null, Value::Null);
        let account =
            Account::confirmed(&told, "https://ilinkai.weixin.qq.com", &hosts).expect("it is enough");
        assert_eq!((account.base.as_str(), account.user_id), ("https://ilinkai.weixin.qq.com", None));
    }
}
