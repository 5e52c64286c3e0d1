//! Changes of a chat, whoever makes them: members, title, photo, pins, topics, and a group that becomes a supergroup.
//!
//! Each writes its service message and tells the bots that may know.

use serde_json::{Value, json};

use super::{
    effects::EffectKind,
    model::{ChatId, ChatKind, Member, MessageId, Standing, Topic, UserId},
    post::{self, Draft},
    render,
    state::State,
    updates, world,
};

/// Gives a chat another title.
pub(crate) fn rename(state: &mut State, chat: ChatId, (by, title): (UserId, &str)) {
    state.chat_mut(chat).title = title.to_owned();
    announce(state, chat, by, json!({"new_chat_title": title}));
}

/// Gives a chat another photo, or none.
pub(crate) fn set_photo(state: &mut State, chat: ChatId, (by, photo): (UserId, Option<&str>)) {
    state.chat_mut(chat).photo = photo.map(str::to_owned);
    let body = match photo {
        None => json!({"delete_chat_photo": true}),
        Some(unique) => {
            let details = super::model::Fields::new();
            let body = super::files::body(state, super::files::MediaKind::Photo, (unique, &details));
            json!({"new_chat_photo": body["photo"]})
        }
    };
    announce(state, chat, by, body);
}

/// Pins a message. One that is pinned already is moved to the top.
pub(crate) fn pin(state: &mut State, (chat, id): (ChatId, MessageId), by: UserId) {
    let there = state.chat_mut(chat);
    there.pinned.retain(|it| *it != id);
    there.pinned.push(id);
    let text = there.messages.get(&id).map(|message| message.text().to_owned()).unwrap_or_default();
    state.effects.note(EffectKind::Pinned, (chat, id), (by, &text));
    let draft = Draft { pins: Some(id), ..Draft::new(chat, by, Value::Null) };
    post::create(state, draft);
}

/// Unpins a message. No update tells it.
pub(crate) fn unpin(state: &mut State, (chat, id): (ChatId, MessageId), by: UserId) {
    state.chat_mut(chat).pinned.retain(|it| *it != id);
    state.effects.note(EffectKind::Unpinned, (chat, id), (by, ""));
}

/// Makes somebody a member, removes or bans them. `by` and `user` are the same when they do it themselves.
pub(crate) fn change_standing(
    state: &mut State,
    chat: ChatId,
    (by, user): (UserId, UserId),
    standing: Standing,
) {
    let reads_all = state.records.bots.get(&user).is_some_and(|bot| bot.reads_all);
    change_member(state, chat, (by, user), Member { reads_all, ..Member::new(standing) });
}

/// The same with all that belongs to the standing.
pub(crate) fn change_member(state: &mut State, chat: ChatId, (by, user): (UserId, UserId), new: Member) {
    let was_in = state.chat(chat).members.get(&user).is_some_and(|member| member.standing.is_in());
    let is_in = new.standing.is_in();
    let old = render::member(&state.records, state.chat(chat), user);
    state.chat_mut(chat).members.insert(user, new);
    state.chat_mut(chat).join_requests.remove(&user);
    tell_of_member(state, chat, (by, user), old);
    if was_in == is_in || state.chat(chat).kind == ChatKind::Channel {
        return;
    }
    let who = render::user(&state.records, user);
    let body = match is_in {
        true => json!({"new_chat_members": [who]}),
        false => json!({"left_chat_member": who}),
    };
    announce(state, chat, by, body);
}

/// A basic group becomes a supergroup; its number is told. Members and title stay, messages do not.
pub(crate) fn upgrade(state: &mut State, old: ChatId, by: UserId) -> ChatId {
    let number = state.next_id();
    let new = ChatId::group(-1_000_000_000_000 - number);
    let group = state.chat(old).clone();
    let mut chat = world::empty(new, ChatKind::Supergroup, &group.title);
    (chat.members, chat.permissions) = (group.members, group.permissions);
    (chat.description, chat.photo) = (group.description, group.photo);
    chat.next_message = 1;
    state.records.chats.insert(new, chat);
    announce(state, old, by, json!({"migrate_to_chat_id": new}));
    state.chat_mut(old).migrated_to = Some(new);
    announce(state, new, by, json!({"migrate_from_chat_id": old}));
    new
}

/// Begins a topic; its number is told.
pub(crate) fn create_topic(state: &mut State, chat: ChatId, by: UserId, topic: Topic) -> MessageId {
    // The topic's number is that of the message that tells of it.
    let id = state.chat(chat).next_message;
    let mut body = json!({"name": topic.name, "icon_color": topic.color});
    if let Some(icon) = &topic.icon {
        body["icon_custom_emoji_id"] = json!(icon);
    }
    state.chat_mut(chat).topics.insert(id, topic);
    in_topic(state, (chat, id), by, json!({"forum_topic_created": body}));
    id
}

/// Says something in a topic that Telegram writes.
pub(crate) fn in_topic(state: &mut State, (chat, topic): (ChatId, MessageId), by: UserId, body: Value) {
    let draft = Draft { topic: Some(topic), ..as_shown(state, chat, by, body) };
    post::create(state, draft);
}

/// Whoever writes, as the chat shows them: anonymous administrators stay unnamed.
pub(crate) fn as_shown(state: &State, chat: ChatId, by: UserId, body: Value) -> Draft {
    let mut draft = Draft::new(chat, by, body);
    let there = state.chat(chat);
    let Some(member) = there.members.get(&by) else { return draft };
    if member.is_anonymous && there.kind == ChatKind::Supergroup {
        draft.from = Some(super::model::GROUP_ANONYMOUS_BOT);
        draft.sender_chat = Some(chat);
        if let Some(title) = &member.title {
            draft.body.insert("author_signature".to_owned(), json!(title));
        }
    }
    draft
}

fn announce(state: &mut State, chat: ChatId, by: UserId, body: Value) {
    let draft = as_shown(state, chat, by, body);
    post::create(state, draft);
}

/// `my_chat_member` for the bot itself, `chat_member` for bots that are administrators.
fn tell_of_member(state: &mut State, chat: ChatId, (by, user): (UserId, UserId), old: Value) {
    let new = render::member(&state.records, state.chat(chat), user);
    let payload = json!({
        "chat": render::chat(&state.records, chat),
        "from": render::user(&state.records, by),
        "date": state.now(),
        "old_chat_member": old,
        "new_chat_member": new,
    });
    for bot in updates::bots(state) {
        let member = state.chat(chat).members.get(&bot);
        if bot == user {
            updates::emit(state, bot, "my_chat_member", payload.clone());
        } else if member.is_some_and(|member| member.standing.is_admin()) {
            updates::emit(state, bot, "chat_member", payload.clone());
        }
    }
}
