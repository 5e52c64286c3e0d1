//! The real program between a simulated Official Account and a homeserver: what people see.

use magpie_common::{clock::Clock, testkit::fake_homeserver::FakeHomeserver};
use magpie_tests::{
    harness::bridge::Bridge,
    stage::{Cast, Stage},
    wechat_official::{
        APP_ID, OfficialSim, SentFile, SmallWorld, World,
        staged::{callback_address, platform_section},
    },
};
use ruma::RoomId;

/// The program on its stage, with callbacks on their way to it.
pub(super) struct Staged {
    pub(super) sim: OfficialSim,
    pub(super) small: SmallWorld,
    pub(super) homeserver: FakeHomeserver,
    pub(super) bridge: Bridge,
    /// Where callbacks go.
    pub(super) address: String,
    /// Its files, which go with it.
    pub(super) stage: Stage,
}

impl Staged {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let (world, small) = World::small(Clock::system());
        let sim = OfficialSim::start(world).await?;
        sim.brings_again_after_ms(100, 4);
        let mut stage = Stage::set(Cast {
            id: "wechat",
            server_name: "example.org".to_owned(),
            homeserver: "http://127.0.0.1:9".to_owned(),
            database: None,
            durability: "full",
            admin: "@admin:example.org".to_owned(),
            platform: platform_section(&sim, APP_ID),
            environment: Vec::new(),
        })?;
        let homeserver = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&homeserver.url());
        let bridge = stage.start().await?;
        let address = callback_address(&stage.url(), APP_ID);
        sim.subscribe(APP_ID, &address).await.map_err(anyhow::Error::msg)?;
        Ok(Self { sim, small, homeserver, bridge, address, stage })
    }
}

async fn told(homeserver: &FakeHomeserver, room: &RoomId, words: &str) {
    homeserver
        .wait_for(room, |event| event.event_type == "m.room.message" && event.body().contains(words))
        .await;
}

async fn topic(homeserver: &FakeHomeserver, room: &RoomId, words: &str) {
    let says = |homeserver: &FakeHomeserver| {
        let topic = homeserver.state(room, "m.room.topic", "")?;
        topic["topic"].as_str()?.contains(words).then_some(())
    };
    homeserver.wait_until(says).await;
}

/// Everything that Alice does comes once, however often it is told, and replays of it add nothing.
async fn repeats_add_nothing(staged: &Staged, room: &RoomId) -> anyhow::Result<()> {
    let Staged { sim, small, homeserver, .. } = staged;
    sim.repeats_callbacks(2);
    sim.person_sends(&small.alice, &SentFile::voice(&b"#!AMR\n"[..], "what I said"));
    sim.person_presses(&small.alice, "PRICES");
    told(homeserver, room, "Pressed “PRICES” in the menu.").await;
    sim.wait_until_all_is_taken().await?;
    for place in 0..sim.callbacks().len() {
        sim.replays_callback(place);
    }
    sim.wait_until_all_is_taken().await?;
    sim.person_says(&small.alice, "and now?");
    told(homeserver, room, "and now?").await;
    let messages = homeserver.messages(room);
    for words in ["do you have seeds", "PRICES", "and now?"] {
        let times = messages.iter().filter(|(_, body)| body.contains(words)).count();
        assert_eq!(times, 1, "{words}");
    }
    Ok(())
}

#[tokio::test]
async fn people_talk_and_are_told_what_does_not_go() -> anyhow::Result<()> {
    let mut staged = Staged::start().await?;
    staged.sim.person_says(&staged.small.alice, "do you have seeds?[微笑]");
    let has = |homeserver: &FakeHomeserver, room: &RoomId| {
        homeserver.messages(room).iter().any(|(_, body)| body == "do you have seeds?🙂")
    };
    let find =
        |homeserver: &FakeHomeserver| homeserver.rooms().into_iter().find(|room| has(homeserver, room));
    let room = staged.homeserver.wait_until(find).await;
    let admin = staged.homeserver.person("admin");
    admin.joins(&room);
    let ghost = staged.homeserver.messages(&room)[0].0.clone();
    let profile = staged.homeserver.profile(&ghost);
    assert_eq!(profile.and_then(|profile| profile.display_name).as_deref(), Some("Alice"));
    topic(&staged.homeserver, &room, "up to five more messages").await;
    repeats_add_nothing(&staged, &room).await?;

    // Answers go until they are used up; then the room says so.
    let Staged { sim, small, homeserver, .. } = &staged;
    let first = admin.sends(&room, "the first answer");
    sim.wait_for_sent(&small.alice, |sent| sent.words().contains("the first answer")).await?;
    // Those of the menu come first, for a minute.
    while sim.left(&small.alice) > 0 {
        let count = sim.sent_count();
        admin.sends(&room, "one more");
        sim.wait_for_count_other_than(count).await?;
    }
    topic(homeserver, &room, "no messages here until the person writes again").await;
    admin.sends(&room, "too many");
    told(homeserver, &room, "only five times after a person wrote").await;
    admin.sends(&room, "!wechat capabilities");
    told(homeserver, &room, "WeChat takes no messages in this chat now").await;
    assert!(!sim.sent_to(&small.alice).iter().any(|sent| sent.words().contains("too many")));

    // What was said cannot be taken back, and the room says so.
    admin.redacts(&room, &first);
    told(homeserver, &room, "deletions").await;
    assert!(staged.bridge.stop().await?.success());
    Ok(())
}
