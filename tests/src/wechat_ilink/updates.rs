//! `getupdates`: the long poll, and the cursor that goes with it. Nobody knows whether WeChat tells again what came before a cursor that was
//! used, so nothing of that is told here.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    model::BotId,
    serve::{Answer, Call, bot_of},
    state::{Inner, State},
};

/// Waits until there is something after the cursor, or the time is over. `None` cuts the connection.
pub(crate) async fn serve(inner: &Arc<Inner>, call: &Call) -> Option<Answer> {
    let told = call.json["get_updates_buf"].as_str().unwrap_or_default();
    let from = inner.change(|state| {
        let from = position(state, call, told);
        acknowledge(state, call, from)
    });
    let seen = inner.hold(|state| look(state, call, from)).await;
    match seen {
        Some(Seen::Answer(answer)) => Some(answer),
        Some(Seen::Cut) => None,
        None if inner.stop.is_cancelled() => None,
        None => Some(inner.change(|state| Answer::json(answer(state, Vec::new(), told.to_owned())))),
    }
}

/// How a poll ends.
enum Seen {
    Answer(Answer),
    Cut,
}

/// `None` while there is nothing to tell.
fn look(state: &State, call: &Call, from: usize) -> Option<Seen> {
    let bot = match bot_of(state, call) {
        Ok(bot) => bot,
        Err(stale) => return Some(Seen::Answer(stale)),
    };
    let known = state.records.bot(bot);
    if known.is_cut_off {
        return Some(Seen::Cut);
    }
    let messages: Vec<Value> =
        known.updates.iter().skip(from).take(state.settings.batch_max).cloned().collect();
    if messages.is_empty() {
        return None;
    }
    let next = cursor(bot, from + messages.len());
    Some(Seen::Answer(Answer::json(answer(state, messages, next))))
}

fn answer(state: &State, messages: Vec<Value>, next: String) -> Value {
    let mut answer = json!({"ret": 0, "msgs": messages, "get_updates_buf": next});
    if let Some(timeout_ms) = state.settings.told_timeout_ms {
        answer["longpolling_timeout_ms"] = json!(timeout_ms);
    }
    answer
}

fn cursor(bot: BotId, at: usize) -> String {
    STANDARD.encode(format!("{bot}/{at}"))
}

/// What came before is told no more; gives from where on there is something to tell.
fn acknowledge(state: &mut State, call: &Call, from: usize) -> usize {
    let Ok(bot) = bot_of(state, call) else { return from };
    let known = state.records.bot_mut(bot);
    known.forgotten = known.forgotten.max(from);
    known.forgotten
}

/// What a cursor stands for. Only those are good that were given to this bot.
fn position(state: &mut State, call: &Call, told: &str) -> usize {
    let Some(bot) = call.bot.filter(|_| !told.is_empty()) else { return 0 };
    let read = || {
        let text = String::from_utf8(STANDARD.decode(told).ok()?).ok()?;
        text.strip_prefix(&bot.to_string())?.strip_prefix('/')?.parse().ok()
    };
    let (read, count): (Option<usize>, _) = (read(), state.records.bot(bot).updates.len());
    match read.filter(|at| *at <= count) {
        Some(at) => at,
        None => {
            state.report(&call.name, "get_updates_buf", "this cursor was not given to this bot");
            0
        }
    }
}
