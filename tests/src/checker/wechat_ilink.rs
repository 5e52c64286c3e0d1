//! The simulated iLink as a checker sees it: each chat is one person's talk with the bot that they bound, so the bridge has a login for each.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context;
use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::{GhostNames, RemoteUserId},
};
use ruma::server_name;

use super::network::{Heard, Network, Rooms};
use crate::wechat_ilink::{
    BotId, ILinkSim, PersonId, World,
    staged::{platform_section, sign_in},
};

/// People who can bind a bot.
const PEOPLE: usize = 24;

/// People with phones, who sign in when the bridge first listens and have written nothing yet.
pub struct WeChatILinkNetwork {
    /// The simulator.
    pub sim: Arc<ILinkSim>,
    people: Vec<PersonId>,
    /// The bots, by the ids of their chats.
    bots: Mutex<BTreeMap<String, BotId>>,
    opened: AtomicUsize,
    ghosts: GhostNames,
}

impl WeChatILinkNetwork {
    /// Starts one.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let mut world = World::on_clock(Clock::system());
        let people = (1..=PEOPLE).map(|nth| world.person(&format!("chat-{nth}"))).collect();
        // How much a bot may say is not what is looked into here.
        let sim = Arc::new(ILinkSim::start(world.with_quota(None)).await?);
        let ghosts = GhostNames::new("wechat_", "wechatbot", server_name!("example.org"));
        let ghosts = ghosts.map_err(anyhow::Error::msg).context("the names of ghosts")?;
        Ok(Self { sim, people, bots: Mutex::default(), opened: AtomicUsize::new(0), ghosts })
    }

    /// The bot whose talk a chat is.
    pub fn bot(&self, chat: &str) -> BotId {
        *self.bots().get(chat).expect("a chat's id is what `open_chat` gave")
    }

    /// The bots of all who have signed in.
    pub fn all_bots(&self) -> Vec<BotId> {
        self.bots().values().copied().collect()
    }

    fn bots(&self) -> MutexGuard<'_, BTreeMap<String, BotId>> {
        self.bots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Network for WeChatILinkNetwork {
    const BRIDGE: &'static str = "wechat";
    const ROOMS: Rooms = Rooms::Direct;
    const GREETING: Option<(&'static str, &'static str)> = Some(("set-relay", "speaks in this room"));

    async fn sign_in(&self, url: &str, admin: &str) -> anyhow::Result<()> {
        for person in &self.people {
            let bot = sign_in(&self.sim, (url, admin), *person).await.context("sign somebody in")?;
            self.bots().insert(format!("ilink/{bot}/{person}"), bot);
        }
        Ok(())
    }

    fn platform(&self, _url: &str) -> String {
        platform_section(&self.sim)
    }

    fn open_chat(&self, _name: &str) -> String {
        let nth = self.opened.fetch_add(1, Ordering::Relaxed);
        self.bots().keys().nth(nth).expect("there are more people than chats").clone()
    }

    fn people(&self, chat: &str) -> Vec<String> {
        vec![chat.to_owned()]
    }

    fn person_says(&self, chat: &str, _person: &str, text: &str) -> String {
        self.sim.person_says(self.bot(chat), text).to_string()
    }

    fn ghost(&self, person: &str) -> String {
        let ghost = self.ghosts.ghost(&RemoteUserId::new(person)).expect("the id is not too long");
        format!("@{}", ghost.localpart())
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let all = self.sim.texts(self.bot(chat));
        (all.iter().skip(from).map(|text| heard(text)).collect(), all.len())
    }

    fn version(&self) -> u64 {
        self.sim.sent_count() as u64
    }

    async fn changed(&self, version: u64) {
        // Whoever waits here has a limit of their own.
        let _ = self.sim.wait_for_count_other_than(usize::try_from(version).unwrap_or(usize::MAX)).await;
    }
}

/// A relay's words begin with a name; whoever signed in speaks without one.
fn heard(text: &str) -> Heard {
    let (author, text) = text.split_once(": ").unwrap_or(("alice", text));
    Heard { author: author.to_owned(), text: text.to_owned() }
}
