//! `getUpdates`: the long poll. <https://core.telegram.org/bots/api#getupdates>

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    answer::{ApiError, Outcome},
    call::Call,
    model::UserId,
    state::{Inner, State},
    updates,
};

const LIMIT_MAX: i64 = 100;
const TIMEOUT_MAX_SECONDS: i64 = 50;

/// Waits until there is an update, the time is over, or somebody else polls.
pub(crate) async fn serve(inner: &Arc<Inner>, call: &Call) -> Outcome {
    let limit = call.number("limit").unwrap_or(LIMIT_MAX).clamp(1, LIMIT_MAX);
    let limit = usize::try_from(limit).unwrap_or(1);
    let seconds = call.number("timeout").unwrap_or(0).clamp(0, TIMEOUT_MAX_SECONDS);
    let until = Instant::now() + Duration::from_secs(seconds.unsigned_abs());
    let poll = inner.change(|state| begin(state, call))?;
    let token = inner.lock().records.bots[&call.bot].token.clone();
    loop {
        let changed = inner.changed.notified();
        tokio::pin!(changed);
        // From here on no change is missed, so looking comes second.
        changed.as_mut().enable();
        if let Some(outcome) = look(&inner.lock(), (call.bot, poll, &token), limit) {
            return outcome;
        }
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep_until(until) => return Ok(Value::Array(Vec::new())),
            () = inner.stop.cancelled() => return Err(ApiError::new(500, "Internal Server Error: restart")),
        }
    }
}

/// Confirms, remembers the kinds asked for, and ends an earlier poll.
fn begin(state: &mut State, call: &Call) -> Result<u64, ApiError> {
    let bot = state.bot_mut(call.bot);
    if bot.webhook.is_some() {
        return Err(ApiError::conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        ));
    }
    bot.polls += 1;
    let poll = bot.polls;
    remember_kinds(state, call);
    updates::confirm(state, call.bot, call.number("offset").unwrap_or(0));
    Ok(poll)
}

/// `allowed_updates` counts until it is changed; an empty list stands for the default.
pub(crate) fn remember_kinds(state: &mut State, call: &Call) {
    if let Value::Array(kinds) = call.value("allowed_updates") {
        let kinds: Vec<String> = kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        state.bot_mut(call.bot).allowed = (!kinds.is_empty()).then_some(kinds);
    }
}

fn look(state: &State, (bot, poll, token): (UserId, u64, &Option<String>), limit: usize) -> Option<Outcome> {
    let bot = &state.records.bots[&bot];
    if bot.token != *token {
        return Some(Err(ApiError::new(401, "Unauthorized")));
    }
    if bot.webhook.is_some() {
        return Some(Err(ApiError::conflict("terminated by setWebhook request")));
    }
    if bot.polls != poll {
        return Some(Err(ApiError::conflict(
            "terminated by other getUpdates request; make sure that only one bot instance is running",
        )));
    }
    if bot.updates.is_empty() {
        return None;
    }
    Some(Ok(bot.updates.iter().take(limit).map(|(_, _, update)| update.clone()).collect()))
}
