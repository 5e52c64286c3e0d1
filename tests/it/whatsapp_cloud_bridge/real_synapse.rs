//! The number of a business at a real Synapse: what people on both sides see, and that kills at random lose and double nothing.

use std::collections::{BTreeMap, BTreeSet};

use magpie_common::clock::Clock;
use magpie_tests::{
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        synapse::{Database, Synapse, SynapseOptions},
        tools::{Component, need},
    },
    stage::{Cast, Stage},
    whatsapp_cloud::{
        Chat, Message, Refusals, SmallWorld, Status, WhatsAppCloudSim, World, staged::platform_section,
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

const SERVER: &str = "magpie.test";
const BOT: &str = "@whatsappbot:magpie.test";

/// So long is left of Alice's window when the bridge hears of her.
const LEFT_MS: i64 = 45_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Rounds of talk that end with a kill.
const KILLS: usize = 6;

struct Story {
    synapse: Synapse,
    sim: WhatsAppCloudSim,
    small: SmallWorld,
    bridge: Bridge,
    ada: Person,
    _stage: Stage,
}

impl Story {
    async fn begin(clock: Clock) -> anyhow::Result<Self> {
        let (world, small) = World::small(clock);
        let sim = WhatsAppCloudSim::start(world).await?;
        sim.brings_again_after_ms(50, 1_000);
        let mut stage = Stage::set(Cast {
            id: "whatsapp",
            server_name: SERVER.to_owned(),
            homeserver: String::new(),
            database: None,
            durability: "full",
            admin: format!("@ada:{SERVER}"),
            platform: platform_section(&sim, small.number),
            environment: vec![("MAGPIE_BRIDGE__MESSAGE_STATUS_EVENTS".to_owned(), "true".to_owned())],
        })?;
        let registrations = vec![stage.registration()];
        let options =
            SynapseOptions { database: Database::Sqlite, registrations, server_name: SERVER.to_owned() };
        let synapse = Synapse::start(options).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        let ada = synapse.person("ada").await?;
        let bridge = stage.start().await?;
        let address = format!("{}/_magpie/webhook", stage.url());
        sim.subscribe(&address).await.map_err(anyhow::Error::msg)?;
        Ok(Self { synapse, sim, small, bridge, ada, _stage: stage })
    }

    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success());
        self.synapse.stop().await
    }

    /// Somebody writes for the first time, and Ada comes into the room of that.
    async fn room_of(&self, chat: Chat, words: &str) -> anyhow::Result<String> {
        let known: Vec<String> = self.ada.seen().into_iter().map(|event| event.room).collect();
        self.sim.person_says(chat, words);
        let is_new = |event: &Event| event.is_invite_of(self.ada.id(), BOT) && !known.contains(&event.room);
        let invite = self.ada.wait_within(std::time::Duration::from_secs(60), is_new).await?;
        self.ada.join(&invite.room).await?;
        self.ada.wait_for_text(&invite.room, words).await?;
        Ok(invite.room)
    }

    async fn told(&self, room: &str, words: &str) -> anyhow::Result<Event> {
        let is_it = |event: &Event| event.kind() == "m.room.message" && event.body().contains(words);
        self.ada.wait_for(room, |event| event.sender() == BOT && is_it(event)).await
    }

    async fn topic(&self, room: &str, words: &str) -> anyhow::Result<()> {
        let says = |event: &Event| {
            event.kind() == "m.room.topic"
                && event.content()["topic"].as_str().is_some_and(|topic| topic.contains(words))
        };
        self.ada
            .wait_within(std::time::Duration::from_secs(90), |event| event.room == room && says(event))
            .await?;
        Ok(())
    }

    async fn arrives(&self, chat: Chat, words: &str) -> anyhow::Result<Message> {
        let says = |message: &Message| message.content["body"].as_str().is_some_and(|it| it.contains(words));
        self.sim.wait_for_message(chat, says).await
    }
}

