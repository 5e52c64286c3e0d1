//! Routes below a business account: its data, its numbers, its subscription to webhooks, its templates.

use serde_json::{Value, json};

use super::{answer::Answer, call::Call, number};
use crate::whatsapp_cloud::{
    errors::{GraphError, Outcome},
    ids::AccountId,
    model::{Account, Template},
    state::State,
    webhook::handshake,
};

const PAGE_DEFAULT: usize = 25;
const TEMPLATES_MAX: usize = 250;

/// Serves a path below an account; none when there is no such path.
pub(super) fn route(
    state: &mut State,
    call: &Call,
    (account, rest): (AccountId, &[&str]),
) -> Option<Outcome> {
    let outcome = match (call.method.as_str(), rest) {
        ("GET", []) => look_up(state, call, account),
        ("GET", ["phone_numbers"]) => numbers(state, call, account),
        ("GET", ["subscribed_apps"]) => subscriptions(state, account),
        ("POST", ["subscribed_apps"]) => subscribe(state, call, account),
        ("DELETE", ["subscribed_apps"]) => unsubscribe(state, account),
        ("GET", ["message_templates"]) => templates(state, call, account),
        _ => return None,
    };
    Some(outcome)
}

fn get(state: &mut State, account: AccountId) -> &mut Account {
    state.records.accounts.get_mut(&account).expect("the route found it")
}

fn look_up(state: &mut State, call: &Call, account: AccountId) -> Outcome {
    let account = get(state, account);
    let whole = json!({
        "id": account.id.to_string(), "name": account.name, "timezone_id": "1", "currency": "USD",
        "message_template_namespace": format!("{:08x}", account.id.0),
    });
    Ok(Answer::ok(number::only(call, whole)))
}

fn numbers(state: &mut State, call: &Call, account: AccountId) -> Outcome {
    let of_account = state.records.numbers.values().filter(|number| number.account == account);
    let all: Vec<Value> = of_account
        .map(|it| {
            let mut whole = number::render(it);
            whole["status"] = json!(if it.is_registered { "LINKED" } else { "UNLINKED" });
            whole
        })
        .collect();
    Ok(Answer::ok(page(call, &all)?))
}

fn subscriptions(state: &mut State, account: AccountId) -> Outcome {
    let app = json!({"id": state.records.app_id.to_string(), "name": "Magpie"});
    let apps: Vec<Value> = if get(state, account).is_subscribed { vec![app] } else { Vec::new() };
    Ok(Answer::ok(json!({"data": apps})))
}

/// Subscribes the app; with `override_callback_uri` the webhooks of this account go there after a handshake, without it again where all go.
fn subscribe(state: &mut State, call: &Call, account: AccountId) -> Outcome {
    handshake::passed(call)?;
    let account = get(state, account);
    account.is_subscribed = true;
    account.callback = call.text("override_callback_uri").map(str::to_owned);
    Ok(Answer::success())
}

fn unsubscribe(state: &mut State, account: AccountId) -> Outcome {
    get(state, account).is_subscribed = false;
    Ok(Answer::success())
}

fn templates(state: &mut State, call: &Call, account: AccountId) -> Outcome {
    let fits = |template: &&Template| {
        let same = |name: &str, value: &str| call.query(name).is_none_or(|wanted| wanted.contains(value));
        // `name` finds parts of names too.
        let is_named = call.query("name").is_none_or(|wanted| template.name.contains(wanted));
        is_named
            && same("language", &template.language)
            && same("status", &template.status)
            && same("category", &template.category)
    };
    let render = |template: &Template| {
        json!({
            "id": template.id.to_string(), "name": template.name, "language": template.language, "category": template.category,
            "status": template.status, "components": template.components, "parameter_format": "POSITIONAL",
        })
    };
    let all: Vec<Value> = get(state, account).templates.iter().filter(fits).map(render).collect();
    let mut page = page(call, &all)?;
    if call.query("summary").is_some() {
        let count = get(state, account).templates.len();
        page["summary"] = json!({
            "total_count": count, "message_template_count": count, "message_template_limit": TEMPLATES_MAX,
            "are_translations_complete": true,
        });
    }
    Ok(Answer::ok(page))
}

/// A part of a list with cursors to its neighbors.
fn page(call: &Call, all: &[Value]) -> Result<Value, GraphError> {
    let number = |name: &str| call.query(name).map(str::parse::<usize>).transpose();
    let bad = |_| GraphError::parameter("Invalid cursor or limit");
    let limit = number("limit").map_err(bad)?.unwrap_or(PAGE_DEFAULT).max(1);
    let start = number("after").map_err(bad)?.unwrap_or(0).min(all.len());
    let end = (start + limit).min(all.len());
    let mut page = json!({"data": all[start..end], "paging": {"cursors": {"before": start.to_string(), "after": end.to_string()}}});
    if all.is_empty() {
        page = json!({"data": []});
    }
    Ok(page)
}
