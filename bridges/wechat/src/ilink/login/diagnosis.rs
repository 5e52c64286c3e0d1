//! The doctor's look at iLink. Changes nothing there.

use std::time::Duration;

use magpie_common::{clock::Clock, platform::Finding};

use crate::{
    config::{ILINK_API_URL, WeChatConfig},
    ilink::{
        api::{Api, ApiError},
        known::Known,
    },
};

const CHECK: &str = "iLink";

const WITHIN: Duration = Duration::from_secs(10);

/// Asks iLink whether it is there, where somebody uses it.
pub(in crate::ilink) async fn run(config: &WeChatConfig, clock: Clock, known: &Known) -> Vec<Finding> {
    if known.is_empty() && config.ilink_api_url == ILINK_API_URL {
        let words = "nobody has a bot there; people sign in with the command `login ilink`";
        return vec![Finding::good(CHECK, words)];
    }
    let remedy = format!(
        "Check `platform.ilink_api_url` and `platform.proxy`, and that this machine reaches {}.",
        config.ilink_api_url
    );
    let api = match Api::new(config, clock) {
        Ok(api) => api,
        Err(error) => return vec![Finding::fault(CHECK, format!("no client can be made: {error}"), remedy)],
    };
    // A code that does not exist: the answer does not count, only that there is one.
    let asked = api.get(api.base(), "ilink/bot/get_qrcode_status?qrcode=magpie-doctor", WITHIN).await;
    vec![match asked {
        Ok(_) | Err(ApiError::Refused(_) | ApiError::TimedOut | ApiError::Busy) => {
            Finding::good(CHECK, format!("reached at {}", config.ilink_api_url))
        }
        Err(error @ (ApiError::NotSent(_) | ApiError::Unclear(_))) => {
            Finding::fault(CHECK, format!("it does not answer as it should: {error}"), remedy)
        }
    }]
}
