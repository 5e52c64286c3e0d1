//! Chats that go on under another id, and two that turn out to be one.

use super::*;
use crate::{
    message::{ChatChange, ChatInfo, ChatKind},
    platform::DeliverError,
    testkit::fake_homeserver::{Fault, FaultRule, Gate, Membership},
};

impl Stage {
    async fn moves(&self, from: &RemoteChatId, to: &RemoteChatId) {
        self.network.pushes(RemoteEvent::Migrated { from: from.clone(), to: to.clone() }).await;
    }

    async fn pushes_text(&self, chat: &RemoteChatId, text: &str) -> RemoteMessage {
        let message = self.network.message(chat, "carol", text);
        self.network.pushes(RemoteEvent::Message(message.clone())).await;
        message
    }

    /// Somebody on the network answers a message; gives the event that this is an answer to in Matrix.
    async fn answers(
        &self,
        (room, chat): (&OwnedRoomId, &RemoteChatId),
        to: &crate::ids::RemoteMessageId,
        text: &str,
    ) -> Value {
        let mut message = self.network.message(chat, "carol", text);
        message.message.reply_to = Some(to.clone());
        self.network.pushes(RemoteEvent::Message(message)).await;
        let event = self.fake.wait_for_body(room, text).await;
        event.content()["m.relates_to"]["m.in_reply_to"]["event_id"].clone()
    }

    async fn alias_of(&self, chat: &RemoteChatId) -> Option<OwnedRoomId> {
        let alias = format!("#fake_{chat}:example.org");
        self.running.parts.homeserver.bot().resolve_alias(&alias).await.expect("the directory answers")
    }

    /// Whether a room says that it is a chat's.
    fn is_marked(&self, room: &OwnedRoomId, chat: &str) -> bool {
        let state = self.fake.state(room, "m.bridge", &format!("app.magpie.fake://fake/{chat}"));
        state.is_some_and(|content| content["channel"]["id"] == chat)
    }

    async fn is_there(&self, what: &str, look: impl Fn() -> bool) {
        let seen = self.fake.wait_until(|_| look().then_some(()));
        assert!(tokio::time::timeout(PATIENCE, seen).await.is_ok(), "{what}");
    }
}

#[tokio::test]
async fn a_chat_keeps_its_room_its_people_and_what_was_said_under_another_id() {
    let stage = Stage::set("moved").await;
    let (room, first) = stage.room().await;
    let first_event = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    let (own, own_ids) = stage.says(&room, "from alice").await;
    let (town, city) = (stage.chat.clone(), stage.network.add_chat("city"));
    let rooms = stage.fake.rooms().len();
    // A network says it in the old chat, in the new one, and to whoever sends to the old one.
    for _ in 0..3 {
        stage.moves(&town, &city).await;
    }
    assert_eq!(stage.answers((&room, &city), &first.id, "to myself").await, first_event.as_str());
    assert_eq!(stage.answers((&room, &city), &own_ids[0], "to alice").await, own.as_str());
    stage.fake.person("alice").replies(&room, &first_event, "to carol");
    let said = stage.network.wait_for_texts(&city, &["to carol"]).await;
    assert_eq!(said[0].whole.message.reply_to.as_ref(), Some(&first.id));
    stage.fake.person("alice").edits(&room, &own, "edited by alice");
    let edited =
        |network: &FakeNetwork| network.texts(&city).contains(&"edited by alice".to_owned()).then_some(());
    stage.network.wait_until("the edit arrives", edited).await;
    // The room is the new one's, and no other was made.
    assert_eq!(stage.fake.rooms().len(), rooms);
    assert_eq!(stage.fake.room_named("city").as_ref(), Some(&room));
    assert_eq!(
        (stage.alias_of(&town).await, stage.alias_of(&city).await),
        (Some(room.clone()), Some(room.clone()))
    );
    assert_eq!((stage.is_marked(&room, "town"), stage.is_marked(&room, "city")), (false, true));
    // What comes late under the old id is the new one's, once.
    let late = stage.pushes_text(&town, "late").await;
    stage.network.pushes(RemoteEvent::Message(RemoteMessage { chat: city.clone(), ..late })).await;
    stage.network.pushes(RemoteEvent::Message(RemoteMessage { chat: town.clone(), ..first })).await;
    let gone = RemoteEvent::ChatChanged { chat: town.clone(), change: ChatChange::Gone };
    stage.network.pushes(gone).await;
    stage.moves(&town, &city).await;
    stage.pushes_text(&city, "last").await;
    stage
        .wait_until_shown(
            &room,
            &["first", "edited by alice", "to myself", "to alice", "to carol", "late", "last"],
        )
        .await;
    stage.fake.person("bob").sends(&room, "still here");
    let arrived =
        |network: &FakeNetwork| network.texts(&city).contains(&"still here".to_owned()).then_some(());
    stage.network.wait_until("it arrives", arrived).await;
    stage.ends().await;
}

