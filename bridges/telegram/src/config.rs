//! The `platform:` section of the configuration.

use magpie_common::config::{PlatformConfig, Problems, Question, Secret};
use serde::Deserialize;
use url::Url;

const TOKEN_HELP: &str = "write to @BotFather in Telegram: /newbot makes a bot, /token shows a token again";

/// A secret that Telegram takes: <https://core.telegram.org/bots/api#setwebhook>.
const SECRET_CHARS_MAX: usize = 256;

/// A secret that nobody guesses.
const SECRET_CHARS_MIN: usize = 16;

/// Settings of the Telegram bridge.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelegramConfig {
    /// The bot's token; without it, nothing connects.
    pub token: Option<Secret>,
    /// How updates come in.
    pub mode: Mode,
    /// Where Telegram reaches the bridge's webhook, from outside.
    pub webhook_url: Option<String>,
    /// What Telegram says with each call of the webhook.
    pub webhook_secret: Option<Secret>,
    /// Where the Bot API is, without a path.
    pub api_url: String,
    /// Whether that is a server of one's own in `--local` mode, which takes and gives large files.
    pub local_server: bool,
    /// A proxy for everything that goes to Telegram.
    pub proxy: Option<Secret>,
}

/// How updates come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The bridge asks for them.
    #[default]
    Polling,
    /// Telegram brings them.
    Webhook,
}

impl Default for TelegramConfig {
    fn default() -> Self {
        Self {
            token: None,
            mode: Mode::Polling,
            webhook_url: None,
            webhook_secret: None,
            api_url: "https://api.telegram.org".to_owned(),
            local_server: false,
            proxy: None,
        }
    }
}

impl PlatformConfig for TelegramConfig {
    const TEMPLATE: &'static str = "\
# The bot's token, from @BotFather in Telegram (/newbot). Better kept in MAGPIE_TELEGRAM_TOKEN_FILE.
# Switch off its privacy mode there (/setprivacy, Disable), or it sees only what is said to it in groups.
token: your-token
# How updates come in: `polling` works everywhere; `webhook` needs an address that Telegram reaches.
# mode: polling
# For `mode: webhook`: the address that leads to /_magpie/webhook here, and a secret of 16 to 256 letters, digits, `_` or `-`.
# webhook_url: https://bridge.example.org/_magpie/webhook
# webhook_secret: your-secret
# For a Bot API server of your own; local_server says that it runs with --local, which takes files of up to 2000 MB.
# api_url: https://api.telegram.org
# local_server: false
# A proxy for everything that goes to Telegram.
# proxy: http://user:password@proxy.example.org:3128
";

    const QUESTIONS: &'static [Question] =
        &[Question { key: "token", words: "What is the token of your Telegram bot? (@BotFather, /newbot)" }];

    fn check(&self, problems: &mut Problems) {
        if let Some(token) = &self.token {
            problems.check_secret("token", token, TOKEN_HELP);
            if !token.is_empty() && !token.is_placeholder() && bot_of(token.expose()).is_none() {
                problems.add("token", "`token` does not look like a bot's token", TOKEN_HELP);
            }
        }
        if web_address(&self.api_url).is_none() {
            problems.add("api_url", "`api_url` is no web address", "leave it out to use Telegram itself");
        }
        if self.proxy.as_ref().is_some_and(|proxy| !is_proxy(proxy.expose())) {
            let help = "write it as `http://proxy.example.org:3128`";
            problems.add("proxy", "`proxy` is no proxy's address", help);
        }
        if self.mode == Mode::Webhook {
            self.check_webhook(problems);
        }
    }
}

impl TelegramConfig {
    fn check_webhook(&self, problems: &mut Problems) {
        match &self.webhook_url {
            None => {
                problems.add_missing("webhook_url", "the https address that leads to /_magpie/webhook here")
            }
            Some(url) => {
                // A server of one's own calls plain addresses, too.
                let is_own = self.local_server;
                let fits = |url: Url| url.query().is_none() && (url.scheme() == "https" || is_own);
                if !web_address(url).is_some_and(fits) {
                    let help = "Telegram calls https addresses only, on port 443, 80, 88 or 8443";
                    problems.add("webhook_url", "`webhook_url` cannot be called by Telegram", help);
                }
            }
        }
        let help = "16 to 256 letters, digits, `_` or `-`, as `openssl rand -hex 32` makes them";
        match &self.webhook_secret {
            None => problems.add_missing("webhook_secret", help),
            Some(secret) => {
                problems.check_secret("webhook_secret", secret, help);
                if !secret.is_empty() && !is_secret(secret.expose()) {
                    problems.add("webhook_secret", "`webhook_secret` cannot be used", help);
                }
            }
        }
    }
}

/// The bot's id, with which a token begins.
pub(crate) fn bot_of(token: &str) -> Option<i64> {
    let (id, rest) = token.trim().split_once(':')?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    // It stands in the path of every request.
    let is_rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !is_id || rest.is_empty() || !rest.chars().all(is_rest) {
        return None;
    }
    id.parse().ok()
}

fn web_address(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn is_proxy(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_secret(secret: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (SECRET_CHARS_MIN..=SECRET_CHARS_MAX).contains(&secret.len()) && secret.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_begins_with_the_bots_id() {
        assert_eq!(bot_of("123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"), Some(123_456));
        for bad in ["", "123456", "x:ABC", "123:", ":ABC", "1:a/../b", "1:a b", "-1:abc"] {
            assert_eq!(bot_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn secrets_are_long_and_plain() {
        assert!(is_secret(&"a-_9".repeat(8)));
        for bad in ["short", "with a blank in it", "äöüäöüäöüäöüäöü", &"a".repeat(257)] {
            assert!(!is_secret(bad), "{bad}");
        }
    }
}
