//! The one task that takes events in: from the gateway and from recovery, into the sink, in order.
//!
//! Live events of a channel wait while that channel's missed messages are fetched, so that order holds in each room. Tickets are
//! awaited by another task; when one fails, the session ends, and the next one fetches again what the cursor has not passed.
//! Must never ask the network itself. Next: `recovery`, `chats`.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use magpie_common::{
    clock::Clock,
    message::RemoteEvent,
    platform::{ConnectError, Cursor, EventSink, Ticket},
};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    attachments::Addresses,
    gateway::GatewayEvent,
    recovery::{Gap, Missed, Page},
    seen::Seen,
    world::World,
};
use crate::{
    config::DiscordConfig,
    events::{self, Mapped},
    json::text,
};

mod chats;
mod directs;
mod reviewed;

/// Live events of one channel that wait for its recovery.
const HELD_MAX: usize = 5000;

/// Tickets under way.
pub(super) const TICKETS_MAX: usize = 1024;

/// How the rest of the session hears of the pump.
pub(super) struct Outlets {
    /// Where events go.
    pub sink: EventSink,
    /// Tickets to be awaited.
    pub tickets: mpsc::Sender<Ticket>,
    /// Channels whose messages are to be fetched.
    pub missed: mpsc::Sender<Missed>,
    /// Whether all guilds have been told.
    pub ready: watch::Sender<bool>,
    /// Why the session is over.
    pub end: watch::Sender<Option<ConnectError>>,
}

/// What the pump reads.
pub(super) struct Inlets {
    /// From the gateway.
    pub events: mpsc::Receiver<GatewayEvent>,
    /// From recovery.
    pub pages: mpsc::Receiver<Page>,
    /// When to stop.
    pub stop: CancellationToken,
}

/// Live events of a channel that wait.
#[derive(Default)]
struct Held {
    events: VecDeque<GatewayEvent>,
    /// For so many last pages.
    pages: usize,
    /// The last message that was fetched meanwhile.
    passed: u64,
}

pub(super) struct Pump {
    config: Arc<DiscordConfig>,
    clock: Clock,
    world: Arc<World>,
    addresses: Arc<Addresses>,
    out: Outlets,
    /// Live events that wait, by channel.
    held: HashMap<String, Held>,
    /// Channels that recovery has not been told of yet.
    to_recover: VecDeque<Missed>,
    /// Connections that have begun, by number.
    begun: HashSet<u64>,
    /// How many connections there are.
    shards: u64,
    /// Guilds that are still to come after READY.
    awaited: HashSet<String>,
    /// Conversations of two.
    directs: Vec<String>,
    /// Those that wait until all servers have been told.
    directs_to_recover: VecDeque<Missed>,
    counts: BTreeMap<String, u64>,
    told_of_content: bool,
}

impl Pump {
    pub(super) fn new(
        (config, clock): (Arc<DiscordConfig>, Clock),
        (world, addresses): (Arc<World>, Arc<Addresses>),
        out: Outlets,
    ) -> Self {
        Self {
            config,
            clock,
            world,
            addresses,
            out,
            held: HashMap::new(),
            to_recover: VecDeque::new(),
            begun: HashSet::new(),
            shards: 1,
            awaited: HashSet::new(),
            directs: Vec::new(),
            directs_to_recover: VecDeque::new(),
            counts: BTreeMap::new(),
            told_of_content: false,
        }
    }

    /// Runs until it is stopped or the gateway has nothing more.
    pub(super) async fn run(mut self, mut inlets: Inlets) {
        let stop = inlets.stop.clone();
        let missed = self.out.missed.clone();
        let work = async {
            loop {
                tokio::select! {
                    Ok(place) = missed.reserve(), if !self.to_recover.is_empty() => {
                        if let Some(next) = self.to_recover.pop_front() {
                            place.send(next);
                        }
                    }
                    event = inlets.events.recv() => match event {
                        Some(event) => self.take(event).await,
                        None => return,
                    },
                    Some(page) = inlets.pages.recv() => self.take_page(page).await,
                }
            }
        };
        stop.run_until_cancelled(work).await;
        debug!(events = ?self.counts, "The gateway's events were counted.");
    }

    async fn take(&mut self, event: GatewayEvent) {
        *self.counts.entry(event.kind.clone()).or_default() += 1;
        if self.is_over() {
            return;
        }
        match events::channel_of(&event.kind, &event.data) {
            Some(channel) => match self.held.get_mut(&channel) {
                Some(held) if held.events.len() < HELD_MAX => held.events.push_back(event),
                Some(_) => {
                    self.end("More happens in a channel than can wait; it is fetched again.".to_owned())
                }
                None => {
                    self.meet_direct(&channel, &event).await;
                    self.take_chat_event(&channel, &event).await;
                }
            },
            None if event.kind.starts_with("MESSAGE_") => {
                warn!(kind = event.kind, "Discord sent an event that cannot be read.");
                self.push(Mapped { event: events::unknown(&event.kind, &event.data), cursor: None }).await;
            }
            None => self.take_other(&event).await,
        }
    }