#[tokio::test]
async fn a_business_talks_at_a_real_synapse() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    // Alice wrote nearly a day ago, to nobody's knowledge.
    let clock = Clock::fixed(Clock::system().now_ms() - DAY_MS + LEFT_MS, 7);
    let story = Story::begin(clock).await?;
    // That clock stands still.
    story.sim.brings_again_after_ms(0, 0);
    let (alice, bob) = (story.small.with_alice(), story.small.with_bob());
    let with_alice = story.room_of(alice, "an old question").await?;
    story.topic(&with_alice, "less than 10 minutes").await?;
    story.sim.advance_ms(DAY_MS - LEFT_MS);
    let with_bob = story.room_of(bob, "a new question").await?;
    story.topic(&with_bob, "24 hours after the person wrote last").await?;
    what_became_of_it_is_shown(&story, bob, &with_bob).await?;
    buttons_and_lists_are_pressed(&story, bob, &with_bob).await?;
    a_changed_number_keeps_the_room(&story, bob, &with_bob).await?;
    the_window_shuts_and_opens(&story, alice, &with_alice).await?;
    story.end().await
}

/// Delivered, read, failed.
async fn what_became_of_it_is_shown(story: &Story, chat: Chat, room: &str) -> anyhow::Result<()> {
    let Story { ada, sim, .. } = story;
    let event = ada.send_text(room, "we have birds").await?;
    let sent = story.arrives(chat, "we have birds").await?;
    let user = sim.person(chat.person).expect("it is a person").user_id;
    let ghost = ada.wait_for_text(room, "a new question").await?.sender().to_owned();
    assert!(ghost.to_lowercase().contains(&user[3..].to_lowercase()), "{ghost} is {user}");
    let has_arrived = |seen: &Event| {
        seen.kind() == "com.beeper.message_send_status"
            && seen.content()["m.relates_to"]["event_id"] == event.as_str()
            && seen.content()["delivered_to_users"] == json!([ghost])
    };
    ada.wait_for(room, has_arrived).await?;
    assert!(sim.message_gets(&sent.id, Status::Read));
    let has_read =
        |seen: &Event| seen.kind() == "m.receipt" && seen.content()[&event]["m.read"].get(&ghost).is_some();
    ada.wait_for(room, has_read).await?;
    assert!(sim.message_fails(&sent.id, 131_026));
    story.told(room, "WhatsApp took your message, but it did not arrive").await?;
    Ok(())
}

/// Polls become buttons and lists; what is pressed is a vote. What Bob presses elsewhere is shown in words.
async fn buttons_and_lists_are_pressed(story: &Story, chat: Chat, room: &str) -> anyhow::Result<()> {
    let Story { ada, sim, .. } = story;
    let answers = |words: &[&str]| -> Vec<Value> {
        words
            .iter()
            .map(|words| json!({"id": format!("a-{words}"), "org.matrix.msc1767.text": words}))
            .collect()
    };
    for (question, words, kind, pressed) in [
        ("tea?", &["yes", "no"][..], "button", 1),
        ("which one?", &["green", "black", "white", "mint"][..], "list", 3),
    ] {
        let start = json!({
            "question": {"org.matrix.msc1767.text": question}, "max_selections": 1, "answers": answers(words),
        });
        let content = json!({"org.matrix.msc3381.poll.start": start});
        let poll = ada.send_event(room, "org.matrix.msc3381.poll.start", content).await?;
        let asks = |message: &Message| message.content["type"] == kind;
        let asked = sim.wait_for_message(chat, asks).await?;
        let id = format!("magpie-{pressed}");
        match kind {
            "button" => sim.person_presses(chat, &asked.id, &id)?,
            _ => sim.person_picks(chat, &asked.id, &id)?,
        };
        let vote = |seen: &Event| {
            seen.kind() == "org.matrix.msc3381.poll.response"
                && seen.content()["m.relates_to"]["event_id"] == poll.as_str()
        };
        let vote = ada.wait_for(room, vote).await?;
        let chosen = &vote.content()["org.matrix.msc3381.poll.response"]["answers"];
        assert_eq!(*chosen, json!([format!("a-{}", words[pressed])]));
    }
    Ok(())
}

