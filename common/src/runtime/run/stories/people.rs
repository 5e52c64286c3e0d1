//! How people find each other.

use super::{
    accounts::{heard, signs_in_at},
    *,
};
use crate::testkit::fake_homeserver::Membership;

#[tokio::test]
async fn people_are_found_and_a_chat_with_them_is_opened_once() {
    let stage = Stage::set("people").await;
    for (id, name) in [("ada", "Ada Lovelace"), ("adam", "Adam"), ("eve", "Eve")] {
        stage.network.add_person(id, name);
    }
    let bob = stage.fake.person("bob");
    // The bridge's own account looks for everybody, and writes to nobody for them.
    let bot = UserId::parse("@fakebot:example.org").expect("the bot's name");
    let before = bob.creates_direct_chat(&bot);
    heard(&stage, &before, "This is the Fake bridge.").await;
    bob.sends(&before, "resolve eve");
    heard(&stage, &before, "That is Eve").await;
    bob.sends(&before, "start-chat eve");
    heard(&stage, &before, "You have no account on Fake here. `!fake login` signs in with one.").await;
    let desk = signs_in_at(&stage, &bob, "bobby", before).await;
    bob.sends(&desk, "search ADA");
    let found = heard(&stage, &desk, "Found on Fake:").await;
    for words in
        ["- Ada Lovelace (`ada`, here @fake_ada:example.org)", "- Adam (`adam`", "`!fake start-chat <id>`"]
    {
        assert!(found.contains(words), "{found}");
    }
    assert!(!found.contains("Eve"), "{found}");
    bob.sends(&desk, "search Ada Lo");
    stage.fake.wait_for(&desk, |event| event.body().matches("\n- ").count() == 1).await;
    bob.sends(&desk, "search nobody");
    heard(&stage, &desk, "Nobody on Fake goes by that.").await;
    bob.sends(&desk, "resolve @eve");
    heard(&stage, &desk, "That is Eve (`eve`, here @fake_eve:example.org).").await;
    bob.sends(&desk, "resolve carol");
    heard(&stage, &desk, "Nobody on Fake is called that. `!fake search <words>` looks for people by name.")
        .await;
    bob.sends(&desk, "start-chat carol");
    bob.sends(&desk, "start-chat ada");
    heard(&stage, &desk, "The room of your chat with Ada Lovelace is being made.").await;
    let room = stage.fake.wait_until(|fake| fake.room_named("Ada Lovelace")).await;
    let invited = |fake: &FakeHomeserver| fake.membership(&room, bob.user_id()) == Some(Membership::Joined);
    stage.fake.wait_until(|fake| invited(fake).then_some(())).await;
    bob.sends(&desk, "start-chat @ada");
    heard(&stage, &desk, &format!("You have a chat with Ada Lovelace: https://matrix.to/#/{room}")).await;
    bob.sends(&room, "hello Ada");
    let said = stage.network.wait_for_texts(&RemoteChatId::new("bobby/ada"), &["hello Ada"]).await;
    assert_eq!((said[0].by.as_str(), said[0].whole.author.is_some()), ("bobby", false));
    stage.ends().await;
}
