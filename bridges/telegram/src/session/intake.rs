//! Takes updates in: learned from, mapped, pushed in order; done when all of it is stored.

use std::sync::Arc;

use magpie_common::{
    message::{RemoteEvent, RemoteMessage},
    platform::{ConnectError, Cursor, EventSink, Ticket},
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::Duration};
use tracing::debug;

use super::{api::Api, world::World};
use crate::{
    events::{self, Reach, command},
    json::name,
    place::{self, Spot},
};

/// There is one stream of updates.
const STREAM: &str = "updates";

/// An update whose number is so close below the last one was taken in before. Far below it, a new count has begun.
const NUMBERS_KNOWN: i64 = 10_000;

/// How long a question in between may take.
const ASIDE: Duration = Duration::from_secs(5);

pub(super) struct Intake {
    pub(super) api: Arc<Api>,
    pub(super) world: Arc<World>,
    pub(super) sink: EventSink,
    /// Who spoke, for their pictures.
    pub(super) faces: mpsc::Sender<i64>,
    pub(super) reach: Reach,
    /// The number of the last update that is stored.
    pub(super) last: Option<i64>,
}

impl Intake {
    /// Recalls how far updates were taken in before.
    pub(super) async fn recall(&mut self) -> Result<(), ConnectError> {
        self.last = self.sink.remembered(STREAM).await?.and_then(|last| last.parse().ok());
        Ok(())
    }

    /// Takes updates in; returns when all that they tell is stored.
    pub(super) async fn take(&mut self, mut updates: Vec<Value>) -> Result<(), ConnectError> {
        updates.sort_by_key(|update| update["update_id"].as_i64());
        let mut tickets = Vec::new();
        let mut quiet = None;
        let (mut commands, mut named) = (Vec::new(), Vec::new());
        for update in updates {
            let Some(number) = update["update_id"].as_i64().filter(|number| !self.is_known(*number)) else {
                continue;
            };
            self.last = Some(number);
            let events = self.map(&update, &mut commands).await;
            named.extend(self.named_topic(&update));
            quiet = events.is_empty().then_some(number);
            self.push(events, number, &mut tickets).await;
        }
        for ticket in tickets {
            ticket.stored().await?;
        }
        for (topic, name) in named {
            self.sink.remember(Cursor { key: topic, value: name }).await?;
        }
        if let Some(number) = quiet {
            self.sink.remember(cursor(number)).await?;
        }
        for fields in commands {
            // Not heard is not answered; the person asks again.
            let _ = self.api.call_within("sendMessage", &fields, ASIDE).await;
        }
        Ok(())
    }

    /// A topic whose name is told, which happens only once.
    fn named_topic(&self, update: &Value) -> Option<(String, String)> {
        let message = &update["message"];
        let told = [&message["forum_topic_created"], &message["forum_topic_edited"]];
        let name = told.into_iter().find_map(|told| name(&told["name"]))?;
        let me = self.world.read().me;
        let spot = Spot::of_message(message, me).filter(|spot| spot.topic.is_some())?;
        Some((spot.id().to_string(), name))
    }

    fn is_known(&self, number: i64) -> bool {
        self.last.is_some_and(|last| number <= last && number > last - NUMBERS_KNOWN)
    }

    /// What an update tells. What is asked of the bot itself is put aside.
    async fn map(&self, update: &Value, commands: &mut Vec<Value>) -> Vec<RemoteEvent> {
        self.world.write().learn(update);
        let message = &update["message"];
        if message["new_chat_photo"].is_array() || message["delete_chat_photo"] == true {
            self.look_again(&message["chat"]["id"]).await;
        }
        let mut known = self.world.write();
        if let Some((command, message)) = command::of(update, &known) {
            commands.extend(answer(command, message, &known));
            return Vec::new();
        }
        let events = events::map(update, &mut known, self.reach);
        if let Some((kind, _)) = events::kind_of(update) {
            debug!(kind, events = events.len(), "An update came.");
        }
        events
    }

    async fn push(&self, events: Vec<RemoteEvent>, number: i64, tickets: &mut Vec<Ticket>) {
        let last = events.len().saturating_sub(1);
        for (nth, event) in events.into_iter().enumerate() {
            if let RemoteEvent::Message(RemoteMessage { sender, .. }) = &event {
                self.note_face(sender.ids.primary.as_str());
            }
            tickets.push(match nth == last {
                true => self.sink.push_with_cursor(event, cursor(number)).await,
                false => self.sink.push(event).await,
            });
        }
    }

    /// Who is not looked for now is looked for when they speak again.
    fn note_face(&self, sender: &str) {
        let id = magpie_common::ids::RemoteUserId::new(sender);
        if let Some(number) = place::user_number(&id).or_else(|| place::ghost_channel(&id)) {
            let _ = self.faces.try_send(number);
        }
    }

    /// `getChat`, for what no update tells.
    async fn look_again(&self, chat: &Value) {
        if let Ok(chat) = self.api.call_within("getChat", &json!({"chat_id": chat}), ASIDE).await {
            self.world.write().learn_whole_chat(&chat);
        }
    }
}

fn cursor(number: i64) -> Cursor {
    Cursor { key: STREAM.to_owned(), value: number.to_string() }
}

/// The answer to a command, as `sendMessage` takes it.
fn answer(command: command::Command, message: &Value, known: &super::world::Known) -> Option<Value> {
    let text = command::answer(command, message, known)?;
    let mut fields = json!({
        "chat_id": message["chat"]["id"], "text": text,
        "reply_parameters": {"message_id": message["message_id"], "allow_sending_without_reply": true},
    });
    if message["is_topic_message"] == true {
        fields["message_thread_id"] = message["message_thread_id"].clone();
    }
    Some(fields)
}
