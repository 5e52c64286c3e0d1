//! Amendments to the bodies of `POST /{Phone-Number-ID}/messages`.

use serde_json::{Value, json};

use super::{by_type, object, string, user_id};

const KINDS: [(&str, &str); 11] = [
    ("text", "TextMessage"),
    ("audio", "AudioMessage"),
    ("document", "DocumentMessage"),
    ("image", "ImageMessage"),
    ("location", "LocationMessage"),
    ("video", "VideoMessage"),
    ("sticker", "StickerMessage"),
    ("reaction", "ReactionMessage"),
    ("interactive", "InteractiveMessage"),
    ("template", "TemplateMessage"),
    ("contacts", "ContactsMessage"),
];

pub(super) fn amend(schemas: &mut Value) {
    amend_base(schemas);
    for (_, name) in KINDS {
        // Two parts of which one forbids what the other requires. What was meant: nothing but what either part names.
        let schema = &mut schemas[name];
        if let Some(own) = schema["allOf"][1].as_object_mut()
            && own.remove("additionalProperties").is_some()
        {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
    schemas["ReadReceipt"] = json!({
        "type": "object",
        "required": ["messaging_product", "status", "message_id"],
        "additionalProperties": false,
        "properties": {
            "messaging_product": {"const": "whatsapp"},
            "status": {"const": "read"},
            "message_id": {"type": "string"},
            "typing_indicator": object(&["type"], json!({"type": {"const": "text"}})),
        },
    });
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let kinds: Vec<(&str, Value)> = KINDS.iter().map(|(kind, name)| (*kind, reference(name))).collect();
    // The examples hold receipts, which are no message; and texts without a type, which is the default.
    schemas["Message"] = json!({
        "type": "object",
        "if": {"required": ["status"]},
        "then": reference("ReadReceipt"),
        "else": {
            "allOf": by_type(&kinds),
            "properties": {"type": {"enum": KINDS.map(|(kind, _)| kind)}},
            "if": {"required": ["type"]},
            "else": reference("TextMessage"),
        },
    });
    amend_contents(schemas);
    amend_templates(schemas);
}

fn amend_base(schemas: &mut Value) {
    let base = &mut schemas["BaseMessageProperties"];
    // The examples leave `recipient_type` out, the prose gives it a default; `recipient` is there since business-scoped user ids.
    base["required"] = json!(["messaging_product"]);
    base["anyOf"] = json!([{"required": ["to"]}, {"required": ["recipient"]}]);
    let properties = &mut base["properties"];
    properties["messaging_product"] = json!({"const": "whatsapp"});
    properties["recipient"] = user_id();
    // "Track messages" and "Identity change check" in the reference.
    properties["biz_opaque_callback_data"] = json!({"type": "string", "maxLength": 512});
    properties["recipient_identity_key_hash"] = string();
}

fn amend_contents(schemas: &mut Value) {
    // The examples write numbers.
    let location = &mut schemas["LocationMessage"]["allOf"][1]["properties"]["location"];
    location["required"] = json!(["latitude", "longitude"]);
    for name in ["latitude", "longitude"] {
        location["properties"][name] = json!({"type": ["string", "number"]});
    }
    schemas["ReactionMessage"]["allOf"][1]["properties"]["reaction"]["required"] =
        json!(["message_id", "emoji"]);
    let text = &mut schemas["TextMessage"]["allOf"][1]["properties"]["text"];
    text["required"] = json!(["body"]);
    text["properties"]["body"] = json!({"type": "string", "minLength": 1, "maxLength": 4096});
    // The reference: captions of 1024 characters, `filename` for documents, `voice` for audio; nothing else.
    let media = &mut schemas["MediaObject"];
    media["additionalProperties"] = json!(false);
    media["properties"] = json!({
        "id": {"type": "string"}, "link": {"type": "string"}, "caption": {"type": "string", "maxLength": 1024},
        "filename": {"type": "string"}, "voice": {"type": "boolean"}, "provider": {"type": "string"},
    });
    // The examples for contacts write other words: `MOBILE`, `CELL`.
    for name in ["PhoneObject", "EmailObject", "UrlObject", "AddressObject"] {
        schemas[name]["properties"]["type"] = string();
    }
    // The prose counts messages for products, payments and places as interactive ones too; only lists and buttons are used here.
    let rows = &mut schemas["SectionObject"]["properties"]["rows"]["items"];
    rows["additionalProperties"] = json!(false);
}

fn amend_templates(schemas: &mut Value) {
    // The examples leave the policy out.
    schemas["LanguageObject"]["required"] = json!(["code"]);
    // A pattern that is a slip (`[2-6, 11-14]` are single characters); the examples count buttons from 0, as text or number.
    let index = json!({"anyOf": [{"type": "string", "pattern": "^[0-9]$"}, {"type": "integer", "minimum": 0, "maximum": 9}]});
    let component = &mut schemas["TemplateComponent"];
    component["properties"] = json!({
        // The examples write names of types in either case.
        "type": {"type": "string", "pattern": "^(header|HEADER|body|BODY|button|BUTTON)$"},
        "sub_type": {"type": "string", "pattern": "^(quick_reply|QUICK_REPLY|url|URL|catalog|CATALOG|flow|FLOW|copy_code|COPY_CODE)$"},
        "parameters": {"type": "array", "items": {"type": "object", "required": ["type"]}},
        "index": index,
    });
}
