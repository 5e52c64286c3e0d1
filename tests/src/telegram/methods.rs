//! The methods of the Bot API, and what they share: finding the chat, and whether the bot may act there.
//!
//! A new method goes into the file of its kind and into [`find`], nowhere else.

pub mod chats;
pub mod edits;
pub mod me;
pub mod media;
pub mod members;
pub mod messages;
pub mod polls;
pub mod reactions;
pub mod stored;
pub mod target;
pub mod topics;

use super::{
    answer::{ApiError, Outcome},
    call::Call,
    model::{ChatId, ChatKind, Message, MessageId, Standing},
    render, rights,
    state::State,
    webhook,
};

/// A method.
pub(crate) type Method = fn(&mut State, &Call) -> Outcome;

/// The method of this name, in lower case. (`getupdates` and `setwebhook` need more than the state, and are elsewhere.)
pub(crate) fn find(name: &str) -> Option<Method> {
    Some(match name {
        "getme" => me::get_me,
        "logout" | "close" => me::leave_server,
        "setmycommands" => me::set_commands,
        "getmycommands" => me::get_commands,
        "deletemycommands" => me::delete_commands,
        "answercallbackquery" => me::answer_callback,
        "deletewebhook" => webhook::delete,
        "getwebhookinfo" => webhook::info,
        "getchat" => chats::get,
        "getchatadministrators" => chats::administrators,
        "getchatmembercount" => chats::member_count,
        "setchattitle" => chats::set_title,
        "setchatdescription" => chats::set_description,
        "setchatphoto" => chats::set_photo,
        "deletechatphoto" => chats::delete_photo,
        "leavechat" => chats::leave,
        "pinchatmessage" => chats::pin,
        "unpinchatmessage" => chats::unpin,
        "unpinallchatmessages" => chats::unpin_all,
        "getchatmember" => members::get,
        "banchatmember" => members::ban,
        "unbanchatmember" => members::unban,
        "restrictchatmember" => members::restrict,
        "approvechatjoinrequest" => members::approve,
        "declinechatjoinrequest" => members::decline,
        "editmessagetext" => edits::text,
        "editmessagecaption" => edits::caption,
        "editmessagemedia" => edits::media,
        "editmessagereplymarkup" => edits::markup,
        "deletemessage" => edits::delete,
        "deletemessages" => edits::delete_many,
        "setmessagereaction" => reactions::set,
        "createforumtopic" => topics::create,
        "editforumtopic" => topics::edit,
        "closeforumtopic" => topics::close,
        "reopenforumtopic" => topics::reopen,
        "getfile" => stored::get_file,
        "getuserprofilephotos" => stored::profile_photos,
        "getstickerset" => stored::sticker_set,
        "getcustomemojistickers" => stored::custom_emoji,
        "sendpoll" => polls::send,
        "stoppoll" => polls::stop,
        _ => return find_sending(name),
    })
}

fn find_sending(name: &str) -> Option<Method> {
    Some(match name {
        "sendmessage" => messages::send,
        "sendlocation" => messages::location,
        "sendvenue" => messages::venue,
        "sendcontact" => messages::contact,
        "senddice" => messages::dice,
        "sendchataction" => messages::action,
        "forwardmessage" => messages::forward,
        "copymessage" => messages::copy,
        "sendphoto" => media::photo,
        "sendaudio" => media::audio,
        "senddocument" => media::document,
        "sendvideo" => media::video,
        "sendanimation" => media::animation,
        "sendvoice" => media::voice,
        "sendvideonote" => media::video_note,
        "sendsticker" => media::sticker,
        "sendmediagroup" => media::group,
        _ => return None,
    })
}

/// The chat that a parameter names, which the bot knows of.
pub(crate) fn chat_of(state: &State, call: &Call, name: &str) -> Result<ChatId, ApiError> {
    let found = match call.params.get(name) {
        None => return Err(ApiError::bad("chat_id is empty")),
        Some(value) => match value.as_str().and_then(|text| text.strip_prefix('@')) {
            Some(username) => {
                let is_named =
                    |it: &Option<String>| it.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(username));
                state.records.chats.values().find(|chat| is_named(&chat.username)).map(|chat| chat.id)
            }
            None => call.number(name).map(|number| call.place(number)),
        },
    };
    let not_found = || ApiError::bad("chat not found");
    let id = found.ok_or_else(not_found)?;
    let Some(chat) = state.records.chats.get(&id) else {
        return Err(match state.records.users.get(&id.number) {
            Some(user) if user.is_bot => ApiError::forbidden("bots can't send messages to bots"),
            Some(user) if meets(state, call, user.id) => {
                ApiError::forbidden("bot can't initiate conversation with a user")
            }
            Some(_) | None => not_found(),
        });
    };
    let was_there =
        chat.id.bot == call.bot || chat.members.contains_key(&call.bot) || chat.username.is_some();
    if was_there { Ok(id) } else { Err(not_found()) }
}

fn meets(state: &State, call: &Call, user: i64) -> bool {
    state
        .records
        .chats
        .values()
        .any(|chat| chat.members.contains_key(&user) && chat.members.contains_key(&call.bot))
}

/// The chat of the call, which the bot is in and may write in as far as it stands.
pub(crate) fn open_chat(state: &State, call: &Call) -> Result<ChatId, ApiError> {
    let id = chat_of(state, call, "chat_id")?;
    let chat = state.chat(id);
    if let Some(to) = chat.migrated_to {
        return Err(ApiError::migrated(to));
    }
    if chat.kind == ChatKind::Private {
        let person = state.user(id.number);
        if person.is_deactivated {
            return Err(ApiError::forbidden("user is deactivated"));
        }
        return match person.blocks.contains(&call.bot) {
            true => Err(ApiError::forbidden("bot was blocked by the user")),
            false => Ok(id),
        };
    }
    match chat.members.get(&call.bot).map(|member| member.standing) {
        Some(Standing::Kicked) => {
            Err(ApiError::forbidden(format!("bot was kicked from the {} chat", chat.kind.name())))
        }
        Some(Standing::Left) | None => {
            Err(ApiError::forbidden(format!("bot is not a member of the {} chat", chat.kind.name())))
        }
        Some(_) => Ok(id),
    }
}

/// The same, where the bot needs a right of administrators.
pub(crate) fn ruled_chat(
    state: &State,
    call: &Call,
    (right, refusal): (&str, &str),
) -> Result<ChatId, ApiError> {
    let id = open_chat(state, call)?;
    match rights::may(state.chat(id), call.bot, right) {
        true => Ok(id),
        false => Err(ApiError::bad(refusal)),
    }
}

/// The message that `message_id` names.
pub(crate) fn message_of(
    state: &State,
    call: &Call,
    chat: ChatId,
    refusal: &str,
) -> Result<Message, ApiError> {
    let there = state.chat(chat);
    let number =
        call.number("message_id").ok_or_else(|| ApiError::bad("message identifier is not specified"))?;
    let found: Option<MessageId> = render::find(there, call.bot, number);
    found.and_then(|id| there.messages.get(&id)).cloned().ok_or_else(|| ApiError::bad(refusal))
}
