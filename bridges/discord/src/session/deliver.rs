//! Performs what comes from Matrix.
//!
//! A person in Matrix speaks through the channel's webhook under their own name; without a person the bot speaks. A bot's message
//! carries a nonce, which Discord honors for some minutes; a webhook's cannot. So whatever may have happened is looked for in
//! the channel's history before it is sent again, part by part. Next: `parts`, `history`, `webhooks`.

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId},
    message::{Author, Message, Node, Outgoing, OutgoingMessage, RichText, Tone},
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Value, json};

use super::{
    api::{Api, ApiError},
    history::{self, Search},
    permissions,
    progress::Progress,
    verdict::verdict,
    webhooks::Webhooks,
    world::{World, text},
};
use crate::format::{self, Part};

/// A text that needs more messages is refused.
const PARTS_MAX: usize = 20;

/// For how long a repeated nonce surely gives the first message back. Discord says "a few minutes".
const NONCE_HOLDS_MS: i64 = 2 * 60 * 1000;

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub api: Arc<Api>,
    pub world: Arc<World>,
    pub webhooks: Webhooks,
    pub clock: Clock,
    pub progress: Progress,
}

/// Who speaks.
enum Voice {
    /// The bot itself.
    Bot,
    /// A person, through the webhook.
    Person { name: String, avatar_url: Option<String> },
}

/// A message ready to be sent.
struct Draft<'a> {
    channel: &'a str,
    parts: Vec<Part>,
    voice: Voice,
    reply_to: Option<String>,
    key: &'a DeliveryKey,
}

impl Deliverer {
    /// Performs one action. Every action but a message is unsupported, as the limits say.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        match outgoing {
            Outgoing::Message(message) => self.message(chat, message, key).await,
            Outgoing::Edit { .. }
            | Outgoing::Redact { .. }
            | Outgoing::React { .. }
            | Outgoing::Unreact { .. }
            | Outgoing::Typing { .. }
            | Outgoing::Read { .. }
            | Outgoing::Poll { .. }
            | Outgoing::Vote { .. }
            | Outgoing::ClosePoll { .. }
            | Outgoing::Pin { .. }
            | Outgoing::Unpin { .. }
            | Outgoing::ChatInfo { .. }
            | Outgoing::Member { .. }
            | Outgoing::Location { .. } => {
                let action = outgoing.action().words();
                Err(DeliverError::Unsupported(format!("This bridge does not bring {action} to Discord.")))
            }
        }
    }

    async fn message(
        &self,
        chat: &RemoteChatId,
        outgoing: &OutgoingMessage,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let draft = self.draft(chat, outgoing, key)?;
        let mut ids = self.progress.done(&key.key);
        if let Some(in_doubt) = &key.in_doubt
            && !self.nonce_holds(&draft, in_doubt.accepted_ms)
        {
            let after = ids.last().or(in_doubt.after.as_ref()).map(RemoteMessageId::as_str);
            ids.extend(self.already_there(&draft, after, in_doubt.accepted_ms, ids.len()).await?);
        }
        while let Some(part) = draft.parts.get(ids.len()) {
            match self.send(&draft, ids.len(), part).await {
                Ok(id) => ids.push(id),
                Err(error) => return Err(self.give_up(key, ids, error)),
            }
        }
        self.progress.forget(&key.key);
        Ok(Delivered { ids })
    }

    /// The first parts stand already, so the rest may only be sent after a look at them: in doubt from the first of them on.
    fn give_up(&self, key: &DeliveryKey, ids: Vec<RemoteMessageId>, error: DeliverError) -> DeliverError {
        if ids.is_empty() {
            return error;
        }
        self.progress.keep(&key.key, ids);
        match error {
            // The next attempt looks anyway, and this one was surely not sent.
            retry @ DeliverError::Retry { .. } if key.in_doubt.is_some() => retry,
            DeliverError::Retry { reason, .. }
            | DeliverError::Rejected(reason)
            | DeliverError::Unsupported(reason) => {
                DeliverError::Uncertain(format!("Only the first part of the message is in Discord. {reason}"))
            }
            DeliverError::LoggedOut(reason) => DeliverError::LoggedOut(reason),
            DeliverError::Uncertain(reason) => DeliverError::Uncertain(reason),
        }
    }

    fn draft<'a>(
        &self,
        chat: &'a RemoteChatId,
        outgoing: &OutgoingMessage,
        key: &'a DeliveryKey,
    ) -> Result<Draft<'a>, DeliverError> {
        let OutgoingMessage { message, author, .. } = outgoing;
        if !message.attachments.is_empty() {
            return Err(DeliverError::Unsupported("This bridge does not bring files to Discord.".to_owned()));
        }
        let channel = chat.as_str();
        let known = self.world.read();
        if !known.channels.get(channel).is_some_and(|channel| channel.is_portal()) {
            return Err(DeliverError::Rejected(
                "The channel is not in Discord any more, or the bot cannot see it.".to_owned(),
            ));
        }
        let voice = author.as_ref().map_or(Voice::Bot, Voice::of);
        let mut text = toned(message);
        let reply_to = message.reply_to.as_ref().map(|id| id.as_str().to_owned());
        if let (Voice::Person { .. }, Some(target)) = (&voice, &message.reply_to) {
            // A webhook cannot reply: a link to the message says what is answered.
            let mention = magpie_common::message::MentionTarget::Message(chat.clone(), target.clone());
            let link =
                magpie_common::message::Mention { target: mention, label: "an earlier message".to_owned() };
            text.0.splice(0..0, [Node::Text("↪ ".to_owned()), Node::Mention(link), Node::LineBreak]);
        }
        let parts = format::write(&text, &*known);
        if parts.is_empty() {
            return Err(DeliverError::Rejected(
                "There is nothing in the message that Discord can show.".to_owned(),
            ));
        }
        if parts.len() > PARTS_MAX {
            let words =
                format!("The message is too long: it would take more than {PARTS_MAX} messages in Discord.");
            return Err(DeliverError::Rejected(words));
        }
        Ok(Draft { channel, parts, voice, reply_to, key })
    }

    fn nonce_holds(&self, draft: &Draft<'_>, accepted_ms: i64) -> bool {
        matches!(draft.voice, Voice::Bot) && self.clock.now_ms() - accepted_ms < NONCE_HOLDS_MS
    }

    async fn already_there(
        &self,
        draft: &Draft<'_>,
        after: Option<&str>,
        accepted_ms: i64,
        done: usize,
    ) -> Result<Vec<RemoteMessageId>, DeliverError> {
        let held = self.world.read().own_permissions(draft.channel);
        if held & permissions::READ_MESSAGE_HISTORY == 0 {
            let words = "The bot may not read the channel's history, so it cannot tell whether the message arrived. \
                         Grant it Read Message History in Discord.";
            return Err(DeliverError::Uncertain(words.to_owned()));
        }
        let wrote = |message: &Value| match &draft.voice {
            Voice::Bot => {
                message["webhook_id"].is_null() && text(&message["author"]["id"]) == self.world.read().me
            }
            Voice::Person { .. } => self.world.read().own_webhooks.contains(&text(&message["webhook_id"])),
        };
        let named = |message: &Value| match &draft.voice {
            Voice::Bot => true,
            Voice::Person { name, .. } => {
                message["author"]["username"].as_str().is_some_and(|it| history::same_words(it, name))
            }
        };
        if let Voice::Person { .. } = draft.voice {
            // Our webhook must be known before its messages can be told from those of others.
            self.webhooks.of(draft.channel).await?;
        }
        let contents = draft.parts.iter().skip(done).map(|part| part.content.as_str()).collect();
        let search = Search { channel: draft.channel, after, accepted_ms, contents };
        history::find(&self.api, &search, (&wrote, &named)).await
    }

    async fn send(
        &self,
        draft: &Draft<'_>,
        nth: usize,
        part: &Part,
    ) -> Result<RemoteMessageId, DeliverError> {
        let mut body = json!({"content": part.content, "allowed_mentions": allowed(part)});
        let answer = match &draft.voice {
            Voice::Bot => {
                // 22 characters of key and the number of the part are within Discord's 25.
                body["nonce"] = json!(format!("{}{nth}", draft.key.key));
                body["enforce_nonce"] = json!(true);
                if let (0, Some(target)) = (nth, &draft.reply_to) {
                    body["message_reference"] = json!({"message_id": target, "fail_if_not_exists": false});
                }
                self.api
                    .post(&format!("/channels/{}/messages", draft.channel), &body)
                    .await
                    .map_err(verdict)?
            }
            Voice::Person { name, avatar_url } => {
                body["username"] = json!(name);
                if let Some(url) = avatar_url {
                    body["avatar_url"] = json!(url);
                }
                self.webhooks.execute(draft.channel, &body).await?
            }
        };
        match text(&answer["id"]) {
            id if id.is_empty() => Err(verdict(ApiError::Unclear("the answer names no message".to_owned()))),
            id => Ok(RemoteMessageId::new(id)),
        }
    }
}

