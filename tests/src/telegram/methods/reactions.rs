//! `setMessageReaction`. A bot has at most one reaction on a message, and no bot is told of it.

use serde_json::{Value, json};

use super::{message_of, open_chat};
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    effects::EffectKind,
    model::Chat,
    react, rights,
    state::State,
};

/// Sets, replaces or takes back the bot's reaction.
pub(crate) fn set(state: &mut State, call: &Call) -> Outcome {
    let chat = open_chat(state, call)?;
    let message = message_of(state, call, chat, "message to react not found")?;
    let wanted = call.list("reaction");
    if wanted.len() > 1 {
        return Err(ApiError::bad("REACTIONS_TOO_MANY"));
    }
    let there = state.chat(chat);
    if !rights::may(there, call.bot, "can_react_to_messages") && there.id.bot == 0 && !is_admin(there, call) {
        return Err(ApiError::bad("not enough rights to react to the message"));
    }
    let others = message.reactions.values().flatten();
    let is_there = |reaction: &Value| others.clone().any(|it| it == reaction);
    for reaction in &wanted {
        let is_allowed = match reaction["type"].as_str() {
            Some("emoji") => {
                let emoji = reaction["emoji"].as_str().unwrap_or_default();
                react::EMOJI.contains(&emoji)
                    && there.reactions.as_ref().is_none_or(|list| list.iter().any(|it| it == emoji))
            }
            // Without Premium only what is there already can be joined.
            Some("custom_emoji") => is_there(reaction),
            _ => false,
        };
        if !is_allowed {
            return Err(ApiError::bad("REACTION_INVALID"));
        }
    }
    let shown = react::shown(&wanted);
    let known = state.chat_mut(chat).messages.get_mut(&message.id).expect("it was just found");
    let before = known.reactions.insert(call.bot, wanted.clone()).unwrap_or_default();
    if before != wanted {
        state.effects.note(EffectKind::Reacted, (chat, message.id), (call.bot, &shown));
    }
    Ok(json!(true))
}

fn is_admin(chat: &Chat, call: &Call) -> bool {
    chat.members.get(&call.bot).is_some_and(|member| member.standing.is_admin())
}
