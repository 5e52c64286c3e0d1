//! Which bot is told what. An update is written when something happens and waits until the bot confirms it.

use serde_json::{Value, json};

use super::{
    model::{Chat, ChatKind, Fields, Message, Standing, UserId},
    render,
    state::State,
};

/// Unconfirmed updates live this long.
const LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// Not sent unless asked for by name.
const NOT_BY_DEFAULT: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// Fields by which a message is a service message.
const SERVICE: [&str; 17] = [
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "pinned_message",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
];

/// Of these a bot is told even when it did them itself (the Bot API server's own rule).
const ECHOED: [&str; 10] = [
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "left_chat_member",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
];

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    New,
    Edit,
}

/// Whether content is that of a service message. (Those that pin say so elsewhere.)
pub(crate) fn is_service(body: &Fields) -> bool {
    SERVICE.iter().any(|name| body.contains_key(*name))
}

/// Tells all bots that may know of a message.
pub(crate) fn of_message(state: &mut State, message: &Message, change: Change) {
    let kind = match (state.chat(message.chat).kind, change) {
        (ChatKind::Channel, Change::New) => "channel_post",
        (ChatKind::Channel, Change::Edit) => "edited_channel_post",
        (_, Change::New) => "message",
        (_, Change::Edit) => "edited_message",
    };
    for bot in bots(state) {
        if sees(state, bot, message) {
            let payload = render::message(&state.records, message, bot);
            emit(state, bot, kind, payload);
        }
    }
}

/// Tells one bot, if it asked for such updates.
pub(crate) fn emit(state: &mut State, bot: UserId, kind: &str, payload: Value) {
    let allowed = state.records.bots.get(&bot).and_then(|bot| bot.allowed.as_ref());
    let is_wanted = match allowed {
        Some(kinds) => kinds.iter().any(|wanted| wanted == kind),
        None => !NOT_BY_DEFAULT.contains(&kind),
    };
    if !is_wanted {
        return;
    }
    if let Some(spec) = state.spec.clone() {
        let update = json!({"update_id": 1, kind: payload});
        state.findings.extend(spec.check_update(kind, &update));
    }
    push(state, bot, render::fields(json!({kind: payload})));
}

/// Tells one bot anything at all.
pub(crate) fn push(state: &mut State, bot: UserId, update: Fields) {
    let now_ms = state.now_ms();
    let copies = if state.faults.duplicates > 0 { 2 } else { 1 };
    state.faults.duplicates = state.faults.duplicates.saturating_sub(1);
    let bot = state.bot_mut(bot);
    let mut update = update;
    update.insert("update_id".to_owned(), json!(bot.next_update));
    for _ in 0..copies {
        bot.updates.push_back((bot.next_update, now_ms, Value::Object(update.clone())));
    }
    bot.next_update += 1;
}

/// Forgets what was confirmed or is too old.
pub(crate) fn confirm(state: &mut State, bot: UserId, offset: i64) {
    let oldest_ms = state.now_ms() - LIFETIME_MS;
    let bot = state.bot_mut(bot);
    bot.updates.retain(|(_, came_ms, _)| *came_ms >= oldest_ms);
    if offset < 0 {
        let kept = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        let surplus = bot.updates.len().saturating_sub(kept);
        bot.updates.drain(..surplus);
    }
    bot.updates.retain(|(id, _, _)| offset <= 0 || *id >= offset);
}

/// All bots.
pub(crate) fn bots(state: &State) -> Vec<UserId> {
    state.records.bots.keys().copied().collect()
}

/// Whether a bot is in a chat.
pub(crate) fn is_in(chat: &Chat, bot: UserId) -> bool {
    chat.id.bot == bot || chat.members.get(&bot).is_some_and(|member| member.standing.is_in())
}

/// Whether a bot gets to know a message.
pub(crate) fn sees(state: &State, bot: UserId, message: &Message) -> bool {
    let chat = state.chat(message.chat);
    let is_echoed = message.pins.is_some() || ECHOED.iter().any(|name| message.body.contains_key(*name));
    if message.author == bot && !is_echoed {
        return false;
    }
    if message.author != bot && state.user(message.author).is_bot && !is_service(&message.body) {
        return chat.kind == ChatKind::Channel && is_in(chat, bot);
    }
    if !is_in(chat, bot) {
        // Only its own removal is told to somebody who is not there any more.
        return message.field("left_chat_member")["id"] == json!(bot);
    }
    match chat.kind {
        ChatKind::Private | ChatKind::Channel => true,
        ChatKind::Group | ChatKind::Supergroup => {
            is_service(&message.body) || message.pins.is_some() || passes_privacy(state, bot, message)
        }
    }
}

/// Privacy mode: <https://core.telegram.org/bots/features#privacy-mode>.
fn passes_privacy(state: &State, bot: UserId, message: &Message) -> bool {
    let chat = state.chat(message.chat);
    let Some(member) = chat.members.get(&bot) else { return false };
    if member.standing == Standing::Administrator || member.reads_all {
        return true;
    }
    let mention = state.user(bot).username.as_ref().map(|name| format!("@{}", name.to_lowercase()));
    let text = message.text().to_lowercase();
    let answers = message.reply_to.and_then(|id| chat.messages.get(&id));
    text.starts_with('/')
        || mention.is_some_and(|mention| text.contains(&mention))
        || answers.is_some_and(|it| it.author == bot)
}