#[tokio::test]
async fn what_was_told_before_a_move_is_shown_before_what_is_told_after_it() {
    let stage = Stage::set("moved_order").await;
    let (room, _) = stage.room().await;
    let (town, city) = (stage.chat.clone(), stage.network.add_chat("city"));
    let mut expected = vec!["first".to_owned()];
    for nth in 0..30 {
        let text = format!("old {nth}");
        stage.pushes_text(&town, &text).await;
        expected.push(text);
    }
    stage.moves(&town, &city).await;
    for nth in 0..5 {
        let text = format!("new {nth}");
        stage.pushes_text(&city, &text).await;
        expected.push(text);
    }
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    stage.wait_until_shown(&room, &expected).await;
    stage.ends().await;
}

#[tokio::test]
async fn what_a_network_refuses_because_the_chat_has_moved_arrives_after_the_move() {
    let stage = Stage::set("moved_refused").await;
    let (room, _) = stage.room().await;
    let (town, city) = (stage.chat.clone(), stage.network.add_chat("city"));
    let moved = || DeliverError::Retry { after: None, reason: "the chat has moved".to_owned() };
    stage.network.refuses([moved(), moved()]);
    stage.fake.person("alice").sends(&room, "one");
    stage.fake.person("alice").sends(&room, "two");
    stage.network.wait_until("it is refused", |network| (network.deliveries() > 0).then_some(())).await;
    stage.moves(&town, &city).await;
    let both = |network: &FakeNetwork| {
        let all: Vec<_> = [network.texts(&town), network.texts(&city)].concat();
        (all == ["one", "two"]).then_some(())
    };
    stage.network.wait_until("both arrive in order", both).await;
    stage.ends().await;
}

