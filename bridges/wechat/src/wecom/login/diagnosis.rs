//! The doctor's look at an app in WeCom. Changes nothing there.

use magpie_common::platform::Finding;

use crate::{
    api::Api,
    config::WeChatConfig,
    wecom::{account::Account, place::Names, session::verdict::words},
};

const CHECK: &str = "WeCom app";
const KF_CHECK: &str = "WeCom customer service";

/// Runs every check that the ones before it leave possible.
pub(in crate::wecom) async fn run(config: &WeChatConfig) -> Vec<Finding> {
    let Some(account) = Account::configured(config) else {
        return vec![Finding::good(
            CHECK,
            "none in the configuration; people sign in with the command `login wecom`",
        )];
    };
    let made = account.api(config).and_then(|api| Ok((api, account.kf_api(config)?)));
    let (api, kf_api) = match made {
        Ok(made) => made,
        Err(error) => {
            let remedy = "Check `platform.wecom_api_url` and `platform.proxy`.";
            return vec![Finding::fault(CHECK, format!("no client can be made: {error}"), remedy)];
        }
    };
    let mut findings = vec![proved(CHECK, &api, ("wecom_secret", config)).await];
    if let Some(kf_api) = kf_api {
        findings.push(proved(KF_CHECK, &kf_api, ("wecom_kf_secret", config)).await);
    }
    if findings.iter().all(|finding| finding.result.is_ok()) {
        let Names { corp_id, agent_id } = &account.names;
        findings.push(Finding::good(
            "WeCom callbacks",
            format!(
                "WeCom's console must name the address that leads to /_magpie/webhook/wecom/{corp_id}/{agent_id} here"
            ),
        ));
    }
    findings
}

async fn proved(check: &str, api: &Api, (secret, config): (&str, &WeChatConfig)) -> Finding {
    match api.prove().await {
        Ok(()) => Finding::good(check, format!("reached at {}", config.wecom_api_url)),
        Err(error) => {
            let remedy = format!(
                "Check `platform.wecom_corp_id` and `platform.{secret}`, that WeCom's console lists this machine's address (trusted IPs of the \
                 app), and that this machine reaches {}.",
                config.wecom_api_url
            );
            Finding::fault(check, words(&error), remedy)
        }
    }
}
