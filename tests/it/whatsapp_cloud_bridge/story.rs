//! The real program between a simulated WhatsApp and a homeserver: what people see.

use magpie_common::{clock::Clock, testkit::fake_homeserver::FakeHomeserver};
use magpie_tests::{
    harness::bridge::Bridge,
    stage::{Cast, Stage},
    whatsapp_cloud::{SmallWorld, Status, WhatsAppCloudSim, World, staged::platform_section},
};
use serde_json::json;

/// The program on its stage, with webhooks on their way to it.
pub(super) struct Staged {
    pub(super) sim: WhatsAppCloudSim,
    pub(super) small: SmallWorld,
    pub(super) homeserver: FakeHomeserver,
    pub(super) bridge: Bridge,
    /// Where webhooks go.
    pub(super) address: String,
    /// Its files, which go with it.
    pub(super) stage: Stage,
}

impl Staged {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let (mut world, small) = World::small(Clock::system());
        let ready = json!([{"type": "BODY", "text": "{{1}}, your order {{2}} is ready."}]);
        world.template(small.account, ("order_ready", "en_US"), ready);
        let sim = WhatsAppCloudSim::start(world).await?;
        let mut stage = Stage::set(Cast {
            id: "whatsapp",
            server_name: "example.org".to_owned(),
            homeserver: "http://127.0.0.1:9".to_owned(),
            database: None,
            durability: "full",
            admin: "@admin:example.org".to_owned(),
            platform: platform_section(&sim, small.number),
            environment: Vec::new(),
        })?;
        let homeserver = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&homeserver.url());
        let bridge = stage.start().await?;
        let address = format!("{}/_magpie/webhook", stage.url());
        sim.subscribe(&address).await.map_err(anyhow::Error::msg)?;
        Ok(Self { sim, small, homeserver, bridge, address, stage })
    }
}

#[tokio::test]
async fn people_talk_and_are_told_what_does_not_go() -> anyhow::Result<()> {
    let Staged { sim, small, homeserver, mut bridge, address: _address, stage: _stage } =
        Staged::start().await?;
    let chat = small.with_alice();
    sim.person_says(chat, "do you have *seeds*?");
    let room = homeserver
        .wait_until(|homeserver| {
            let rooms = homeserver.rooms().into_iter();
            rooms
                .into_iter()
                .find(|room| homeserver.messages(room).iter().any(|(_, body)| body == "do you have seeds?"))
        })
        .await;
    let admin = homeserver.person("admin");
    admin.joins(&room);
    let ghost = homeserver.messages(&room)[0].0.clone();
    assert_eq!(homeserver.profile(&ghost).and_then(|profile| profile.display_name).as_deref(), Some("Alice"));

    let answer = admin.sends(&room, "we do");
    let sent = sim
        .wait_for_message(chat, |message| {
            message.content["body"].as_str().is_some_and(|it| it.contains("we do"))
        })
        .await?;
    // It is read at once, perhaps before it is recorded here that WhatsApp has it.
    assert!(sim.message_gets(&sent.id, Status::Read));
    homeserver
        .wait_until(|homeserver| {
            homeserver.read_up_to(&room, &ghost).filter(|event| event.as_str() == answer.as_str())
        })
        .await;

    // WhatsApp took it, and then it turns out that it did not arrive.
    sim.message_fails(&sent.id, 131_026);
    let told = |words: &'static str| {
        let (homeserver, room) = (&homeserver, &room);
        async move {
            homeserver
                .wait_for(room, |event| event.event_type == "m.room.message" && event.body().contains(words))
                .await
        }
    };
    told("WhatsApp took your message, but it did not arrive").await;

    // A template goes by command; a wrong one is told.
    admin.sends(&room, "!whatsapp template hello_world en_US");
    sim.wait_for_message(chat, |message| message.kind == "template").await?;
    admin.sends(&room, "!whatsapp template order_ready en_US Ada | 7");
    let filled = |values: &serde_json::Value| values[0]["text"] == "Ada" && values[1]["text"] == "7";
    sim.wait_for_message(chat, |message| filled(&message.content["components"][0]["parameters"])).await?;
    admin.sends(&room, "!whatsapp template unheard_of en_US");
    told("no approved template").await;
    admin.sends(&room, "!whatsapp capabilities");
    told("WhatsApp takes messages in this chat for 23 h").await;

    // What was said cannot be taken back, and the room says so.
    admin.redacts(&room, &answer);
    told("deletions").await;
    assert!(bridge.stop().await?.success());
    Ok(())
}
