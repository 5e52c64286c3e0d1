//! Methods that send messages without files: text, places, contacts, dice, copies of other messages.

use serde_json::{Value, json};

use super::{
    chat_of, open_chat,
    target::{TEXT_MAX, Target, caption, formatted},
};
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    model::{Fields, Message},
    post, render,
    state::State,
};

const TEXT: (&str, &str) = ("can_send_messages", "text messages");

/// `sendMessage`
pub(crate) fn send(state: &mut State, call: &Call) -> Outcome {
    let target = Target::read(state, call, TEXT)?;
    let params = Value::Object(call.params.clone());
    let text = formatted(&params, ("text", "entities"), TEXT_MAX)?.filter(|(text, _)| !text.is_empty());
    let (text, entities) = text.ok_or_else(|| ApiError::bad("message text is empty"))?;
    let mut body = render::fields(json!({"text": text}));
    if !entities.is_empty() {
        body.insert("entities".to_owned(), json!(entities));
    }
    let options = call.value("link_preview_options");
    if options.is_object() {
        body.insert("link_preview_options".to_owned(), options);
    }
    target.send(state, call, body)
}

/// `sendLocation`
pub(crate) fn location(state: &mut State, call: &Call) -> Outcome {
    let target = Target::read(state, call, TEXT)?;
    let mut it = place(call)?;
    for name in ["horizontal_accuracy", "live_period", "heading", "proximity_alert_radius"] {
        copy_field(call, name, &mut it);
    }
    target.send(state, call, render::fields(json!({"location": it})))
}

/// `sendVenue`
pub(crate) fn venue(state: &mut State, call: &Call) -> Outcome {
    let target = Target::read(state, call, TEXT)?;
    let mut it = json!({"location": place(call)?});
    for name in
        ["title", "address", "foursquare_id", "foursquare_type", "google_place_id", "google_place_type"]
    {
        copy_field(call, name, &mut it);
    }
    target.send(state, call, render::fields(json!({"location": it["location"], "venue": it})))
}

/// `sendContact`
pub(crate) fn contact(state: &mut State, call: &Call) -> Outcome {
    let target = Target::read(state, call, TEXT)?;
    let mut it = json!({});
    for name in ["phone_number", "first_name", "last_name", "vcard"] {
        if let Some(text) = call.text(name) {
            it[name] = json!(text);
        }
    }
    if it.get("phone_number").is_none() || it.get("first_name").is_none() {
        return Err(ApiError::bad("contact must have a phone number and a first name"));
    }
    target.send(state, call, render::fields(json!({"contact": it})))
}

/// `sendDice`
pub(crate) fn dice(state: &mut State, call: &Call) -> Outcome {
    let target = Target::read(state, call, ("can_send_other_messages", "dice"))?;
    let value = i64::from(state.clock.random_bytes::<1>()[0] % 5) + 1;
    let it = json!({"emoji": call.text("emoji").unwrap_or("🎲"), "value": value});
    target.send(state, call, render::fields(json!({"dice": it})))
}

/// `sendChatAction`
pub(crate) fn action(state: &mut State, call: &Call) -> Outcome {
    const ACTIONS: [&str; 11] = [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ];
    open_chat(state, call)?;
    match call.text("action") {
        Some(action) if ACTIONS.contains(&action) => Ok(json!(true)),
        _ => Err(ApiError::bad("wrong parameter action in request")),
    }
}

/// `forwardMessage`
pub(crate) fn forward(state: &mut State, call: &Call) -> Outcome {
    let message = source(state, call, "message to forward not found")?;
    let target = Target::read(state, call, TEXT)?;
    let mut body = post::content(&message);
    body.insert("forward_origin".to_owned(), post::origin(state, &message));
    let id = target.post(state, call, body, message.poll.clone());
    Ok(target.written(state, call, id))
}

/// `copyMessage`
pub(crate) fn copy(state: &mut State, call: &Call) -> Outcome {
    let message = source(state, call, "message to copy not found")?;
    let target = Target::read(state, call, TEXT)?;
    let mut body = post::content(&message);
    if call.params.contains_key("caption") {
        body.remove("caption");
        body.remove("caption_entities");
        body.extend(caption(&Value::Object(call.params.clone()))?);
    }
    let id = target.post(state, call, body, None);
    Ok(json!({"message_id": target.written(state, call, id)["message_id"]}))
}

fn source(state: &State, call: &Call, refusal: &str) -> Result<Message, ApiError> {
    let from = chat_of(state, call, "from_chat_id")?;
    let message = super::message_of(state, call, from, refusal)?;
    if crate::telegram::updates::is_service(&message.body) || message.pins.is_some() {
        return Err(ApiError::bad("the message can't be forwarded"));
    }
    Ok(message)
}

fn place(call: &Call) -> Result<Value, ApiError> {
    let number =
        |name: &str| call.value(name).as_f64().ok_or_else(|| ApiError::bad(format!("{name} is empty")));
    Ok(json!({"latitude": number("latitude")?, "longitude": number("longitude")?}))
}

fn copy_field(call: &Call, name: &str, into: &mut Value) {
    match call.value(name) {
        Value::Null => {}
        value => into[name] = value,
    }
}

/// Fields of a call that describe a file, numbers as numbers.
pub(crate) fn details(source: &Value) -> Fields {
    const NUMBERS: [&str; 4] = ["duration", "width", "height", "length"];
    const TEXTS: [&str; 3] = ["performer", "title", "emoji"];
    let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let numbers =
        NUMBERS.iter().filter_map(|name| Some(((*name).to_owned(), json!(number(&source[*name])?))));
    let texts = TEXTS.iter().filter_map(|name| Some(((*name).to_owned(), json!(source[*name].as_str()?))));
    numbers.chain(texts).collect()
}
