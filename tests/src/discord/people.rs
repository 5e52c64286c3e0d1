//! What people on Discord do: write, reply, edit, delete, type; and what other bots' webhooks post.
//!
//! People may do everything here; whether Discord's app would let them is not the simulator's question. What they ping
//! follows their permissions, though.

use serde_json::Value;

use super::{
    DiscordSim, Snowflake,
    model::{Author, File, FileBytes, Forward, ReactionEmoji, Sticker, Webhook},
    post::{self, Change, Draft},
    react,
    rest::{messages, webhooks},
};

impl DiscordSim {
    /// Somebody writes.
    pub fn person_sends(&self, channel: Snowflake, user: Snowflake, text: &str) -> Snowflake {
        self.post(Draft::text(channel, Author::User(user), text))
    }

    /// Somebody replies, pinging the other.
    pub fn person_replies(&self, to: (Snowflake, Snowflake), user: Snowflake, text: &str) -> Snowflake {
        let (channel, target) = to;
        self.post(Draft { reply_to: Some(target), ..Draft::text(channel, Author::User(user), text) })
    }

    /// Somebody replies with the ping switched off.
    pub fn person_replies_quietly(
        &self,
        to: (Snowflake, Snowflake),
        user: Snowflake,
        text: &str,
    ) -> Snowflake {
        let (channel, target) = to;
        let mut draft = Draft { reply_to: Some(target), ..Draft::text(channel, Author::User(user), text) };
        draft.allowed.replied_user = false;
        self.post(draft)
    }

    /// Anything that [`Draft`] can say appears in a channel.
    pub fn post(&self, draft: Draft) -> Snowflake {
        self.inner.change(|state| post::create(state, draft).id)
    }

    /// Somebody changes what they wrote. False when it is gone.
    pub fn person_edits(&self, channel: Snowflake, message: Snowflake, text: &str) -> bool {
        let change = Change { content: Some(text.to_owned()), ..Change::default() };
        self.inner.change(|state| post::edit(state, (channel, message), change).is_some())
    }

    /// Somebody takes a message back. False when it is gone.
    pub fn person_deletes(&self, channel: Snowflake, message: Snowflake) -> bool {
        self.inner.change(|state| post::delete(state, channel, message).is_some())
    }

    /// A moderator deletes many messages at once.
    pub fn moderator_deletes(&self, channel: Snowflake, messages: &[Snowflake]) {
        self.inner.change(|state| post::delete_many(state, channel, messages));
    }

    /// Somebody reacts with `👍` or `name:id`.
    pub fn person_reacts(&self, place: (Snowflake, Snowflake), user: Snowflake, emoji: &str) {
        self.inner.change(|state| react::put(state, place, (user, &ReactionEmoji::read(emoji))));
    }

    /// Somebody takes a reaction back. False when there is none.
    pub fn person_unreacts(&self, place: (Snowflake, Snowflake), user: Snowflake, emoji: &str) -> bool {
        self.inner.change(|state| react::take_back(state, place, (user, &ReactionEmoji::read(emoji))))
    }

    /// A moderator takes all reactions away, or all with one emoji.
    pub fn moderator_clears_reactions(&self, place: (Snowflake, Snowflake), emoji: Option<&str>) {
        let emoji = emoji.map(ReactionEmoji::read);
        self.inner.change(|state| react::clear(state, place, emoji.as_ref()));
    }

    /// Discord has looked at the links of a message and shows boxes below it.
    pub fn preview_arrives(&self, place: (Snowflake, Snowflake), embeds: Vec<Value>) {
        self.inner.change(|state| post::preview(state, place, embeds));
    }

    /// Somebody sends files with words beside them.
    pub fn person_sends_files(
        &self,
        channel: Snowflake,
        user: Snowflake,
        text: &str,
        files: Vec<File>,
    ) -> Snowflake {
        self.post(Draft { files, ..Draft::text(channel, Author::User(user), text) })
    }

    /// A file that somebody can send.
    pub fn file(&self, name: &str, mime: &str, bytes: FileBytes) -> File {
        File {
            id: self.inner.change(super::state::State::next_id),
            filename: name.to_owned(),
            content_type: Some(mime.to_owned()),
            bytes,
            dimensions: None,
            voice: None,
        }
    }

    /// Somebody speaks into the channel.
    pub fn person_speaks(&self, channel: Snowflake, user: Snowflake, file: File) -> Snowflake {
        /// A voice message.
        const VOICE: u64 = 1 << 13;
        let draft = Draft::text(channel, Author::User(user), "");
        self.post(Draft { files: vec![file], flags: VOICE, ..draft })
    }

    /// Somebody sends a sticker.
    pub fn person_sends_sticker(
        &self,
        channel: Snowflake,
        user: Snowflake,
        name: &str,
        format: u8,
    ) -> Snowflake {
        let id = self.inner.change(super::state::State::next_id);
        let stickers = vec![Sticker { id, name: name.to_owned(), format }];
        self.post(Draft { stickers, ..Draft::text(channel, Author::User(user), "") })
    }

    /// Somebody passes a message on into another channel.
    pub fn person_forwards(&self, from: (Snowflake, Snowflake), user: Snowflake, to: Snowflake) -> Snowflake {
        let content = self.message(from.0, from.1).map(|message| message.content).unwrap_or_default();
        let forward = Some(Forward { channel: from.0, message: from.1, content });
        self.post(Draft { forward, ..Draft::text(to, Author::User(user), "") })
    }

    /// Somebody begins to type.
    pub fn person_types(&self, channel: Snowflake, user: Snowflake) {
        self.inner.change(|state| {
            let guild = state.records.channels[&channel].guild;
            messages::start_typing(state, (guild, channel), user);
        });
    }

    /// Somebody makes a webhook in the app; the bot's application does not own it.
    pub fn person_makes_webhook(&self, channel: Snowflake, user: Snowflake, name: &str) -> Snowflake {
        self.inner.change(|state| {
            let (id, guild) = (state.next_id(), state.records.channels[&channel].guild);
            let (token, name) = (state.secret(), name.to_owned());
            let hook =
                Webhook { id, token, channel, guild, name, avatar: None, creator: user, application: None };
            webhooks::insert(state, hook);
            id
        })
    }

    /// Another program posts through a webhook, under a name of its choice.
    pub fn webhook_posts(&self, webhook: Snowflake, name: &str, text: &str) -> Snowflake {
        self.inner.change(|state| {
            let hook = state.records.webhooks[&webhook].clone();
            let (name, application) = (name.to_owned(), hook.application);
            let author =
                Author::Webhook { id: hook.id, name, avatar: hook.avatar, avatar_url: None, application };
            post::create(state, Draft::text(hook.channel, author, text)).id
        })
    }

    /// Somebody deletes a webhook in the app. False when it is gone.
    pub fn person_deletes_webhook(&self, webhook: Snowflake) -> bool {
        self.inner.change(|state| {
            let hook = state.records.webhooks.get(&webhook).cloned();
            hook.map(|hook| webhooks::delete(state, &hook)).is_some()
        })
    }
}
