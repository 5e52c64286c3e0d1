//! What people do on the network themselves shows as theirs in Matrix, where the bridge may act for them.

use super::{
    accounts::{heard, signs_in},
    *,
};
use crate::{
    message::{
        ChatChange, ChatInfo, ChatKind, Emoji, Mention, MentionTarget, Node, Person, Personal, RichText,
    },
    testkit::fake_homeserver::{FakePerson, Membership},
};

/// Bob's account says something on another device.
async fn from_the_phone(stage: &Stage, text: &str) -> RemoteMessage {
    let message = stage.network.message(&stage.chat, "bobby", text);
    stage.network.pushes_to("bobby", RemoteEvent::Message(message.clone())).await;
    message
}

fn senders(stage: &Stage, room: &OwnedRoomId) -> Vec<(String, String)> {
    let shown = stage.fake.messages(room).into_iter().filter(|(sender, _)| sender != "@fakebot:example.org");
    shown.map(|(sender, body)| (sender.localpart().to_owned(), body)).collect()
}

fn said(by: &str, body: &str) -> (String, String) {
    (by.to_owned(), body.to_owned())
}

#[tokio::test]
async fn own_messages_from_the_phone_are_ones_own() {
    let stage = Stage::set_with_doubles("doubles").await;
    let bob = stage.fake.person("bob");
    let desk = signs_in(&stage, &bob, "bobby").await;
    bob.sends(&desk, "ping-matrix");
    heard(&stage, &desk, "I can act for you in Matrix.").await;
    let (room, _) = stage.room().await;
    let first = from_the_phone(&stage, "from my phone").await;
    stage.wait_until_shown(&room, &["first", "from my phone"]).await;
    // It does not come back to the network, though it comes back to us.
    bob.sends(&room, "from my desk");
    stage.network.wait_for_texts(&stage.chat, &["from my desk"]).await;
    let react = RemoteEvent::React {
        chat: stage.chat.clone(),
        target: first.id.clone(),
        sender: user("bobby"),
        emoji: Emoji::unicode("👍"),
        sent_ms: None,
    };
    stage.network.pushes_to("bobby", react).await;
    let reaction = stage.fake.wait_for(&room, |event| event.event_type == "m.reaction").await;
    assert_eq!(reaction.sender, "@bob:example.org");
    let edited = RemoteMessage {
        message: crate::message::Message::text(RichText::plain("from my phone, mended")),
        ..first
    };
    stage.network.pushes_to("bobby", RemoteEvent::Edit { new: edited, edited_ms: 9 }).await;
    stage.wait_until_shown(&room, &["first", "from my phone, mended", "from my desk"]).await;
    stage.hears(&room, "carol", "the end").await;
    let shown = senders(&stage, &room);
    assert_eq!(shown[0], said("fake_carol", "first"));
    assert!(shown[1..].iter().all(|(by, body)| by == "bob" || body == "the end"), "{shown:?}");
    assert_eq!(stage.network.texts(&stage.chat), ["from my desk"]);
    assert_eq!(stage.network.reactions(), []);
    stage.ends().await;
}

