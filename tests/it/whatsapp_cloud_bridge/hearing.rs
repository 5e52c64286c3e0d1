//! What is done to messages, in whatever order and however often it is told.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Emoji, RemoteEvent},
};
use magpie_tests::whatsapp_cloud::Release;

use super::Stage;

/// The reactions and their ends, in order.
fn reactions(stage: &Stage) -> Vec<String> {
    let events = stage.recorder.events().into_iter();
    let spelled = events.filter_map(|one| match one.event {
        RemoteEvent::React { emoji: Emoji::Unicode(emoji), .. } => Some(emoji),
        RemoteEvent::Unreact { .. } => Some("-".to_owned()),
        _ => None,
    });
    spelled.collect()
}

fn texts(stage: &Stage) -> Vec<String> {
    stage.recorder.messages().into_iter().map(|message| message.message.text.to_plain()).collect()
}

#[tokio::test]
async fn a_reaction_takes_the_place_of_the_one_before() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    let target = stage.alice_writes().await;
    stage.sim.repeats_webhooks(3);
    stage.sim.person_reacts(chat, &target, "👍");
    stage.sim.person_reacts(chat, &target, "❤");
    stage.sim.person_unreacts(chat, &target);
    stage.sim.person_says(chat, "after it");
    stage.arrived("after it").await;
    assert_eq!(reactions(&stage), ["-", "👍", "-", "❤️", "-"], "each once, though each came twice");
    session.close().await;
    stage.should_be_honest("a_reaction_takes_the_place_of_the_one_before");
}

#[tokio::test]
async fn an_older_reaction_that_comes_later_is_left_out() {
    let clock = magpie_common::clock::Clock::fixed(1_790_000_000_000, 7);
    let stage = Stage::on_clock(clock).await;
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    let target = stage.alice_writes().await;
    stage.sim.holds_webhooks();
    stage.sim.person_reacts(chat, &target, "👍");
    stage.sim.advance_ms(2_000);
    stage.sim.person_reacts(chat, &target, "❤");
    stage.sim.releases_webhooks(Release::Reversed);
    stage.sim.person_says(chat, "after it");
    stage.arrived("after it").await;
    assert_eq!(reactions(&stage), ["-", "❤️"]);
    session.close().await;
}

#[tokio::test]
async fn what_is_told_before_its_message_is_shown_with_it() {
    let clock = magpie_common::clock::Clock::fixed(1_790_000_000_000, 7);
    let stage = Stage::on_clock(clock).await;
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    stage.alice_writes().await;
    stage.sim.holds_webhooks();
    let changed = stage.sim.person_says(chat, "a typo");
    let gone = stage.sim.person_says(chat, "a mistake");
    let liked = stage.sim.person_says(chat, "a joke");
    stage.sim.advance_ms(2_000);
    stage.sim.person_edits(chat, &changed, "no typo");
    stage.sim.person_deletes(chat, &gone);
    stage.sim.person_reacts(chat, &liked, "😂");
    stage.sim.releases_webhooks(Release::Reversed);
    stage.sim.person_says(chat, "after it");
    stage.arrived("after it").await;
    assert_eq!(
        texts(&stage),
        ["let us talk", "a joke", "This message was taken back.", "no typo", "after it"]
    );
    let last_of = |id: &str| {
        let id = RemoteMessageId::new(id);
        let events = stage.recorder.events();
        let is_about = |event: &RemoteEvent| match event {
            RemoteEvent::Message(message) => message.id == id,
            RemoteEvent::Redact { ids, .. } => ids.contains(&id),
            RemoteEvent::React { target, .. } => *target == id,
            _ => false,
        };
        let name = events.iter().rev().find(|one| is_about(&one.event)).map(|one| one.event.name());
        name.expect("something happened to it")
    };
    assert_eq!((last_of(&gone), last_of(&liked)), ("redact", "react"), "though both were told before");
    session.close().await;
}

#[tokio::test]
async fn edits_and_deletions_arrive_once() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    let first = stage.alice_writes().await;
    stage.sim.person_edits(chat, &first, "changed");
    let edited = stage
        .happened("an edit", |event| match event {
            RemoteEvent::Edit { new, .. } => Some(new),
            _ => None,
        })
        .await;
    assert_eq!((edited.id.as_str(), edited.message.text.to_plain()), (&*first, "changed".to_owned()));
    stage.sim.repeats_webhooks(1);
    stage.sim.person_deletes(chat, &first);
    stage.sim.person_says(chat, "after it");
    stage.arrived("after it").await;
    let gone =
        stage.recorder.events().into_iter().filter(|one| matches!(one.event, RemoteEvent::Redact { .. }));
    assert_eq!(gone.count(), 1);
    session.close().await;
    stage.should_be_honest("edits_and_deletions_arrive_once");
}

#[tokio::test]
async fn batches_are_taken_apart_in_order() {
    for release in [Release::InOnePost, Release::Merged] {
        let stage = Stage::new().await;
        let session = stage.connect().await;
        stage.sim.holds_webhooks();
        for nth in 0..5 {
            let chat = if nth % 2 == 0 { stage.small.with_alice() } else { stage.small.with_bob() };
            stage.sim.person_says(chat, &format!("number {nth}"));
        }
        stage.sim.releases_webhooks(release);
        stage.arrived("number 4").await;
        let expected: Vec<String> = (0..5).map(|nth| format!("number {nth}")).collect();
        assert_eq!(texts(&stage), expected, "{release:?}");
        let chats: Vec<_> = stage.recorder.messages().into_iter().map(|message| message.chat).collect();
        assert_eq!((&chats[0], &chats[1]), (&stage.alice(), &stage.id(stage.small.with_bob())));
        session.close().await;
    }
}

#[tokio::test]
async fn a_vote_in_a_poll_that_nobody_knows_is_shown_in_words() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let number = stage.small.number;
    let metadata =
        serde_json::json!({"display_phone_number": "15550783881", "phone_number_id": number.to_string()});
    let vote = serde_json::json!({"from": "16505551234", "id": "wamid.vote", "timestamp": "1790000000", "type": "interactive",
        "context": {"id": "wamid.of.another.bridge"},
        "interactive": {"type": "button_reply", "button_reply": {"id": "magpie-1", "title": "green tea"}}});
    stage.sim.tells(
        number,
        "messages",
        serde_json::json!({"messaging_product": "whatsapp", "metadata": metadata, "messages": [vote]}),
    );
    stage.arrived("green tea").await;
    session.close().await;
}
