//! What somebody does at random: any kind of thing, to anything that was said lately.
//!
//! Within a round only one side says something new, because two sides that speak at the same moment rightly hold different orders;
//! whatever happens to messages comes from both.

use std::collections::BTreeSet;

use anyhow::Context;
use magpie_common::steps::Step;
use magpie_tests::discord::{Author, FileBytes, Snowflake};
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::json;

use super::Conversation;

/// Things happen to the latest so many messages. After an outage the bridge looks no further back than to the fiftieth.
const LATELY: usize = 8;

const EMOJI: [&str; 2] = ["👍", "🎉"];

/// The side that speaks in a round.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Matrix,
    Discord,
    /// On Discord, in the thread.
    Thread,
}

/// Does things, and remembers what can be done to what.
pub(super) struct Acts {
    pub(super) random: StdRng,
    /// How many things were done.
    pub(super) done: usize,
    thread: Snowflake,
    /// Words that people in Matrix said: who, and the event.
    said: Vec<(usize, String)>,
    /// Reactions from Matrix: who, to which event, with what, and the reaction's own event.
    reacted: Vec<(usize, String, &'static str, String)>,
    /// Events that anybody in Matrix may answer; the root of the thread stays.
    root: String,
}

impl Acts {
    /// Begins with a thread.
    pub(super) async fn begin(conversation: &Conversation, random: StdRng) -> anyhow::Result<Self> {
        let general = conversation.small.general;
        let root = conversation.discord.person_sends(general, conversation.carol, "the root");
        conversation.settle("the root of the thread").await?;
        let thread = conversation.discord.person_begins_thread((general, root), conversation.carol, "aside");
        let thread = thread.context("the thread begins")?;
        conversation.discord.person_sends(thread, conversation.carol, "the first aside");
        conversation.settle("the thread").await?;
        let root = conversation.on_matrix("the root").await?;
        Ok(Self { random, done: 0, thread, said: Vec::new(), reacted: Vec::new(), root })
    }

    /// Somebody on the side whose messages take the step.
    pub(super) fn speaker(&mut self, step: Step) -> Speaker {
        match step {
            Step::TransactionArrived
            | Step::EventsStored
            | Step::DeliveryBegins
            | Step::DeliveryDecided
            | Step::Delivered
            | Step::DeliveryRecorded => Speaker::Matrix,
            Step::RemoteArrived
            | Step::RemoteStored
            | Step::SendBegins
            | Step::RoomCreated
            | Step::GhostReady
            | Step::Sent
            | Step::SendRecorded => {
                if self.random.random() {
                    Speaker::Discord
                } else {
                    Speaker::Thread
                }
            }
        }
    }

    /// A few things, one after the other.
    pub(super) async fn some(&mut self, on: &Conversation, speaker: Speaker) -> anyhow::Result<()> {
        for _ in 0..self.random.random_range(2..=5) {
            self.done += 1;
            match self.random.random_range(0..10) {
                0..=3 => match speaker {
                    Speaker::Matrix => self.matrix_says(on).await?,
                    Speaker::Discord => self.discord_says(on, on.small.general),
                    Speaker::Thread => self.discord_says(on, self.thread),
                },
                4 => self.matrix_changes(on).await?,
                5 => self.matrix_takes_back(on).await?,
                6 => self.matrix_reacts(on).await?,
                7 => self.discord_changes(on),
                8 => self.discord_takes_back(on),
                _ => self.discord_reacts(on),
            }
        }
        Ok(())
    }

    async fn matrix_says(&mut self, on: &Conversation) -> anyhow::Result<()> {
        let who = self.random.random_range(0..on.people.len());
        let person = &on.people[who];
        let words = self.words();
        match self.random.random_range(0..6) {
            0 => {
                let size = self.random.random_range(1..40_000);
                let mxc = person.upload("plan.txt", "text/plain", vec![b'p'; size]).await?;
                let content = json!({
                    "msgtype": "m.file", "body": words, "filename": "plan.txt", "url": mxc,
                    "info": {"size": size, "mimetype": "text/plain"},
                });
                person.send_message(&on.room, content).await?;
            }
            1 => {
                // The second message is short, so that it is known for the last one.
                let long: Vec<String> = (0..200).map(|nth| format!("{words}.{nth}")).collect();
                person.send_text(&on.room, &long.join(" ")).await?;
            }
            2 => {
                let content = json!({
                    "msgtype": "m.text", "body": words,
                    "m.relates_to": {
                        "rel_type": "m.thread", "event_id": self.root, "is_falling_back": true,
                        "m.in_reply_to": {"event_id": self.root},
                    },
                });
                let event = person.send_message(&on.room, content).await?;
                self.said.push((who, event));
            }
            3 => {
                let place = json!({"msgtype": "m.location", "body": words, "geo_uri": "geo:53.5,10.0"});
                person.send_message(&on.room, place).await?;
            }
            4 => {
                let target = self.root.clone();
                let event = person.send_reply(&on.room, &target, &words).await?;
                self.said.push((who, event));
            }
            _ => {
                let event = person.send_text(&on.room, &words).await?;
                self.said.push((who, event));
            }
        }
        Ok(())
    }

    async fn matrix_changes(&mut self, on: &Conversation) -> anyhow::Result<()> {
        let words = self.words();
        if let Some((who, event)) = self.lately().choose(&mut self.random) {
            on.people[*who].send_edit(&on.room, event, &words).await?;
        }
        Ok(())
    }