/// Bob gets another number, and with it another user id: he goes on in the same room, as the same ghost.
async fn a_changed_number_keeps_the_room(story: &Story, chat: Chat, room: &str) -> anyhow::Result<()> {
    let Story { ada, sim, .. } = story;
    let before = ada.wait_for_text(room, "a new question").await?.sender().to_owned();
    let known = sim.person(chat.person).expect("it is a person").user_id;
    sim.person_changes_number(chat.person, "16505559999");
    assert_ne!(sim.person(chat.person).expect("it is a person").user_id, known);
    sim.person_says(chat, "with my new number");
    assert_eq!(ada.wait_for_text(room, "with my new number").await?.sender(), before);
    ada.send_text(room, "we have noted it").await?;
    story.arrives(chat, "we have noted it").await?;
    Ok(())
}

/// The topic counts down, words are refused, a template goes, and an answer to it opens the window.
async fn the_window_shuts_and_opens(story: &Story, chat: Chat, room: &str) -> anyhow::Result<()> {
    let Story { ada, sim, .. } = story;
    story.topic(room, "no messages here until the person writes again").await?;
    // WhatsApp's own clock has stood still since then, and it is asked for some minutes more.
    sim.advance_ms(LEFT_MS);
    sim.refuses(Refusals::InAnswers);
    ada.send_text(room, "too late").await?;
    story.told(room, "only within 24 hours").await?;
    ada.send_text(room, "!whatsapp template hello_world en_US").await?;
    sim.wait_for_message(chat, |message| message.kind == "template").await?;
    sim.person_says(chat, "oh, hello again");
    ada.wait_for_text(room, "oh, hello again").await?;
    story.topic(room, "24 hours after the person wrote last").await?;
    ada.send_text(room, "welcome back").await?;
    story.arrives(chat, "welcome back").await?;
    let bodies: Vec<String> = sim.messages(chat).iter().map(|it| it.content["body"].to_string()).collect();
    assert!(!bodies.iter().any(|body| body.contains("too late")), "{bodies:?}");
    Ok(())
}

/// What is said on both sides while the bridge is killed again and again arrives once, or Ada is told that nobody knows.
#[tokio::test]
async fn nothing_is_lost_or_doubled_at_a_real_synapse_under_kills() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let seed = super::seed();
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut story = Story::begin(Clock::system()).await?;
    let chat = story.small.with_bob();
    let room = story.room_of(chat, "are you there?").await?;
    let mut said: Vec<(String, String)> = Vec::new();
    let mut heard: Vec<String> = Vec::new();
    for round in 0..KILLS {
        let count = random.random_range(2..=5);
        for nth in 0..count {
            let words = format!("to bob {round}-{nth}.");
            said.push((story.ada.send_text(&room, &words).await?, words));
            heard.push(format!("from bob {round}-{nth}."));
            story.sim.person_says(chat, &heard[heard.len() - 1]);
        }
        // The kill comes when any one of them has arrived.
        let place = said.len() - random.random_range(1..=count);
        match random.random_bool(0.5) {
            true => drop(story.arrives(chat, &said[place].1).await?),
            false => drop(story.ada.wait_for_text(&room, &heard[place]).await?),
        }
        story.bridge.kill_and_restart().await?;
    }
    story.ada.send_text(&room, "the last word.").await?;
    story.arrives(chat, "the last word.").await?;
    for words in &heard {
        story.ada.wait_for_text(&room, words).await?;
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
    let arrived = story.sim.messages(chat);
    let arrivals = |words: &str| {
        let is_it =
            |message: &&Message| message.content["body"].as_str().is_some_and(|it| it.contains(words));
        arrived.iter().filter(is_it).count()
    };
    let mut uncertain = 0;
    for (event, words) in &said {
        let is_doubted = doubted.contains(&json!(event).to_string());
        // A status settles whatever has gone, so only what has not is in doubt.
        assert_eq!(
            (arrivals(words), is_doubted),
            (usize::from(!is_doubted), is_doubted),
            "{words}, seed {seed}"
        );
        uncertain += usize::from(is_doubted);
    }
    println!("said {}, heard {}, kills {KILLS}, uncertain {uncertain}", said.len(), heard.len());
    assert!(uncertain <= KILLS, "one at most for each kill");
    story.end().await
}
