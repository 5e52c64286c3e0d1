//! The Telegram bridge's configuration for a simulated Telegram.

use magpie_common::platform::WEBHOOK_PATH;

use super::TelegramSim;

/// The lines of the `platform:` section with which `magpie-telegram` talks to `telegram` instead of the real one.
pub fn platform_section(telegram: &TelegramSim) -> String {
    format!("token: \"{}\"\napi_url: {}\n", telegram.token(), telegram.url())
}

/// More lines, with which it has updates brought to `url`, where it listens.
pub fn webhook_lines(url: &str) -> String {
    // Only a server of one's own calls plain addresses.
    format!(
        "mode: webhook\nwebhook_url: {url}{WEBHOOK_PATH}\nwebhook_secret: a-secret-of-a-staged-bridge\nlocal_server: true\n"
    )
}
