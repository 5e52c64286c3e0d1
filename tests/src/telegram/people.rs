//! What people on Telegram write: text, replies, edits, reactions, votes, forwards. Files are in [`media`], changes of chats in
//! [`chats`].
//!
//! People may do everything here; whether Telegram's app would let them is not the simulator's question. A message's number is the one
//! that the chat's first bot knows it by.

pub mod chats;
pub mod media;

use serde_json::{Value, json};

use super::{
    TelegramSim, group,
    model::{CHANNEL_BOT, ChatId, ChatKind, Fields, Message, MessageId, UserId},
    post::{self, Draft},
    react, render,
    state::State,
    text, updates, vote,
};

/// A message and where it is.
pub type Place = (ChatId, MessageId);

impl TelegramSim {
    /// Somebody writes. Commands, mentions, hashtags and addresses become entities, as the apps make them.
    pub fn person_sends(&self, chat: ChatId, user: UserId, text: &str) -> MessageId {
        self.person_sends_formatted(chat, user, (text, json!([])))
    }

    /// Somebody writes with these entities besides those that are found.
    pub fn person_sends_formatted(
        &self,
        chat: ChatId,
        user: UserId,
        (text, entities): (&str, Value),
    ) -> MessageId {
        self.person_posts(chat, user, text_body(text, &entities))
    }

    /// Somebody writes in a topic.
    pub fn person_sends_in_topic(&self, (chat, topic): Place, user: UserId, text: &str) -> MessageId {
        self.person_posts_in(
            Where { topic: Some(topic), ..Where::of(chat) },
            user,
            text_body(text, &json!([])),
        )
    }

    /// Somebody replies.
    pub fn person_replies(&self, (chat, target): Place, user: UserId, text: &str) -> MessageId {
        let place = Where { reply_to: Some(target), ..Where::of(chat) };
        self.person_posts_in(place, user, text_body(text, &json!([])))
    }

    /// Somebody replies to a part of a message. The quote must be in it.
    pub fn person_quotes(
        &self,
        (chat, target): Place,
        user: UserId,
        (quote, text): (&str, &str),
    ) -> MessageId {
        let whole = self.message(chat, target).map(|message| message.text().to_owned()).unwrap_or_default();
        let at = whole.find(quote).map_or(0, |at| text::length(&whole[..at]));
        let mut body = text_body(text, &json!([]));
        body["quote"] = json!({"text": quote, "position": at, "is_manual": true});
        self.person_posts_in(Where { reply_to: Some(target), ..Where::of(chat) }, user, body)
    }

    /// Somebody sends content as it stands in a `Message` of the Bot API.
    pub fn person_posts(&self, chat: ChatId, user: UserId, body: Value) -> MessageId {
        self.person_posts_in(Where::of(chat), user, body)
    }

    /// The same in a topic or as a reply.
    pub fn person_posts_in(&self, place: Where, user: UserId, body: Value) -> MessageId {
        self.inner.change(|state| say(state, &place, user, body))
    }

    /// A channel writes in a group, as its owner lets it.
    pub fn channel_sends(&self, chat: ChatId, (channel, owner): (ChatId, UserId), text: &str) -> MessageId {
        let mut draft = Draft::new(chat, owner, text_body(text, &json!([])));
        (draft.from, draft.sender_chat) = (Some(CHANNEL_BOT), Some(channel));
        self.post(draft)
    }

    /// Anything that a [`Draft`] can say appears in a chat.
    pub fn post(&self, draft: Draft) -> MessageId {
        self.inner.change(|state| post::create(state, draft))
    }

    /// Somebody changes a text. False when it is gone.
    pub fn person_edits(&self, place: Place, text: &str) -> bool {
        let mut change = render::fields(text_body(text, &json!([])));
        change.entry("entities").or_insert(Value::Null);
        self.person_changes(place, change)
    }

    /// Somebody changes a caption. False when the message is gone.
    pub fn person_edits_caption(&self, place: Place, caption: &str) -> bool {
        self.person_changes(place, render::fields(json!({"caption": caption, "caption_entities": null})))
    }

    /// Somebody changes these fields of a message; null takes one away. False when it is gone.
    pub fn person_changes(&self, place: Place, change: Fields) -> bool {
        self.inner.change(|state| post::edit(state, place, change))
    }

    /// Somebody takes a message back; no bot is told. False when it is gone.
    pub fn person_deletes(&self, (chat, id): Place) -> bool {
        self.inner.change(|state| post::delete(state, chat, id))
    }

    /// Somebody sets a reaction instead of all earlier ones: an emoji, or a custom one by its number. False when the message is gone.
    pub fn person_reacts(&self, place: Place, user: UserId, emoji: &str) -> bool {
        self.person_reacts_with(place, user, &[emoji])
    }

    /// Somebody with Premium sets several reactions instead of all earlier ones.
    pub fn person_reacts_with(&self, place: Place, user: UserId, emoji: &[&str]) -> bool {
        let new = emoji.iter().map(|emoji| react::kind(emoji)).collect();
        self.inner.change(|state| react::put(state, place, user, new))
    }

