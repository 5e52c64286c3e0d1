//! How people start direct chats by inviting ghosts.

use super::{
    accounts::{heard, signs_in},
    *,
};
use crate::testkit::fake_homeserver::{FakePerson, Membership};

const ADA: &str = "@fake_ada:example.org";

fn id(user_id: &str) -> ruma::OwnedUserId {
    UserId::parse(user_id).expect("a name")
}

/// A stage with Ada on the network, and Bob who has signed in; gives his room with the bot.
async fn set(story: &str) -> (Stage, FakePerson, OwnedRoomId) {
    let stage = Stage::set(story).await;
    stage.network.add_person("ada", "Ada Lovelace");
    let bob = stage.fake.person("bob");
    let desk = signs_in(&stage, &bob, "bobby").await;
    (stage, bob, desk)
}

/// A direct chat as clients make it.
fn trusted(invite: &[&str]) -> Value {
    json!({ "is_direct": true, "preset": "trusted_private_chat", "invite": invite })
}

/// Waits until a ghost has left a room; gives the reason.
async fn leaves(stage: &Stage, room: &OwnedRoomId, ghost: &str) -> String {
    let left = |fake: &FakeHomeserver| {
        let member = fake.state(room, "m.room.member", ghost)?;
        (member["membership"] == "leave").then(|| member["reason"].as_str().unwrap_or_default().to_owned())
    };
    let left = tokio::time::timeout(PATIENCE, stage.fake.wait_until(left)).await;
    left.unwrap_or_else(|_| panic!("{ghost} does not leave: {:#?}", stage.fake.events(room)))
}

#[tokio::test]
async fn a_direct_chat_with_a_ghost_becomes_the_room_of_the_chat() {
    let (stage, bob, _) = set("meet").await;
    let room = bob.creates_room(&trusted(&[ADA]));
    bob.sends(&room, "hello Ada");
    let chat = RemoteChatId::new("bobby/ada");
    let said = stage.network.wait_for_texts(&chat, &["hello Ada"]).await;
    assert_eq!(said[0].by.as_str(), "bobby");
    let answer = stage.network.message(&chat, "ada", "hello Bob");
    stage.network.pushes(RemoteEvent::Message(answer)).await;
    let answer = stage.fake.wait_for_body(&room, "hello Bob").await;
    assert_eq!(answer.sender, ADA);
    assert_eq!(stage.fake.membership(&room, &id("@fakebot:example.org")), Some(Membership::Joined));
    assert_eq!(stage.fake.room_named("Ada Lovelace"), None, "there is no second room");
    // Another direct chat leads to the one that there is.
    let other = bob.creates_room(&trusted(&[ADA]));
    assert_eq!(leaves(&stage, &other, ADA).await, "");
    let (by, words) = stage.fake.messages(&other).pop().expect("the ghost says where");
    assert_eq!((by.as_str(), &*words), (ADA, &*format!("This chat has a room: https://matrix.to/#/{room}")));
    assert_eq!(stage.network.texts(&chat), ["hello Ada"]);
    stage.ends().await;
}

#[tokio::test]
async fn somebody_whom_nobody_has_met_exists_once_asked_for() {
    let (stage, bob, desk) = set("strangers").await;
    let room = bob.creates_room(&json!({ "is_direct": true }));
    bob.invites(&room, &id(ADA)).await;
    // The ghost has no power there, so the chat gets a room of its own.
    leaves(&stage, &room, ADA).await;
    assert!(stage.fake.profile(&id(ADA)).is_some_and(|profile| profile.display_name.is_some()));
    let portal = stage.fake.wait_until(|fake| fake.room_named("Ada Lovelace")).await;
    let (_, words) = stage.fake.messages(&room).pop().expect("the ghost says where");
    let expected = format!(
        "The bridge may not change this room's settings. This chat has a room: https://matrix.to/#/{portal}"
    );
    assert_eq!(words, expected);
    // There is no ghost of nobody.
    let nobody = "@fake_nobody:example.org";
    let room = bob.creates_room(&json!({ "is_direct": true }));
    bob.invites(&room, &id(nobody)).await;
    heard(&stage, &desk, &format!("{nobody} did not come: There is nobody with that id on Fake.")).await;
    assert_ne!(stage.fake.membership(&room, &id(nobody)), Some(Membership::Joined));
    stage.ends().await;
}

#[tokio::test]
async fn an_encrypted_room_leads_to_one_that_is_not() {
    let (stage, bob, _) = set("encrypted-meeting").await;
    let mut request = trusted(&[ADA]);
    let content = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
    request["initial_state"] = json!([{ "type": "m.room.encryption", "state_key": "", "content": content }]);
    let room = bob.creates_room(&request);
    leaves(&stage, &room, ADA).await;
    let portal = stage.fake.wait_until(|fake| fake.room_named("Ada Lovelace")).await;
    let (_, words) = stage.fake.messages(&room).pop().expect("the ghost says where");
    assert!(words.starts_with("This room is encrypted") && words.ends_with(portal.as_str()), "{words}");
    assert_eq!(stage.fake.state(&room, "m.room.member", "@fakebot:example.org"), None);
    stage.ends().await;
}

#[tokio::test]
async fn a_ghost_declines_where_others_are_and_from_who_has_no_account() {
    let (stage, bob, desk) = set("declining").await;
    let third = stage.fake.person("carol");
    let room = bob.creates_room(&trusted(&[third.user_id().as_str(), ADA]));
    let reason = leaves(&stage, &room, ADA).await;
    assert!(reason.starts_with("Others are in this room."), "{reason}");
    heard(&stage, &desk, &format!("{ADA} did not come: Others are in this room.")).await;
    let alone = third.creates_room(&trusted(&[ADA]));
    let reason = leaves(&stage, &alone, ADA).await;
    assert_eq!(reason, "You have no account on Fake here. `!fake login` signs in with one.");
    assert_eq!(stage.network.texts(&RemoteChatId::new("bobby/ada")), Vec::<String>::new());
    stage.ends().await;
}

#[tokio::test]
async fn nobody_is_invited_by_hand_into_a_portal() {
    let (stage, bob, _) = set("by-hand").await;
    let (room, _) = stage.room().await;
    bob.invites(&room, &id(ADA)).await;
    let reason = leaves(&stage, &room, ADA).await;
    assert!(reason.starts_with("The people of Fake come into this room by themselves"), "{reason}");
    stage.ends().await;
}
