//! Messages come, change and go. Every way of saying something ends here, so that numbers, effects and updates are always right.

use serde_json::{Value, json};

use super::{
    effects::EffectKind,
    model::{ChatId, ChatKind, Fields, Message, MessageId, TELEGRAM, UserId},
    render,
    state::State,
    updates,
};

/// Numbers for messages in basic groups that no bot is in.
const UNSEEN: MessageId = 1 << 40;

/// A message before it has a number.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where.
    pub chat: ChatId,
    /// Who writes.
    pub author: UserId,
    /// Who is shown to write.
    pub from: Option<UserId>,
    /// The chat that writes.
    pub sender_chat: Option<ChatId>,
    /// The topic.
    pub topic: Option<MessageId>,
    /// What it answers.
    pub reply_to: Option<MessageId>,
    /// What it pins.
    pub pins: Option<MessageId>,
    /// Its poll.
    pub poll: Option<String>,
    /// The content as in the Bot API.
    pub body: Fields,
}

impl Draft {
    /// A message with this content, a JSON object.
    pub fn new(chat: ChatId, author: UserId, body: Value) -> Self {
        let (from, body) = (Some(author), render::fields(body));
        Self {
            chat,
            author,
            from,
            sender_chat: None,
            topic: None,
            reply_to: None,
            pins: None,
            poll: None,
            body,
        }
    }
}

/// Lets a message appear.
pub(crate) fn create(state: &mut State, draft: Draft) -> MessageId {
    let (id, ids) = number(state, draft.chat);
    let mut message = Message {
        chat: draft.chat,
        id,
        ids,
        author: draft.author,
        from: draft.from,
        sender_chat: draft.sender_chat,
        date: state.now(),
        edit_date: None,
        topic: draft.topic,
        reply_to: draft.reply_to,
        pins: draft.pins,
        poll: draft.poll,
        body: draft.body,
        reactions: std::collections::BTreeMap::new(),
    };
    let chat = state.chat(draft.chat);
    if chat.kind == ChatKind::Channel {
        message.from = None;
        message.sender_chat = Some(draft.chat);
        if chat.signs && !message.body.contains_key("author_signature") {
            let name = state.user(draft.author).first_name.clone();
            message.body.insert("author_signature".to_owned(), json!(name));
        }
    }
    if let Some(root) = message.reply_to.filter(|_| chat.kind == ChatKind::Supergroup && !chat.is_forum) {
        // Outside of forums a chain of replies is a thread too.
        let above = chat.messages.get(&root).and_then(|it| it.body.get("message_thread_id")).cloned();
        message.body.insert("message_thread_id".to_owned(), above.unwrap_or(json!(root)));
    }
    state.effects.record(EffectKind::Created, &message);
    state.chat_mut(draft.chat).messages.insert(id, message.clone());
    updates::of_message(state, &message, updates::Change::New);
    forward_to_discussion(state, &message);
    id
}

/// Changes content. Null takes a field away. False when there is no such message.
pub(crate) fn edit(state: &mut State, (chat, id): (ChatId, MessageId), change: Fields) -> bool {
    let now = state.now();
    let found = state.records.chats.get_mut(&chat).and_then(|it| it.messages.get_mut(&id));
    let Some(message) = found else { return false };
    for (name, value) in &change {
        match value {
            Value::Null => message.body.remove(name),
            value => message.body.insert(name.clone(), value.clone()),
        };
    }
    message.edit_date = Some(now);
    let message = message.clone();
    state.effects.record(EffectKind::Edited, &message);
    updates::of_message(state, &message, updates::Change::Edit);
    if let Some(copy) = discussed(state, (chat, id)) {
        edit(state, copy, change);
    }
    true
}

