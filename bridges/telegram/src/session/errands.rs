//! Commands that people in Telegram give the bot, answered aside from the stream of updates: an answer may have to wait for Matrix.
//!
//! Whoever may bring people into the chat may ask them into its room in Matrix. That is its administrators, also anonymous ones: a member
//! of a public group is anybody at all.

use std::{num::NonZeroU32, sync::Arc};

use governor::{Quota, RateLimiter};
use magpie_common::{
    ids::RemoteChatId,
    platform::{EventSink, Invitation, Invited},
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Duration, timeout},
};
use tracing::debug;

use super::api::{Api, ApiError};
use crate::{
    events::{
        command::{self, Command},
        sender,
    },
    json::text,
    place::Spot,
};

/// How long Matrix may take.
const MATRIX_WITHIN: Duration = Duration::from_secs(15);

/// So many commands of one chat are answered in a minute, all at once if need be. Answers use up what Telegram lets the bot say there.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// When more chats than this have given commands, those that were quiet for a while are forgotten.
const CHATS_MAX: usize = 1_000;

const USAGE: &str = "Write /invite and somebody's address in Matrix, like this: /invite @name:example.org";
const NOT_HERE: &str = "A conversation of two has no room for a third. Give the command in a group.";
const ADMINS_ONLY: &str =
    "Only administrators who may add people to this chat can ask people into its room in Matrix.";
const NOT_IN_TIME: &str =
    "Matrix does not answer in time. Give the command again; who is asked in already is not asked twice.";
const UNKNOWN_RIGHTS: &str =
    "Telegram does not tell just now whether you are an administrator here. Try again later.";

/// A command that waits for its answer.
#[derive(Debug, PartialEq)]
pub(super) struct Errand {
    command: Command,
    chat: RemoteChatId,
    /// The message that gave it.
    message: Value,
}

pub(super) struct Errands {
    pub(super) api: Arc<Api>,
    pub(super) sink: EventSink,
}

impl Errand {
    /// A command given by a message.
    pub(super) fn of(command: Command, message: &Value, me: i64) -> Option<Self> {
        let chat = Spot::of_message(message, me)?.id();
        Some(Self { command, chat, message: message.clone() })
    }
}

impl Errands {
    /// Runs as long as updates are taken in. What is not heard is not answered; the person asks again.
    pub(super) async fn run(self, mut errands: mpsc::Receiver<Errand>) {
        let per_chat = RateLimiter::keyed(Quota::per_minute(PER_MINUTE));
        while let Some(errand) = errands.recv().await {
            if per_chat.len() > CHATS_MAX {
                per_chat.retain_recent();
            }
            if per_chat.check_key(&errand.chat).is_err() {
                debug!("A chat gives more commands than are answered.");
                continue;
            }
            self.answer(&errand).await;
        }
    }

    async fn answer(&self, Errand { command, chat, message }: &Errand) {
        let words = match command::answer(*command, message, chat) {
            Some(words) => words,
            None => self.invite(chat, message).await,
        };
        let mut fields = json!({
            "chat_id": message["chat"]["id"], "text": words,
            "reply_parameters": {"message_id": message["message_id"], "allow_sending_without_reply": true},
        });
        if message["is_topic_message"] == true {
            fields["message_thread_id"] = message["message_thread_id"].clone();
        }
        let Some(chat) = message["chat"]["id"].as_i64() else { return };
        // What people say goes first: where Telegram asks for a pause nobody waits to answer a command.
        if self.api.limiter.pass(chat).await.is_err() {
            return;
        }
        match self.api.call("sendMessage", &fields).await {
            Err(ApiError::Limited(wait)) => self.api.limiter.close(chat, wait),
            Err(error) => debug!(%error, "A command could not be answered."),
            Ok(_) => {}
        }
    }

    /// Asks somebody in; gives what is answered.
    async fn invite(&self, chat: &RemoteChatId, message: &Value) -> String {
        let guest = command::argument(message);
        if guest.is_empty() {
            return USAGE.to_owned();
        }
        if message["chat"]["type"] == "private" {
            return NOT_HERE.to_owned();
        }
        match self.is_by_admin(message).await {
            Some(true) => {}
            Some(false) => return ADMINS_ONLY.to_owned(),
            None => return UNKNOWN_RIGHTS.to_owned(),
        }
        let Some(by) = sender::of(message) else { return ADMINS_ONLY.to_owned() };
        self.ask_in(Invitation { chat: chat.clone(), by, guest: guest.to_owned() }).await
    }

    async fn ask_in(&self, invitation: Invitation) -> String {
        let Ok(asked) = timeout(MATRIX_WITHIN, self.sink.invite(invitation)).await else {
            return NOT_IN_TIME.to_owned();
        };
        match asked {
            Ok(Invited::Asked(guest)) => format!("{guest} is asked into this chat's room in Matrix."),
            Ok(Invited::Already(guest)) => {
                format!("{guest} is in this chat's room in Matrix, or is asked in already.")
            }
            Err(refused) => refused.to_string(),
        }
    }

    /// Whether an administrator who may add people gave the command (`getChatMember`); `None` when Telegram does not tell. Who speaks as the group itself is an
    /// anonymous one; who speaks as another channel is anybody.
    async fn is_by_admin(&self, message: &Value) -> Option<bool> {
        if message["sender_chat"].is_object() {
            return Some(message["sender_chat"]["id"] == message["chat"]["id"]);
        }
        let asked = json!({"chat_id": message["chat"]["id"], "user_id": message["from"]["id"]});
        let member = self.api.call("getChatMember", &asked).await.ok()?;
        Some(match text(&member["status"]) {
            "creator" => true,
            "administrator" => member["can_invite_users"] == true,
            _ => false,
        })
    }
}
