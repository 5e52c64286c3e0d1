//! Messages, once.
//!
//! A bot's message carries a nonce, which Discord honors for some minutes; a webhook's cannot. So whatever may have happened is looked for
//! in the channel's history before it is sent again, part by part. Next: `history`, `webhooks`.

use std::borrow::Cow;

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{Message, Node, OutgoingMessage, RichText, Tone},
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Value, json};

use super::{
    Deliverer, Payload, Voice,
    files::open,
    spoken::{self, Spoken, unspoken},
};
use crate::{
    format::{self, Part},
    json::text,
    place::Spot,
    session::{
        api::ApiError,
        direct,
        head::Head,
        history::{self, Found, Search},
        permissions,
        verdict::{is_too_large, verdict, verdict_on_question},
    },
};

/// A text that needs more messages is refused.
const PARTS_MAX: usize = 20;

/// For how long a repeated nonce surely gives the first message back. Discord says "a few minutes".
const NONCE_HOLDS_MS: i64 = 2 * 60 * 1000;

/// A message ready to be sent.
pub(super) struct Draft<'a> {
    /// Where its messages stand.
    pub(super) spot: Spot,
    pub(super) message: &'a Message,
    pub(super) parts: Vec<Part>,
    /// What stands above the words of the first part.
    head: Head,
    pub(super) voice: Voice,
    /// It is a voice message, if its file is fit for one.
    spoken: Option<Spoken>,
    pub(super) key: &'a DeliveryKey,
}

impl Draft<'_> {
    /// The channel or thread that is written to.
    pub(super) fn channel(&self) -> &str {
        self.spot.thread.as_deref().unwrap_or(&self.spot.chat)
    }

    /// How much of it comes behind its first parts.
    fn rest_bytes(&self, done: usize) -> usize {
        self.parts.iter().skip(done).map(|part| part.content.len()).sum()
    }

    /// The id by which Discord's routes know one of its messages.
    fn bare<'a>(&self, id: &'a str) -> &'a str {
        id.rsplit('/').next().unwrap_or(id)
    }
}

impl Deliverer {
    /// Sends a message; the files go with its first part. What Discord does not take as it is goes in a plainer form.
    pub(super) async fn message(
        &self,
        chat: &RemoteChatId,
        outgoing: &OutgoingMessage,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let mut form = Cow::Borrowed(outgoing);
        let mut stand = self.progress.done(&key.key);
        loop {
            let sent = self.send_from(&self.draft(chat, &form, key).await?, stand).await;
            // Surely nothing stands.
            let plainer = match sent {
                Err(Unsent::NotSpoken) => unspoken(&form),
                Err(Unsent::TooLarge) if form.message.can_be_linked() => linked(&form),
                sent => return Ok(sent?),
            };
            (form, stand) = (Cow::Owned(plainer), Vec::new());
        }
    }

    /// Sends the parts of a draft behind those that stand already under `ids`.
    pub(super) async fn send_from(
        &self,
        draft: &Draft<'_>,
        mut ids: Vec<RemoteMessageId>,
    ) -> Result<Delivered, Unsent> {
        let key = draft.key;
        if !self.progress.goes_on(&key.key, draft.rest_bytes(ids.len())) {
            self.progress.forget(&key.key);
            let words = "Only the first part of the message is in Discord, and the rest would not go on where it ends.";
            return Err(DeliverError::Uncertain(words.to_owned()).into());
        }
        if let Some(in_doubt) = &key.in_doubt
            && !self.nonce_holds(draft, in_doubt.accepted_ms)
            && ids.len() < draft.parts.len()
        {
            let after = ids.last().or(in_doubt.after.as_ref()).map(RemoteMessageId::as_str);
            let after = after.map(|after| draft.bare(after));
            let found = self.already_there(draft, after, in_doubt.accepted_ms, ids.len()).await?;
            ids.extend(found.ids);
            if found.is_whole {
                self.progress.forget(&key.key);
                return Ok(Delivered { ids });
            }
        }
        while let Some(part) = draft.parts.get(ids.len()) {
            match self.send(draft, ids.len(), part).await {
                Ok(id) => ids.push(id),
                Err(unsent @ (Unsent::TooLarge | Unsent::NotSpoken)) if ids.is_empty() => return Err(unsent),
                Err(unsent) => return Err(self.give_up(draft, ids, unsent.into()).into()),
            }
        }
        self.progress.forget(&key.key);
        Ok(Delivered { ids })
    }

