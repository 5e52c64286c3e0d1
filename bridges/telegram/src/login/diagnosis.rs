//! The doctor's look at Telegram: one question after the other, each with its remedy. Changes nothing there.

use magpie_common::{config::Secret, platform::Finding};
use serde_json::{Value, json};

use crate::{
    config::{Mode, TelegramConfig},
    json::text,
    session::{
        BAD_TOKEN, PRIVACY_MODE,
        api::{Api, ApiError},
        webhook_url,
    },
};

const TOKEN_REMEDY: &str =
    "Write /token to @BotFather in Telegram, choose the bot, and put the token into `platform.token`.";

const PRIVACY_REMEDY: &str = "Write /setprivacy to @BotFather in Telegram, choose the bot, then Disable; take the bot out of its groups \
    and add it again. Or make it an admin of its groups.";

/// Telegram's word on a webhook's fault is old news after so many seconds.
const WEBHOOK_ERROR_SECS_MAX: i64 = 10 * 60;

/// Runs every check that the ones before it leave possible.
pub(crate) async fn run(config: &TelegramConfig) -> Vec<Finding> {
    let Some(token) = &config.token else {
        let problem = "`platform.token` is not set, so nothing connects";
        return vec![Finding::fault("token", problem, TOKEN_REMEDY)];
    };
    let api = match Api::new(config, Secret::new(token.expose())) {
        Ok(api) => api,
        Err(error) => {
            let problem = error.without_url().to_string();
            return vec![Finding::fault("API", problem, "Check `platform.api_url` and `platform.proxy`.")];
        }
    };
    let me = match api.call("getMe", &json!({})).await {
        Ok(me) => me,
        Err(error) => return vec![account_fault(&error, config)],
    };
    let mut findings = vec![
        Finding::good("API", format!("reached at {}", config.api_url)),
        Finding::good("token", format!("belongs to @{}", text(&me["username"]))),
        privacy(&me),
    ];
    findings.push(match api.call("getWebhookInfo", &json!({})).await {
        Ok(info) => way_in(&info, config, me["id"].as_i64().unwrap_or_default()),
        Err(error) => {
            Finding::fault("updates", error.to_string(), "Try again; if it stays, see https://telegram.org.")
        }
    });
    findings
}

fn account_fault(error: &ApiError, config: &TelegramConfig) -> Finding {
    if error.is_bad_token() {
        return Finding::fault("token", BAD_TOKEN, TOKEN_REMEDY);
    }
    let remedy = format!("Check that this machine reaches {} (network, proxy, firewall).", config.api_url);
    Finding::fault("API", error.to_string(), remedy)
}

fn privacy(me: &Value) -> Finding {
    match me["can_read_all_group_messages"] == true {
        true => Finding::good("privacy mode", "off, so the bot sees what is said in groups"),
        false => Finding::fault("privacy mode", PRIVACY_MODE, PRIVACY_REMEDY),
    }
}

fn way_in(info: &Value, config: &TelegramConfig, me: i64) -> Finding {
    let url = text(&info["url"]);
    let waiting = info["pending_update_count"].as_u64().unwrap_or_default();
    match config.mode {
        Mode::Polling if url.is_empty() => Finding::good("updates", format!("asked for; {waiting} wait")),
        Mode::Polling => {
            Finding::good("updates", "still brought to a webhook, which goes when the bridge starts")
        }
        Mode::Webhook if url.is_empty() => {
            Finding::good("updates", "the webhook is set when the bridge starts")
        }
        Mode::Webhook if url != webhook_url(config, me) => {
            // The path may be a secret of whoever set it, and so may a name and password before the host.
            let authority = url.split(['/', '?', '#']).nth(2).unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            let problem =
                format!("the webhook leads to another address, at {host}, so the bridge hears nothing");
            let remedy = "Start the bridge, which sets it. If it leads elsewhere again, another program has this bot's token: stop that, or \
                write /revoke to @BotFather for a new token.";
            Finding::fault("updates", problem, remedy)
        }
        Mode::Webhook => {
            let failed_at = info["last_error_date"].as_i64();
            let synchronized = info["last_synchronization_error_date"].as_i64();
            let is_fresh =
                failed_at.zip(synchronized).is_none_or(|(failed, now)| now - failed < WEBHOOK_ERROR_SECS_MAX);
            match info["last_error_message"].as_str().filter(|_| waiting > 0 && is_fresh) {
                None => Finding::good("updates", format!("brought to the webhook; {waiting} wait")),
                Some(why) => {
                    let problem =
                        format!("Telegram does not reach the webhook: {why}; {waiting} updates wait");
                    Finding::fault(
                        "updates",
                        problem,
                        "Check that `platform.webhook_url` leads to the bridge from outside.",
                    )
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: i64 = 42;

    fn on_webhook() -> TelegramConfig {
        TelegramConfig {
            mode: Mode::Webhook,
            webhook_url: Some("https://bridge.example.org/_magpie/webhook".to_owned()),
            ..TelegramConfig::default()
        }
    }

    #[test]
    fn a_webhook_that_leads_elsewhere_is_a_fault_and_its_path_is_not_shown() {
        let config = on_webhook();
        let ours = json!({"url": webhook_url(&config, ME), "pending_update_count": 3});
        assert_eq!(way_in(&ours, &config, ME).result.unwrap(), "brought to the webhook; 3 wait");
        let taken =
            json!({"url": "https://me:word@elsewhere.example.org/hook-of-others", "pending_update_count": 0});
        let fault = way_in(&taken, &config, ME).result.unwrap_err();
        assert!(fault.problem.contains("elsewhere.example.org"), "{}", fault.problem);
        assert!(!fault.problem.contains("hook-of-others"), "{}", fault.problem);
        assert!(!fault.problem.contains("word"), "{}", fault.problem);
        assert!(fault.remedy.contains("/revoke"), "{}", fault.remedy);
        assert!(way_in(&json!({"url": ""}), &config, ME).result.is_ok(), "it is set at the start");
    }

    #[test]
    fn a_webhook_that_telegram_does_not_reach_is_a_fault_while_it_is_news() {
        let config = on_webhook();
        let told = |waiting: u64, failed: i64| {
            let info = json!({
                "url": webhook_url(&config, ME), "pending_update_count": waiting, "last_error_message": "Connection refused",
                "last_error_date": failed, "last_synchronization_error_date": 10_000,
            });
            way_in(&info, &config, ME).result
        };
        assert!(told(1, 9_900).unwrap_err().problem.contains("Connection refused"));
        assert!(told(0, 9_900).is_ok(), "nothing waits");
        assert!(told(1, 9_000).is_ok(), "that is old");
    }
}
