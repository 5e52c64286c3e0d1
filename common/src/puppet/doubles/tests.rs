//! Tokens of other homeservers: taken where they are proved, used there, and nowhere else.

use ruma::{owned_server_name, user_id};
use serde_json::json;

use super::*;
use crate::{
    homeserver::SendEvent,
    store::{Durability, Feed, OpenRow, StoreSettings},
    testkit::fake_homeserver::{FakeHomeserver, FakeSettings},
};

struct NoFeed;

impl Feed for NoFeed {
    fn stored(&self, _rows: Vec<OpenRow>) {}
}

#[tokio::test]
async fn somebody_of_another_homeserver_proves_a_token_there_and_is_acted_for_there() {
    let ours = FakeHomeserver::start(FakeSettings::with_bridge("@discord_", "discordbot")).await.unwrap();
    let theirs = FakeHomeserver::start(FakeSettings {
        server_name: owned_server_name!("other.example"),
        ..FakeSettings::with_bridge("@irc_", "ircbot")
    })
    .await
    .unwrap();
    let mut settings = ours.client_settings();
    settings.other_servers.insert(owned_server_name!("other.example"), theirs.url());
    let homeserver = Homeserver::new(settings).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("test.db").display());
    let clock = Clock::fixed(1_000_000, 1);
    let settings = StoreSettings { url, durability: Durability::Normal, key: Secret::new("k") };
    let store = Store::open(&settings, clock.clone(), Arc::new(NoFeed)).await.unwrap();
    let doubles = Doubles::new(store, homeserver.clone(), clock, &Secret::new("as"));

    let (bob, carol) = (theirs.person("bob"), theirs.person("carol"));
    let refusal = |taken: Result<(), DoubleError>| taken.unwrap_err().to_string();
    let not_his = Secret::new(carol.access_token());
    let words = refusal(doubles.take(bob.user_id(), &not_his).await);
    assert_eq!(words, "That token belongs to @carol:other.example, not to you.");
    // What our own homeserver says of a token counts for its own people only.
    let namesake = Secret::new(ours.person("bob").access_token());
    let words = refusal(doubles.take(bob.user_id(), &namesake).await);
    assert!(words.starts_with("The homeserver does not take that token."), "{words}");
    let words = refusal(doubles.take(user_id!("@bob:third.example"), &not_his).await);
    assert!(words.contains("`homeserver.double_puppet_servers`"), "{words}");
    assert!(doubles.of(user_id!("@bob:third.example")).await.unwrap().is_none());

    doubles.take(bob.user_id(), &Secret::new(bob.access_token())).await.unwrap();
    let double = doubles.of(bob.user_id()).await.unwrap().expect("his token was taken");
    let room = bob.creates_room(&json!({}));
    let content = json!({ "msgtype": "m.text", "body": "from my phone" });
    let event = SendEvent {
        room_id: &room,
        event_type: "m.room.message",
        txn_id: "t1",
        content: &content,
        sent_ms: None,
    };
    homeserver.double(&double).send(event).await.unwrap();
    let said = theirs.wait_for_body(&room, "from my phone").await;
    assert_eq!(said.sender, *bob.user_id());
}
