//! Amendments to the payloads of webhooks.
//!
//! The description takes messages of people for requests to send some (with `to` and `recipient_type`), which none of its 16 examples
//! fits. Here they have the form of the examples and of the webhook reference; what came after the description (user ids, edits, echoes of
//! the phone) has the form of the reference of 2026.

use serde_json::{Value, json};

use super::{by_type, object, string, user_id};

pub(super) fn amend(schemas: &mut Value) {
    let order = schemas["OrderMessage"]["allOf"][1]["properties"]["order"].clone();
    schemas["IncomingMessage"] = message(order);
    schemas["SystemMessage"] = system();
    // The examples write `title` and no `type`.
    schemas["ErrorObject"] = object(
        &["code", "title"],
        json!({
            "code": {"type": "integer"}, "title": string(), "message": string(), "href": string(),
            "error_data": object(&["details"], json!({"details": string()})),
        }),
    );
    let contact = &mut schemas["ContactProfile"];
    contact["properties"]["user_id"] = user_id();
    contact["properties"]["wa_id"] = digits();
    contact["anyOf"] = json!([{"required": ["wa_id"]}, {"required": ["user_id"]}]);
    amend_statuses(schemas);
    amend_changes(schemas);
    // The example writes numbers.
    for name in ["input", "wa_id"] {
        schemas["GroupParticipant"]["properties"][name] = json!({"type": ["string", "integer"]});
    }
    // The examples write text.
    schemas["Groups"]["properties"]["timestamp"] = json!({"type": ["string", "integer"]});
}

fn amend_statuses(schemas: &mut Value) {
    let statuses = &mut schemas["Statuses"];
    // Without a phone number there is no `recipient_id`; a message that failed on the way to a number has no user id.
    statuses["required"] = json!(["id", "status", "timestamp"]);
    statuses["anyOf"] = json!([{"required": ["recipient_id"]}, {"required": ["recipient_user_id"]}]);
    let properties = &mut statuses["properties"];
    properties["recipient_user_id"] = user_id();
    properties["biz_opaque_callback_data"] = string();
    properties["timestamp"] = seconds();
    let is_failed = json!({"properties": {"status": {"const": "failed"}}});
    let has_errors = json!({"required": ["errors"]});
    let error = json!({"if": is_failed, "then": has_errors, "else": {"not": has_errors}});
    statuses["allOf"] = json!([error]);
    let contacts = json!({"type": "array", "items": {"$ref": "#/components/schemas/ContactProfile"}});
    schemas["StatusMessageValue"]["properties"]["contacts"] = contacts;
}

fn amend_changes(schemas: &mut Value) {
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let metadata = |more: Value| {
        let mut properties =
            json!({"messaging_product": {"const": "whatsapp"}, "metadata": reference("Metadata")});
        if let (Some(all), Value::Object(more)) = (properties.as_object_mut(), more) {
            all.extend(more);
        }
        properties
    };
    let echoes = object(
        &["messaging_product", "metadata", "message_echoes"],
        metadata(
            json!({"message_echoes": {"type": "array", "items": {"allOf": [reference("IncomingMessage")], "required": ["from"]}}}),
        ),
    );
    let ids = object(&["previous", "current"], json!({"previous": user_id(), "current": user_id()}));
    let update = object(
        &["user_id", "timestamp"],
        json!({"user_id": ids, "timestamp": seconds(), "wa_id": digits(), "detail": string()}),
    );
    let updates = object(
        &["messaging_product", "metadata", "user_id_update"],
        metadata(json!({"user_id_update": {"type": "array", "items": update}})),
    );
    let has = |name: &str, schema: Value| json!({"if": {"required": [name]}, "then": schema});
    let value = json!({"allOf": [
        has("contacts", json!({"if": {"required": ["messages"]}, "then": reference("IncomingMessageValueGeneral")})),
        has("messages", json!({"if": {"required": ["contacts"]}, "else": reference("IncomingMessageValueSystem")})),
        has("statuses", reference("StatusMessageValue")),
        has("groups", reference("GroupValue")),
        has("message_echoes", echoes),
        has("user_id_update", updates),
    ], "anyOf": [
        {"required": ["messages"]}, {"required": ["statuses"]}, {"required": ["groups"]}, {"required": ["message_echoes"]},
        {"required": ["user_id_update"]},
    ]});
    // One of the examples writes `participants`.
    let fields = json!([
        "messages",
        "group_lifecycle_update",
        "group_settings_update",
        "group_participant_update",
        "group_participants_update",
        "smb_message_echoes",
        "user_id_update",
    ]);
    schemas["Change"] =
        object(&["value", "field"], json!({"value": value, "field": {"type": "string", "enum": fields}}));
}

fn digits() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{5,20}$"})
}

