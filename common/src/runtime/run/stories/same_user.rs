//! People whom a network knows by several ids.

use super::*;
use crate::{
    ids::AliasSet,
    message::{Emoji, MemberChange, Mention, MentionTarget, Message, Node, Person, RichText, UserInfo},
    testkit::fake_homeserver::{Fault, FaultRule, Membership},
};

mod merging;
mod populated;
mod sequences;

fn ghost_id(name: &str) -> ruma::OwnedUserId {
    UserId::parse(ghost(name)).expect("a ghost's name")
}

impl Stage {
    /// The network says that two ids are one person, and wants to be asked by the first.
    async fn are_one(&self, canonical: &str, alias: &str) {
        self.network.pushes(RemoteEvent::SameUser { canonical: user(canonical), alias: user(alias) }).await;
    }

    /// Waits until all that was told so far of people is done: a name that changes afterwards shows.
    async fn settles(&self, name: &str) {
        let ids = AliasSet::single(user("herald"));
        let info = UserInfo { ids, name: Some(name.to_owned()), avatar: None, bot: false };
        self.network.pushes(RemoteEvent::UserChanged(info)).await;
        let is_shown = |fake: &FakeHomeserver| {
            let profile = fake.profile(&ghost_id("herald"))?;
            (profile.display_name.as_deref() == Some(name)).then_some(())
        };
        let shown = tokio::time::timeout(PATIENCE, self.fake.wait_until(is_shown)).await;
        assert!(shown.is_ok(), "what was told of people is not done: {name}");
    }

    /// Somebody says something in a chat; gives the message and who says it in Matrix.
    async fn speaks(
        &self,
        (room, chat): (&OwnedRoomId, &RemoteChatId),
        by: &str,
        text: &str,
    ) -> (RemoteMessage, String) {
        let message = self.network.message(chat, by, text);
        self.network.pushes(RemoteEvent::Message(message.clone())).await;
        let event = self.fake.wait_for_body(room, text).await;
        (message, event.sender.to_string())
    }

    /// The room of another chat, made by somebody who speaks there.
    async fn another(&self, name: &str, by: &str) -> (OwnedRoomId, RemoteChatId, RemoteMessage) {
        let chat = self.network.add_chat(name);
        let first = self.network.message(&chat, by, &format!("hello {name}"));
        self.network.pushes(RemoteEvent::Message(first.clone())).await;
        let room = self.fake.wait_until(|fake| fake.room_named(name)).await;
        self.fake.wait_for_body(&room, &format!("hello {name}")).await;
        (room, chat, first)
    }

    fn is_in(&self, room: &OwnedRoomId, name: &str) -> bool {
        self.fake.membership(room, &ghost_id(name)) == Some(Membership::Joined)
    }

    async fn herald_comes(&self, room: &OwnedRoomId) {
        self.speaks((room, &self.chat), "herald", "I tell of news").await;
    }
}

/// Words that mention somebody on the network.
fn mentioning(name: &str) -> Message {
    let target = MentionTarget::Person(Person::Remote(user(name)));
    Message::text(RichText(vec![Node::Mention(Mention { target, label: name.to_owned() })]))
}

#[tokio::test]
async fn whatever_id_is_named_the_one_ghost_is_meant() {
    let stage = Stage::set("same_user").await;
    let (room, first) = stage.room().await;
    stage.herald_comes(&room).await;
    // A number changes, twice; nobody has met the new ones.
    stage.are_one("carol-2", "carol").await;
    stage.are_one("carol-3", "carol-2").await;
    // The same id, and old news told again.
    stage.are_one("carol", "carol").await;
    stage.are_one("carol-2", "carol").await;
    stage.settles("one").await;
    let stage = stage.restarted().await;
    for (by, text) in [("carol-3", "third"), ("carol", "first again"), ("carol-2", "second")] {
        assert_eq!(stage.speaks((&room, &stage.chat.clone()), by, text).await.1, ghost("carol"), "{by}");
    }
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    let (chat, target) = (stage.chat.clone(), first.id.clone());
    let thumb = Emoji::unicode("👍");
    let (sender, sent_ms) = (user("carol-3"), None);
    let react = RemoteEvent::React { chat, target, sender, emoji: thumb.clone(), sent_ms };
    stage.network.pushes(react).await;
    let reaction = stage.fake.wait_for(&room, |event| event.event_type == "m.reaction").await;
    assert_eq!(reaction.sender, ghost_id("carol"));
    // It is taken back by another id.
    let (chat, target) = (stage.chat.clone(), first.id.clone());
    let unreact = RemoteEvent::Unreact { chat, target, sender: Some(user("carol-2")), emoji: Some(thumb) };
    stage.network.pushes(unreact).await;
    stage.fake.wait_for(&room, |event| event.redacts.as_ref() == Some(&reaction.event_id)).await;
    // A mention leads to the one ghost, and one of any ghost to the id of today.
    let mut named = stage.network.message(&stage.chat, "dave", "");
    named.message = mentioning("carol-3");
    stage.network.pushes(RemoteEvent::Message(named)).await;
    let by_dave =
        |event: &FakeEvent| event.sender == ghost_id("dave") && event.event_type == "m.room.message";
    let event = stage.fake.wait_for(&room, by_dave).await;
    assert_eq!(event.content()["m.mentions"]["user_ids"], json!([ghost("carol")]));
    for (nth, pill) in ["carol", "carol-2", "carol-3"].into_iter().enumerate() {
        mentions(&stage, &room, pill);
        let said = stage.network.wait_until("it arrives", |it| it.said(&stage.chat).get(nth).cloned()).await;
        let mentions = said.whole.message.text.mentions();
        assert_eq!(mentions[0].target, MentionTarget::Person(Person::Remote(user("carol-3"))), "{pill}");
    }
    // Whoever has read or leaves is the same person.
    let (chat, up_to) = (stage.chat.clone(), first.id.clone());
    stage.network.pushes(RemoteEvent::Receipt { chat, reader: user("carol-2"), up_to }).await;
    let read = |fake: &FakeHomeserver| fake.read_up_to(&room, &ghost_id("carol"));
    assert_eq!(stage.fake.wait_until(read).await, on.as_str());
    let changes = vec![(user("carol-3"), MemberChange::Left)];
    stage.network.pushes(RemoteEvent::MembersChanged { chat: stage.chat.clone(), changes }).await;
    stage.fake.wait_until(|_| (!stage.is_in(&room, "carol")).then_some(())).await;
    for nobody in ["carol-2", "carol-3"] {
        assert_eq!(stage.fake.profile(&ghost_id(nobody)), None, "no ghost is made for another id");
    }
    stage.ends().await;
}

