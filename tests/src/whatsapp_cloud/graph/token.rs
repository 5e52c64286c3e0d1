//! `GET /debug_token`: what a token is and may do. A route of the Graph API at large, which WhatsApp's own description does not have.
//!
//! Reference: <https://developers.facebook.com/docs/graph-api/reference/debug_token>.

use serde_json::{Value, json};

use super::{answer::Answer, call::Call};
use crate::whatsapp_cloud::{
    errors::{GraphError, Outcome},
    state::State,
};

/// Whether a request asks about a token.
pub(super) fn is_asked_for(call: &Call) -> bool {
    call.method == "GET" && call.path.ends_with("/debug_token")
}

pub(super) fn look_up(state: &State, call: &Call) -> Outcome {
    let Some(token) = call.query("input_token") else { return Err(GraphError::missing("input_token")) };
    let records = &state.records;
    let is_valid = token == records.token;
    let accounts: Vec<String> = records.accounts.keys().map(ToString::to_string).collect();
    let of_right = |right: &String| json!({"scope": right, "target_ids": accounts});
    let granular: Vec<Value> = records.rights.iter().map(of_right).collect();
    let known = json!({
        "app_id": records.app_id.to_string(), "type": "SYSTEM_USER", "application": "Magpie", "expires_at": 0,
        "is_valid": true, "scopes": records.rights, "granular_scopes": granular,
    });
    let data = if is_valid { known } else { json!({"is_valid": false, "scopes": []}) };
    Ok(Answer::ok(json!({"data": data})))
}
