//! How people sign in with accounts of their own, by chat, and what is said through them.

use super::*;
use crate::{
    message::{ChatInfo, ChatKind},
    testkit::{
        fake_homeserver::{FakePerson, Membership},
        fake_network::{self, password},
    },
};

/// A direct chat with the bot, which has greeted.
async fn desk(stage: &Stage, person: &FakePerson) -> OwnedRoomId {
    let bot = UserId::parse("@fakebot:example.org").expect("the bot's name");
    let desk = person.creates_direct_chat(&bot);
    heard(stage, &desk, "This is the Fake bridge.").await;
    desk
}

/// Waits until the bot has said something that begins so; gives back all of it.
pub(super) async fn heard(stage: &Stage, room: &OwnedRoomId, beginning: &str) -> String {
    let said =
        |event: &FakeEvent| event.sender == "@fakebot:example.org" && event.body().starts_with(beginning);
    let heard = tokio::time::timeout(PATIENCE, stage.fake.wait_for(room, said)).await;
    let said = || stage.fake.messages(room).into_iter().map(|(_, body)| body).collect::<Vec<_>>();
    heard.unwrap_or_else(|_| panic!("{beginning:?} is not said, but {:#?}", said())).body()
}

/// Signs in with a password.
pub(super) async fn signs_in(stage: &Stage, person: &FakePerson, account: &str) -> OwnedRoomId {
    let desk = desk(stage, person).await;
    signs_in_at(stage, person, account, desk).await
}

/// The same in a room with the bot that is there.
pub(super) async fn signs_in_at(
    stage: &Stage,
    person: &FakePerson,
    account: &str,
    desk: OwnedRoomId,
) -> OwnedRoomId {
    person.sends(&desk, "login password");
    heard(stage, &desk, "Name:").await;
    person.sends(&desk, account);
    heard(stage, &desk, "Password:").await;
    person.sends(&desk, &password(account));
    heard(stage, &desk, "Signed in to Fake as").await;
    desk
}

#[tokio::test]
async fn somebody_signs_in_with_a_password_that_does_not_stay_in_the_room() {
    let stage = Stage::set("password").await;
    let bob = stage.fake.person("bob");
    let desk = desk(&stage, &bob).await;
    bob.sends(&desk, "login");
    let ways = heard(&stage, &desk, "There are several ways").await;
    assert!(ways.contains("`!fake login password`") && ways.contains("`!fake login qr`"), "{ways}");
    bob.sends(&desk, "login by-phone");
    heard(&stage, &desk, "There is no such way to sign in. There is `password`, `qr`.").await;
    bob.sends(&desk, "login password");
    heard(&stage, &desk, "Name: send it as a message here. `cancel` ends the sign-in.").await;
    bob.sends(&desk, "!fake login qr");
    heard(&stage, &desk, "You are signing in already.").await;
    bob.sends(&desk, "bobby");
    heard(&stage, &desk, "Password: send it as a message here. I delete it as soon as I have read it.").await;
    let wrong = bob.sends(&desk, "help");
    heard(&stage, &desk, "That did not work: The password is wrong.\nName:").await;
    bob.sends(&desk, "bobby");
    let right = bob.sends(&desk, &password("bobby"));
    heard(&stage, &desk, "Signed in to Fake as bobby on Fake (`bobby`).").await;
    let is_gone = |event_id: &OwnedEventId| {
        let events = stage.fake.events(&desk);
        events.iter().any(|event| event.redacts.as_ref() == Some(event_id)).then_some(())
    };
    for secret in [wrong, right] {
        stage.fake.wait_until(|_| is_gone(&secret)).await;
    }
    bob.sends(&desk, "list-logins");
    heard(&stage, &desk, "bobby on Fake (`bobby`): connected\nFake (`fake`): connected — the bridge's own")
        .await;
    stage.ends().await;
}