/// Alice names a ghost.
fn mentions(stage: &Stage, room: &OwnedRoomId, name: &str) {
    let pill = format!("<a href=\"https://matrix.to/#/{}\">{name}</a>", ghost(name));
    let content = json!({
        "msgtype": "m.text",
        "body": name,
        "format": "org.matrix.custom.html",
        "formatted_body": pill,
        "m.mentions": { "user_ids": [ghost(name)] },
    });
    stage.fake.person("alice").sends_content(room, "m.room.message", &content);
}

#[tokio::test]
async fn what_is_told_right_after_a_union_is_said_by_the_one_ghost() {
    let stage = Stage::set("same_user_at_once").await;
    let (room, _) = stage.room().await;
    let town = stage.chat.clone();
    for nth in 0..12 {
        let (old, new) = (format!("old{nth}"), format!("new{nth}"));
        // Half of them have spoken before.
        if nth % 2 == 0 {
            stage.speaks((&room, &town), &old, &format!("old {nth}")).await;
        }
        stage.are_one(&new, &old).await;
        let first = stage.speaks((&room, &town), &new, &format!("new {nth}")).await.1;
        let then = stage.speaks((&room, &town), &old, &format!("old again {nth}")).await.1;
        let expected = ghost(if nth % 2 == 0 { &old } else { &new });
        assert_eq!((first, then), (expected.clone(), expected));
    }
    for event in stage.fake.events(&room).iter().filter(|event| event.event_type == "m.room.member") {
        assert_ne!(event.content()["membership"], "leave", "nobody came who had to leave again");
    }
    stage.ends().await;
}

#[tokio::test]
async fn ids_that_come_together_with_a_message_are_one_person() {
    let stage = Stage::set("same_user_by_the_way").await;
    let (room, _) = stage.room().await;
    let (town, eve) = (stage.chat.clone(), stage.network.add_chat("village"));
    // The account speaks elsewhere before anybody knows whose it is.
    stage.network.pushes(RemoteEvent::Message(stage.network.message(&eve, "account", "who am I"))).await;
    let village = stage.fake.wait_until(|fake| fake.room_named("village")).await;
    stage.fake.wait_for_body(&village, "who am I").await;
    let mut told = stage.network.message(&town, "account", "it is me");
    told.sender.ids.others = vec![user("carol"), user("carol-2"), user("account")];
    for _ in 0..2 {
        stage.network.pushes(RemoteEvent::Message(told.clone())).await;
    }
    let event = stage.fake.wait_for_body(&room, "it is me").await;
    let (stays, left) = match event.sender == ghost_id("carol") {
        true => ("carol", "account"),
        false => ("account", "carol"),
    };
    assert_eq!(event.sender, ghost_id(stays));
    for (nth, by) in ["carol", "account", "carol-2"].into_iter().enumerate() {
        let (text, place) = (format!("all of me {nth}"), (&village, &eve));
        assert_eq!(stage.speaks(place, by, &text).await.1, ghost(stays), "{by}");
    }
    for room in [&room, &village] {
        assert!(stage.is_in(room, stays) && !stage.is_in(room, left));
    }
    stage.ends().await;
}

#[tokio::test]
async fn who_invites_a_ghost_by_another_id_meets_its_person() {
    let stage = Stage::set("same_user_invited").await;
    for id in ["ada", "ada-new"] {
        stage.network.add_person(id, "Ada Lovelace");
    }
    let bob = stage.fake.person("bob");
    super::accounts::signs_in(&stage, &bob, "bobby").await;
    let (room, _) = stage.room().await;
    stage.herald_comes(&room).await;
    stage.speaks((&room, &stage.chat.clone()), "ada", "it is I").await;
    stage.are_one("ada-new", "ada").await;
    stage.settles("one").await;
    // Nobody has ever seen the ghost of the new id.
    let direct =
        bob.creates_room(&json!({ "is_direct": true, "preset": "trusted_private_chat", "invite": [] }));
    bob.sets_state(
        &direct,
        "m.room.power_levels",
        "",
        &json!({
            "users": { "@bob:example.org": 100, (ghost("ada")): 100 }, "users_default": 0, "invite": 0,
        }),
    );
    bob.invites(&direct, &ghost_id("ada-new")).await;
    bob.sends(&direct, "hello Ada");
    let chat = RemoteChatId::new("bobby/ada-new");
    stage.network.wait_for_texts(&chat, &["hello Ada"]).await;
    let (_, sender) = stage.speaks((&direct, &chat), "ada-new", "hello Bob").await;
    assert_eq!(sender, ghost("ada"));
    assert!(stage.is_in(&direct, "ada") && !stage.is_in(&direct, "ada-new"));
    stage.ends().await;
}
