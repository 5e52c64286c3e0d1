//! Routes on the messages of a channel, as the bot uses them.

use serde_json::{Value, json};

use super::{
    answer::{Answer, ApiError, Outcome},
    call::Call,
    form::MessageForm,
    guilds::find_channel,
};
use crate::discord::{
    gateway::{
        dispatch::{self, Event},
        payloads,
    },
    intents,
    model::{Author, Channel, ChannelKind, Message},
    permissions,
    post::{self, Change, Draft},
    render,
    snowflake::Snowflake,
    state::State,
    threads,
};

const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 100;
const BULK_AGE_MAX_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// `GET /channels/{id}/messages`: newest first, whatever was asked for.
pub(crate) fn list(state: &State, call: &Call, channel: &str) -> Outcome {
    let (guild, channel) = find_channel(state, channel, 0)?;
    let limit = match call.query("limit").map(str::parse::<usize>) {
        None => PAGE_DEFAULT,
        Some(Ok(limit @ 1..=PAGE_MAX)) => limit,
        Some(_) => {
            return Err(ApiError::form("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100."));
        }
    };
    let held = permissions::in_channel(
        guild,
        threads::governing(&state.records, channel),
        state.records.application.id,
    );
    if held & permissions::READ_MESSAGE_HISTORY == 0 {
        return Ok(Answer::ok(json!([])));
    }
    let page = page(channel, call, limit);
    Ok(Answer::ok(page.into_iter().map(|message| readable(state, message)).collect()))
}

/// `GET /channels/{id}/messages/{message}`
pub(crate) fn get(state: &State, (channel, message): (&str, &str)) -> Outcome {
    let (_, channel) = find_channel(state, channel, permissions::READ_MESSAGE_HISTORY)?;
    Ok(Answer::ok(readable(state, find(channel, message)?)))
}

/// `POST /channels/{id}/messages`
pub(crate) fn create(state: &mut State, call: &Call, channel: &str) -> Outcome {
    let bot = state.records.application.id;
    let (guild, channel) = find_channel(state, channel, permissions::SEND_MESSAGES)?;
    let held = permissions::in_channel(guild, threads::governing(&state.records, channel), bot);
    if channel.kind == ChannelKind::Category {
        return Err(ApiError::wrong_channel_type());
    }
    let form = MessageForm::read(call)?;
    if form.is_empty() {
        return Err(ApiError::empty_message());
    }
    if !form.files.is_empty() && held & permissions::ATTACH_FILES == 0 {
        return Err(ApiError::missing_permissions());
    }
    let reply_to = reply_target(channel, held, call.field("message_reference"))?;
    let (guild, channel) = (guild.id, channel.id);
    let nonce = Some(call.field("nonce")).filter(|nonce| !nonce.is_null()).cloned();
    if let Some(nonce) = &nonce
        && call.field("enforce_nonce") == true
        && let Some(earlier) = post::made_with(state, bot, nonce)
    {
        return Ok(Answer::ok(sent(state, &earlier)));
    }
    let files = form.take_files(state, guild)?;
    let mut embeds = form.embeds.unwrap_or_default();
    if held & permissions::EMBED_LINKS == 0 {
        embeds.clear();
    }
    let content = form.content.unwrap_or_default();
    let (flags, author) = (form.flags.unwrap_or(0), Author::User(bot));
    let draft = Draft {
        allowed: form.allowed,
        embeds,
        flags,
        reply_to,
        nonce,
        files,
        ..Draft::text(channel, author, &content)
    };
    let message = post::create(state, draft);
    Ok(Answer::ok(sent(state, &message)))
}

/// `PATCH /channels/{id}/messages/{message}`
pub(crate) fn edit(state: &mut State, call: &Call, (channel, message): (&str, &str)) -> Outcome {
    let (_, channel) = find_channel(state, channel, 0)?;
    let message = find(channel, message)?;
    if message.author != Author::User(state.records.application.id) {
        return Err(ApiError::not_the_author());
    }
    let place = (channel.id, message.id);
    apply_edit(state, place, MessageForm::read(call)?)
}

/// Changes a message as a form says, by whoever may.
pub(crate) fn apply_edit(state: &mut State, place: (Snowflake, Snowflake), form: MessageForm) -> Outcome {
    let channel = &state.records.channels[&place.0];
    let (guild, message) = (channel.guild, &channel.messages[&place.1]);
    let content = form.content.as_ref().unwrap_or(&message.content);
    let embeds = form.embeds.as_ref().unwrap_or(&message.embeds);
    let keeps_files = match &form.kept {
        Some(kept) => message.files.iter().any(|file| kept.contains(&file.id)),
        None => !message.files.is_empty(),
    };
    if content.is_empty() && embeds.is_empty() && !keeps_files && form.files.is_empty() {
        return Err(ApiError::empty_message());
    }
    let files = form.take_files(state, guild)?;
    let MessageForm { content, embeds, flags, allowed, kept, .. } = form;
    let change = Change { content, embeds, flags, allowed, kept, files };
    let message = post::edit(state, place, change).ok_or_else(ApiError::unknown_message)?;
    Ok(Answer::ok(render::message(&state.records, &message)))
}