/// The copy of a channel's post in the group where it is discussed, which follows its changes.
fn discussed(state: &State, (channel, id): (ChatId, MessageId)) -> Option<(ChatId, MessageId)> {
    let chat = state.chat(channel);
    let group = chat.linked.filter(|_| chat.kind == ChatKind::Channel)?;
    let is_copy = |message: &&Message| {
        let origin = message.field("forward_origin");
        message.field("is_automatic_forward") == true
            && (&origin["chat"]["id"], &origin["message_id"]) == (&json!(channel), &json!(id))
    };
    state.chat(group).messages.values().find(is_copy).map(|message| (group, message.id))
}

/// Takes a message away. Bots are not told. False when there is no such message.
pub(crate) fn delete(state: &mut State, chat: ChatId, id: MessageId) -> bool {
    let Some(there) = state.records.chats.get_mut(&chat) else { return false };
    let Some(message) = there.messages.remove(&id) else { return false };
    there.pinned.retain(|it| *it != id);
    state.effects.record(EffectKind::Deleted, &message);
    true
}

/// What a forwarded message says of where it comes from.
pub(crate) fn origin(state: &State, message: &Message) -> Value {
    let date = message.date;
    if let Some(origin) = message.body.get("forward_origin") {
        return origin.clone();
    }
    let signature = message.body.get("author_signature").cloned();
    let mut it = match (message.sender_chat, message.from) {
        (Some(chat), None) => {
            json!({"type": "channel", "date": date, "chat": render::chat(&state.records, chat), "message_id": message.id})
        }
        (Some(chat), Some(_)) => {
            json!({"type": "chat", "date": date, "sender_chat": render::chat(&state.records, chat)})
        }
        (None, from) => {
            let user = render::user(&state.records, from.unwrap_or(TELEGRAM));
            return json!({"type": "user", "date": date, "sender_user": user});
        }
    };
    if let Some(signature) = signature {
        it["author_signature"] = signature;
    }
    it
}

/// The content of a message as a copy of it bears it.
pub(crate) fn content(message: &Message) -> Fields {
    const NOT_COPIED: [&str; 8] = [
        "author_signature",
        "forward_origin",
        "is_automatic_forward",
        "media_group_id",
        "message_thread_id",
        "quote",
        "external_reply",
        "reply_markup",
    ];
    let fields = message.body.iter().filter(|(name, _)| !NOT_COPIED.contains(&name.as_str()));
    fields.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn forward_to_discussion(state: &mut State, message: &Message) {
    let chat = state.chat(message.chat);
    let Some(group) = chat.linked.filter(|_| chat.kind == ChatKind::Channel) else { return };
    if updates::is_service(&message.body) {
        return;
    }
    let mut body = content(message);
    if let Some(album) = message.body.get("media_group_id") {
        body.insert("media_group_id".to_owned(), album.clone());
    }
    body.insert("is_automatic_forward".to_owned(), json!(true));
    body.insert("forward_origin".to_owned(), origin(state, message));
    let draft = Draft {
        sender_chat: Some(message.chat),
        poll: message.poll.clone(),
        ..Draft::new(group, TELEGRAM, Value::Object(body))
    };
    create(state, draft);
}

fn number(state: &mut State, id: ChatId) -> (MessageId, std::collections::BTreeMap<UserId, MessageId>) {
    let chat = state.records.chats.get_mut(&id).expect("every id of a chat comes from the world");
    if chat.kind.numbers_itself() {
        chat.next_message += 1;
        return (chat.next_message - 1, std::collections::BTreeMap::new());
    }
    let is_there =
        |bot: &UserId| id.bot == *bot || chat.members.get(bot).is_some_and(|member| member.standing.is_in());
    let mut ids = std::collections::BTreeMap::new();
    for bot in state.records.bots.values_mut().filter(|bot| is_there(&bot.id)) {
        bot.next_message += 1;
        ids.insert(bot.id, bot.next_message);
    }
    chat.next_message += 1;
    let first = ids.values().next().copied().filter(|number| !chat.messages.contains_key(number));
    (first.unwrap_or(UNSEEN + chat.next_message), ids)
}