    /// Somebody takes all reactions back. False when the message is gone.
    pub fn person_unreacts(&self, place: Place, user: UserId) -> bool {
        self.inner.change(|state| react::put(state, place, user, Vec::new()))
    }

    /// Somebody asks a question with options. Votes are not anonymous.
    pub fn person_sends_poll(
        &self,
        chat: ChatId,
        user: UserId,
        (question, options): (&str, &[&str]),
    ) -> MessageId {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        self.inner.change(|state| {
            let fields = super::methods::polls::poll_fields(question, false, false);
            let poll = Some(vote::new_poll(state, None, fields, options));
            let draft = group::as_shown(state, chat, user, json!({}));
            post::create(state, Draft { poll, ..draft })
        })
    }

    /// Somebody votes in the poll of a message, by the options' places; none takes the vote back. False when that cannot be.
    pub fn person_votes(&self, (chat, id): Place, user: UserId, chosen: &[usize]) -> bool {
        let Some(poll) = self.message(chat, id).and_then(|message| message.poll) else { return false };
        self.inner.change(|state| vote::choose(state, &poll, user, chosen.to_vec()))
    }

    /// Somebody ends a poll; bots that see its chat are told how it stands. False when there is none.
    pub fn person_stops_poll(&self, (chat, id): Place) -> bool {
        let Some(message) = self.message(chat, id) else { return false };
        let Some(poll) = message.poll.clone() else { return false };
        self.inner.change(|state| {
            state.records.polls.get_mut(&poll).expect("a message's poll is known").is_closed = true;
            let told = render::poll(&state.records, &poll);
            for bot in updates::bots(state) {
                if updates::sees(state, bot, &message) {
                    updates::emit(state, bot, "poll", told.clone());
                }
            }
        });
        true
    }

    /// Somebody passes a message on.
    pub fn person_forwards(&self, (chat, id): Place, user: UserId, to: ChatId) -> MessageId {
        self.inner.change(|state| {
            let message: Message = state.chat(chat).messages[&id].clone();
            let mut body = post::content(&message);
            body.insert("forward_origin".to_owned(), post::origin(state, &message));
            let draft = group::as_shown(state, to, user, Value::Object(body));
            post::create(state, Draft { poll: message.poll, ..draft })
        })
    }

    /// Somebody passes on what a person wrote who does not want to be linked to.
    pub fn person_forwards_hidden(&self, text: &str, name: &str, (user, to): (UserId, ChatId)) -> MessageId {
        self.inner.change(|state| {
            let mut body = text_body(text, &json!([]));
            let date = state.now() - 60;
            body["forward_origin"] = json!({"type": "hidden_user", "date": date, "sender_user_name": name});
            say(state, &Where::of(to), user, body)
        })
    }

    /// Somebody presses a button of the bot's message; the query's id is told.
    pub fn person_presses(&self, (chat, id): Place, user: UserId, data: &str) -> String {
        self.inner.change(|state| {
            let query = state.next_id().to_string();
            let message = state.chat(chat).messages[&id].clone();
            let bot = message.author;
            let payload = json!({
                "id": query,
                "from": render::user(&state.records, user),
                "message": render::message(&state.records, &message, bot),
                "chat_instance": chat.number.unsigned_abs().to_string(),
                "data": data,
            });
            state.records.callbacks.insert(query.clone(), bot);
            updates::emit(state, bot, "callback_query", payload);
            query
        })
    }
}

/// Where somebody writes.
#[derive(Clone, Copy, Debug)]
pub struct Where {
    /// The chat.
    pub chat: ChatId,
    /// The topic.
    pub topic: Option<MessageId>,
    /// The message that is answered.
    pub reply_to: Option<MessageId>,
}

impl Where {
    /// In a chat, in no topic, in answer to nothing.
    pub fn of(chat: ChatId) -> Self {
        Self { chat, topic: None, reply_to: None }
    }
}

/// Somebody says something; in private, that starts the bot.
pub(crate) fn say(state: &mut State, place: &Where, user: UserId, body: Value) -> MessageId {
    let id = place.chat;
    state.records.chats.entry(id).or_insert_with(|| super::world::empty(id, ChatKind::Private, ""));
    let mut draft = group::as_shown(state, id, user, body);
    let answered = place.reply_to.and_then(|id| state.chat(place.chat).messages.get(&id));
    draft.topic = place.topic.or_else(|| answered.and_then(|message| message.topic));
    draft.reply_to = place.reply_to;
    post::create(state, draft)
}

pub(crate) fn text_body(text: &str, entities: &Value) -> Value {
    let given = entities.as_array().cloned().unwrap_or_default();
    let entities = text::with_found(text, given);
    if entities.is_empty() { json!({"text": text}) } else { json!({"text": text, "entities": entities}) }
}
