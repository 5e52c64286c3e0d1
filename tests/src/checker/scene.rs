//! A bridge between a fake homeserver and a network, both of which outlive it, and people on both sides who write numbered messages.
//!
//! Everything random follows from the seed. Waiting is for events; the only clock is a last resort that turns a hanging test into a
//! failing one.

use std::os::unix::process::ExitStatusExt;

use anyhow::{Context, bail, ensure};
use magpie_common::testkit::fake_homeserver::{FakeHomeserver, FakePerson};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use ruma::OwnedRoomId;

use super::{Input, Network, Verdict, Way, reading::Reading, words};
use crate::{
    harness::bridge::Bridge,
    stage::{Cast, Stage},
};

/// Chats that people talk in at a time.
const CHATS: usize = 3;
/// As many rounds of talk must reach any step.
const BURSTS_MAX: usize = 60;
/// A lane gets up to this many messages in one burst.
const BURST_MAX: usize = 4;

/// So often a bridge that comes up says that it is not there yet.
const GREETINGS_MAX: usize = 2_000;

const MATRIX_PEOPLE: [&str; 3] = ["alice", "bob", "carol"];
/// Who writes on the network.
pub const NETWORK_PEOPLE: [&str; 3] = ["ada", "ben", "cleo"];
const SIGKILL: i32 = 9;

/// How a scene is set.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// What everything random follows from.
    pub seed: u64,
    /// The database; SQLite when absent.
    pub database: Option<String>,
    /// Environment variables of every process of the bridge.
    pub environment: Vec<(String, String)>,
}

/// A bridge, what it stands between, and the record of what was said.
pub struct Scene<N> {
    /// The network.
    pub network: N,
    /// The homeserver.
    pub homeserver: FakeHomeserver,
    /// Follows from the seed.
    pub random: StdRng,
    /// How often the bridge was killed.
    pub kills: usize,
    setting: Setting,
    people: Vec<FakePerson>,
    /// The chats that people talk in now, with their rooms.
    chats: Vec<(String, OwnedRoomId)>,
    opened: usize,
    /// Chats that nobody in Matrix talks in yet.
    new: Vec<String>,
    reading: Reading,
    bridge: Bridge,
    _stage: Stage,
}

