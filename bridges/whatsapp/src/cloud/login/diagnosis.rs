//! The doctor's look at the Cloud API. Changes nothing there.

use magpie_common::platform::Finding;

use crate::{
    cloud::{
        account::Account,
        json::text,
        session::{api::Api, number_path, verdict::words},
    },
    config::WhatsAppConfig,
};

mod rights;

const TOKEN_REMEDY: &str = "Make a permanent token for a system user in Meta's business settings, with the rights whatsapp_business_messaging \
    and whatsapp_business_management, and put it into `platform.cloud_access_token`.";

const WEBHOOK_REMEDY: &str = "Write the address that leads to /_magpie/webhook here into the app's dashboard (WhatsApp, Configuration), or set \
    `platform.cloud_webhook_url`.";

/// Runs every check that the ones before it leave possible.
pub(in crate::cloud) async fn run(config: &WhatsAppConfig) -> Vec<Finding> {
    let Some(account) = Account::configured(config) else {
        return vec![Finding::good(
            "Cloud API",
            "no number in the configuration; people sign in with the command `login cloud`",
        )];
    };
    let api = match Api::new(config, account.token.clone()) {
        Ok(api) => api,
        Err(error) => {
            let remedy = "Check `platform.cloud_graph_url` and `platform.cloud_proxy`.";
            return vec![Finding::fault("Cloud API", format!("no client can be made: {error}"), remedy)];
        }
    };
    let number = match api.prove(&number_path(&account.number), &account.app_secret).await {
        Ok(number) => number,
        Err(error) if error.is_bad_token() => {
            return vec![Finding::fault("access token", words(&error), TOKEN_REMEDY)];
        }
        Err(error) if error.is_bad_secret() => {
            let remedy = "Put the secret of the token's app into `platform.cloud_app_secret`.";
            return vec![Finding::fault("app secret", words(&error), remedy)];
        }
        Err(error) => {
            let remedy = format!(
                "Check `platform.cloud_phone_number_id`, and that this machine reaches {} (network, proxy, firewall).",
                config.cloud_graph_url
            );
            return vec![Finding::fault("Cloud API", words(&error), remedy)];
        }
    };
    let mut findings = vec![
        Finding::good("Cloud API", format!("reached at {}", config.cloud_graph_url)),
        Finding::good("number", format!("belongs to {}", text(&number["verified_name"]))),
    ];
    findings.push(match text(&number["quality_rating"]) {
        "RED" => Finding::fault(
            "quality",
            "people block or report this number, so Meta may soon let it send less",
            "Look at the number in Meta's business manager; write only to people who want it.",
        ),
        _ => Finding::good("quality", "nothing is wrong with it"),
    });
    findings.extend(rights::run(&api).await);
    findings.push(match &config.cloud_webhook_url {
        Some(_) => Finding::good("webhook", "its address is told to Meta when the bridge starts"),
        None => Finding::good("webhook", format!("not set here. {WEBHOOK_REMEDY}")),
    });
    findings
}