impl Voice {
    fn of(author: &Author) -> Self {
        Self::Person { name: webhook_name(&author.name), avatar_url: author.avatar_url.clone() }
    }
}

/// The longest name of a webhook's message.
const NAME_CHARS_MAX: usize = 80;

/// Names that Discord refuses, wherever they stand in a name.
const NAMES_REFUSED: [&str; 2] = ["clyde", "discord"];

/// A name that Discord takes: the refused words are broken up by a mark that nobody sees.
fn webhook_name(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name.trim();
    while let Some(c) = rest.chars().next() {
        out.push(c);
        let is_refused = NAMES_REFUSED.iter().any(|refused| {
            rest.get(..refused.len()).is_some_and(|start| start.eq_ignore_ascii_case(refused))
        });
        if is_refused {
            out.push('\u{200d}');
        }
        rest = &rest[c.len_utf8()..];
    }
    let name: String = out.chars().take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "Somebody in Matrix".to_owned() } else { name }
}

fn toned(message: &Message) -> RichText {
    match message.tone {
        Tone::Said | Tone::Notice => message.text.clone(),
        Tone::Emote => RichText(vec![Node::Emphasis(message.text.0.clone())]),
    }
}

/// `allowed_mentions`: <https://discord.com/developers/docs/resources/message#allowed-mentions-object>.
fn allowed(part: &Part) -> Value {
    let parse: &[&str] = if part.allowed.everyone { &["everyone"] } else { &[] };
    json!({"parse": parse, "users": part.allowed.users, "roles": part.allowed.roles, "replied_user": true})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_discord_refuses_are_broken_up() {
        assert_eq!(webhook_name("Ada"), "Ada");
        assert_eq!(webhook_name("My Discord name"), "My D\u{200d}iscord name");
        assert_eq!(webhook_name("clydeCLYDE"), "c\u{200d}lydeC\u{200d}LYDE");
        assert_eq!(webhook_name(&"é".repeat(100)).chars().count(), 80);
        assert_eq!(webhook_name(" "), "Somebody in Matrix");
    }
}
