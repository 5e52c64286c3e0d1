//! Routes below a phone number: its own data, registration, profile; messages and media are in their own files.

use serde_json::{Map, Value, json};

use super::{answer::Answer, call::Call, media, messages};
use crate::whatsapp_cloud::{
    errors::{GraphError, Outcome},
    ids::NumberId,
    model::Number,
    state::State,
    webhook::handshake,
};

/// What proves that a number is the business's; the one that `request_code` would send by SMS.
pub const CODE: &str = "314159";

/// Serves a path below a number; none when there is no such path.
pub(super) fn route(state: &mut State, call: &Call, (number, rest): (NumberId, &[&str])) -> Option<Outcome> {
    let outcome = match (call.method.as_str(), rest) {
        ("POST", ["messages"]) => messages::post(state, call, number),
        ("POST", ["media"]) => media::upload(state, call, number),
        ("GET", []) => look_up(state, call, number),
        ("POST", []) => redirect(state, call, number),
        ("POST", ["register"]) => register(state, call, number),
        ("POST", ["deregister"]) => deregister(state, number),
        ("POST", ["request_code"]) => request_code(call),
        ("POST", ["verify_code"]) => verify_code(state, call, number),
        ("GET", ["whatsapp_business_profile"]) => profile(state, call, number),
        ("POST", ["whatsapp_business_profile"]) => change_profile(state, call, number),
        _ => return None,
    };
    Some(outcome)
}

/// A number as the API shows it.
pub(super) fn render(number: &Number) -> Value {
    json!({
        "id": number.id.to_string(),
        "display_phone_number": format!("+{}", number.display),
        "verified_name": number.verified_name,
        "quality_rating": "GREEN",
        "code_verification_status": if number.is_verified { "VERIFIED" } else { "UNVERIFIED" },
        "name_status": "APPROVED",
    })
}

/// Only the wanted fields of an object, and its id; all of them where none is named.
pub(super) fn only(call: &Call, whole: Value) -> Value {
    let Some(fields) = call.query("fields") else { return whole };
    let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
    let Value::Object(whole) = whole else { return whole };
    let kept: Map<String, Value> =
        whole.into_iter().filter(|(name, _)| name == "id" || wanted.contains(&name.as_str())).collect();
    Value::Object(kept)
}

fn get(state: &mut State, number: NumberId) -> &mut Number {
    state.records.numbers.get_mut(&number).expect("the route found it")
}

fn look_up(state: &mut State, call: &Call, number: NumberId) -> Outcome {
    Ok(Answer::ok(only(call, render(get(state, number)))))
}

/// `webhook_configuration` of a number: its webhooks go elsewhere, or again where all go.
fn redirect(state: &mut State, call: &Call, number: NumberId) -> Outcome {
    let configuration = call.field("webhook_configuration");
    let Some(address) = configuration["override_callback_uri"].as_str() else {
        return Err(GraphError::missing("webhook_configuration"));
    };
    handshake::passed(call)?;
    get(state, number).callback = Some(address.to_owned()).filter(|it| !it.is_empty());
    Ok(Answer::success())
}

fn register(state: &mut State, call: &Call, number: NumberId) -> Outcome {
    product(call)?;
    let pin = call.need("pin")?;
    if pin.len() != 6 || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(GraphError::new(133_005).details("The PIN has six digits."));
    }
    let number = get(state, number);
    if !number.is_verified {
        return Err(GraphError::new(133_010).details("The number is not verified."));
    }
    number.is_registered = true;
    Ok(Answer::success())
}

fn deregister(state: &mut State, number: NumberId) -> Outcome {
    get(state, number).is_registered = false;
    Ok(Answer::success())
}

fn request_code(call: &Call) -> Outcome {
    call.need("code_method")?;
    call.need("language")?;
    Ok(Answer::success())
}

fn verify_code(state: &mut State, call: &Call, number: NumberId) -> Outcome {
    if call.need("code")? != CODE {
        return Err(GraphError::new(136_025));
    }
    get(state, number).is_verified = true;
    Ok(Answer::success())
}

fn profile(state: &mut State, call: &Call, number: NumberId) -> Outcome {
    let mut profile = only(call, get(state, number).profile.clone());
    profile["messaging_product"] = json!("whatsapp");
    Ok(Answer::ok(json!({"data": [profile]})))
}

fn change_profile(state: &mut State, call: &Call, number: NumberId) -> Outcome {
    product(call)?;
    let profile = &mut get(state, number).profile;
    for (name, value) in call.body.iter().filter_map(Value::as_object).flatten() {
        profile[name] = value.clone();
    }
    Ok(Answer::success())
}

/// Every writing request names the product.
pub(super) fn product(call: &Call) -> Result<(), GraphError> {
    match call.need("messaging_product")? {
        "whatsapp" => Ok(()),
        other => Err(GraphError::parameter(format!(
            "Param messaging_product must be one of {{WHATSAPP}} - got \"{other}\"."
        ))),
    }
}
