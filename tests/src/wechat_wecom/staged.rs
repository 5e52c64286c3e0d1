//! The WeChat bridge's configuration for a simulated WeCom.

use magpie_common::platform::WEBHOOK_PATH;

use super::{AES_KEY, AGENT_ID, CORP_ID, KF_SECRET, SECRET, TOKEN, WeComSim};

/// The lines of the `platform:` section with which `magpie-wechat` speaks for the app and the customer service of `sim`.
pub fn platform_section(sim: &WeComSim) -> String {
    format!(
        "wecom_corp_id: {CORP_ID}\nwecom_agent_id: {AGENT_ID}\nwecom_secret: \"{SECRET}\"\nwecom_token: \"{TOKEN}\"\nwecom_aes_key: \"{AES_KEY}\"\n\
         wecom_kf_secret: \"{KF_SECRET}\"\nwecom_api_url: {}\n",
        sim.origin()
    )
}

/// Where callbacks of the app go, at a bridge that listens at `url`.
pub fn callback_address(url: &str) -> String {
    format!("{url}{WEBHOOK_PATH}/wecom/{CORP_ID}/{AGENT_ID}")
}