impl<N: Network> Scene<N> {
    /// Sets it: the bridge runs, and a few chats have their rooms.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn set(network: N, setting: Setting) -> anyhow::Result<Self> {
        let mut stage = Stage::set(cast::<N>(&setting))?;
        stage.set_platform(network.platform(&stage.url()));
        let homeserver = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&homeserver.url());
        let people = MATRIX_PEOPLE.map(|name| homeserver.person(name)).to_vec();
        if let Some(program) = N::PROGRAM {
            stage.set_program(program);
        }
        let bridge = stage.start().await?;
        network.sign_in(&stage.url(), people[0].user_id().as_str()).await?;
        let reading = Reading::of::<N>(homeserver.server_name().as_str());
        let random = StdRng::seed_from_u64(setting.seed);
        let mut scene = Self {
            network,
            homeserver,
            random,
            kills: 0,
            setting,
            people,
            chats: Vec::new(),
            opened: 0,
            new: Vec::new(),
            reading,
            bridge,
            _stage: stage,
        };
        for _ in 0..CHATS {
            scene.open_chat();
        }
        scene.settle().await?;
        ensure!(scene.chats.len() == CHATS, "the first chats have no rooms: {:?}", scene.chats);
        Ok(scene)
    }

    /// Opens a chat; its first message is what its room is made for.
    pub fn open_chat(&mut self) {
        self.opened += 1;
        let name = format!("chat-{}", self.opened);
        let chat = self.network.open_chat(&name);
        self.reading.add_chat(&chat, &name);
        self.person_says(&chat);
        self.new.push(chat);
    }

    /// A burst of talk: in every chat, both ways at once, so that lanes have depth.
    pub fn burst(&mut self) {
        self.bursts_of(BURST_MAX);
    }

    /// A longer burst: up to `most` messages in each lane.
    pub fn bursts_of(&mut self, most: usize) {
        for (chat, room) in self.chats.clone() {
            for _ in 0..self.random.random_range(1..=most) {
                self.person_says(&chat);
            }
            for _ in 0..self.random.random_range(1..=most) {
                self.matrix_says(&chat, &room);
            }
        }
    }

    /// People in Matrix say `count` messages in every chat, and nobody else says anything.
    pub fn chatter(&mut self, count: usize) {
        for (chat, room) in self.chats.clone() {
            for _ in 0..count {
                self.matrix_says(&chat, &room);
            }
        }
    }

    /// Waits until the bridge prints these words.
    ///
    /// # Errors
    /// When it does not.
    pub async fn prints(&mut self, words: &str) -> anyhow::Result<()> {
        self.bridge.prints(words).await
    }

    /// Waits until something has come of this message.
    ///
    /// # Errors
    /// When nothing does.
    pub async fn arrived(&mut self, number: u64) -> anyhow::Result<()> {
        settled(&mut self.reading, &self.homeserver, &self.network, &[number]).await
    }

    /// The number of the newest message.
    pub fn newest(&self) -> u64 {
        self.reading.next_number() - 1
    }

    /// Restarts the bridge with this in its environment, and talks until it is killed by itself. `each` is called before every burst. One that
    /// still runs is killed first: two on one database are one too many.
    ///
    /// # Errors
    /// When it ends in another way, or never.
    pub async fn dies_at(&mut self, kill_at: &str, mut each: impl FnMut(&mut Self)) -> anyhow::Result<()> {
        if self.bridge.id().is_some() {
            self.bridge.kill().await?;
        }
        self.respawn(Some(kill_at))?;
        for _ in 0..BURSTS_MAX {
            let first = self.reading.next_number();
            each(self);
            self.burst();
            // Not for older ones: what was lost in an earlier death never comes, and that is for the verdict to say.
            let said = self.since(first);
            let dead = {
                let (reading, homeserver, network) = (&mut self.reading, &self.homeserver, &self.network);
                tokio::select! {
                    exited = self.bridge.exited(N::WAIT_MAX) => Some(exited?),
                    settled = settled(reading, homeserver, network, &said) => { settled?; None }
                }
            };
            let Some(status) = dead else { continue };
            ensure!(
                status.signal() == Some(SIGKILL),
                "it ended by itself ({status}):\n{}",
                self.bridge.tail()
            );
            self.kills += 1;
            return Ok(());
        }
        bail!("no burst of talk brought the bridge to {kill_at}")
    }

    /// Talks, and kills the running bridge from outside when some of it has arrived.
    ///
    /// # Errors
    /// When nothing arrives.
    pub async fn dies_midway(&mut self, most: usize) -> anyhow::Result<()> {
        let first = self.reading.next_number();
        self.bursts_of(most);
        // Any of them: the kill comes at another moment each time.
        let wanted = [*self.since(first).choose(&mut self.random).context("a burst says something")?];
        settled(&mut self.reading, &self.homeserver, &self.network, &wanted).await?;
        self.bridge.kill().await?;
        self.kills += 1;
        Ok(())
    }

    /// Restarts the ended bridge without waiting for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn respawn(&mut self, kill_at: Option<&str>) -> anyhow::Result<()> {
        let mut environment = self.setting.environment.clone();
        environment.extend(kill_at.map(|kill_at| ("MAGPIE_KILL_AT".to_owned(), kill_at.to_owned())));
        self.bridge.respawn_with(environment)
    }

    /// Waits until all that was written has come to its end, and judges it.
    ///
    /// Lanes are worked in order: once the last word of each lane has arrived, what was taken before it has happened or never will.
    ///
    /// # Errors
    /// When even the last words do not arrive.
    pub async fn settle(&mut self) -> anyhow::Result<Verdict> {
        self.adopt().await?;
        self.network.taken().await;
        let first = self.reading.next_number();
        for (chat, room) in self.chats.clone() {
            self.person_says(&chat);
            self.matrix_says(&chat, &room);
        }
        let last = self.since(first);
        let settled = settled(&mut self.reading, &self.homeserver, &self.network, &last).await;
        settled.with_context(|| format!("seed {}; its log:\n{}", self.setting.seed, self.bridge.tail()))?;
        if tokio::time::timeout(N::WAIT_MAX, self.network.caught_up()).await.is_err() {
            self.network.keep_record();
            bail!("something was asked for again and has not come");
        }
        self.reading.read(&self.homeserver, &self.network);
        // Chats fall silent in favor of newer ones, but not before their last word.
        let old = self.chats.len().saturating_sub(CHATS);
        self.chats.drain(..old);
        let verdict = self.reading.judge(&self.network);
        if !verdict.violations.is_empty() {
            self.network.keep_record();
        }
        Ok(verdict)
    }

    /// What the bridge itself says about a message.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn trace(&self, number: u64) -> anyhow::Result<String> {
        let input = self.reading.input(number).context("it was written")?;
        Ok(format!("{input:?}:\n{}", self.command(&format!("trace {}", input.id)).await?))
    }

    /// How much is parked, as the bridge itself says.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn parked(&self) -> anyhow::Result<usize> {
        let answer = self.command("status").await?;
        let parked = answer.lines().find_map(|line| line.split_once(" parked;")?.0.parse().ok());
        Ok(parked.unwrap_or_default())
    }

    /// Ends the bridge in order, and judges what is there when nothing more can come.
    ///
    /// # Errors
    /// When it does not end in order.
    pub async fn end(mut self) -> anyhow::Result<Verdict> {
        let status = self.bridge.stop().await?;
        ensure!(status.success(), "it did not stop in order ({status}):\n{}", self.bridge.tail());
        self.reading.read(&self.homeserver, &self.network);
        Ok(self.reading.judge(&self.network))
    }

    async fn command(&self, words: &str) -> anyhow::Result<String> {
        let (_, room) = self.chats.first().context("there is a room")?;
        self.command_in(room, words).await
    }

    /// A bridge that was just started may have to be asked again.
    async fn greet(&self, room: &OwnedRoomId) -> anyhow::Result<()> {
        let Some((words, wanted)) = N::GREETING else { return Ok(()) };
        for _ in 0..GREETINGS_MAX {
            if self.command_in(room, words).await?.contains(wanted) {
                return Ok(());
            }
        }
        bail!("`{words}` is not taken")
    }

    async fn command_in(&self, room: &OwnedRoomId, words: &str) -> anyhow::Result<String> {
        let asked = self.people[0].sends(room, &format!("!{} {words}", N::BRIDGE));
        let answer = self.homeserver.wait_for(room, |event| {
            event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == asked.as_str()
        });
        let answer = tokio::time::timeout(N::WAIT_MAX, answer).await;
        Ok(answer.with_context(|| format!("no answer to `{words}`"))?.body())
    }

    /// Takes the rooms of new chats into use.
    async fn adopt(&mut self) -> anyhow::Result<()> {
        for chat in std::mem::take(&mut self.new) {
            let room = self.homeserver.wait_until(|homeserver| {
                let room = self.reading.room_of(homeserver, &chat)?;
                homeserver.membership(&room, self.people[0].user_id()).map(|_| room)
            });
            let room = tokio::time::timeout(N::WAIT_MAX, room).await;
            let room =
                room.with_context(|| format!("{chat} got no room; its log:\n{}", self.bridge.tail()))?;
            for person in &self.people[1..] {
                self.people[0].invites(&room, person.user_id()).await;
            }
            self.greet(&room).await?;
            self.chats.push((chat, room));
        }
        Ok(())
    }

    /// The numbers of what was written from `first` on.
    fn since(&self, first: u64) -> Vec<u64> {
        (first..self.reading.next_number()).collect()
    }

    fn person_says(&mut self, chat: &str) {
        let people = self.network.people(chat);
        let person = people.choose(&mut self.random).expect("there are people");
        let number = self.reading.next_number();
        let id = self.network.person_says(chat, person, &words(number));
        let voice = format!("{}:{}", self.network.ghost(person), self.homeserver.server_name());
        self.reading.add(Input { number, way: Way::ToMatrix, chat: chat.to_owned(), voice, id });
    }

    fn matrix_says(&mut self, chat: &str, room: &OwnedRoomId) {
        let nth = self.random.random_range(0..self.people.len());
        let number = self.reading.next_number();
        let id = self.people[nth].sends(room, &words(number)).to_string();
        let voice = MATRIX_PEOPLE[nth].to_owned();
        self.reading.add(Input { number, way: Way::ToNetwork, chat: chat.to_owned(), voice, id });
    }
}

/// Waits until something has come of each of these.
async fn settled<N: Network>(
    reading: &mut Reading,
    homeserver: &FakeHomeserver,
    network: &N,
    wanted: &[u64],
) -> anyhow::Result<()> {
    let all = async {
        loop {
            let (events, version) = (homeserver.event_count(), network.version());
            reading.read(homeserver, network);
            if wanted.iter().all(|number| !reading.pending().contains(number)) {
                return;
            }
            tokio::select! {
                () = homeserver.wait_until(|homeserver| (homeserver.event_count() != events).then_some(())) => {}
                () = network.changed(version) => {}
            }
        }
    };
    if tokio::time::timeout(N::WAIT_MAX, all).await.is_err() {
        network.keep_record();
        bail!("nothing came of these in time: {:#?}", reading.pending_inputs());
    }
    Ok(())
}

fn cast<N: Network>(setting: &Setting) -> Cast {
    Cast {
        id: N::BRIDGE,
        server_name: "example.org".to_owned(),
        homeserver: String::new(),
        database: setting.database.clone(),
        durability: "full",
        admin: "@alice:example.org".to_owned(),
        platform: String::new(),
        environment: setting.environment.clone(),
    }
}
