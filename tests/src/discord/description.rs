//! Discord's own OpenAPI description, and the few places where its prose and its servers say otherwise.
//!
//! The description calls itself a preview and yields to the prose. Each amendment names its reason; nothing is amended to
//! make a client of ours look right.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::openapi::{Spec, read_document, specs_dir};

/// The description, read once for the whole process; none where it is not present.
pub fn description() -> Option<Arc<Spec>> {
    static READ: OnceLock<Option<Arc<Spec>>> = OnceLock::new();
    let read = || {
        let mut document = read_document(&specs_dir().join("discord-openapi.json")).ok()?;
        amend(&mut document);
        Some(Arc::new(Spec::new(document)))
    };
    READ.get_or_init(read).clone()
}

fn amend(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    // "Error Messages" in the reference: the code of one field's error is a word (`BASE_TYPE_REQUIRED`), not a number.
    schemas["InnerErrors"]["properties"]["_errors"]["items"] = json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    });
    // "Message Reference Types" in the reference: 1 is a forward, which the description does not list.
    let kinds = &mut schemas["MessageReferenceType"]["oneOf"];
    *kinds = json!([kinds[0].clone(), {"title": "FORWARD", "const": 1}]);
    // "Uploading Files" numbers the attachments of a request from zero, and the servers take numbers as well as strings.
    let id = &mut schemas["MessageAttachmentRequest"]["properties"]["id"];
    *id = json!({"anyOf": [id.clone(), {"type": "integer", "minimum": 0}]});
}