    /// The first parts stand already, so the rest may only be sent after a look at them: in doubt from the first of them on.
    fn give_up(&self, draft: &Draft<'_>, ids: Vec<RemoteMessageId>, error: DeliverError) -> DeliverError {
        if ids.is_empty() {
            return error;
        }
        let key = draft.key;
        let rest_bytes = draft.rest_bytes(ids.len());
        self.progress.keep(&key.key, ids, rest_bytes);
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

    /// A message as Discord will have it.
    pub(super) async fn draft<'a>(
        &self,
        chat: &'a RemoteChatId,
        outgoing: &'a OutgoingMessage,
        key: &'a DeliveryKey,
    ) -> Result<Draft<'a>, DeliverError> {
        let OutgoingMessage { message, author, .. } = outgoing;
        let channel = chat.as_str();
        direct::look_up(&self.api, &self.world, chat).await.map_err(verdict_on_question)?;
        let thread = match &message.thread {
            Some(root) => self.thread(chat, root).await?,
            None => None,
        };
        let spot = Spot { chat: channel.to_owned(), thread };
        if !self.world.read().shows(channel) {
            return Err(DeliverError::Rejected(
                "The channel is not in Discord any more, or the bot cannot see it.".to_owned(),
            ));
        }
        let is_direct = self.world.read().channels.get(channel).is_some_and(|channel| channel.is_direct());
        let mut text = toned(message);
        let voice = match author {
            Some(author) if is_direct => {
                // There are no webhooks in a conversation of two: the bot says for whom it speaks.
                let name = Node::Strong(vec![Node::Text(format!("{}:", author.name))]);
                text.0.splice(0..0, [name, Node::Text(" ".to_owned())]);
                Voice::Bot
            }
            Some(author) => Voice::of(author),
            None => Voice::Bot,
        };
        let mut head = Head::default();
        if let Some(author) = author {
            let (lines, above) = self.head(chat, (author, &voice), message.reply_to.as_ref()).await;
            text.0.splice(0..0, lines);
            head = above;
        }
        let mut parts = format::write(&text, &*self.world.read());
        if parts.is_empty() && !message.attachments.is_empty() {
            parts.push(Part::default());
        }
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
        let spoken = spoken::read(message, &parts);
        Ok(Draft { spot, message, parts, head, voice, spoken, key })
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
    ) -> Result<Found, DeliverError> {
        let held = self.world.read().own_permissions(draft.channel());
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
                message["author"]["username"].as_str().is_some_and(|it| history::same_words(it, &name.shown))
            }
        };
        if let Voice::Person { .. } = draft.voice {
            // Our webhook must be known before its messages can be told from those of others.
            self.webhooks.of(&draft.spot.chat).await?;
        }
        let search = Search {
            channel: draft.channel(),
            after,
            accepted_ms,
            contents: draft.parts.iter().map(|part| part.content.as_str()).collect(),
            done,
            head: &draft.head,
            files: draft.message.attachments.len(),
        };
        let mut found = history::find(&self.api, &search, (&wrote, &named)).await?;
        found.ids = found.ids.iter().map(|id| draft.spot.message(id.as_str())).collect();
        Ok(found)
    }

    async fn send(&self, draft: &Draft<'_>, nth: usize, part: &Part) -> Result<RemoteMessageId, Unsent> {
        let replied_user = !draft.message.silent_reply;
        let mut body = json!({"content": part.content, "allowed_mentions": allowed(part, replied_user)});
        let mut files = match nth {
            0 => open(&self.sink, &draft.message.attachments).await?,
            _ => Vec::new(),
        };
        let is_spoken = match (&draft.spoken, files.as_mut_slice()) {
            (Some(spoken), [file]) => file.speak(spoken).await,
            _ => false,
        };
        if is_spoken {
            body["flags"] = json!(spoken::FLAG);
        }
        let answer = match &draft.voice {
            Voice::Bot => {
                // 22 characters of key and the number of the part are within Discord's 25.
                body["nonce"] = json!(format!("{}{nth}", draft.key.key));
                body["enforce_nonce"] = json!(true);
                if let (0, Some(target)) = (nth, &draft.message.reply_to) {
                    body["message_reference"] = json!({
                        "message_id": draft.bare(target.as_str()), "fail_if_not_exists": false,
                    });
                }
                let path = format!("/channels/{}/messages", draft.channel());
                self.api.post(&path, Payload { json: body, files }).await
            }
            Voice::Person { name, avatar_url } => {
                body["username"] = json!(name.shown);
                if let Some(url) = avatar_url {
                    body["avatar_url"] = json!(url);
                }
                self.webhooks.execute(&draft.spot, Payload { json: body, files }).await?
            }
        };
        match answer.map(|answer| text(&answer["id"])) {
            Err(error) if is_too_large(&error) && !draft.message.attachments.is_empty() => {
                Err(Unsent::TooLarge)
            }
            Err(ApiError::Refused(refusal)) if is_spoken && matches!(refusal.status, 400 | 403) => {
                Err(Unsent::NotSpoken)
            }
            Err(error) => {
                let needed = self.needed(draft, nth);
                Err(verdict(self.explained(error, draft.channel(), needed)).into())
            }
            Ok(id) if id.is_empty() => {
                Err(verdict(ApiError::Unclear("the answer names no message".to_owned())).into())
            }
            Ok(id) => Ok(draft.spot.message(&id)),
        }
    }

    /// The permissions that sending a part takes.
    fn needed(&self, draft: &Draft<'_>, nth: usize) -> u64 {
        let Message { attachments, reply_to, .. } = draft.message;
        let with = |is_there: bool, bit: u64| if is_there && nth == 0 { bit } else { 0 };
        match draft.voice {
            Voice::Person { .. } => permissions::VIEW_CHANNEL | permissions::MANAGE_WEBHOOKS,
            Voice::Bot => {
                self.to_write(draft.channel())
                    | with(!attachments.is_empty(), permissions::ATTACH_FILES)
                    | with(reply_to.is_some(), permissions::READ_MESSAGE_HISTORY)
            }
        }
    }
}

