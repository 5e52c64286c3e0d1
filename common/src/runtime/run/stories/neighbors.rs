//! Other bridges and programs in the same room: heard or ignored as the operator wants, and never answered.

use super::*;
use crate::{
    platform::DeliverError,
    testkit::fake_homeserver::{FakePerson, Membership},
};

/// Another bridge's ghost or bot, in the room of the chat.
async fn neighbor(stage: &Stage, room: &OwnedRoomId, name: &str) -> FakePerson {
    let neighbor = stage.fake.person(name);
    stage.fake.person("alice").invites(room, neighbor.user_id()).await;
    neighbor.joins(room);
    neighbor
}

fn notice(body: &str) -> Value {
    json!({ "msgtype": "m.notice", "body": body })
}

fn by_the_bot(stage: &Stage, room: &OwnedRoomId) -> Vec<String> {
    let events = stage.fake.events(room);
    let ours = events.iter().filter(|event| {
        event.sender == "@fakebot:example.org"
            && matches!(&*event.event_type, "m.room.message" | "m.reaction")
    });
    ours.map(|event| event.body()).collect()
}

#[tokio::test]
async fn whom_the_operator_ignores_is_neither_relayed_nor_obeyed() {
    let ignore = "  ignore: [\"@other_*:example.org\", \"@otherbot:example.org\"]\n";
    let stage = Stage::set_with("ignored", "", ignore).await;
    let (room, first) = stage.room().await;
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    let (ghost, bot) = (neighbor(&stage, &room, "other_7").await, neighbor(&stage, &room, "otherbot").await);
    for neighbor in [&ghost, &bot] {
        neighbor.sends(&room, "unheard");
        neighbor.sends(&room, "!fake unbridge");
        neighbor.reacts(&room, &on, "👍");
    }
    let ours = UserId::parse("@fakebot:example.org").expect("the bot's name");
    let desk = ghost.creates_direct_chat(&ours);
    let declined = |fake: &FakeHomeserver| fake.membership(&desk, &ours) == Some(Membership::Left);
    stage.fake.wait_until(|fake| declined(fake).then_some(())).await;
    stage.fake.person("alice").replies(&room, &on, "heard");
    let said = stage.network.wait_for_texts(&stage.chat, &["heard"]).await;
    assert_eq!(said[0].whole.message.reply_to.as_ref(), Some(&first.id));
    assert_eq!((stage.network.reactions(), by_the_bot(&stage, &room)), (Vec::new(), Vec::new()));
    stage.ends().await;
}

#[tokio::test]
async fn what_a_program_says_is_carried_over_but_neither_obeyed_nor_answered() {
    let stage = Stage::set("programs").await;
    let (room, _) = stage.room().await;
    let (alice, program) = (stage.fake.person("alice"), neighbor(&stage, &room, "otherbot").await);
    let says = |body: &str| program.sends_content(&room, "m.room.message", &notice(body));
    says("it rains");
    says("!fake unbridge");
    stage.network.wait_for_texts(&stage.chat, &["it rains", "!fake unbridge"]).await;
    // What another bridge says of a failure may fail here. If that were told, they would go on for ever.
    let busy = || DeliverError::Retry { after: None, reason: "busy".to_owned() };
    stage.network.refuses([busy(), busy(), DeliverError::Rejected("no.".to_owned())]);
    let failed = says("⚠ Your message was not delivered to Other.");
    let lost = || stage.network.deliveries() == 5;
    stage.network.wait_until("it is tried", |_| lost().then_some(())).await;
    stage.network.refuses([DeliverError::Rejected("no.".to_owned())]);
    let refused = alice.sends(&room, "no program");
    let (_, words) = stage.notice(&room, &refused).await;
    assert!(words.contains("was not delivered to Fake"), "{words}");
    assert_eq!(by_the_bot(&stage, &room).len(), 1, "the failure of {failed} is told");
    stage.ends().await;
}
