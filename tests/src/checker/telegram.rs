//! The simulated Telegram as a checker sees it: people write in groups, and the bridge's bot says who speaks in the words themselves.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;

use super::network::{Heard, Network};
use crate::telegram::{ChatId, ChatKind, TelegramSim, UserId, World, staged};

/// Chats that can be opened.
const GROUPS: usize = 60;

/// How the bridge hears what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// It asks.
    Asking,
    /// It is told at its webhook.
    Told,
}

/// A Telegram with people and silent groups: every other one a supergroup, and in the rest the bot counts the messages.
pub struct TelegramNetwork {
    /// The simulator.
    pub sim: Arc<TelegramSim>,
    hearing: Hearing,
    bot: UserId,
    people: BTreeMap<String, UserId>,
    groups: Vec<(ChatKind, ChatId)>,
    opened: AtomicUsize,
}

impl TelegramNetwork {
    /// Starts one with these people.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(people: &[&str], hearing: Hearing) -> anyhow::Result<Self> {
        let mut world = World::new();
        let bot = world.bot("Magpie", "magpie_bot");
        let owner = world.person("Owner");
        let people: BTreeMap<String, UserId> =
            people.iter().map(|name| ((*name).to_owned(), world.person(name))).collect();
        let kinds = [ChatKind::Supergroup, ChatKind::Group].into_iter().cycle();
        let mut groups = Vec::new();
        for (nth, kind) in (1..=GROUPS).zip(kinds) {
            let group = world.chat(kind, &format!("chat-{nth}"), owner);
            world.admin(group, bot);
            people.values().for_each(|person| world.member(group, *person));
            groups.push((kind, group));
        }
        let sim = Arc::new(TelegramSim::start(world).await?);
        Ok(Self { sim, hearing, bot, people, groups, opened: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Network for TelegramNetwork {
    const BRIDGE: &'static str = "telegram";

    fn platform(&self, url: &str) -> String {
        let lines = staged::platform_section(&self.sim);
        match self.hearing {
            Hearing::Asking => lines,
            Hearing::Told => lines + &staged::webhook_lines(url),
        }
    }

    fn open_chat(&self, _name: &str) -> String {
        // The groups were there all along, and had nothing to say. They bear the names that chats are opened with.
        self.groups[self.opened.fetch_add(1, Ordering::Relaxed)].1.to_string()
    }

    fn person_says(&self, chat: &str, person: &str, text: &str) -> String {
        let group = group(chat);
        let number = self.sim.person_sends(group, self.people[person], text);
        // Where the bot counts, its number is part of the id.
        match self.groups.contains(&(ChatKind::Supergroup, group)) {
            true => number.to_string(),
            false => format!("{number}@{}", self.bot),
        }
    }

    fn ghost(&self, person: &str) -> String {
        format!("@telegram_{}", self.people[person])
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let new = self.sim.messages_from(group(chat), from);
        let count = from + new.len();
        let ours = new.into_iter().filter(|message| message.author == self.bot);
        (ours.map(|message| heard(message.text())).collect(), count)
    }

    fn version(&self) -> u64 {
        self.sim.effect_count() as u64
    }

    async fn changed(&self, version: u64) {
        // Whoever waits here has a limit of their own.
        let _ = self.sim.wait_for_effects(usize::try_from(version).unwrap_or(usize::MAX)).await;
    }
}

/// A relay's words begin with a name.
fn heard(text: &str) -> Heard {
    let (author, text) = text.split_once(": ").unwrap_or(("", text));
    Heard { author: author.to_owned(), text: text.to_owned() }
}

fn group(chat: &str) -> ChatId {
    ChatId::group(chat.parse().expect("a chat's id is what `open_chat` gave"))
}
