//! The simulated Official Account as a checker sees it: each chat is one follower's talk with the account, and callbacks come in any order.

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
use crate::wechat_official::{
    APP_ID, Follower, OfficialSim, World,
    staged::{callback_address, platform_section},
};

/// People who may write.
const PEOPLE: usize = 60;

/// What the bridge did not take comes again so soon. WeChat gives up after four times; what it loses by that is not looked into here.
const AGAIN_MS: i64 = 50;

/// An account with followers who have never written.
pub struct WeChatOfficialNetwork {
    /// The simulator.
    pub sim: Arc<OfficialSim>,
    /// People by their openids.
    people: BTreeMap<String, Follower>,
    opened: AtomicUsize,
}

impl WeChatOfficialNetwork {
    /// Starts one.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let (mut world, _) = World::small(Clock::system());
        let person = |nth: usize| {
            let openid = format!("ofollower{nth:04}");
            let follower = world.follower(APP_ID, &openid, ("", None));
            (openid, follower)
        };
        let people: BTreeMap<String, Follower> = (1..=PEOPLE).map(person).collect();
        let sim = Arc::new(OfficialSim::start(world).await?);
        sim.brings_again_after_ms(AGAIN_MS, usize::MAX);
        // How often an account may write is not what is looked into here.
        people.values().for_each(|follower| sim.person_pays(follower));
        Ok(Self { sim, people, opened: AtomicUsize::new(0) })
    }

    fn follower(&self, chat: &str) -> &Follower {
        &self.people[person(chat)]
    }
}

#[async_trait]
impl Network for WeChatOfficialNetwork {
    const BRIDGE: &'static str = "wechat";
    const ROOMS: Rooms = Rooms::Direct;
    const ORDER: Order = Order::ToNetwork;
    const WAIT_MAX: Duration = Duration::from_secs(60);

    fn platform(&self, url: &str) -> String {
        self.sim.was_subscribed(APP_ID, &callback_address(url, APP_ID));
        platform_section(&self.sim, APP_ID)
    }

    fn open_chat(&self, _name: &str) -> String {
        let nth = self.opened.fetch_add(1, Ordering::Relaxed);
        let openid = self.people.keys().nth(nth).expect("there are more people than chats");
        format!("official/{APP_ID}/{openid}")
    }

    fn people(&self, chat: &str) -> Vec<String> {
        vec![person(chat).to_owned()]
    }

    fn person_says(&self, chat: &str, _person: &str, text: &str) -> String {
        self.sim.person_says(self.follower(chat), text)
    }

    fn ghost(&self, person: &str) -> String {
        // The ids are of letters that are spelled as themselves.
        format!("@wechat_official/{APP_ID}/{person}")
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let all = self.sim.sent_to(self.follower(chat));
        let heard = all.iter().skip(from).map(|sent| heard(sent.words()));
        (heard.collect(), all.len())
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

/// Whose talk with the account a chat is.
fn person(chat: &str) -> &str {
    chat.rsplit_once('/').expect("a chat's id is what `open_chat` gave").1
}

/// A relay's words begin with a name.
fn heard(text: &str) -> Heard {
    let (author, text) = text.split_once(": ").unwrap_or(("", text));
    Heard { author: author.to_owned(), text: text.to_owned() }
}