/// Why a message was not sent.
#[derive(Debug)]
pub(super) enum Unsent {
    /// Its files are too large for Discord, which took nothing.
    TooLarge,
    /// Discord does not take it as a voice message, and took nothing.
    NotSpoken,
    /// For another reason.
    Other(DeliverError),
}

impl From<DeliverError> for Unsent {
    fn from(error: DeliverError) -> Self {
        Self::Other(error)
    }
}

/// What becomes of a file for which there is no way.
const TOO_LARGE: &str = "The file is too large for Discord. Send a smaller one; or whoever runs the bridge sets `appservice.public_url`, and \
    such files go as links.";

impl From<Unsent> for DeliverError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::TooLarge => Self::Rejected(TOO_LARGE.to_owned()),
            Unsent::NotSpoken => Self::Rejected("Discord does not take the voice message.".to_owned()),
            Unsent::Other(error) => error,
        }
    }
}

/// The same with links in the place of its files.
pub(super) fn linked(outgoing: &OutgoingMessage) -> OutgoingMessage {
    OutgoingMessage { message: outgoing.message.with_links(|_| true), ..outgoing.clone() }
}

fn toned(message: &Message) -> RichText {
    match message.tone {
        Tone::Said | Tone::Notice => message.text.clone(),
        Tone::Emote => RichText(vec![Node::Emphasis(message.text.0.clone())]),
    }
}

/// `allowed_mentions`: <https://discord.com/developers/docs/resources/message#allowed-mentions-object>.
pub(super) fn allowed(part: &Part, replied_user: bool) -> Value {
    let parse: &[&str] = if part.allowed.everyone { &["everyone"] } else { &[] };
    json!({
        "parse": parse,
        "users": part.allowed.users,
        "roles": part.allowed.roles,
        "replied_user": replied_user,
    })
}
