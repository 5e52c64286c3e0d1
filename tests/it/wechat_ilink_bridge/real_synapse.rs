//! A bot of iLink's at a real Synapse: what people on both sides see, and that kills at random lose and double nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use magpie_common::clock::Clock;
use magpie_tests::{
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        synapse::{Database, Synapse, SynapseOptions},
        tools::{Component, need},
    },
    stage::{Cast, Stage},
    wechat_ilink::{
        BotId, FileKind, ILinkSim, Quote, SentFile, World,
        staged::{environment, platform_section, sign_in},
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

const SERVER: &str = "magpie.test";
const BOT: &str = "@wechatbot:magpie.test";

/// Rounds of talk that end with a kill.
const KILLS: usize = 6;

/// Making a room takes Synapse a while.
const PATIENCE: Duration = Duration::from_secs(60);

const BIRDS: &[u8] = b"forty-two birds in a bush";

struct Story {
    synapse: Synapse,
    sim: ILinkSim,
    bot: BotId,
    bridge: Bridge,
    ada: Person,
    _stage: Stage,
}

impl Story {
    /// Ada has bound a bot to her own WeChat, which is Alice's for the simulator.
    async fn begin() -> anyhow::Result<Self> {
        let (world, small) = World::small();
        let sim = ILinkSim::start(world).await?;
        let mut stage = Stage::set(Cast {
            id: "wechat",
            server_name: SERVER.to_owned(),
            homeserver: String::new(),
            database: None,
            durability: "full",
            admin: format!("@ada:{SERVER}"),
            platform: platform_section(&sim),
            environment: environment(),
        })?;
        let registrations = vec![stage.registration()];
        let options =
            SynapseOptions { database: Database::Sqlite, registrations, server_name: SERVER.to_owned() };
        let synapse = Synapse::start(options).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        let ada = synapse.person("ada").await?;
        let bridge = stage.start().await?;
        let bot = sign_in(&sim, (&stage.url(), ada.id()), small.alice).await?;
        Ok(Self { synapse, sim, bot, bridge, ada, _stage: stage })
    }

    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success());
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
        self.synapse.stop().await
    }

    /// Alice writes for the first time, and Ada comes into the room of that.
    async fn room(&self, words: &str) -> anyhow::Result<String> {
        self.sim.person_says(self.bot, words);
        let invite = self.invite(|_| true).await?;
        self.ada.wait_for_text(&invite, words).await?;
        Ok(invite)
    }

    /// Ada follows the bridge's next invitation into a room.
    async fn invite(&self, is_wanted: impl Fn(&Event) -> bool) -> anyhow::Result<String> {
        let is_it = |event: &Event| event.is_invite_of(self.ada.id(), BOT) && is_wanted(event);
        let invite = self.ada.wait_within(PATIENCE, is_it).await?;
        self.ada.join(&invite.room).await?;
        Ok(invite.room)
    }
}

#[tokio::test]
async fn a_bot_talks_at_a_real_synapse() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let story = Story::begin().await?;
    let Story { ada, sim, bot, .. } = &story;
    let room = story.room("are you there?").await?;

    // Words and quotes, both ways.
    ada.send_text(&room, "here I am").await?;
    let here = sim.wait_for_text(*bot, "here I am").await?;
    sim.person_quotes(*bot, &Quote::ById(here.id), "so I see[微笑]");
    let answer = ada.wait_for_text(&room, "so I see🙂").await?;
    let answered = &answer.content()["m.relates_to"]["m.in_reply_to"]["event_id"];
    assert_eq!(*answered, json!(ada.wait_for_text(&room, "here I am").await?.id()));

    // Files, both ways.
    sim.person_sends_file(*bot, SentFile::new(FileKind::File, BIRDS));
    let shown = ada.wait_for(&room, |event| event.content()["msgtype"] == "m.file").await?;
    let mxc = shown.content()["url"].as_str().expect("a file has an address").to_owned();
    assert_eq!(ada.download(&mxc).await?, BIRDS);
    let mxc = ada.upload("seeds.txt", "text/plain", b"seeds for birds".to_vec()).await?;
    let file =
        json!({"msgtype": "m.file", "body": "seeds.txt", "url": mxc, "info": {"mimetype": "text/plain"}});
    ada.send_message(&room, file).await?;
    let brought = sim.wait_for_sent(*bot, |sent| sent.file.is_some()).await?;
    assert_eq!(brought.file.as_deref(), Some(&b"seeds for birds"[..]));

    ada.typing(&room, 20_000).await?;
    sim.wait_for_typing(*bot, true).await?;

    // The context is gone: that is said, and nothing is repeated for ever. When Alice writes again, Ada is heard again.
    sim.contexts_expire(*bot);
    ada.send_text(&room, "lost in between").await?;
    sim.wait_for_request(|request| request.answer["ret"] == -2).await?;
    sim.person_says(*bot, "and now?");
    ada.wait_for_text(&room, "and now?").await?;
    ada.send_text(&room, "now it works").await?;
    sim.wait_for_text(*bot, "now it works").await?;
    let times = sim.texts(*bot).iter().filter(|text| text.contains("lost in between")).count();
    assert!(times <= 1, "it was said {times} times");

    // WeChat forgets the bot: Ada is told what to do.
    sim.token_goes_stale(*bot);
    let desk = story.invite(|invite| invite.room != room && invite.content()["is_direct"] == true).await?;
    let says = |event: &Event| event.sender() == BOT && event.body().contains("login ilink");
    ada.wait_for(&desk, says).await?;
    story.end().await
}

