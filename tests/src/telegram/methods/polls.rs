//! `sendPoll` and `stopPoll`.

use serde_json::{Value, json};

use super::{
    message_of, open_chat,
    target::{Target, formatted},
};
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    model::{Fields, Poll},
    render,
    state::State,
    text, vote,
};

const QUESTION_MAX: usize = 300;
const OPTION_MAX: usize = 100;
const OPTIONS_MAX: usize = 12;

/// `sendPoll`
pub(crate) fn send(state: &mut State, call: &Call) -> Outcome {
    let target = Target::read(state, call, ("can_send_polls", "polls"))?;
    let params = Value::Object(call.params.clone());
    let question = formatted(&params, ("question", "question_entities"), super::target::TEXT_MAX)?;
    let (question, _) = question.unwrap_or_default();
    if question.is_empty() {
        return Err(ApiError::bad("poll question must be non-empty"));
    }
    if text::length(&question) > QUESTION_MAX {
        return Err(ApiError::bad(format!("poll question length must not exceed {QUESTION_MAX}")));
    }
    let text_of =
        |option: &Value| option["text"].as_str().or(option.as_str()).unwrap_or_default().trim().to_owned();
    let options: Vec<String> = call.list("options").iter().map(text_of).collect();
    if options.is_empty() {
        return Err(ApiError::bad("poll must have at least 1 option"));
    }
    if options.len() > OPTIONS_MAX {
        return Err(ApiError::bad(format!("poll can't have more than {OPTIONS_MAX} options")));
    }
    if options.iter().any(String::is_empty) {
        return Err(ApiError::bad("poll options must be non-empty"));
    }
    if options.iter().any(|option| text::length(option) > OPTION_MAX) {
        return Err(ApiError::bad(format!("poll options length must not exceed {OPTION_MAX}")));
    }
    let is_anonymous = call.value("is_anonymous") != Value::Bool(false);
    let mut fields = poll_fields(&question, is_anonymous, call.flag("allows_multiple_answers"));
    fields.insert("type".to_owned(), json!(call.text("type").unwrap_or("regular")));
    if let Some(seconds) = call.number("open_period") {
        fields.insert("open_period".to_owned(), json!(seconds));
        fields.insert("close_date".to_owned(), json!(state.now() + seconds));
    }
    let id = vote::new_poll(state, Some(call.bot), fields, options);
    let message = target.post(state, call, Fields::new(), Some(id));
    Ok(target.written(state, call, message))
}

/// `stopPoll`
pub(crate) fn stop(state: &mut State, call: &Call) -> Outcome {
    let chat = open_chat(state, call)?;
    let message = message_of(state, call, chat, "message with poll to stop not found")?;
    let id = message.poll.filter(|_| message.author == call.bot);
    let id = id.ok_or_else(|| ApiError::bad("message can't be edited"))?;
    let poll: &mut Poll = state.records.polls.get_mut(&id).expect("a message's poll is known");
    if poll.is_closed {
        return Err(ApiError::bad("poll has already been closed"));
    }
    poll.is_closed = true;
    let told = render::poll(&state.records, &id);
    crate::telegram::updates::emit(state, call.bot, "poll", told.clone());
    Ok(told)
}

/// What votes do not change.
pub(crate) fn poll_fields(question: &str, is_anonymous: bool, is_multiple: bool) -> Fields {
    render::fields(json!({
        "question": question,
        "is_anonymous": is_anonymous,
        "type": "regular",
        "allows_multiple_answers": is_multiple,
        "allows_revoting": true,
        "members_only": false,
    }))
}
