//! What Meta says of the access token: whether it may do what the bridge does, and whether its app hears of the business account.
//!
//! Where Meta does not tell, that is no fault: the number itself was reached. Changes nothing there.

use magpie_common::platform::Finding;
use serde_json::Value;

use crate::cloud::{json::text, session::api::Api};

/// What the bridge needs, and what goes wrong without it.
const NEEDED: [(&str, &str); 2] = [
    ("whatsapp_business_messaging", "nothing can be sent"),
    ("whatsapp_business_management", "the number and its templates cannot be looked at"),
];

const RIGHTS: &str = "rights of the access token";
const SUBSCRIPTION: &str = "subscription to webhooks";

/// Asks for the token's rights, and for the apps that hear of its business accounts.
pub(super) async fn run(api: &Api) -> Vec<Finding> {
    match api.look_at_token().await {
        Ok(answer) => vec![rights(&answer["data"]), subscription(api, &answer["data"]).await],
        Err(error) => vec![Finding::good(RIGHTS, format!("Meta does not tell them: {error}"))],
    }
}

fn rights(token: &Value) -> Finding {
    let Some(held) = token["scopes"].as_array() else {
        return Finding::good(RIGHTS, "Meta does not tell them");
    };
    let is_missing = |(right, _): &&(&str, &str)| !held.iter().any(|held| held.as_str() == Some(*right));
    let missing: Vec<&(&str, &str)> = NEEDED.iter().filter(is_missing).collect();
    let Some((_, without)) = missing.first() else {
        return Finding::good(RIGHTS, "all that is needed");
    };
    let names: Vec<&str> = missing.iter().map(|(right, _)| *right).collect();
    let problem = format!("the token lacks {}, and so {without}", names.join(" and "));
    Finding::fault(RIGHTS, problem, super::TOKEN_REMEDY)
}

/// `GET /{WABA-ID}/subscribed_apps`: one of the accounts must lead to the token's own app, or no message ever comes.
async fn subscription(api: &Api, token: &Value) -> Finding {
    let (app, accounts) = (text(&token["app_id"]), accounts(token));
    if app.is_empty() || accounts.is_empty() {
        return Finding::good(SUBSCRIPTION, "Meta does not tell for which business account the token is");
    }
    for account in &accounts {
        match api.get(&format!("{account}/subscribed_apps")).await {
            Ok(apps) if has(&apps, app) => {
                return Finding::good(
                    SUBSCRIPTION,
                    format!("the app hears of the business account {account}"),
                );
            }
            Ok(_) => {}
            Err(error) => {
                let detail = format!("Meta does not tell of the business account {account}: {error}");
                return Finding::good(SUBSCRIPTION, detail);
            }
        }
    }
    let accounts = accounts.join(", ");
    let problem =
        format!("the token's app does not hear of the business account {accounts}, so no message comes");
    let remedy = "Subscribe the app to the account in Meta's dashboard (WhatsApp, Configuration, Webhooks), or by \
         `POST /<business account>/subscribed_apps` with the token.";
    Finding::fault(SUBSCRIPTION, problem, remedy)
}

/// The business accounts for which the token was made.
fn accounts(token: &Value) -> Vec<&str> {
    let of_right = |entry: &&Value| NEEDED.iter().any(|(right, _)| text(&entry["scope"]) == *right);
    let entries = token["granular_scopes"].as_array().into_iter().flatten().filter(of_right);
    let mut ids: Vec<&str> =
        entries.filter_map(|entry| entry["target_ids"].as_array()).flatten().map(text).collect();
    ids.retain(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether an app is in the answer, which shows it in one of two forms.
fn has(apps: &Value, app: &str) -> bool {
    let mut listed = apps["data"].as_array().into_iter().flatten();
    listed.any(|entry| text(&entry["id"]) == app || text(&entry["whatsapp_business_api_data"]["id"]) == app)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_missing_right_is_named_with_what_goes_wrong() {
        let both =
            json!({"scopes": ["whatsapp_business_management", "email", "whatsapp_business_messaging"]});
        assert!(rights(&both).result.is_ok());
        assert!(rights(&json!({})).result.is_ok(), "nobody tells");
        let fault = rights(&json!({"scopes": ["whatsapp_business_management"]})).result.unwrap_err();
        assert!(
            fault.problem.contains("lacks whatsapp_business_messaging, and so nothing can be sent"),
            "{}",
            fault.problem
        );
        let fault = rights(&json!({"scopes": []})).result.unwrap_err();
        assert!(fault.problem.contains("messaging and whatsapp_business_management"), "{}", fault.problem);
        assert!(fault.remedy.contains("permanent token"), "{}", fault.remedy);
    }

    #[test]
    fn the_accounts_of_a_token_are_ids_and_nothing_else() {
        let token = json!({"granular_scopes": [
            {"scope": "whatsapp_business_management", "target_ids": ["7", "5"]},
            {"scope": "whatsapp_business_messaging", "target_ids": ["5", "../me", ""]},
            {"scope": "pages_show_list", "target_ids": ["9"]},
            {"scope": "email"},
        ]});
        assert_eq!(accounts(&token), ["5", "7"]);
        assert_eq!(accounts(&json!({})), [""; 0]);
    }

    #[test]
    fn an_app_is_found_in_either_form() {
        assert!(has(&json!({"data": [{"id": "5", "name": "Magpie"}]}), "5"));
        assert!(has(&json!({"data": [{"whatsapp_business_api_data": {"id": "5"}}]}), "5"));
        assert!(!has(&json!({"data": []}), "5"));
    }
}
