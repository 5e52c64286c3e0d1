//! The simulated WeCom as a checker sees it: each chat is one member's talk with the app, and callbacks come in any order.

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
use crate::wechat_wecom::{
    AGENT_ID, CORP_ID, To, WeComSim, World,
    staged::{callback_address, platform_section},
};

/// People who may write.
const PEOPLE: usize = 60;

/// What the bridge did not take comes again so soon.
const AGAIN_MS: i64 = 50;

/// A company whose members have never written.
pub struct WeComNetwork {
    /// The simulator.
    pub sim: Arc<WeComSim>,
    /// Members by the ids of their chats.
    chats: BTreeMap<String, String>,
    opened: AtomicUsize,
}

impl WeComNetwork {
    /// Starts one.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let mut world = World::on_clock(Clock::system());
        let member = |nth: usize| {
            let userid = world.member(&format!("person-{nth:02}"), &format!("chat-{nth}"));
            (format!("wecom/{CORP_ID}/agent:{AGENT_ID}:{userid}"), userid)
        };
        let chats = (1..=PEOPLE).map(member).collect();
        let sim = Arc::new(WeComSim::start(world).await?);
        // WeCom gives up after four times; that is looked into elsewhere.
        sim.brings_again_after_ms(AGAIN_MS, usize::MAX);
        Ok(Self { sim, chats, opened: AtomicUsize::new(0) })
    }

    fn member(&self, chat: &str) -> &str {
        &self.chats[chat]
    }
}

#[async_trait]
impl Network for WeComNetwork {
    const BRIDGE: &'static str = "wechat";
    const ROOMS: Rooms = Rooms::Direct;
    const ORDER: Order = Order::ToNetwork;
    /// What is more than 30 messages in a minute to one member waits for its turn.
    const WAIT_MAX: Duration = Duration::from_secs(100);

    fn platform(&self, url: &str) -> String {
        self.sim.was_subscribed(&callback_address(url));
        platform_section(&self.sim)
    }

    fn open_chat(&self, _name: &str) -> String {
        let nth = self.opened.fetch_add(1, Ordering::Relaxed);
        self.chats.keys().nth(nth).expect("there are more people than chats").clone()
    }

    fn people(&self, chat: &str) -> Vec<String> {
        vec![self.member(chat).to_owned()]
    }

    fn person_says(&self, chat: &str, _person: &str, text: &str) -> String {
        self.sim.member_says(self.member(chat), text)
    }

    fn ghost(&self, person: &str) -> String {
        format!("@wechat_wecom/{CORP_ID}/{person}")
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let all = self.sim.sent_to(&To::Member(self.member(chat).to_owned()));
        (all.iter().skip(from).map(|sent| heard(sent.words())).collect(), all.len())
    }

    fn version(&self) -> u64 {
        self.sim.sent_count() as u64
    }

    async fn changed(&self, version: u64) {
        // Whoever waits here has a limit of their own.
        let _ = self.sim.wait_for_count_other_than(usize::try_from(version).unwrap_or(usize::MAX)).await;
    }

    async fn taken(&self) {
        let _ = self.sim.wait_until_all_is_taken().await;
    }
}

/// A relay's words begin with a name.
fn heard(text: &str) -> Heard {
    let (author, text) = text.split_once(": ").unwrap_or(("", text));
    Heard { author: author.to_owned(), text: text.to_owned() }
}