/// `DELETE /channels/{id}/messages/{message}`
pub(crate) fn delete(state: &mut State, (channel, message): (&str, &str)) -> Outcome {
    let bot = state.records.application.id;
    let (guild, channel) = find_channel(state, channel, 0)?;
    let message = find(channel, message)?;
    let may = permissions::in_channel(guild, threads::governing(&state.records, channel), bot)
        & permissions::MANAGE_MESSAGES
        != 0;
    if message.author != Author::User(bot) && !may {
        return Err(ApiError::missing_permissions());
    }
    let (channel, message) = (channel.id, message.id);
    post::delete(state, channel, message);
    Ok(Answer::no_content())
}

/// `POST /channels/{id}/messages/bulk-delete`
pub(crate) fn delete_many(state: &mut State, call: &Call, channel: &str) -> Outcome {
    let (_, channel) = find_channel(state, channel, permissions::MANAGE_MESSAGES)?;
    let channel = channel.id;
    let ids: Vec<Snowflake> = serde_json::from_value(call.field("messages").clone())
        .map_err(|_| ApiError::form("messages", "BASE_TYPE_BAD_LIST", "Must be a list of ids."))?;
    if !(2..=PAGE_MAX).contains(&ids.len()) {
        return Err(ApiError::form(
            "messages",
            "BASE_TYPE_BAD_LENGTH",
            "Must be between 2 and 100 in length.",
        ));
    }
    let oldest_ms = state.clock.now_ms() - BULK_AGE_MAX_MS;
    if ids.iter().any(|id| id.created_ms() < oldest_ms) {
        return Err(ApiError::too_old_for_bulk());
    }
    post::delete_many(state, channel, &ids);
    Ok(Answer::no_content())
}

/// `POST /channels/{id}/typing`
pub(crate) fn typing(state: &mut State, channel: &str) -> Outcome {
    let (guild, channel) = find_channel(state, channel, permissions::SEND_MESSAGES)?;
    let (guild, channel) = (guild.id, channel.id);
    start_typing(state, (guild, channel), state.records.application.id);
    Ok(Answer::no_content())
}

/// Tells that somebody types.
pub(crate) fn start_typing(state: &mut State, (guild, channel): (Snowflake, Snowflake), user: Snowflake) {
    let data = payloads::typing(&state.records, channel, user, state.clock.now_ms());
    dispatch::event(state, Event { kind: "TYPING_START", guild, channel: Some(channel), data });
}

/// A message of a channel.
pub(crate) fn find<'a>(channel: &'a Channel, id: &str) -> Result<&'a Message, ApiError> {
    let message = id.parse().ok().and_then(|id: Snowflake| channel.messages.get(&id));
    message.ok_or_else(ApiError::unknown_message)
}

/// What a sender gets back: history's form and the nonce.
pub(crate) fn sent(state: &State, message: &Message) -> Value {
    let mut it = render::message(&state.records, message);
    if let Some(nonce) = &message.nonce {
        it["nonce"] = nonce.clone();
    }
    it
}

/// The portal's switch counts for history too: without it the text is withheld.
fn readable(state: &State, message: &Message) -> Value {
    let whole = render::message(&state.records, message);
    match state.records.application.privileged_intents & intents::MESSAGE_CONTENT {
        0 => dispatch::without_content(&state.records, &whole),
        _ => whole,
    }
}

/// With `after` it is the oldest that follow, with `before` or nothing the newest that precede, with `around` both halves.
fn page<'a>(channel: &'a Channel, call: &Call, limit: usize) -> Vec<&'a Message> {
    let all = &channel.messages;
    let newest = |below: Option<Snowflake>, limit: usize| {
        let below = below.unwrap_or(Snowflake(u64::MAX));
        all.range(..below).rev().take(limit).map(|(_, message)| message).collect::<Vec<_>>()
    };
    let oldest = |from: Snowflake, limit: usize| {
        let mut found: Vec<_> = all.range(from..).take(limit).map(|(_, message)| message).collect();
        found.reverse();
        found
    };
    if let Some(middle) = call.query_id("around") {
        let later = oldest(middle, limit.div_ceil(2));
        let earlier = newest(Some(middle), limit - later.len());
        return later.into_iter().chain(earlier).collect();
    }
    match call.query_id("after") {
        Some(after) => oldest(Snowflake(after.0.saturating_add(1)), limit),
        None => newest(call.query_id("before"), limit),
    }
}

fn reply_target(channel: &Channel, held: u64, reference: &Value) -> Result<Option<Snowflake>, ApiError> {
    if reference.is_null() {
        return Ok(None);
    }
    if held & permissions::READ_MESSAGE_HISTORY == 0 {
        return Err(ApiError::no_history());
    }
    let wrong = || ApiError::form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
    let target: Snowflake = serde_json::from_value(reference["message_id"].clone()).map_err(|_| wrong())?;
    let channel_id =
        serde_json::from_value::<Option<Snowflake>>(reference["channel_id"].clone()).map_err(|_| wrong())?;
    if channel_id.is_some_and(|id| id != channel.id) {
        let code = "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL";
        return Err(ApiError::form(
            "message_reference",
            code,
            "Cannot reply to a message in a different channel",
        ));
    }
    match channel.messages.contains_key(&target) {
        true => Ok(Some(target)),
        // The message is sent as if it were no reply.
        false if reference["fail_if_not_exists"] == false => Ok(None),
        false => Err(wrong()),
    }
}