/// What is said on both sides while the bridge is killed again and again arrives once, or Ada is told that nobody knows.
#[tokio::test]
async fn nothing_is_lost_or_doubled_at_a_real_synapse_under_kills() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let wanted = std::env::var("MAGPIE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = wanted.unwrap_or_else(|| u64::from(u32::from_le_bytes(Clock::system().random_bytes())));
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut story = Story::begin().await?;
    let bot = story.bot;
    let room = story.room("are you there?").await?;
    let mut said: Vec<(String, String)> = Vec::new();
    let mut heard: Vec<String> = Vec::new();
    for round in 0..KILLS {
        let count = random.random_range(2..=4);
        for nth in 0..count {
            heard.push(format!("from alice {round}-{nth}."));
            story.sim.person_says(bot, &heard[heard.len() - 1]);
            let words = format!("to alice {round}-{nth}.");
            said.push((story.ada.send_text(&room, &words).await?, words));
        }
        story.sim.repeats_all_updates(bot);
        // The kill comes when any one of them has arrived.
        let place = said.len() - random.random_range(1..=count);
        match random.random_bool(0.5) {
            true => drop(story.sim.wait_for_text(bot, &said[place].1).await?),
            false => drop(story.ada.wait_for_text(&room, &heard[place]).await?),
        }
        story.bridge.kill_and_restart().await?;
    }
    story.sim.person_says(bot, "the last but one.");
    story.ada.wait_for_text(&room, "the last but one.").await?;
    story.ada.send_text(&room, "the last word.").await?;
    story.sim.wait_for_text(bot, "the last word.").await?;
    // What a kill left in doubt is told behind all that, in its own time.
    for (event, words) in &said {
        let is_told = |told: &Event| {
            told.body().starts_with('❔')
                && told.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == json!(event)
        };
        if !story.sim.texts(bot).iter().any(|text| text.contains(words.as_str())) {
            story.ada.wait_for(&room, is_told).await?;
        }
    }
    let (mut times, mut doubted) = (BTreeMap::<String, usize>::new(), BTreeSet::new());
    for event in story.ada.messages(&room).await? {
        *times.entry(event.body().to_owned()).or_default() += 1;
        if event.body().starts_with('❔') {
            doubted.insert(event.content()["m.relates_to"]["m.in_reply_to"]["event_id"].to_string());
        }
    }
    for words in &heard {
        assert_eq!(times.get(words), Some(&1), "{words}, seed {seed}");
    }
    let arrived = story.sim.texts(bot);
    let mut uncertain = 0;
    for (event, words) in &said {
        let arrivals = arrived.iter().filter(|text| text.contains(words.as_str())).count();
        let is_doubted = doubted.contains(&json!(event).to_string());
        // What is in doubt may have arrived; all else has, once.
        let is_right = if is_doubted { arrivals <= 1 } else { arrivals == 1 };
        assert!(is_right, "{words} arrived {arrivals} times, doubted: {is_doubted}, seed {seed}");
        uncertain += usize::from(is_doubted);
    }
    println!("said {}, heard {}, kills {KILLS}, uncertain {uncertain}", said.len(), heard.len());
    assert!(uncertain <= KILLS, "one at most for each kill");
    story.end().await
}
