//! Edits and deletions, from both sides.

use super::*;
use crate::{
    message::{Message, RichText},
    platform::DeliverError,
};

fn edit(of: &RemoteMessage, text: &str, edited_ms: i64) -> RemoteEvent {
    let message = Message { text: RichText::plain(text), ..of.message.clone() };
    RemoteEvent::Edit { new: RemoteMessage { message, ..of.clone() }, edited_ms }
}

#[tokio::test]
async fn edits_from_matrix_grow_and_shrink() {
    let stage = Stage::set("edits_from_matrix").await;
    let (room, _) = stage.room().await;
    let alice = stage.fake.person("alice");
    let (event_id, ids) = stage.says(&room, "one --- two").await;
    alice.edits(&room, &event_id, "uno --- due --- tre");
    let said = stage.network.wait_for_texts(&stage.chat, &["uno", "due", "tre"]).await;
    assert_eq!(said[..2].iter().map(|said| said.id.clone()).collect::<Vec<_>>(), ids);
    alice.edits(&room, &event_id, "only");
    stage.network.wait_for_texts(&stage.chat, &["only"]).await;
    alice.edits(&room, &event_id, "a --- b");
    stage.network.wait_for_texts(&stage.chat, &["a", "b"]).await;
    alice.redacts(&room, &event_id);
    stage.network.wait_for_texts(&stage.chat, &[]).await;
    // Somebody else's edit is none.
    let (event_id, _) = stage.says(&room, "mine").await;
    stage.fake.person("bob").edits(&room, &event_id, "yours");
    stage.says(&room, "after").await;
    stage.network.wait_for_texts(&stage.chat, &["mine", "after"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn edits_from_the_network_change_the_events() {
    let stage = Stage::set("edits_from_network").await;
    let (room, first) = stage.room().await;
    stage.network.pushes(edit(&first, "second", 5)).await;
    stage.wait_until_shown(&room, &["second"]).await;
    // The same version comes again after an outage, an older one late.
    stage.network.pushes(edit(&first, "second", 5)).await;
    stage.network.pushes(edit(&first, "third", 6)).await;
    stage.wait_until_shown(&room, &["third"]).await;
    let edits = stage
        .fake
        .events(&room)
        .into_iter()
        .filter(|event| event.content()["m.relates_to"]["rel_type"] == "m.replace");
    assert!(edits.clone().all(|event| event.sender == ghost("carol").as_str()));
    assert_eq!(edits.count(), 2);
    // A preview comes late, changes, and goes.
    let with_preview = |preview: &str| {
        let message =
            Message { preview: RichText::plain(preview), ..Message::text(RichText::plain("third")) };
        RemoteEvent::Preview(RemoteMessage { message, ..first.clone() })
    };
    stage.network.pushes(with_preview("box")).await;
    stage.wait_until_shown(&room, &["third", "box"]).await;
    stage.network.pushes(with_preview("bigger box")).await;
    stage.wait_until_shown(&room, &["third", "bigger box"]).await;
    stage.network.pushes(with_preview("")).await;
    stage.wait_until_shown(&room, &["third"]).await;
    stage.network.pushes(with_preview("again")).await;
    stage.wait_until_shown(&room, &["third", "again"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn deletions_on_the_network_take_the_events_away() {
    let stage = Stage::set("deletions_from_network").await;
    let (room, first) = stage.room().await;
    let (second, _) = stage.hears(&room, "dave", "second").await;
    let (ours, parts) = stage.says(&room, "left --- right").await;
    let redact = |ids: Vec<_>| RemoteEvent::Redact { chat: stage.chat.clone(), ids, by: None };
    // One part of a message is not the message.
    stage.network.pushes(redact(vec![parts[0].clone()])).await;
    stage
        .network
        .pushes(redact(vec![
            first.id.clone(),
            second.id.clone(),
            crate::ids::RemoteMessageId::new("unknown"),
        ]))
        .await;
    stage.wait_until_shown(&room, &["left --- right"]).await;
    stage.network.pushes(redact(vec![parts[1].clone()])).await;
    stage.wait_until_shown(&room, &[]).await;
    let gone = stage.fake.wait_for(&room, |event| event.redacts.as_ref() == Some(&ours)).await;
    assert_eq!(gone.sender, "@fakebot:example.org");
    // What is deleted cannot be edited.
    stage.network.pushes(edit(&first, "too late", 9)).await;
    stage.hears(&room, "carol", "after").await;
    assert_eq!(stage.shown(&room), ["after"]);
    stage.ends().await;
}

#[tokio::test]
async fn a_moderator_deletes_on_both_sides_and_nobody_else() {
    let stage = Stage::set("moderation").await;
    let (room, first) = stage.room().await;
    let (_, event_id) = stage.hears(&room, "carol", "rude").await;
    let redactions = || {
        let passed = stage.network.passed().into_iter();
        passed.filter(|it| matches!(it, crate::message::Outgoing::Redact { .. })).count()
    };
    // A server may let pass what it does not carry out itself.
    stage.fake.person("bob").redacts(&room, &event_id);
    stage.says(&room, "meanwhile").await;
    assert_eq!(redactions(), 0, "bob has no power over others");
    let levels = json!({ "users": { "@alice:example.org": 50 } });
    let bot = stage.running.parts.homeserver.bot();
    let state = crate::homeserver::SendState {
        room_id: &room,
        event_type: "m.room.power_levels",
        state_key: "",
        content: &levels,
    };
    bot.send_state(state).await.unwrap();
    let first_event = stage.fake.wait_for_body(&room, "first").await;
    stage.fake.person("alice").redacts(&room, &first_event.event_id);
    stage.network.wait_until("the deletion arrives", |_| (redactions() == 1).then_some(())).await;
    assert!(matches!(&stage.network.passed()[0],
        crate::message::Outgoing::Redact { parts, .. } if *parts == [first.id.clone()]));
    stage.ends().await;
}

#[tokio::test]
async fn what_failed_says_so_and_is_tried_again_or_given_up() {
    let stage = Stage::set("retries").await;
    let (room, _) = stage.room().await;
    let alice = stage.fake.person("alice");
    let refuse = || DeliverError::Rejected("the town is closed.".to_owned());
    stage.network.refuses([
        refuse(),
        refuse(),
        DeliverError::Uncertain("a".to_owned()),
        DeliverError::Uncertain("b".to_owned()),
    ]);
    let closed = alice.sends(&room, "knock");
    let (notice, words) = stage.notice(&room, &closed).await;
    assert_eq!(
        words,
        "⚠ Your message was not delivered to Fake: the town is closed. React with 🔁 to try again."
    );
    // On the notice or on the message; a second failure is told anew.
    stage.fake.person("bob").reacts(&room, &closed, "🔁");
    alice.reacts(&room, &notice, "🔁");
    let notices = |count: usize| {
        let about = closed.clone();
        let room = room.clone();
        move |fake: &FakeHomeserver| {
            let all = fake.events(&room).into_iter().filter(|event| {
                event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == about.as_str()
            });
            (all.count() == count).then_some(())
        }
    };
    stage.fake.wait_until(notices(2)).await;
    alice.reacts(&room, &closed, "🔁");
    stage.fake.wait_until(notices(3)).await;
    assert_eq!(stage.network.texts(&stage.chat), [""; 0]);
    alice.reacts(&room, &closed, "🔄");
    stage.network.wait_for_texts(&stage.chat, &["knock"]).await;
    // An edit of what did not get through says so; deleting it gives it up.
    stage.network.refuses([refuse()]);
    let lost = alice.sends(&room, "lost");
    stage.notice(&room, &lost).await;
    let changed = alice.edits(&room, &lost, "found");
    let (_, words) = stage.notice(&room, &changed).await;
    assert!(
        words.starts_with("⚠ Your edit was not delivered to Fake: the message that you changed"),
        "{words}"
    );
    alice.redacts(&room, &lost);
    alice.reacts(&room, &lost, "🔁");
    stage.says(&room, "after").await;
    assert_eq!(stage.network.texts(&stage.chat), ["knock", "after"]);
    stage.ends().await;
}

#[tokio::test]
async fn replies_and_places_cross() {
    let stage = Stage::set("replies").await;
    let (room, first) = stage.room().await;
    let alice = stage.fake.person("alice");
    let first_event = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    alice.replies(&room, &first_event, "loud");
    let content = json!({
        "msgtype": "m.text", "body": "quiet", "m.mentions": {},
        "m.relates_to": { "m.in_reply_to": { "event_id": first_event } },
    });
    alice.sends_content(&room, "m.room.message", &content);
    alice.sends_content(
        &room,
        "m.room.message",
        &json!({ "msgtype": "m.location", "body": "here", "geo_uri": "geo:1.5,2.5" }),
    );
    let said = stage.network.wait_for_texts(&stage.chat, &["loud", "quiet", "here 1.5,2.5"]).await;
    for (said, silent) in said.iter().zip([false, true]) {
        assert_eq!(said.whole.message.reply_to.as_ref(), Some(&first.id));
        assert_eq!(said.whole.message.silent_reply, silent);
    }
    // Back: a reply pings the person it answers, unless it is a silent one.
    for (text, silent_reply, pinged) in [("back", false, true), ("softly", true, false)] {
        let mut answer = stage.network.message(&stage.chat, "carol", text);
        answer.message.reply_to = Some(said[0].id.clone());
        answer.message.silent_reply = silent_reply;
        stage.network.pushes(RemoteEvent::Message(answer)).await;
        let content = stage.fake.wait_for_body(&room, text).await.content();
        let answered = content["m.relates_to"]["m.in_reply_to"]["event_id"].as_str();
        let loud = stage.fake.wait_for_body(&room, "loud").await;
        assert_eq!(answered, Some(loud.event_id.as_str()));
        let mentions = if pinged { json!({ "user_ids": ["@alice:example.org"] }) } else { json!({}) };
        assert_eq!(content["m.mentions"], mentions);
    }
    // Threads keep their root on both sides.
    let mut inside = stage.network.message(&stage.chat, "carol", "inside");
    inside.message.thread = Some(first.id.clone());
    stage.network.pushes(RemoteEvent::Message(inside)).await;
    let content: Value = stage.fake.wait_for_body(&room, "inside").await.content();
    assert_eq!(content["m.relates_to"]["rel_type"], "m.thread");
    assert_eq!(content["m.relates_to"]["event_id"], first_event.as_str());
    let relation = json!({
        "rel_type": "m.thread", "event_id": first_event, "is_falling_back": true,
        "m.in_reply_to": { "event_id": first_event },
    });
    let content = json!({ "msgtype": "m.text", "body": "me too", "m.relates_to": relation });
    alice.sends_content(&room, "m.room.message", &content);
    let said =
        stage.network.wait_until("it arrives", |network| network.said(&stage.chat).into_iter().nth(3)).await;
    assert_eq!(said.whole.message.thread, Some(first.id.clone()));
    assert_eq!(said.whole.message.reply_to, None);
    stage.ends().await;
}