#[tokio::test]
async fn somebody_signs_in_with_a_qr_code_that_is_renewed_and_taken_away() {
    let stage = Stage::set("qr").await;
    let bob = stage.fake.person("bob");
    let desk = desk(&stage, &bob).await;
    bob.sends(&desk, "login qr");
    let shown = heard(&stage, &desk, "Scan this with your other device.").await;
    assert!(shown.contains("`fake:code-1`"), "{shown}");
    let pictures = || {
        let events = stage.fake.events(&desk);
        let is_gone =
            |event: &FakeEvent| events.iter().any(|other| other.redacts.as_ref() == Some(&event.event_id));
        events.iter().filter(|event| event.content()["msgtype"] == "m.image" && !is_gone(event)).count()
    };
    assert_eq!(pictures(), 1);
    stage.network.expires("fake:code-1");
    stage.fake.wait_for(&desk, |event| event.body().contains("`fake:code-2`")).await;
    assert_eq!(pictures(), 1);
    stage.network.scans("fake:code-2", "bobby");
    heard(&stage, &desk, "Signed in to Fake as bobby on Fake").await;
    assert_eq!(pictures(), 0);
    bob.sends(&desk, "login qr");
    stage.fake.wait_for(&desk, |event| event.body().contains("`fake:code-3`")).await;
    stage.network.denies("fake:code-3");
    heard(&stage, &desk, "You are not signed in: The other device said no.").await;
    bob.sends(&desk, "login qr");
    stage.fake.wait_for(&desk, |event| event.body().contains("`fake:code-4`")).await;
    bob.sends(&desk, "cancel");
    heard(&stage, &desk, "The sign-in is given up; nothing was changed.").await;
    bob.sends(&desk, "cancel");
    heard(&stage, &desk, "No sign-in is under way.").await;
    assert_eq!(pictures(), 0);
    stage.ends().await;
}

#[tokio::test]
async fn no_secret_is_asked_for_where_others_read() {
    let stage = Stage::set("private").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let desk = desk(&stage, &bob).await;
    bob.invites(&desk, alice.user_id()).await;
    alice.joins(&desk);
    bob.sends(&desk, "login password");
    heard(&stage, &desk, "“login” is for a room that nobody else is in.").await;
    // A secret that was written there all the same does not stay.
    let secret = bob.sends(&desk, "login-matrix a-token");
    heard(&stage, &desk, "“login-matrix” is for a room that nobody else is in.").await;
    let events = stage.fake.events(&desk);
    assert!(events.iter().any(|event| event.redacts.as_ref() == Some(&secret)));
    bob.sends(&desk, "login a-token");
    assert!(
        stage
            .fake
            .messages(&desk)
            .iter()
            .all(|(by, body)| by != "@fakebot:example.org" || !body.contains("a-token"))
    );
    stage.ends().await;
}

#[tokio::test]
async fn people_speak_through_accounts_of_their_own_and_others_through_the_relay() {
    let stage = Stage::set("own_accounts").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    signs_in(&stage, &bob, "bobby").await;
    let (room, first) = stage.room().await;
    bob.sends(&room, "by the relay");
    let said = stage.network.wait_for_texts(&stage.chat, &["by the relay"]).await;
    assert_eq!((said[0].by.as_str(), said[0].whole.author.is_some()), (fake_network::CONFIGURED, true));
    // As soon as Bob's account is seen in the chat, it speaks for him, though the message itself is known already.
    let seen = stage.network.message(&stage.chat, "carol", "second");
    stage.network.pushes_to("bobby", RemoteEvent::Message(first)).await;
    stage.network.pushes(RemoteEvent::Message(seen)).await;
    stage.wait_until_shown(&room, &["first", "by the relay", "second"]).await;
    bob.sends(&room, "by myself");
    alice.sends(&room, "by the relay again");
    let texts = ["by the relay", "by myself", "by the relay again"];
    let said = stage.network.wait_for_texts(&stage.chat, &texts).await;
    assert_eq!((said[1].by.as_str(), said[1].whole.author.is_some()), ("bobby", false));
    assert_eq!((said[2].by.as_str(), said[2].whole.author.is_some()), (fake_network::CONFIGURED, true));
    // Alice's account sees what Bob's has said, and does not show it twice.
    signs_in(&stage, &alice, "ally").await;
    bob.sends(&room, "seen by others");
    stage.network.wait_for_texts(&stage.chat, &[&texts[..], &["seen by others"]].concat()).await;
    stage.hears(&room, "carol", "the end").await;
    let shown =
        [&["first", "by the relay", "second"][..], &texts[1..], &["seen by others", "the end"]].concat();
    stage.wait_until_shown(&room, &shown).await;
    stage.ends().await;
}

