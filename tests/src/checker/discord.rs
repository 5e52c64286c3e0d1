//! The simulated Discord as a checker sees it: people write in channels, and the bridge speaks through its webhooks.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;

use super::network::{Heard, Network};
use crate::discord::{Author, DiscordSim, Snowflake, World, staged};

/// Chats that can be opened.
const CHANNELS: usize = 60;

/// A Discord with people and silent channels.
pub struct DiscordNetwork {
    /// The simulator.
    pub sim: DiscordSim,
    people: BTreeMap<String, Snowflake>,
    channels: Vec<Snowflake>,
    opened: AtomicUsize,
}

impl DiscordNetwork {
    /// Starts one with these people.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(people: &[&str]) -> anyhow::Result<Self> {
        let mut world = World::new();
        let guild = world.guild("Birds");
        let people = people.iter().map(|name| ((*name).to_owned(), world.member(guild, name))).collect();
        let channels = (1..=CHANNELS).map(|nth| world.text_channel(guild, &format!("chat-{nth}"))).collect();
        let sim = DiscordSim::start(world).await?;
        Ok(Self { sim, people, channels, opened: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Network for DiscordNetwork {
    const BRIDGE: &'static str = "discord";

    fn platform(&self, _url: &str) -> String {
        staged::platform_section(&self.sim)
    }

    fn open_chat(&self, _name: &str) -> String {
        // The channels were there all along, and had nothing to say. They bear the names that chats are opened with.
        self.channels[self.opened.fetch_add(1, Ordering::Relaxed)].to_string()
    }

    fn person_says(&self, chat: &str, person: &str, text: &str) -> String {
        self.sim.person_sends(snowflake(chat), self.people[person], text).to_string()
    }

    fn ghost(&self, person: &str) -> String {
        format!("@discord_{}", self.people[person])
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let all = self.sim.messages(snowflake(chat));
        let count = all.len();
        let bot = self.sim.bot();
        let heard = all.into_iter().skip(from).filter_map(|message| match message.author {
            Author::Webhook { name, application, .. } if application == Some(bot) => {
                Some(Heard { author: name, text: message.content })
            }
            Author::User(user) if user == bot => Some(Heard { author: String::new(), text: message.content }),
            _ => None,
        });
        (heard.collect(), count)
    }

    fn version(&self) -> u64 {
        self.sim.effect_count() as u64
    }

    async fn changed(&self, version: u64) {
        // Whoever waits here has a limit of their own.
        let _ = self.sim.wait_for_effects(usize::try_from(version).unwrap_or(usize::MAX)).await;
    }
}

fn snowflake(chat: &str) -> Snowflake {
    chat.parse().expect("a chat's id is what `open_chat` gave")
}