fn seconds() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{10}$"})
}

fn wamid() -> Value {
    json!({"type": "string", "pattern": "^wamid\\.[A-Za-z0-9+/]+=*$"})
}

/// A message with what all kinds have.
fn message(order: Value) -> Value {
    let context = json!({
        "type": "object",
        "properties": {
            "from": string(), "id": wamid(), "forwarded": {"type": "boolean"}, "frequently_forwarded": {"type": "boolean"},
            "referred_product": object(&["catalog_id", "product_retailer_id"], json!({})),
        },
    });
    let mut message = object(
        &["id", "timestamp", "type"],
        json!({"id": wamid(), "timestamp": seconds(), "type": string(), "from": digits(), "from_user_id": user_id(), "context": context}),
    );
    message["anyOf"] = json!([{"required": ["from"]}, {"required": ["from_user_id"]}]);
    message["allOf"] = by_type(&kinds(order));
    message
}

fn kinds(order: Value) -> Vec<(&'static str, Value)> {
    let list = |name: &str| json!({"type": "array", "minItems": 1, "items": {"$ref": format!("#/components/schemas/{name}")}});
    let flag = |name: &str| json!({name: {"type": "boolean"}});
    let context = json!({"required": ["from", "id"]});
    let answers = |name: &str, content: Value| json!({"allOf": [with(name, content)], "required": ["context"], "properties": {"context": context}});
    let number = json!({"type": "number"});
    let location = object(
        &["latitude", "longitude"],
        json!({"latitude": number, "longitude": number, "name": string(), "address": string(), "url": string()}),
    );
    let text = object(&["body"], json!({"body": {"type": "string", "minLength": 1}}));
    let reaction = object(&["message_id"], json!({"message_id": wamid(), "emoji": string()}));
    let button = object(&["payload", "text"], json!({"payload": string(), "text": string()}));
    let edited = object(&["type"], json!({"type": string()}));
    let edit = object(
        &["original_message_id", "message"],
        json!({"original_message_id": wamid(), "message": edited}),
    );
    let revoke = object(&["original_message_id"], json!({"original_message_id": wamid()}));
    vec![
        ("text", with("text", text)),
        ("reaction", with("reaction", reaction)),
        ("image", with("image", file(json!({})))),
        ("video", with("video", file(json!({})))),
        ("audio", with("audio", file(flag("voice")))),
        ("document", with("document", file(json!({"filename": string()})))),
        ("sticker", with("sticker", file(flag("animated")))),
        ("location", with("location", location)),
        ("contacts", with("contacts", list("ContactObject"))),
        ("button", answers("button", button)),
        ("interactive", answers("interactive", interactive())),
        ("order", with("order", order)),
        ("unsupported", with("errors", list("ErrorObject"))),
        ("edit", with("edit", edit)),
        ("revoke", with("revoke", revoke)),
    ]
}

/// Something whose content stands under its own name.
fn with(name: &str, content: Value) -> Value {
    object(&[name], json!({name: content}))
}

/// A file of a person, with what some kinds of files have.
fn file(more: Value) -> Value {
    let mut file = object(
        &["id", "mime_type", "sha256"],
        json!({"id": string(), "mime_type": string(), "sha256": string(), "caption": string(), "url": string()}),
    );
    if let (Some(all), Value::Object(more)) = (file["properties"].as_object_mut(), more) {
        all.extend(more);
    }
    file["additionalProperties"] = json!(false);
    file
}

/// What comes when somebody chose.
fn interactive() -> Value {
    let row = json!({"id": string(), "title": string(), "description": string()});
    let form = json!({"response_json": string(), "name": string(), "body": string()});
    let kinds = [
        ("list_reply", with("list_reply", object(&["id", "title"], row))),
        (
            "button_reply",
            with("button_reply", object(&["id", "title"], json!({"id": string(), "title": string()}))),
        ),
        ("nfm_reply", with("nfm_reply", object(&["response_json"], form))),
    ];
    let names = json!({"enum": kinds.each_ref().map(|(name, _)| *name)});
    json!({"type": "object", "required": ["type"], "allOf": by_type(&kinds), "properties": {"type": names}})
}

/// A change of the number or the user id.
fn system() -> Value {
    let content = json!({
        "type": "object",
        "required": ["body", "type"],
        "properties": {"body": string(), "type": {"enum": ["user_changed_number", "user_changed_user_id"]}, "wa_id": digits(), "user_id": user_id(), "previous_user_id": user_id()},
        "anyOf": [{"required": ["wa_id"]}, {"required": ["user_id"]}],
    });
    object(
        &["id", "timestamp", "type", "system"],
        json!({"id": wamid(), "timestamp": seconds(), "type": {"const": "system"}, "system": content, "from": digits(), "from_user_id": user_id()}),
    )
}