    async fn matrix_takes_back(&mut self, on: &Conversation) -> anyhow::Result<()> {
        if self.random.random() && !self.reacted.is_empty() {
            let at = self.random.random_range(0..self.reacted.len());
            let (who, _, _, reaction) = self.reacted.swap_remove(at);
            on.people[who].redact(&on.room, &reaction).await?;
        } else if let Some((who, event)) = self.lately().choose(&mut self.random).cloned() {
            self.said.retain(|(_, known)| *known != event);
            on.people[who].redact(&on.room, &event).await?;
        }
        Ok(())
    }

    async fn matrix_reacts(&mut self, on: &Conversation) -> anyhow::Result<()> {
        let who = self.random.random_range(0..on.people.len());
        let key = *EMOJI.choose(&mut self.random).expect("there are some");
        let events: Vec<String> = self.lately().into_iter().map(|(_, event)| event).collect();
        let event = events.choose(&mut self.random).unwrap_or(&self.root).clone();
        if self.reacted.iter().any(|(by, on, with, _)| *by == who && *on == event && *with == key) {
            return Ok(());
        }
        let content = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": key}});
        let reaction = on.people[who].send_event(&on.room, "m.reaction", content).await?;
        self.reacted.push((who, event, key, reaction));
        Ok(())
    }

    fn discord_says(&mut self, on: &Conversation, channel: Snowflake) {
        let (discord, who, words) = (&on.discord, self.somebody(on), self.words());
        match self.random.random_range(0..6) {
            0 => {
                let size = self.random.random_range(1..40_000);
                let file = discord.file("notes.txt", "text/plain", FileBytes::Made { size, byte: b'n' });
                discord.person_sends_files(channel, who, &words, vec![file]);
            }
            1 => {
                let bytes = FileBytes::Made { size: 3_000, byte: 9 };
                let mut spoken = discord.file(&format!("{words}.ogg"), "audio/ogg", bytes);
                spoken.voice = Some((2.5, "AAD/gA==".to_owned()));
                discord.person_speaks(channel, who, spoken);
            }
            2 => drop(discord.person_sends_sticker(channel, who, &words, 1)),
            3 => drop(discord.person_sends(channel, who, &format!("{words} <:wave:{}>", on.wave))),
            4 => match self.spoken(on, channel).choose(&mut self.random) {
                Some((target, _)) => drop(discord.person_replies((channel, *target), who, &words)),
                None => drop(discord.person_sends(channel, who, &words)),
            },
            _ => drop(discord.person_sends(channel, who, &words)),
        }
    }

    fn discord_changes(&mut self, on: &Conversation) {
        let channel = self.somewhere(on);
        let words = self.words();
        let own: Vec<_> = self.spoken(on, channel).into_iter().filter(|(_, is_own)| *is_own).collect();
        if let Some((message, _)) = own.choose(&mut self.random) {
            on.discord.person_edits(channel, *message, &words);
        }
    }

    fn discord_takes_back(&mut self, on: &Conversation) {
        let channel = self.somewhere(on);
        let all = self.spoken(on, channel);
        let some: BTreeSet<Snowflake> =
            all.choose_multiple(&mut self.random, 2).map(|(message, _)| *message).collect();
        match self.random.random_range(0..3) {
            0 => on.discord.moderator_deletes(channel, &some.into_iter().collect::<Vec<_>>()),
            _ => {
                if let Some(message) = some.first() {
                    on.discord.person_deletes(channel, *message);
                }
            }
        }
    }

    fn discord_reacts(&mut self, on: &Conversation) {
        let (channel, who) = (self.somewhere(on), self.somebody(on));
        let wave = format!("wave:{}", on.wave);
        let emoji = *[EMOJI[0], EMOJI[1], wave.as_str()].choose(&mut self.random).expect("there are some");
        let all = self.spoken(on, channel);
        let Some((message, _)) = all.choose(&mut self.random) else { return };
        if !on.discord.person_unreacts((channel, *message), who, emoji) {
            on.discord.person_reacts((channel, *message), who, emoji);
        }
    }

    /// The latest words that stand in a channel, and whether somebody on Discord said them. A root stays.
    fn spoken(&self, on: &Conversation, channel: Snowflake) -> Vec<(Snowflake, bool)> {
        let all = on.discord.messages(channel);
        let latest = all.iter().rev().take(LATELY);
        let plain = latest.filter(|it| it.id != self.thread && it.kind.is_none() && it.files.is_empty());
        // Only a text of several messages has dots in it; one of them alone is no message.
        plain
            .filter(|it| !it.content.is_empty() && !it.content.contains('.'))
            .map(|it| (it.id, matches!(it.author, Author::User(_))))
            .collect()
    }

    fn lately(&self) -> Vec<(usize, String)> {
        self.said.iter().rev().take(LATELY).cloned().collect()
    }

    fn somewhere(&mut self, on: &Conversation) -> Snowflake {
        if self.random.random_ratio(1, 4) { self.thread } else { on.small.general }
    }

    fn somebody(&mut self, on: &Conversation) -> Snowflake {
        *[on.small.alice, on.small.bob, on.carol].choose(&mut self.random).expect("there are people")
    }

    /// Words that nobody said before.
    fn words(&mut self) -> String {
        format!("w{}x{}", self.done, self.random.random_range(0..10_000))
    }
}
