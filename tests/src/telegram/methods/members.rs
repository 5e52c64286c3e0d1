//! Methods about single members.

use serde_json::json;

use super::{open_chat, ruled_chat};
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    group,
    model::{ChatId, ChatKind, Member, Standing, UserId},
    render,
    state::State,
};

const RESTRICT: (&str, &str) =
    ("can_restrict_members", "not enough rights to restrict/unrestrict chat member");
const INVITE: (&str, &str) = ("can_invite_users", "not enough rights to manage chat join requests");

/// `getChatMember`
pub(crate) fn get(state: &mut State, call: &Call) -> Outcome {
    let id = open_chat(state, call)?;
    let user = known_user(state, call)?;
    let chat = state.chat(id);
    if chat.kind == ChatKind::Private {
        return Ok(json!({"user": render::user(&state.records, user), "status": "member"}));
    }
    Ok(render::member(&state.records, chat, user))
}

/// `banChatMember`
pub(crate) fn ban(state: &mut State, call: &Call) -> Outcome {
    let (id, user) = other(state, call)?;
    let member = Member { until: call.number("until_date").unwrap_or(0), ..Member::new(Standing::Kicked) };
    group::change_member(state, id, (call.bot, user), member);
    Ok(json!(true))
}

/// `unbanChatMember`. Without `only_if_banned` it removes members.
pub(crate) fn unban(state: &mut State, call: &Call) -> Outcome {
    let (id, user) = other(state, call)?;
    let standing = state.chat(id).members.get(&user).map(|member| member.standing);
    let is_member = standing.is_some_and(Standing::is_in);
    if standing == Some(Standing::Kicked) || (is_member && !call.flag("only_if_banned")) {
        group::change_standing(state, id, (call.bot, user), Standing::Left);
    }
    Ok(json!(true))
}

/// `restrictChatMember`
pub(crate) fn restrict(state: &mut State, call: &Call) -> Outcome {
    let (id, user) = other(state, call)?;
    if state.chat(id).kind != ChatKind::Supergroup {
        return Err(ApiError::bad("method is available only for supergroups"));
    }
    let rights = call.value("permissions");
    let rights: std::collections::BTreeMap<String, bool> =
        serde_json::from_value(rights).map_err(|_| ApiError::bad("can't parse permissions JSON object"))?;
    let whole = state.chat(id).permissions.iter().filter(|(_, is_given)| **is_given);
    let is_whole = whole.into_iter().all(|(right, _)| rights.get(right) == Some(&true));
    let until = call.number("until_date").unwrap_or(0);
    let member = match is_whole {
        true => Member::new(Standing::Member),
        false => Member { rights, until, ..Member::new(Standing::Restricted) },
    };
    group::change_member(state, id, (call.bot, user), member);
    Ok(json!(true))
}

/// `approveChatJoinRequest`
pub(crate) fn approve(state: &mut State, call: &Call) -> Outcome {
    let (id, user) = requester(state, call)?;
    group::change_standing(state, id, (user, user), Standing::Member);
    Ok(json!(true))
}

/// `declineChatJoinRequest`
pub(crate) fn decline(state: &mut State, call: &Call) -> Outcome {
    let (id, user) = requester(state, call)?;
    state.chat_mut(id).join_requests.remove(&user);
    Ok(json!(true))
}

fn requester(state: &State, call: &Call) -> Result<(ChatId, UserId), ApiError> {
    let id = ruled_chat(state, call, INVITE)?;
    let user = known_user(state, call)?;
    match state.chat(id).join_requests.contains(&user) {
        true => Ok((id, user)),
        false => Err(ApiError::bad("HIDE_REQUESTER_MISSING")),
    }
}

/// Somebody that the bot may rule over.
fn other(state: &State, call: &Call) -> Result<(ChatId, UserId), ApiError> {
    let id = ruled_chat(state, call, RESTRICT)?;
    if state.chat(id).kind == ChatKind::Private {
        return Err(ApiError::bad("chat member status can't be changed in private chats"));
    }
    let user = known_user(state, call)?;
    match state.chat(id).members.get(&user).map(|member| member.standing) {
        _ if user == call.bot => Err(ApiError::bad("can't restrict self")),
        Some(Standing::Creator) => Err(ApiError::bad("can't remove chat owner")),
        Some(Standing::Administrator) => Err(ApiError::bad("user is an administrator of the chat")),
        Some(_) | None => Ok((id, user)),
    }
}

fn known_user(state: &State, call: &Call) -> Result<UserId, ApiError> {
    let user = call.user()?;
    match state.records.users.get(&user) {
        Some(_) => Ok(user),
        None => Err(ApiError::bad("PARTICIPANT_ID_INVALID")),
    }
}