#[tokio::test]
async fn who_signs_out_is_out_here_and_there() {
    let stage = Stage::set("signed_out").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let desk = signs_in(&stage, &bob, "bobby").await;
    let (room, _) = stage.room().await;
    let seen = stage.network.message(&stage.chat, "carol", "second");
    stage.network.pushes_to("bobby", RemoteEvent::Message(seen)).await;
    stage.wait_until_shown(&room, &["first", "second"]).await;
    alice.sends(&room, "!fake set-relay bobby");
    heard(&stage, &room, "You have no account with that id here").await;
    bob.sends(&room, "!fake set-relay bobby");
    heard(&stage, &room, "`bobby` speaks in this room for people without an account").await;
    alice.sends(&room, "by Bob's account");
    let said = stage.network.wait_for_texts(&stage.chat, &["by Bob's account"]).await;
    assert_eq!((said[0].by.as_str(), said[0].whole.author.is_some()), ("bobby", true));
    bob.sends(&room, "!fake unset-relay");
    heard(&stage, &room, "Nobody speaks in this room any more").await;
    let refused = alice.sends(&room, "by nobody");
    let (_, words) = stage.notice(&room, &refused).await;
    assert!(words.contains("nobody speaks here for people without one"), "{words}");
    bob.sends(&desk, "logout ally");
    heard(&stage, &desk, "You have no account with that id here.").await;
    bob.sends(&desk, "logout bobby");
    heard(&stage, &desk, "Signed out of bobby on Fake. Your rooms stay.").await;
    assert_eq!(stage.network.signed_out(), ["bobby"]);
    let refused = bob.sends(&room, "and I?");
    let (_, words) = stage.notice(&room, &refused).await;
    assert!(words.contains("you have no account on Fake that is in this chat"), "{words}");
    stage.ends().await;
}

#[tokio::test]
async fn the_doctor_looks_at_everything() {
    let stage = Stage::set_with_doubles("doctor").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let desk = desk(&stage, &alice).await;
    alice.sends(&desk, "doctor");
    let found = heard(&stage, &desk, "✔ homeserver: knows us as @fakebot:example.org").await;
    for words in [
        "✔ double puppets: the bridge can act for the people of the homeserver",
        "✔ database: answers, and nothing has failed",
        "✔ account Fake: connected",
        "Everything is in order.",
    ] {
        assert!(found.contains(words), "{found}");
    }
    let private = signs_in(&stage, &bob, "bobby").await;
    bob.sends(&private, "doctor");
    heard(&stage, &private, "“doctor” is for people with the level admin").await;
    stage.ends().await;
}

#[tokio::test]
async fn a_space_of_the_network_keeps_no_chat_of_an_account_waiting() {
    let stage = Stage::set("own_spaces").await;
    let bob = stage.fake.person("bob");
    signs_in(&stage, &bob, "bobby").await;
    stage.network.add_chat_like("guild", ChatInfo::new(ChatKind::Space, Some("guild".to_owned())));
    let inside = |name: &str| ChatInfo {
        parent: Some(RemoteChatId::new("guild")),
        ..ChatInfo::new(ChatKind::Group, Some(name.to_owned()))
    };
    // Two chats want the same space at once; the third has none, and is put into the account's own.
    let chats = [
        ("forge", stage.network.add_chat_like("forge", inside("forge"))),
        ("mill", stage.network.add_chat_like("mill", inside("mill"))),
        ("field", stage.network.add_chat("field")),
    ];
    for (name, chat) in &chats {
        let hello = stage.network.message(chat, "carol", &format!("hello {name}"));
        stage.network.pushes_to("bobby", RemoteEvent::Message(hello)).await;
    }
    let mut rooms = Vec::new();
    for (name, _) in &chats {
        let room = stage.fake.wait_until(|fake| fake.room_named(name)).await;
        stage.fake.wait_for_body(&room, &format!("hello {name}")).await;
        rooms.push(room);
    }
    let guild = stage.fake.room_named("guild").expect("the space of two chats is there");
    let own = stage.fake.wait_until(|fake| fake.room_named("Fake (bobby on Fake)")).await;
    for (space, room) in [(&guild, &rooms[0]), (&guild, &rooms[1]), (&own, &rooms[2]), (&own, &guild)] {
        stage.fake.wait_until(|fake| fake.state(space, "m.space.child", room.as_str())).await;
        stage
            .fake
            .wait_until(|fake| {
                (fake.membership(room, bob.user_id()) == Some(Membership::Joined)).then_some(())
            })
            .await;
    }
    stage.ends().await;
}
