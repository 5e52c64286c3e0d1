//! Polls that people open in Matrix: voted in and closed on both sides.

use super::*;
use crate::{message::Outgoing, testkit::fake_network::FakeNetwork};

#[tokio::test]
async fn a_poll_is_voted_in_on_both_sides() {
    let stage = Stage::set("polls").await;
    let (room, _) = stage.room().await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let answer = |id: &str, text: &str| json!({ "id": id, "org.matrix.msc1767.text": text });
    let start = json!({
        "question": { "org.matrix.msc1767.text": "Lunch?" }, "max_selections": 1,
        "answers": [answer("soup", "Soup"), answer("bread", "Bread")],
    });
    let content = json!({ "org.matrix.msc3381.poll.start": start });
    let poll = alice.sends_content(&room, "org.matrix.msc3381.poll.start", &content);
    let on = stage.network.wait_for_texts(&stage.chat, &["Lunch?"]).await[0].id.clone();
    let vote = |who: &str, answers: Vec<u32>| RemoteEvent::Vote {
        chat: stage.chat.clone(),
        target: on.clone(),
        sender: user(who),
        answers,
    };
    for (who, answers) in [("carol", vec![1]), ("dave", vec![0]), ("carol", Vec::new())] {
        stage.network.pushes(vote(who, answers)).await;
    }
    let votes = |fake: &FakeHomeserver| {
        let events = fake.events(&room);
        let votes = events.iter().filter(|event| event.event_type == "org.matrix.msc3381.poll.response");
        let ours = votes.filter(|event| event.sender.as_str().starts_with("@fake_"));
        let told = |event: &Arc<FakeEvent>| {
            let content = event.content();
            assert_eq!(content["m.relates_to"], json!({ "rel_type": "m.reference", "event_id": poll }));
            (event.sender.to_string(), content["org.matrix.msc3381.poll.response"]["answers"].clone())
        };
        let told: Vec<_> = ours.map(told).collect();
        (told.len() == 3).then_some(told)
    };
    let expected =
        [(ghost("carol"), json!(["bread"])), (ghost("dave"), json!(["soup"])), (ghost("carol"), json!([]))];
    assert_eq!(stage.fake.wait_until(votes).await, expected);
    // People in Matrix vote and close it, too.
    let relation = json!({ "rel_type": "m.reference", "event_id": poll });
    let voted =
        json!({ "m.relates_to": relation, "org.matrix.msc3381.poll.response": { "answers": ["bread"] } });
    bob.sends_content(&room, "org.matrix.msc3381.poll.response", &voted);
    alice.sends_content(&room, "org.matrix.msc3381.poll.end", &json!({ "m.relates_to": relation }));
    let expected =
        [Outgoing::Vote { target: on.clone(), answers: vec![1] }, Outgoing::ClosePoll { target: on.clone() }];
    let passed = |network: &FakeNetwork| (network.passed() == expected).then_some(());
    stage.network.wait_until("the vote and the end arrive", passed).await;
    stage.ends().await;
}
