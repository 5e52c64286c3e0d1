//! What webhooks post, and how they change it afterwards. No token but the webhook's own is looked at.

use sha2::{Digest, Sha256};

use super::{
    answer::{Answer, ApiError, Outcome},
    call::Call,
    form::MessageForm,
    messages,
    webhooks::checked_name,
};
use crate::discord::{
    model::{Author, Message, Webhook},
    post::{self, Draft},
    render,
    snowflake::Snowflake,
    state::State,
};

/// `POST /webhooks/{id}/{token}`
pub(crate) fn execute(state: &mut State, call: &Call, hook: &Webhook) -> Outcome {
    let channel = place(state, call, hook)?;
    let form = MessageForm::read(call)?;
    if form.is_empty() {
        return Err(ApiError::empty_message());
    }
    let files = form.take_files(state, hook.guild)?;
    let name = match call.text("username") {
        Some(name) => checked_name("username", name)?,
        None => hook.name.clone(),
    };
    let avatar_url = call.text("avatar_url").map(str::to_owned);
    let author = Author::Webhook {
        id: hook.id,
        name,
        avatar: avatar_url.as_deref().map(picture_hash).or_else(|| hook.avatar.clone()),
        avatar_url,
        application: hook.application,
    };
    let mut draft = Draft::text(channel, author, &form.content.unwrap_or_default());
    draft.allowed = form.allowed;
    draft.embeds = form.embeds.unwrap_or_default();
    draft.flags = form.flags.unwrap_or(0);
    draft.files = files;
    let message = post::create(state, draft);
    match call.query("wait") {
        Some("true") => Ok(Answer::ok(render::message(&state.records, &message))),
        _ => Ok(Answer::no_content()),
    }
}

/// `GET`, `PATCH` and `DELETE /webhooks/{id}/{token}/messages/{message}`
pub(crate) fn one(
    state: &mut State,
    call: &Call,
    (method, hook, message): (&str, &Webhook, &str),
) -> Outcome {
    let channel = place(state, call, hook)?;
    let message = find(state, (hook, channel), message)?;
    let place = (message.channel, message.id);
    match method {
        "GET" => Ok(Answer::ok(render::message(&state.records, &message))),
        "PATCH" => messages::apply_edit(state, place, MessageForm::read(call)?),
        "DELETE" => {
            post::delete(state, place.0, place.1);
            Ok(Answer::no_content())
        }
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// The hash Discord would give to a picture; here it follows from where the picture came from.
pub(crate) fn picture_hash(source: &str) -> String {
    Sha256::digest(source.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn find(state: &State, (hook, channel): (&Webhook, Snowflake), id: &str) -> Result<Message, ApiError> {
    let channel = state.records.channels.get(&channel).ok_or_else(ApiError::unknown_channel)?;
    let message = messages::find(channel, id)?;
    let is_own = message.author.id() == hook.id;
    if is_own { Ok(message.clone()) } else { Err(ApiError::unknown_message()) }
}

/// The webhook's channel, or the thread of it that the request names.
fn place(state: &State, call: &Call, hook: &Webhook) -> Result<Snowflake, ApiError> {
    if call.query("thread_id").is_none() {
        return Ok(hook.channel);
    }
    let thread = call.query_id("thread_id").and_then(|id| state.records.channels.get(&id));
    let thread = thread.filter(|thread| thread.thread.is_some() && thread.parent == Some(hook.channel));
    let thread = thread.ok_or_else(ApiError::unknown_channel)?;
    match &thread.thread {
        Some(about) if about.locked => Err(ApiError::new(400, 50_083, "Thread is archived")),
        _ => Ok(thread.id),
    }
}
