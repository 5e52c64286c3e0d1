//! The 24 hours in which a business may write.

use magpie_common::{
    clock::Clock,
    message::{ChatChange, RemoteEvent},
    platform::Session,
};
use magpie_tests::whatsapp_cloud::{Refusals, WINDOW_MS};

use super::{Stage, ids, key, refused, said};

const HOUR_MS: i64 = 60 * 60 * 1000;
const NOW_MS: i64 = 1_790_000_000_000;

#[tokio::test]
async fn the_window_is_remembered_and_opened_again_by_the_person() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let until = |session: &dyn Session| session.limits(&stage.alice()).open_until_ms;
    assert_eq!(until(&*session), Some(NOW_MS + WINDOW_MS));
    ids(session.deliver(&stage.alice(), &said("in time"), &key(1)).await);
    stage.sim.advance_ms(WINDOW_MS + 1_000);
    let requests = stage.sim.requests().len();
    let words = refused(session.deliver(&stage.alice(), &said("too late"), &key(2)).await);
    assert!(words.contains("24 hours") && words.contains("template"), "{words}");
    assert_eq!(stage.sim.requests().len(), requests, "WhatsApp was not even asked");

    // So it is after a restart.
    session.close().await;
    let session = stage.connect().await;
    refused(session.deliver(&stage.alice(), &said("too late, still"), &key(3)).await);
    assert_eq!(until(&*session), Some(NOW_MS + WINDOW_MS));
    stage.sim.person_says(stage.small.with_alice(), "I am back");
    stage.arrived("I am back").await;
    ids(session.deliver(&stage.alice(), &said("welcome"), &key(4)).await);
    session.close().await;
    stage.should_be_honest("the_window_is_remembered_and_opened_again_by_the_person");
}

#[tokio::test]
async fn where_nobody_knows_whatsapp_says_whether_the_window_is_open() {
    let stage = Stage::new().await;
    stage.sim.refuses(Refusals::InAnswers);
    let session = stage.connect().await;
    assert_eq!(session.limits(&stage.alice()).open_until_ms, None);
    let words = refused(session.deliver(&stage.alice(), &said("out of the blue"), &key(1)).await);
    assert!(words.contains("24 hours"), "{words}");
    session.close().await;
}

#[tokio::test]
async fn an_old_message_that_comes_late_does_not_shorten_the_window() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.sim.holds_webhooks();
    stage.sim.person_says(stage.small.with_alice(), "first");
    stage.sim.advance_ms(60_000);
    stage.sim.person_says(stage.small.with_alice(), "second");
    stage.sim.releases_webhooks(magpie_tests::whatsapp_cloud::Release::Reversed);
    stage.arrived("first").await;
    assert_eq!(session.limits(&stage.alice()).open_until_ms, Some(NOW_MS + 60_000 + WINDOW_MS));
    session.close().await;
}

#[tokio::test]
async fn the_topic_counts_the_window_down() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let topics = || -> Vec<String> {
        let events = stage.recorder.events().into_iter();
        let topic = |event: RemoteEvent| match event {
            RemoteEvent::ChatChanged { chat, change: ChatChange::Info(info) } if chat == stage.alice() => {
                info.topic
            }
            _ => None,
        };
        events.filter_map(|one| topic(one.event)).collect()
    };
    let says = |count: usize, words: &str| {
        let words = words.to_owned();
        let topics = &topics;
        let stage = &stage;
        async move {
            let seen = |_: &_| topics().get(count - 1).cloned();
            let topic = stage.recorder.wait_for(&words, seen).await;
            assert!(topic.contains(&words), "{topic}");
        }
    };
    says(1, "24 hours after the person wrote last").await;
    // Who keeps talking changes nothing.
    stage.sim.advance_ms(HOUR_MS);
    stage.sim.person_says(stage.small.with_alice(), "still here");
    stage.arrived("still here").await;
    let mut count = 1;
    for (hours, words) in [(13, "less than 12 hours"), (8, "less than 4 hours"), (2, "less than an hour")] {
        stage.sim.advance_ms(hours * HOUR_MS);
        count += 1;
        says(count, words).await;
    }
    // The bridge is away while the window shuts.
    session.close().await;
    stage.sim.advance_ms(2 * HOUR_MS);
    let session = stage.connect().await;
    stage.sim.person_says(stage.small.with_alice(), "back again");
    stage.arrived("back again").await;
    says(count + 1, "24 hours after the person wrote last").await;
    let info = session.chat(&stage.alice()).await.expect("it is known").expect("it is a chat");
    assert!(info.topic.is_some_and(|topic| topic.contains("24 hours")));
    stage.sim.advance_ms(WINDOW_MS);
    says(count + 2, "only templates").await;
    session.close().await;
}
