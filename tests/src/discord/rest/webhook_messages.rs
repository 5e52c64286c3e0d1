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
    state::State,
};

/// `POST /webhooks/{id}/{token}`
pub(crate) fn execute(state: &mut State, call: &Call, hook: &Webhook) -> Outcome {
    no_threads(call)?;
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
    let mut draft = Draft::text(hook.channel, author, &form.content.unwrap_or_default());
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
    no_threads(call)?;
    let message = find(state, hook, message)?;
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

fn find(state: &State, hook: &Webhook, id: &str) -> Result<Message, ApiError> {
    let channel = state.records.channels.get(&hook.channel).ok_or_else(ApiError::unknown_channel)?;
    let message = messages::find(channel, id)?;
    let is_own = message.author.id() == hook.id;
    if is_own { Ok(message.clone()) } else { Err(ApiError::unknown_message()) }
}

/// There are no threads yet, so every thread is unknown.
fn no_threads(call: &Call) -> Result<(), ApiError> {
    if call.query("thread_id").is_some() { Err(ApiError::unknown_channel()) } else { Ok(()) }
}
