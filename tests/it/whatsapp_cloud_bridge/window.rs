//! The 24 hours in which a business may write.

use magpie_common::{
    clock::Clock,
    message::{ChatChange, RemoteEvent},
    platform::Session,
};
use magpie_tests::whatsapp_cloud::{Refusals, WINDOW_MS};
use serde_json::{Value, json};

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
    // Meta's clock may be another, and the last words may be on their way: it is asked for some minutes more.
    stage.sim.advance_ms(WINDOW_MS + 1_000);
    stage.sim.refuses(Refusals::InAnswers);
    let requests = stage.sim.requests().len();
    refused(session.deliver(&stage.alice(), &said("just too late"), &key(5)).await);
    assert_eq!(stage.sim.requests().len(), requests + 1, "WhatsApp was asked");
    stage.sim.advance_ms(10 * 60 * 1000);
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
    says(count + 1, "only templates").await;
    stage.sim.person_says(stage.small.with_alice(), "back again");
    stage.arrived("back again").await;
    says(count + 2, "24 hours after the person wrote last").await;
    let info = session.chat(&stage.alice()).await.expect("it is known").expect("it is a chat");
    assert!(info.topic.is_some_and(|topic| topic.contains("24 hours")));
    stage.sim.advance_ms(WINDOW_MS);
    says(count + 3, "only templates").await;
    session.close().await;
}

#[tokio::test]
async fn only_what_a_person_does_opens_the_window() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let until = || session.limits(&stage.alice()).open_until_ms;
    stage.sim.advance_ms(HOUR_MS);
    let number = stage.small.number;
    let user_id = stage.user(stage.small.with_alice()).to_string();
    let at = ((NOW_MS + HOUR_MS) / 1000).to_string();
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": number.to_string()});
    let tells = |field: &str, mut value: Value| {
        value["messaging_product"] = json!("whatsapp");
        value["metadata"] = metadata.clone();
        stage.sim.tells(number, field, value);
    };
    let by_alice = json!({"from": "16505551234", "from_user_id": user_id, "timestamp": at});
    let also = |more: Value| {
        let (mut all, more) = (by_alice.clone(), more);
        all.as_object_mut().expect("it is one").extend(more.as_object().expect("it is one").clone());
        all
    };
    let group =
        also(json!({"id": "wamid.g", "group_id": "g1", "type": "text", "text": {"body": "to the group"}}));
    let notice =
        also(json!({"id": "wamid.n", "type": "system", "system": {"type": "other", "body": "a notice"}}));
    tells("messages", json!({"messages": [group, notice]}));
    stage.arrived("a notice").await;
    assert_eq!(until(), Some(NOW_MS + WINDOW_MS), "neither is a word of hers to the business");
    let told = stage.recorder.events().into_iter().find_map(|one| match one.event {
        RemoteEvent::Unknown { chat, name, .. } if name == "group message" => Some(chat),
        _ => None,
    });
    assert_eq!(told, Some(None), "what is said in a group stands in no chat with its author");

    tells(
        "calls",
        json!({"calls": [also(json!({"id": "wacid.1", "event": "connect", "direction": "USER_INITIATED"}))]}),
    );
    stage
        .happened("a call", |event| {
            matches!(event, RemoteEvent::Unknown { name, .. } if name == "calls").then_some(())
        })
        .await;
    assert_eq!(until(), Some(NOW_MS + HOUR_MS + WINDOW_MS), "who calls may be written to");
    session.close().await;
}