    async fn take_chat_event(&mut self, channel: &str, event: &GatewayEvent) {
        if event.kind == "MESSAGE_CREATE" {
            self.note_newest(channel, &text(&event.data["id"]));
        }
        let mapped = {
            let known = self.world.read();
            if let ("MESSAGE_CREATE", Some(seen)) = (&*event.kind, Seen::of(&event.data, &known)) {
                known.seen.put(&text(&event.data["id"]), seen);
            }
            if known.shows(channel) { events::map(&event.kind, &event.data, &known) } else { Vec::new() }
        };
        self.addresses.note(&event.data);
        for mapped in mapped {
            self.look_for_hidden_content(&mapped.event);
            self.push(mapped).await;
        }
    }

    /// Missed messages of one channel, oldest first; with the last page the live events that waited go on.
    async fn take_page(&mut self, page: Page) {
        if let Some(reason) = page.failed {
            return self.end(reason);
        }
        for message in page.messages {
            let event = GatewayEvent { kind: "MESSAGE_CREATE".to_owned(), data: message };
            self.take_chat_event(&page.channel, &event).await;
        }
        if let Some(gap) = page.gap {
            let fetched_max = (gap == Gap::TooMany).then_some(self.config.recover_messages_max);
            let spot = self.world.read().spot(&page.channel);
            let event = events::gap(&spot, &page.after, fetched_max);
            self.push(Mapped { event, cursor: None }).await;
        }
        if let Some(hold) = page.hold {
            self.hold(&page.channel);
            // The other end is gone only when the session is over.
            let _ = hold.send(());
        }
        if let Some(review) = page.review {
            self.take_review(&page.channel, review).await;
        }
        if page.is_last {
            self.release(&page.channel, page.after.parse().unwrap_or_default()).await;
        }
    }

    /// Lets the live events of a channel wait for one more last page.
    fn hold(&mut self, channel: &str) {
        self.held.entry(channel.to_owned()).or_default().pages += 1;
    }

    /// Lets them go on when it was the last they waited for, without the messages that were fetched.
    async fn release(&mut self, channel: &str, passed: u64) {
        if let Some(held) = self.held.get_mut(channel) {
            held.passed = held.passed.max(passed);
            held.pages = held.pages.saturating_sub(1);
            if held.pages > 0 {
                return;
            }
        }
        let Some(held) = self.held.remove(channel) else { return };
        for event in held.events {
            let id: u64 = text(&event.data["id"]).parse().unwrap_or_default();
            if event.kind != "MESSAGE_CREATE" || id > held.passed {
                self.meet_direct(channel, &event).await;
                self.take_chat_event(channel, &event).await;
            }
        }
    }

    /// A room that is made later begins with what was said last.
    fn note_newest(&self, channel: &str, id: &str) {
        if let Some(channel) = self.world.write().channels.get_mut(channel)
            && channel.newest.as_deref().is_none_or(|newest| is_younger(id, newest))
        {
            channel.newest = Some(id.to_owned());
        }
    }

    async fn push(&mut self, mapped: Mapped) {
        if self.is_over() {
            return;
        }
        let ticket = match mapped.cursor {
            Some(cursor) => self.out.sink.push_with_cursor(mapped.event, cursor).await,
            None => self.out.sink.push(mapped.event).await,
        };
        // The other end is gone only when the session is over.
        let _ = self.out.tickets.send(ticket).await;
    }

    async fn remembered(&mut self, channel: &str) -> Option<String> {
        match self.out.sink.remembered(channel).await {
            Ok(cursor) => cursor,
            Err(error) => {
                self.end(error.to_string());
                None
            }
        }
    }

    /// Without the right to read, Discord sends messages with everything empty.
    fn look_for_hidden_content(&mut self, event: &RemoteEvent) {
        let RemoteEvent::Unknown { name, .. } = event else { return };
        if name == "MESSAGE_CREATE" && !self.told_of_content {
            self.told_of_content = true;
            warn!(remedy = super::MISSING_INTENT, "A message came without anything in it that can be shown.");
        }
    }

    fn is_over(&self) -> bool {
        self.out.end.borrow().is_some()
    }

    fn end(&self, reason: String) {
        super::end_session(&self.out.end, ConnectError::Transient(reason));
    }
}

/// Awaits tickets; the first that fails ends the session, because the cursor must not pass what is not stored.
pub(super) async fn watch_tickets(
    mut tickets: mpsc::Receiver<Ticket>,
    end: watch::Sender<Option<ConnectError>>,
) {
    while let Some(ticket) = tickets.recv().await {
        if let Err(error) = ticket.stored().await {
            super::end_session(&end, ConnectError::Transient(error.to_string()));
            return;
        }
    }
}

/// Where a channel stands in the store.
fn cursor(channel: &str, value: &str) -> Cursor {
    Cursor { key: channel.to_owned(), value: value.to_owned() }
}

/// Whether the first id is younger than the second.
fn is_younger(id: &str, than: &str) -> bool {
    let number = |id: &str| id.parse::<u64>().unwrap_or_default();
    number(id) > number(than)
}

/// The last message of a channel; a channel without one stands at its own id, which is older than any message in it.
fn last_message(channel: &Value) -> String {
    Some(text(&channel["last_message_id"]))
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| text(&channel["id"]))
}
