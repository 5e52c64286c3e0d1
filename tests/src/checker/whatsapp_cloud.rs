//! The simulated Cloud API as a checker sees it: each chat is one person's talk with a business, and webhooks come in any order.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use magpie_common::clock::Clock;

use super::network::{Heard, Network, Order, Rooms};
use crate::whatsapp_cloud::{
    Chat, NumberId, PayloadAge, Rates, Side, WhatsAppCloudSim, World, staged::platform_section,
};

/// People who may write.
const PEOPLE: usize = 60;

/// What the bridge did not take comes again so soon, and so late at most.
const AGAIN_MS: (i64, i64) = (50, 500);

/// A business with people who have never written.
pub struct WhatsAppCloudNetwork {
    /// The simulator.
    pub sim: Arc<WhatsAppCloudSim>,
    number: NumberId,
    /// People by their numbers.
    people: BTreeMap<String, Chat>,
    opened: AtomicUsize,
}

impl WhatsAppCloudNetwork {
    /// Starts one.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let (mut world, small) = World::small(Clock::system());
        let number = small.number;
        let person = |nth: usize| {
            let wa_id = format!("1650556{nth:04}");
            let person = world.person(&format!("chat-{nth}"), &wa_id);
            (wa_id, Chat { number, person })
        };
        let people = (1..=PEOPLE).map(person).collect();
        let sim = Arc::new(WhatsAppCloudSim::start(world).await?);
        sim.writes_in_age(PayloadAge::PhoneNumbers);
        sim.brings_again_after_ms(AGAIN_MS.0, AGAIN_MS.1);
        // How fast a business may speak is not what is looked into here.
        sim.sends_at(Rates { per_second: 1_000, burst: 10_000, pause_ms: 1 });
        Ok(Self { sim, number, people, opened: AtomicUsize::new(0) })
    }

    fn chat(&self, chat: &str) -> Chat {
        self.people[person(chat)]
    }
}

#[async_trait]
impl Network for WhatsAppCloudNetwork {
    const BRIDGE: &'static str = "whatsapp";
    const ROOMS: Rooms = Rooms::Direct;
    const ORDER: Order = Order::ToNetwork;
    /// What is in doubt waits for statuses as long as the bridge was away.
    const WAIT_MAX: Duration = Duration::from_secs(100);

    fn platform(&self, url: &str) -> String {
        self.sim.was_subscribed(&format!("{url}/_magpie/webhook"));
        platform_section(&self.sim, self.number)
    }

    fn open_chat(&self, _name: &str) -> String {
        let nth = self.opened.fetch_add(1, Ordering::Relaxed);
        let person = self.people.keys().nth(nth).expect("there are more people than chats");
        format!("{}/{person}", self.number)
    }

    fn people(&self, chat: &str) -> Vec<String> {
        vec![person(chat).to_owned()]
    }

    fn person_says(&self, chat: &str, _person: &str, text: &str) -> String {
        self.sim.person_says(self.chat(chat), text)
    }

    fn ghost(&self, person: &str) -> String {
        format!("@whatsapp_{person}")
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let all = self.sim.messages(self.chat(chat));
        let ours = all.iter().skip(from).filter(|message| message.side == Side::Business);
        let heard = ours.map(|message| heard(message.content["body"].as_str().unwrap_or_default()));
        (heard.collect(), all.len())
    }

    fn version(&self) -> u64 {
        self.sim.message_count() as u64
    }

    async fn changed(&self, version: u64) {
        // Whoever waits here has a limit of their own.
        let _ = self.sim.wait_for_count_other_than(usize::try_from(version).unwrap_or(usize::MAX)).await;
    }

    async fn taken(&self) {
        let _ = self.sim.wait_until_all_is_taken().await;
    }
}

/// Whose talk with the business a chat is.
fn person(chat: &str) -> &str {
    chat.split_once('/').expect("a chat's id is what `open_chat` gave").1
}

/// A relay's words begin with a name.
fn heard(text: &str) -> Heard {
    let (author, text) = text.split_once(": ").unwrap_or(("", text));
    Heard { author: author.trim_matches('*').to_owned(), text: text.to_owned() }
}
