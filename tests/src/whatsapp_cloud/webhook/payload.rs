//! How events are written, in the words of either age: phone numbers only, or business-scoped user ids.

use serde_json::{Map, Value, json};

use crate::whatsapp_cloud::{
    errors::GraphError,
    ids::{Chat, NumberId},
    model::{Message, Person, Side, Status},
    settings::PayloadAge,
    state::State,
};

/// A moment as webhooks write it.
pub(crate) fn seconds(ms: i64) -> String {
    (ms / 1000).to_string()
}

/// What every value begins with.
pub(crate) fn envelope(state: &State, number: NumberId) -> Value {
    let display = state.records.numbers.get(&number).map(|number| number.display.as_str());
    json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": display, "phone_number_id": number.to_string()},
    })
}

/// Whether a business sees the phone number of a person.
fn shows_number(state: &State, person: &Person) -> bool {
    state.settings.age == PayloadAge::PhoneNumbers || person.username.is_none()
}

/// A person in `contacts[]`.
pub(crate) fn contact(state: &State, person: &Person) -> Value {
    let mut contact = json!({"profile": {"name": person.name}});
    if shows_number(state, person) {
        contact["wa_id"] = json!(person.wa_id);
    }
    if state.settings.age == PayloadAge::UserIds {
        contact["user_id"] = json!(person.user_id);
        if let Some(username) = &person.username {
            contact["profile"]["username"] = json!(username);
        }
    }
    contact
}

/// Who a message is from: `from`, `from_user_id` or both.
pub(crate) fn sender(state: &State, person: &Person) -> Map<String, Value> {
    let mut fields = Map::new();
    if shows_number(state, person) {
        fields.insert("from".to_owned(), json!(person.wa_id));
    }
    if state.settings.age == PayloadAge::UserIds {
        fields.insert("from_user_id".to_owned(), json!(person.user_id));
    }
    fields
}

/// A message of a person, with what else stands in the context and beside the content.
pub(crate) fn message(state: &State, message: &Message, (context, beside): (&Value, &Value)) -> Value {
    let mut value = envelope(state, message.chat.number);
    let Some(person) = state.records.people.get(&message.chat.person) else { return value };
    let mut fields = sender(state, person);
    fields.insert("id".to_owned(), json!(message.id));
    fields.insert("timestamp".to_owned(), json!(seconds(message.sent_ms)));
    fields.insert("type".to_owned(), json!(message.kind));
    if !message.content.is_null() {
        fields.insert(message.kind.clone(), message.content.clone());
    }
    let mut all_context = context.as_object().cloned().unwrap_or_default();
    if let Some(target) = &message.replies_to {
        all_context.insert("id".to_owned(), json!(target));
        if let Some(author) = author(state, message.chat, target) {
            all_context.insert("from".to_owned(), json!(author));
        }
    }
    if !all_context.is_empty() {
        fields.insert("context".to_owned(), Value::Object(all_context));
    }
    fields.extend(beside.as_object().cloned().unwrap_or_default());
    value["contacts"] = json!([contact(state, person)]);
    value["messages"] = json!([fields]);
    value
}

/// Whose message somebody answers, as far as a number may be shown. What the records do not hold was the business's: catalogs, say.
fn author(state: &State, chat: Chat, id: &str) -> Option<String> {
    let is_person = state.records.message(id).is_some_and(|message| message.side == Side::Person);
    if !is_person {
        return state.records.numbers.get(&chat.number).map(|number| number.display.clone());
    }
    let person = state.records.people.get(&chat.person)?;
    shows_number(state, person).then(|| person.wa_id.clone())
}

/// A step of a message of the business. A failure names the address that the message was for.
pub(crate) fn status(
    state: &State,
    message: &Message,
    status: Status,
    failure: Option<(&GraphError, &str)>,
) -> Value {
    let person = state.records.people.get(&message.chat.person);
    let has_ids = state.settings.age == PayloadAge::UserIds;
    let mut fields = json!({"id": message.id, "status": status.word(), "timestamp": seconds(state.now_ms())});
    if let Some(person) = person {
        if !message.by_user_id || shows_number(state, person) {
            fields["recipient_id"] = json!(person.wa_id);
        }
        // "Business-scoped user IDs": not of a failed message that was sent to a phone number.
        if has_ids && (failure.is_none() || message.by_user_id) {
            fields["recipient_user_id"] = json!(person.user_id);
        }
    } else if let Some((_, address)) = failure {
        fields[if message.by_user_id { "recipient_user_id" } else { "recipient_id" }] = json!(address);
    }
    if let Some((error, _)) = failure {
        fields["errors"] = json!([error.in_webhook()]);
    } else {
        let category = if message.kind == "template" { "utility" } else { "service" };
        let kind = if message.kind == "template" { "regular" } else { "free_customer_service" };
        fields["pricing"] = json!({"billable": message.kind == "template", "pricing_model": "PMP", "category": category, "type": kind});
    }
    if let Some(opaque) = &message.opaque {
        fields["biz_opaque_callback_data"] = json!(opaque);
    }
    let mut value = envelope(state, message.chat.number);
    // "Business-scoped user IDs": failed messages come without contacts.
    let names_contacts = has_ids && (failure.is_none() || state.settings.failures_name_contacts);
    if let Some(person) = person.filter(|_| names_contacts) {
        value["contacts"] = json!([contact(state, person)]);
    }
    value["statuses"] = json!([fields]);
    value
}
