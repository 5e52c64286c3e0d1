//! Methods about the bot itself.

use serde_json::{Value, json};

use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    render,
    state::State,
};

const COMMANDS_MAX: usize = 100;

/// `getMe`
pub(crate) fn get_me(state: &mut State, call: &Call) -> Outcome {
    Ok(render::me(&state.records, call.bot))
}

/// `logOut` and `close`: the bot moves to another server, which this one does not notice.
pub(crate) fn leave_server(_: &mut State, _: &Call) -> Outcome {
    Ok(json!(true))
}

/// `setMyCommands`
pub(crate) fn set_commands(state: &mut State, call: &Call) -> Outcome {
    let commands = call.list("commands");
    let is_good = |command: &Value| {
        let name = command["command"].as_str().unwrap_or_default().trim_start_matches('/');
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (1..=32).contains(&name.len()) && name.chars().all(is_plain)
    };
    if commands.len() > COMMANDS_MAX {
        return Err(ApiError::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    if !commands.iter().all(is_good) {
        return Err(ApiError::bad("BOT_COMMAND_INVALID"));
    }
    let key = scope(call);
    state.bot_mut(call.bot).commands.insert(key, json!(commands));
    Ok(json!(true))
}

/// `getMyCommands`
pub(crate) fn get_commands(state: &mut State, call: &Call) -> Outcome {
    Ok(state.bot_mut(call.bot).commands.get(&scope(call)).cloned().unwrap_or(json!([])))
}

/// `deleteMyCommands`
pub(crate) fn delete_commands(state: &mut State, call: &Call) -> Outcome {
    state.bot_mut(call.bot).commands.remove(&scope(call));
    Ok(json!(true))
}

/// `answerCallbackQuery`
pub(crate) fn answer_callback(state: &mut State, call: &Call) -> Outcome {
    let id = call
        .params
        .get("callback_query_id")
        .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let asked = id.and_then(|id| state.records.callbacks.remove(&id));
    match asked == Some(call.bot) {
        true => Ok(json!(true)),
        false => Err(ApiError::bad("query is too old and response timeout expired or query ID is invalid")),
    }
}

fn scope(call: &Call) -> String {
    let scope = match call.value("scope") {
        Value::Null => json!({"type": "default"}),
        scope => scope,
    };
    format!("{scope} {}", call.text("language_code").unwrap_or_default())
}