#[tokio::test]
async fn a_forwarded_copy_of_ones_own_message_is_a_new_message() {
    let stage = Stage::set_with_doubles("copied").await;
    let bob = stage.fake.person("bob");
    signs_in(&stage, &bob, "bobby").await;
    let (room, _) = stage.room().await;
    from_the_phone(&stage, "copy me").await;
    let original = stage.fake.wait_for_body(&room, "copy me").await;
    stage.hears(&room, "carol", "then").await;
    // Clients copy everything that is in a content.
    bob.sends_content(&room, "m.room.message", &original.content());
    stage.network.wait_for_texts(&stage.chat, &["copy me"]).await;
    // Who makes up a mark gains nothing.
    let mut forged = original.content();
    forged["app.magpie.puppet"]["sig"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    forged["body"] = json!("forged");
    bob.sends_content(&room, "m.room.message", &forged);
    stage.network.wait_for_texts(&stage.chat, &["copy me", "forged"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn a_person_gives_a_token_of_their_own_and_takes_it_back() {
    let stage = Stage::set("own_token").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let desk = signs_in(&stage, &bob, "bobby").await;
    let (room, _) = stage.room().await;
    bob.sends(&desk, "ping-matrix");
    heard(&stage, &desk, "I cannot act for you in Matrix. `!fake login-matrix <access token>` lets me.")
        .await;
    bob.sends(&desk, &format!("login-matrix {}", alice.access_token()));
    heard(&stage, &desk, "That token belongs to @alice:example.org, not to you.").await;
    bob.sends(&desk, "login-matrix made-up");
    heard(&stage, &desk, "The homeserver does not take that token.").await;
    from_the_phone(&stage, "by my ghost").await;
    stage.fake.wait_for_body(&room, "by my ghost").await;
    let token = bob.access_token();
    let given = bob.sends(&desk, &format!("login-matrix {token}"));
    heard(&stage, &desk, "From now on what you say on Fake yourself shows as yours here.").await;
    assert!(stage.fake.events(&desk).iter().any(|event| event.redacts.as_ref() == Some(&given)));
    from_the_phone(&stage, "by myself").await;
    stage.fake.wait_for_body(&room, "by myself").await;
    bob.sends(&room, "!fake mute");
    heard(&stage, &room, "This room is muted for you.").await;
    let rule = format!("pushrules/room/{room}");
    assert_eq!(bob.kept(&rule), Some(json!({ "actions": [] })));
    bob.sends(&room, "!fake unmute");
    heard(&stage, &room, "This room rings for you again.").await;
    assert_eq!(bob.kept(&rule), None);
    // A token that ends costs no message.
    bob.ends_token(&token);
    let muted = Personal { muted: Some(true), ..Personal::default() };
    let keeps = RemoteEvent::ChatChanged { chat: stage.chat.clone(), change: ChatChange::Personal(muted) };
    stage.network.pushes_to("bobby", keeps).await;
    from_the_phone(&stage, "by my ghost again").await;
    stage.fake.wait_for_body(&room, "by my ghost again").await;
    bob.sends(&desk, "logout-matrix");
    heard(&stage, &desk, "Your access token is forgotten.").await;
    bob.sends(&desk, "logout-matrix");
    heard(&stage, &desk, "You have given me no access token.").await;
    let by = |body: &str| senders(&stage, &room).into_iter().find(|(_, said)| said == body).map(|(by, _)| by);
    for (body, sender) in
        [("by my ghost", "fake_bobby"), ("by myself", "bob"), ("by my ghost again", "fake_bobby")]
    {
        assert_eq!(by(body).as_deref(), Some(sender), "{body}");
    }
    stage.ends().await;
}

#[tokio::test]
async fn a_direct_chat_comes_to_its_owner_as_one_in_a_space_of_their_own() {
    let stage = Stage::set_with_doubles("direct").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    signs_in(&stage, &bob, "bobby").await;
    let info =
        ChatInfo { with: Some(user("carol")), ..ChatInfo::new(ChatKind::Direct, Some("Carol".to_owned())) };
    let chat = stage.network.add_chat_like("carol", info);
    let message = stage.network.message(&chat, "carol", "hello");
    stage.network.pushes_to("bobby", RemoteEvent::Message(message)).await;
    let room = stage.fake.wait_until(|fake| fake.room_named("Carol")).await;
    stage.fake.wait_for_body(&room, "hello").await;
    let membership = |person: &FakePerson| stage.fake.membership(&room, person.user_id());
    assert_eq!((membership(&bob), membership(&alice)), (Some(Membership::Joined), None));
    assert_eq!(bob.kept("account_data/m.direct"), Some(json!({ ghost("carol"): [room] })));
    let members = stage.fake.state(&room, "io.element.functional_members", "");
    assert_eq!(members, Some(json!({ "service_members": ["@fakebot:example.org"] })));
    let space = stage.fake.room_named("Fake (bobby on Fake)").expect("there is a space");
    assert_eq!(stage.fake.membership(&space, bob.user_id()), Some(Membership::Joined));
    assert!(stage.fake.state(&space, "m.space.child", room.as_str()).is_some());
    // What Bob keeps about it on the network is kept here.
    let keeps =
        |personal| RemoteEvent::ChatChanged { chat: chat.clone(), change: ChatChange::Personal(personal) };
    let all = Personal { muted: Some(true), favorite: Some(true), archived: Some(false), unread: Some(true) };
    stage.network.pushes_to("bobby", keeps(all)).await;
    let unread = format!("rooms/{room}/account_data/m.marked_unread");
    stage.fake.wait_until(|_| bob.kept(&unread)).await;
    assert!(bob.kept(&format!("rooms/{room}/tags/m.favourite")).is_some());
    assert!(bob.kept(&format!("pushrules/room/{room}")).is_some());
    stage.ends().await;
}

#[tokio::test]
async fn a_mention_reaches_the_person_and_not_a_ghost() {
    let stage = Stage::set_with_doubles("mentioned").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    signs_in(&stage, &bob, "bobby").await;
    let (room, _) = stage.room().await;
    let mention =
        Mention { target: MentionTarget::Person(Person::Remote(user("bobby"))), label: "Bobby".to_owned() };
    let message = RemoteMessage {
        message: crate::message::Message::text(RichText(vec![Node::Mention(mention.clone())])),
        ..stage.network.message(&stage.chat, "carol", "")
    };
    stage.network.pushes(RemoteEvent::Message(message)).await;
    let event = stage.fake.wait_for(&room, |event| event.body() == "@Bobby").await;
    assert_eq!(event.content()["m.mentions"], json!({ "user_ids": ["@bob:example.org"] }));
    let html = "<a href=\"https://matrix.to/#/@bob:example.org\">Bob</a>: look";
    alice.sends_content(
        &room,
        "m.room.message",
        &json!({ "msgtype": "m.text", "body": "Bob: look", "format": "org.matrix.custom.html", "formatted_body": html,
                 "m.mentions": { "user_ids": ["@bob:example.org"] } }),
    );
    let said =
        stage.network.wait_until("the mention arrives", |network| network.said(&stage.chat).pop()).await;
    let mentions = said.whole.message.text.mentions();
    let mentioned: Vec<_> = mentions.into_iter().map(|it| it.target.clone()).collect();
    assert_eq!(mentioned, [mention.target]);
    stage.ends().await;
}
