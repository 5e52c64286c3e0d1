//! Both talk on while the bridge is killed with SIGKILL, at a moment that a seed chooses: nothing is lost and nothing doubled.

use std::{
    collections::{BTreeMap, HashSet},
    env,
};

use anyhow::Context;
use magpie_common::clock::Clock;
use magpie_tests::{
    harness::{
        person::{Event, PATIENCE},
        tools::{Component, need},
    },
    whatsapp_linked::{Person as Baileys, staged::environment},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{Chat, Story};

/// So often it is killed from outside, and as often it dies at one of the steps below.
const KILLS: usize = 6;
/// Where most is at stake: an event of either side is just stored, and a message is just sent.
const STEPS: [&str; 2] = ["1:2", "5:2"];
/// Messages of a round in each chat and direction, at most.
const ROUND_MAX: usize = 4;

/// When a round's kill comes.
#[derive(Debug)]
enum Moment {
    /// While nothing of the round may have arrived.
    AtOnce,
    /// When Bob has got this one.
    BobHas(String),
    /// When Alice has got this one.
    AliceHas(String),
    /// When the bridge is just back at WhatsApp, with what has waited.
    JustBack,
}

#[tokio::test(flavor = "multi_thread")]
async fn real_talk_goes_on_while_the_linked_bridge_is_killed() -> anyhow::Result<()> {
    let (Some(_), Some(_)) = (need(Component::Synapse), need(Component::Judge("whatsapp"))) else {
        return Ok(());
    };
    let wanted = env::var("MAGPIE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = wanted.unwrap_or_else(|| u64::from(u32::from_le_bytes(Clock::system().random_bytes())));
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut story = Story::begin().await?;
    let [(direct, _), (group, _)] = story.chats().await?;
    let chats = [direct, group];
    let mut said = Said::default();
    for round in 0..KILLS {
        let moment = story.round(&chats, &mut said, (round, &mut random)).await?;
        println!("{round}: {moment:?}");
        story.reaches(&chats, &moment).await?;
        story.bridge.kill().await?;
        // What is said meanwhile waits on both sides.
        story.round(&chats, &mut said, (KILLS + round, &mut random)).await?;
        let step = STEPS[random.random_range(0..STEPS.len())];
        story.starts(Some(step))?;
        story.round(&chats, &mut said, (2 * KILLS + round, &mut random)).await?;
        let died = story.bridge.exited(PATIENCE * 2).await?;
        assert!(!died.success(), "it dies at {step}");
        story.starts(None)?;
    }
    story.bridge.ready().await?;
    for (at, chat) in chats.iter().enumerate() {
        story.settles(chat, &format!("the end of {at}")).await?;
        story.judge(chat, at, &said).await?;
    }
    story.end().await
}

/// What was said, by the place of its chat.
#[derive(Default)]
struct Said {
    by_bob: BTreeMap<usize, Vec<String>>,
    by_alice: BTreeMap<usize, Vec<String>>,
}

impl Story {
    /// Some talk in all chats; gives the moment at which the kill comes.
    async fn round(
        &self,
        chats: &[Chat],
        said: &mut Said,
        (round, random): (usize, &mut StdRng),
    ) -> anyhow::Result<Moment> {
        let mut last = (String::new(), String::new());
        for (at, chat) in chats.iter().enumerate() {
            for nth in 0..random.random_range(1..=ROUND_MAX) {
                let words = format!("bob {at} {round} {nth}");
                self.bobs.say(&chat.address, &words).await?;
                said.by_bob.entry(at).or_default().push(words.clone());
                last.0 = words;
            }
            for nth in 0..random.random_range(1..=ROUND_MAX) {
                let words = format!("alice {at} {round} {nth}");
                self.alice.send_text(&chat.room, &words).await?;
                said.by_alice.entry(at).or_default().push(words.clone());
                last.1 = words;
            }
        }
        Ok(match random.random_range(0..4) {
            0 => Moment::AtOnce,
            1 => Moment::BobHas(last.1),
            2 => Moment::AliceHas(last.0),
            _ => Moment::JustBack,
        })
    }

    /// Starts the bridge again, perhaps to die at a step.
    fn starts(&mut self, kill_at: Option<&str>) -> anyhow::Result<()> {
        let mut variables = environment();
        variables.extend(kill_at.map(|step| ("MAGPIE_KILL_AT".to_owned(), step.to_owned())));
        self.bridge.respawn_with(variables)
    }

    async fn reaches(&self, chats: &[Chat], moment: &Moment) -> anyhow::Result<()> {
        match moment {
            Moment::AtOnce => Ok(()),
            Moment::BobHas(words) => has(&self.bobs, words).await,
            Moment::AliceHas(words) => {
                let is_there =
                    |event: &Event| chats.iter().any(|chat| chat.room == event.room) && event.body() == words;
                self.alice.wait_within(PATIENCE * 2, is_there).await.map(drop)
            }
            Moment::JustBack => self.comes_back().await,
        }
    }

    /// The connection is cut and comes back by itself; what waited is then sent anew.
    async fn comes_back(&self) -> anyhow::Result<()> {
        let logins = || self.sim.seen("login").len();
        let before = logins();
        self.sim.cut(&self.device).await?;
        let back = async {
            loop {
                let (_, events) = self.sim.seen_from(usize::MAX);
                if logins() > before {
                    return;
                }
                self.sim.changed(events).await;
            }
        };
        tokio::time::timeout(PATIENCE * 2, back).await.context("the bridge does not come back to WhatsApp")
    }

    /// Lanes are worked in order: what came before the last words has happened, or never will.
    async fn settles(&self, chat: &Chat, words: &str) -> anyhow::Result<()> {
        self.bobs.say(&chat.address, words).await?;
        self.alice.wait_for_text(&chat.room, words).await?;
        self.alice.send_text(&chat.room, &format!("{words}, too")).await?;
        has(&self.bobs, &format!("{words}, too")).await
    }

    async fn judge(&self, chat: &Chat, at: usize, said: &Said) -> anyhow::Result<()> {
        let messages = self.alice.messages(&chat.room).await?;
        let prefix = format!("bob {at} ");
        let heard: Vec<&str> =
            messages.iter().map(Event::body).filter(|it| it.starts_with(&prefix)).collect();
        assert_eq!(heard, said.by_bob[&at], "each once, in order");
        let prefix = format!("alice {at} ");
        let mut heard: Vec<String> = Vec::new();
        // What the bridge cannot know to be sent it sends again under the same id. Clients show that once; baileys tells it each time.
        let mut known = HashSet::new();
        for event in self.bobs.seen("message") {
            let words = event["text"].as_str().filter(|words| words.starts_with(&prefix));
            heard.extend(words.filter(|_| known.insert(event["id"].to_string())).map(str::to_owned));
        }
        let mut wanted = said.by_alice[&at].clone();
        // A Synapse that has not yet noticed that we were away hands the first one over after the others.
        heard.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(heard, wanted, "each once");
        let echoes = messages.iter().filter(|event| event.body().starts_with(&prefix)).count();
        assert_eq!(echoes, wanted.len(), "our own words do not come back");
        Ok(())
    }
}

async fn has(bobs: &Baileys, words: &str) -> anyhow::Result<()> {
    bobs.expect("message", |event| event["text"] == words).await.map(drop)
}
