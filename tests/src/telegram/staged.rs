//! The Telegram bridge's configuration for a simulated Telegram.

use super::TelegramSim;

/// The lines of the `platform:` section with which `magpie-telegram` talks to `telegram` instead of the real one.
pub fn platform_section(telegram: &TelegramSim) -> String {
    format!("token: \"{}\"\napi_url: {}\n", telegram.token(), telegram.url())
}
