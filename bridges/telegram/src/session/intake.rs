//! Takes updates in: learned from, mapped, pushed in order; done when all of it is stored.

use std::sync::Arc;

use magpie_common::{
    message::{RemoteEvent, RemoteMessage},
    platform::{ConnectError, Cursor, EventSink, NotStored, Ticket},
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::Duration};
use tracing::debug;

use super::{
    api::Api,
    awake::{Awake, tell_gap},
    errands::Errand,
    taken::Taken,
    world::World,
};
use crate::{
    events::{self, Reach, command},
    json::{name, text},
    place::{self, Scope, Spot},
};

/// There is one stream of updates.
const STREAM: &str = "updates";

/// How long a question in between may take.
const ASIDE: Duration = Duration::from_secs(5);

pub(super) struct Intake {
    pub(super) api: Arc<Api>,
    pub(super) world: Arc<World>,
    pub(super) sink: EventSink,
    /// Who spoke, for their pictures.
    pub(super) faces: mpsc::Sender<i64>,
    /// What is asked of the bot itself.
    pub(super) errands: mpsc::Sender<Errand>,
    pub(super) reach: Reach,
    /// When updates were last taken in.
    pub(super) awake: Awake,
    /// The updates that are stored.
    pub(super) taken: Taken,
}

impl Intake {
    /// Recalls which updates were taken in before.
    pub(super) async fn recall(&mut self) -> Result<(), ConnectError> {
        self.awake.recall(&self.sink).await?;
        self.taken = self.sink.remembered(STREAM).await?.map_or_else(Taken::default, |it| Taken::read(&it));
        Ok(())
    }

    /// Takes updates in; returns when all that they tell is stored. None tell that there are none.
    pub(super) async fn take(&mut self, mut updates: Vec<Value>) -> Result<(), ConnectError> {
        if let Some(since_ms) = self.awake.missing_since() {
            tell_gap(&self.sink, &self.world, since_ms).await?;
            // What was known is of another time.
            self.taken = Taken::default();
            self.world.write().doubt_chats();
        }
        updates.sort_by_key(|update| update["update_id"].as_i64());
        let mut tickets = Vec::new();
        let mut is_quiet = false;
        let (mut errands, mut named) = (Vec::new(), Vec::new());
        for update in updates {
            let number = update["update_id"].as_i64();
            let Some(number) = number.filter(|number| !self.taken.has(*number)) else { continue };
            self.taken.add(number);
            self.find_topic(&update).await?;
            self.find_topics(&update).await?;
            self.world.find_poll(&self.sink, text(&update["poll_answer"]["poll_id"])).await?;
            let was_named = self.named_topic(&update).is_some();
            let events = self.map(&update, &mut errands).await;
            let name = self.told_name(&update).or_else(|| self.named_topic(&update).filter(|_| !was_named));
            named.extend(name);
            is_quiet = events.is_empty();
            self.push(events, &mut tickets).await;
        }
        for ticket in tickets {
            ticket.stored().await?;
        }
        for (topic, name) in named {
            self.sink.remember(Cursor { key: topic, value: name }).await?;
        }
        if is_quiet {
            self.sink.remember(self.cursor()).await?;
        }
        self.awake.note(&self.sink).await?;
        for errand in errands {
            // Who asks more than can be answered asks again.
            let _ = self.errands.try_send(errand);
        }
        Ok(())
    }

    /// A topic whose name is told, which happens only once.
    fn told_name(&self, update: &Value) -> Option<(String, String)> {
        let message = &update["message"];
        let told = [&message["forum_topic_created"], &message["forum_topic_edited"]];
        let name = told.into_iter().find_map(|told| name(&told["name"]))?;
        let me = self.world.read().me;
        let spot = Spot::of_message(message, me).filter(|spot| spot.topic.is_some())?;
        Some((spot.id().to_string(), name))
    }

    /// The topic of a message that somebody reacts to, where it was seen by an earlier session.
    async fn find_topic(&self, update: &Value) -> Result<(), NotStored> {
        let told = &update["message_reaction"];
        let (Some(number), true) = (told["message_id"].as_i64(), told["chat"]["is_forum"] == true) else {
            return Ok(());
        };
        let spot = {
            let known = self.world.read();
            let spot = Spot::of_chat(&told["chat"], known.me);
            spot.filter(|spot| !known.threads.contains(&(spot.chat, number)))
        };
        let Some(spot) = spot else { return Ok(()) };
        let found = self.sink.chat_of(&spot.topics_prefix(), &spot.message(number)).await?;
        if let Some(topic) = found.and_then(|chat| Spot::parse(&chat)).and_then(|spot| spot.topic) {
            self.world.write().threads.put((spot.chat, number), Some(topic));
        }
        Ok(())
    }

    /// The topic in which something was said, if its name is known.
    fn named_topic(&self, update: &Value) -> Option<(String, String)> {
        let known = self.world.read();
        let spot = Spot::of_message(&update["message"], known.me)?;
        let name = known.topic_name(spot.chat, spot.topic?)?;
        Some((spot.id().to_string(), name))
    }

    /// The topics of a forum from which the bot is taken, or to which it comes back: those that have rooms.
    async fn find_topics(&self, update: &Value) -> Result<(), NotStored> {
        let me = self.world.read().me;
        let forum = Spot::of_chat(&update["my_chat_member"]["chat"], me);
        let Some(forum) = forum.filter(|spot| spot.scope == Scope::Chat) else { return Ok(()) };
        for seen in self.sink.chats().await? {
            let spot = Spot::parse(&seen.chat).filter(|spot| spot.chat == forum.chat);
            if let Some(topic) = spot.and_then(|spot| spot.topic) {
                let name = self.sink.remembered(seen.chat.as_str()).await?;
                self.world.write().recall_topic(forum.chat, topic, name);
            }
        }
        Ok(())
    }

    fn cursor(&self) -> Cursor {
        Cursor { key: STREAM.to_owned(), value: self.taken.write() }
    }

    /// What an update tells. What is asked of the bot itself is put aside.
    async fn map(&self, update: &Value, errands: &mut Vec<Errand>) -> Vec<RemoteEvent> {
        self.world.write().learn(update);
        let message = &update["message"];
        if message["new_chat_photo"].is_array() || message["delete_chat_photo"] == true {
            self.look_again(&message["chat"]["id"]).await;
        }
        let mut known = self.world.write();
        if let Some((command, message)) = command::of(update, &known) {
            errands.extend(Errand::of(command, message, known.me));
            return Vec::new();
        }
        let events = events::map(update, &mut known, self.reach);
        if let Some((kind, _)) = events::kind_of(update) {
            debug!(kind, events = events.len(), "An update came.");
        }
        events
    }

    async fn push(&self, events: Vec<RemoteEvent>, tickets: &mut Vec<Ticket>) {
        let last = events.len().saturating_sub(1);
        for (nth, event) in events.into_iter().enumerate() {
            if let RemoteEvent::Message(RemoteMessage { sender, .. }) = &event {
                self.note_face(sender.ids.primary.as_str());
            }
            tickets.push(match nth == last {
                true => self.sink.push_with_cursor(event, self.cursor()).await,
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
