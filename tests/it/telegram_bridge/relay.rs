//! People without an account in Telegram, as the bridge's own process lets its bot speak for them.

use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver, Membership};
use magpie_tests::{
    openapi::skip,
    stage::{Cast, Stage},
    telegram::{ChatId, TelegramSim, World, staged::platform_section},
};

const SERVER: &str = "example.org";

fn cast(sim: &TelegramSim) -> Cast {
    Cast {
        id: "telegram",
        server_name: SERVER.to_owned(),
        homeserver: "http://127.0.0.1:9".to_owned(),
        database: None,
        durability: "normal",
        admin: format!("@alice:{SERVER}"),
        platform: platform_section(sim),
        environment: Vec::new(),
    }
}

/// Waits until the chat has these words in it, and gives what is bold and what is italic in them.
async fn marks(sim: &TelegramSim, chat: ChatId, text: &str) -> anyhow::Result<Vec<(String, i64, i64)>> {
    let message = sim.wait_for_message(chat, |message| message.text() == text).await?;
    let entities = message.field("entities").as_array().cloned().unwrap_or_default();
    let mark = |entity: &serde_json::Value| {
        let number = |key: &str| entity[key].as_i64().unwrap_or_default();
        (entity["type"].as_str().unwrap_or_default().to_owned(), number("offset"), number("length"))
    };
    Ok(entities.iter().map(mark).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relayed_message_carries_the_rooms_own_template() -> anyhow::Result<()> {
    let (world, small) = World::small();
    let sim = TelegramSim::start(world).await?;
    let mut stage = Stage::set(cast(&sim))?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let alice = fake.person("alice");
    let mut bridge = stage.start().await?;
    let chat = small.supergroup;
    sim.person_sends(chat, small.bob, "is anybody here?");
    let name = sim.chat(chat).expect("the group is there").title;
    let room = fake
        .wait_until(|fake| {
            let joined = Some(Membership::Joined);
            fake.room_named(&name).filter(|room| fake.membership(room, alice.user_id()) == joined)
        })
        .await;
    alice.sends(&room, "as usual");
    assert_eq!(marks(&sim, chat, "alice: as usual").await?, [("bold".to_owned(), 0, 5)]);

    let asked = alice.sends(&room, "!telegram relay-template text _{name}_ (by mail)\n{message}");
    let is_answer = |event: &FakeEvent| {
        event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == asked.as_str()
            && event.sender == format!("@telegrambot:{SERVER}")
    };
    let answer = fake.wait_for(&room, is_answer).await.body();
    let expected = "From now on in this room:\n- text: `_{name}_ (by mail)↵{message}` (this room's own)";
    assert_eq!(answer, expected);
    alice.sends(&room, "a letter");
    assert_eq!(marks(&sim, chat, "alice (by mail)\na letter").await?, [("italic".to_owned(), 0, 5)]);

    // The room keeps it when the bridge's process ends and another one begins.
    assert!(bridge.stop().await?.success());
    let mut bridge = stage.start().await?;
    alice.sends(&room, "another letter");
    marks(&sim, chat, "alice (by mail)\nanother letter").await?;
    alice.sends(&room, "!telegram relay-template reset");
    alice.sends(&room, "as before");
    assert_eq!(marks(&sim, chat, "alice: as before").await?, [("bold".to_owned(), 0, 5)]);
    assert!(bridge.stop().await?.success());
    fake.stop().await;
    if !sim.is_judged() {
        skip(
            "a_relayed_message_carries_the_rooms_own_template",
            "the description of the Bot API is not present (see MAGPIE_SPECS)",
        );
    }
    let findings = sim.findings();
    assert!(findings.is_empty(), "{findings:#?}");
    sim.stop().await;
    Ok(())
}
