//! Routes about the bot itself: where the gateway is, who the bot is, what its application may do.

use serde_json::json;

use super::{
    answer::{Answer, ApiError, Outcome},
    call::Call,
};
use crate::discord::{direct, render, snowflake::Snowflake, state::State};

const SESSION_STARTS_MAX: u32 = 1000;

/// `GET /gateway`, which needs no token.
pub(crate) fn gateway(state: &State) -> Outcome {
    Ok(Answer::ok(json!({"url": state.urls.gateway})))
}

/// `GET /gateway/bot`
pub(crate) fn gateway_bot(state: &State) -> Outcome {
    let remaining = SESSION_STARTS_MAX.saturating_sub(state.sessions.identifies);
    let limit = json!({"total": SESSION_STARTS_MAX, "remaining": remaining, "reset_after": 86_400_000, "max_concurrency": 1});
    Ok(Answer::ok(json!({"url": state.urls.gateway, "shards": 1, "session_start_limit": limit})))
}

/// `GET /users/@me`
pub(crate) fn me(state: &State) -> Outcome {
    Ok(Answer::ok(render::current_user(&state.records)))
}

/// `GET /applications/@me`
pub(crate) fn application(state: &State) -> Outcome {
    Ok(Answer::ok(render::application(&state.records)))
}

/// `POST /users/@me/channels`: the conversation with somebody, which programs have with people only.
pub(crate) fn open_direct(state: &mut State, call: &Call) -> Outcome {
    let user = call.text("recipient_id").and_then(|id| id.parse().ok());
    let user =
        user.and_then(|id: Snowflake| state.records.users.get(&id)).ok_or_else(ApiError::unknown_user)?;
    if user.is_bot {
        return Err(ApiError::cannot_message());
    }
    let (user, now_ms) = (user.id, state.clock.now_ms());
    let channel = direct::open(&mut state.records, &mut state.ids, (user, now_ms));
    Ok(Answer::ok(render::channel(&state.records.channels[&channel])))
}

/// `GET /users/{id}`
pub(crate) fn user(state: &State, id: &str) -> Outcome {
    let id: Option<Snowflake> = id.parse().ok();
    let user = id.and_then(|id| state.records.users.get(&id)).ok_or_else(ApiError::unknown_user)?;
    Ok(Answer::ok(render::user(user)))
}