#[tokio::test]
async fn of_two_rooms_of_one_chat_the_former_stays_and_the_other_leads_there() {
    let stage = Stage::set("moved_merged").await;
    let (room, _) = stage.room().await;
    let (town, city) = (stage.chat.clone(), stage.network.add_chat("city"));
    stage.pushes_text(&city, "in the other").await;
    let other = stage.fake.wait_until(|fake| fake.room_named("city")).await;
    stage.fake.wait_for_body(&other, "in the other").await;
    let (bob, carol) = (stage.fake.person("bob"), UserId::parse(ghost("carol")).expect("a ghost's name"));
    bob.leaves(&room);
    bob.sends(&other, "said there");
    stage.network.wait_for_texts(&city, &["said there"]).await;
    stage.moves(&town, &city).await;
    stage
        .is_there("the other room is closed", || stage.fake.state(&other, "m.room.tombstone", "").is_some())
        .await;
    stage.pushes_text(&city, "together").await;
    stage.wait_until_shown(&room, &["first", "together"]).await;
    let tombstone = stage.fake.state(&other, "m.room.tombstone", "").expect("it is closed");
    assert_eq!(tombstone["replacement_room"], room.as_str());
    assert_eq!(stage.fake.membership(&other, &carol), Some(Membership::Left));
    let invited = stage.fake.membership(&room, bob.user_id());
    assert!(matches!(invited, Some(Membership::Invited | Membership::Joined)), "{invited:?}");
    let link = format!("This chat goes on in another room. https://matrix.to/#/{room}?via=example.org");
    assert!(stage.fake.messages(&other).iter().any(|(_, body)| *body == link));
    assert_eq!(
        (stage.alias_of(&town).await, stage.alias_of(&city).await),
        (Some(room.clone()), Some(room.clone()))
    );
    assert!(stage.is_marked(&room, "city") && !stage.is_marked(&other, "city"));
    // Whoever says something in the other room learns that nobody hears it.
    let lost = stage.fake.person("alice").sends(&other, "anybody?");
    let (_, words) = stage.notice(&other, &lost).await;
    assert!(
        words.contains(&format!("this chat goes on in another room, https://matrix.to/#/{room}")),
        "{words}"
    );
    stage.fake.person("alice").sends(&room, "here we are");
    stage.network.wait_for_texts(&city, &["said there", "here we are"]).await;
    // Where they were told apart, they are one.
    stage.moves(&city, &town).await;
    stage.pushes_text(&town, "back").await;
    stage.wait_until_shown(&room, &["first", "together", "here we are", "back"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn a_move_is_known_after_a_restart() {
    let stage = Stage::set("moved_restart").await;
    let (room, first) = stage.room().await;
    let (town, city) = (stage.chat.clone(), stage.network.add_chat("city"));
    let info = ChatInfo::new(ChatKind::Group, Some("metropolis".to_owned()));
    let capital = stage.network.add_chat_like("capital", info);
    stage.moves(&town, &city).await;
    let stage = stage.restarted().await;
    stage.pushes_text(&town, "late").await;
    stage.moves(&city, &capital).await;
    stage.moves(&town, &city).await;
    let stage = stage.restarted().await;
    stage.pushes_text(&town, "later").await;
    stage.pushes_text(&city, "latest").await;
    stage.wait_until_shown(&room, &["first", "late", "later", "latest"]).await;
    let event = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    stage.fake.person("alice").replies(&room, &event, "remember?");
    let said = stage.network.wait_for_texts(&capital, &["remember?"]).await;
    assert_eq!(said[0].whole.message.reply_to.as_ref(), Some(&first.id));
    stage
        .is_there("it looks like the last", || stage.fake.room_named("metropolis").as_ref() == Some(&room))
        .await;
    stage.ends().await;
}

#[tokio::test]
async fn moves_that_cross_end() {
    let stage = Stage::set("moved_crossing").await;
    let (room, _) = stage.room().await;
    let (town, city) = (stage.chat.clone(), stage.network.add_chat("city"));
    for _ in 0..3 {
        stage.moves(&town, &city).await;
        stage.moves(&city, &town).await;
    }
    stage.moves(&town, &town).await;
    stage.pushes_text(&town, "one").await;
    stage.pushes_text(&city, "two").await;
    let both = |stage: &Stage| {
        let shown = stage.shown(&room);
        shown.contains(&"one".to_owned()) && shown.contains(&"two".to_owned())
    };
    stage.is_there("both are in the room", || both(&stage)).await;
    stage.ends().await;
}

#[tokio::test]
async fn what_is_told_again_while_its_chat_moves_is_shown_once() {
    let stage = Stage::set("moved_again").await;
    let (room, first) = stage.room().await;
    let (town, city) = (stage.chat.clone(), stage.network.add_chat("city"));
    let gate = Gate::new();
    let path_contains = "/directory/room/".to_owned();
    let fault = Fault::HoldBefore(gate.clone());
    stage.fake.faults().add(FaultRule { method: None, path_contains, times: 1, fault });
    stage.moves(&town, &city).await;
    gate.reached().await;
    // The network is sure of the move, and tells under the new id what it has told before, and what is new.
    stage.network.pushes(RemoteEvent::Message(RemoteMessage { chat: city.clone(), ..first.clone() })).await;
    let second = stage.pushes_text(&city, "second").await;
    gate.open();
    stage.pushes_text(&city, "third").await;
    stage.wait_until_shown(&room, &["first", "second", "third"]).await;
    // What was told first is what it is known by.
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    assert_eq!(stage.answers((&room, &city), &first.id, "to the first").await, on.as_str());
    for told in [first, second] {
        stage.network.pushes(RemoteEvent::Message(RemoteMessage { chat: city.clone(), ..told })).await;
    }
    stage.pushes_text(&city, "last").await;
    stage.wait_until_shown(&room, &["first", "second", "third", "to the first", "last"]).await;
    stage.ends().await;
}
