//! Meta's own OpenAPI description (v23.0), and the places where its examples, its prose and its servers say otherwise.
//!
//! The description is merged from many and contradicts itself: hardly one of its own examples fits its schemas. Each amendment names its
//! reason; nothing is amended to make a client of ours look right. What its examples must do afterwards is in the tests.
//!
//! Many paths have the same shape (`/{Version}/{anything}`), so [`Spec`] could not tell them apart: those that the simulator serves get a
//! word for the kind of thing, and [`path`] writes a request's path in the same way.

mod incoming;
mod outgoing;

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use super::model::Records;
use crate::openapi::{Spec, specs_dir};

/// Where a webhook goes, as the description calls it.
pub(crate) const WEBHOOK_PATH: &str = "/whatsapp/webhooks";

const FILE: &str = "whatsapp-cloud-api.yaml";

/// Path in the description, and its kind of thing. The kind stands in for the version.
const SERVED: [(&str, &str); 14] = [
    ("/{Version}/{Phone-Number-ID}/messages", "number"),
    ("/{Version}/{Phone-Number-ID}/media", "number"),
    ("/{Version}/{Phone-Number-ID}", "number"),
    ("/{Version}/{Phone-Number-ID}/register", "number"),
    ("/{Version}/{Phone-Number-ID}/deregister", "number"),
    ("/{Version}/{Phone-Number-ID}/request_code", "number"),
    ("/{Version}/{Phone-Number-ID}/verify_code", "number"),
    ("/{Version}/{Phone-Number-ID}/whatsapp_business_profile", "number"),
    ("/{Version}/{Media-ID}", "media"),
    ("/{Version}/{WABA-ID}", "account"),
    ("/{Version}/{WABA-ID}/phone_numbers", "account"),
    ("/{Version}/{WABA-ID}/subscribed_apps", "account"),
    ("/{Version}/{WABA-ID}/message_templates", "account"),
    (WEBHOOK_PATH, "whatsapp"),
];

/// The description, read once for the whole process; none where it is not present.
pub fn description() -> Option<Arc<Spec>> {
    static READ: OnceLock<Option<Arc<Spec>>> = OnceLock::new();
    let read = || {
        let mut document = document()?;
        amend(&mut document);
        Some(Arc::new(Spec::new(document)))
    };
    READ.get_or_init(read).clone()
}

/// The description as Meta wrote it.
pub fn document() -> Option<Value> {
    let text = std::fs::read_to_string(specs_dir().join(FILE)).ok()?;
    let document = serde_saphyr::from_str(&text);
    Some(document.unwrap_or_else(|error| panic!("{FILE} is no YAML: {error}")))
}

/// A request's path with the kind of thing in place of the version.
pub(crate) fn path(records: &Records, path: &str) -> String {
    let mut segments = path.trim_matches('/').splitn(3, '/');
    let (version, id) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let kind = match id {
        _ if records.number(id).is_some() => "number",
        _ if records.account(id).is_some() => "account",
        _ if records.media.contains_key(id) => "media",
        // A thing that is not there is judged as what its path would make it.
        _ if segments.clone().next().is_some_and(|rest| path_kind(rest) == Some("account")) => "account",
        _ if segments.clone().next().is_some() => "number",
        _ => "media",
    };
    let rest = segments.next().map(|rest| format!("/{rest}")).unwrap_or_default();
    format!("/{kind}/{version}/{id}{rest}")
}

fn path_kind(rest: &str) -> Option<&'static str> {
    let ending = format!("}}/{}", rest.trim_matches('/'));
    SERVED.iter().find(|(path, _)| path.ends_with(&ending)).map(|(_, kind)| *kind)
}

fn amend(document: &mut Value) {
    let mut paths = Map::new();
    for (path, kind) in SERVED {
        let name = if path == WEBHOOK_PATH { path.to_owned() } else { format!("/{kind}{path}") };
        paths.insert(name, document["paths"][path].clone());
    }
    let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
    for operation in operations.filter(|operation| operation["responses"].is_object()) {
        // The description knows errors of some operations only; the prose says that all answer them in one form.
        let responses = &mut operation["responses"];
        responses["4XX"] = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/GraphAPIError"}}}});
    }
    document["paths"] = Value::Object(paths);
    amend_answers(document);
    let schemas = &mut document["components"]["schemas"];
    // "can be empty string", it says, and asks for an address.
    schemas["WebhookConfiguration"]["properties"]["override_callback_uri"] = string();
    outgoing::amend(schemas);
    incoming::amend(schemas);
}

fn amend_answers(document: &mut Value) {
    // "Secure requests" of the Graph API holds for all paths; this is the one where it is used.
    let number = &mut document["paths"]["/number/{Version}/{Phone-Number-ID}"]["get"]["parameters"];
    if let Some(parameters) = number.as_array_mut() {
        let proof = json!({"name": "appsecret_proof", "in": "query", "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"}});
        parameters.push(proof);
    }
    // Servers write the size as a number, the prose as a string.
    let media = &mut document["paths"]["/media/{Version}/{Media-ID}"]["get"]["responses"]["200"];
    media["content"]["application/json"]["schema"]["properties"]["file_size"] =
        json!({"type": ["string", "integer"]});
    // The reference lists these beside `name`.
    let templates =
        &mut document["paths"]["/account/{Version}/{WABA-ID}/message_templates"]["get"]["parameters"];
    if let Some(parameters) = templates.as_array_mut() {
        for name in ["fields", "summary", "limit", "after", "before", "language", "status", "category"] {
            parameters.push(json!({"name": name, "in": "query", "schema": {"type": "string"}}));
        }
    }
    // "Mark messages as read" in the reference: that request is answered by `success` alone.
    let schemas = &mut document["components"]["schemas"];
    let sent = schemas["MessageResponsePayload"].clone();
    schemas["MessageResponsePayload"] = json!({
        "if": {"required": ["success"]},
        "then": {"properties": {"success": {"const": true}}, "required": ["success"], "additionalProperties": false},
        "else": {"allOf": [sent], "required": ["messaging_product", "contacts", "messages"]},
    });
    // "Business-scoped user IDs": an answer names the user id where a message went to one.
    let contact =
        &mut schemas["MessageResponsePayload"]["else"]["allOf"][0]["properties"]["contacts"]["items"];
    contact["properties"]["user_id"] = json!({"type": "string"});
}

/// An object of these fields, the first list required.
fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

/// One schema for each value of `type`, so that a finding names the field and not "fits none of eleven".
fn by_type(kinds: &[(&str, Value)]) -> Value {
    let one = |(kind, schema): &(&str, Value)| json!({"if": {"required": ["type"], "properties": {"type": {"const": kind}}}, "then": schema});
    Value::Array(kinds.iter().map(one).collect())
}

/// The form of business-scoped user ids.
fn user_id() -> Value {
    json!({"type": "string", "pattern": "^[A-Z]{2}\\.[A-Za-z0-9]{1,128}$"})
}

fn string() -> Value {
    json!({"type": "string"})
}

#[cfg(test)]
mod tests;
