//! The WeChat bridge's configuration for a simulated Official Account.

use magpie_common::platform::WEBHOOK_PATH;

use super::OfficialSim;

/// The lines of the `platform:` section with which `magpie-wechat` speaks for an account of `sim`.
pub fn platform_section(sim: &OfficialSim, app_id: &str) -> String {
    let state = sim.inner.lock();
    let account = state.account(app_id);
    format!(
        "official_app_id: {app_id}\nofficial_app_secret: \"{}\"\nofficial_token: \"{}\"\nofficial_aes_key: \"{}\"\nofficial_api_url: {}\n",
        account.app_secret, account.envelope.token, account.envelope.aes_key, state.origin
    )
}

/// Where callbacks of an account go, at a bridge that listens at `url`.
pub fn callback_address(url: &str, app_id: &str) -> String {
    format!("{url}{WEBHOOK_PATH}/official/{app_id}")
}
