//! A whole hop on the fake homeserver: Matrix to the echo network and back.

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::stage::{Cast, Stage};

fn cast() -> Cast {
    Cast {
        id: "echo",
        server_name: "example.org".to_owned(),
        homeserver: String::new(),
        database: None,
        durability: "full",
        admin: "@alice:example.org".to_owned(),
        platform: "answer_in: same\nannounce_chats: 1\n".to_owned(),
        environment: Vec::new(),
    }
}

#[tokio::test]
async fn a_message_is_echoed_by_a_ghost_and_nothing_is_said_twice() {
    let mut stage = Stage::set(cast()).unwrap();
    let fake = FakeHomeserver::start(stage.fake_settings()).await.unwrap();
    stage.set_homeserver(&fake.url());
    let alice = fake.person("alice");
    let mut bridge = stage.start().await.unwrap();
    let room = fake.wait_until(|fake| fake.room_named("load-0")).await;
    for number in 0..20 {
        alice.sends(&room, &format!("message {number}"));
    }
    let echoes = fake
        .wait_until(|fake| {
            let all = fake.messages(&room);
            let echoes: Vec<_> =
                all.into_iter().filter(|(sender, _)| sender.as_str().starts_with("@echo_")).collect();
            (echoes.len() >= 20).then_some(echoes)
        })
        .await;
    let bodies: Vec<_> = echoes.iter().map(|(_, body)| body.clone()).collect();
    let expected: Vec<_> = (0..20).map(|number| format!("message {number}")).collect();
    assert_eq!(bodies, expected, "each once, in order");
    assert!(bridge.stop().await.unwrap().success());
}
