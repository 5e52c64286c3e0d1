//! The doctor's look at an Official Account. Changes nothing there.

use magpie_common::platform::Finding;

use crate::{
    config::WeChatConfig,
    official::{account::Account, session::verdict::words},
};

const CHECK: &str = "Official Account";

/// Runs every check that the ones before it leave possible.
pub(in crate::official) async fn run(config: &WeChatConfig) -> Vec<Finding> {
    let Some(account) = Account::configured(config) else {
        return vec![Finding::good(
            CHECK,
            "none in the configuration; people sign in with the command `login official`",
        )];
    };
    let proved = match account.api(config) {
        Ok(api) => api.prove().await,
        Err(error) => {
            let remedy = "Check `platform.official_api_url` and `platform.proxy`.";
            return vec![Finding::fault(CHECK, format!("no client can be made: {error}"), remedy)];
        }
    };
    match proved {
        Ok(()) => vec![
            Finding::good(CHECK, format!("reached at {}", config.official_api_url)),
            Finding::good(
                "callbacks",
                format!(
                    "WeChat's console must name the address that leads to /_magpie/webhook/official/{} here, and the safe mode",
                    account.app_id
                ),
            ),
        ],
        Err(error) => {
            let remedy = format!(
                "Check `platform.official_app_id` and `platform.official_app_secret`, that WeChat's console lists this machine's address \
                 (IP whitelist), and that this machine reaches {}.",
                config.official_api_url
            );
            vec![Finding::fault(CHECK, words(&error), remedy)]
        }
    }
}
