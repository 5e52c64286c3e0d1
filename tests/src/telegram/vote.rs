//! Polls come about and people vote.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    model::{Fields, Poll, UserId},
    render,
    state::State,
    updates,
};

/// Makes a poll that no message shows yet.
pub(crate) fn new_poll(
    state: &mut State,
    bot: Option<UserId>,
    fields: Fields,
    options: Vec<String>,
) -> String {
    let id = state.next_id().to_string();
    let poll = Poll { id: id.clone(), bot, fields, options, votes: BTreeMap::new(), is_closed: false };
    state.records.polls.insert(id.clone(), poll);
    id
}

/// Somebody chooses, or takes the vote back with none. False when the poll is closed or unknown.
pub(crate) fn choose(state: &mut State, id: &str, user: UserId, chosen: Vec<usize>) -> bool {
    let Some(poll) = state.records.polls.get_mut(id).filter(|poll| !poll.is_closed) else { return false };
    poll.votes.insert(user, chosen.clone());
    let is_anonymous = poll.fields.get("is_anonymous") != Some(&Value::Bool(false));
    let Some(bot) = poll.bot else { return true };
    let told = render::poll(&state.records, id);
    updates::emit(state, bot, "poll", told);
    if !is_anonymous {
        let names: Vec<String> = chosen.iter().map(|nth| format!("{id}-{nth}")).collect();
        let user = render::user(&state.records, user);
        let payload =
            json!({"poll_id": id, "user": user, "option_ids": chosen, "option_persistent_ids": names});
        updates::emit(state, bot, "poll_answer", payload);
    }
    true
}
