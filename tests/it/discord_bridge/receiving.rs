//! From Discord: what arrives, what does not, and what is caught up.

use magpie_common::{
    message::{ChatChange, ChatKind, RemoteEvent},
    platform::{ConnectError, Platform},
    testkit::platform_suite::Recorder,
};
use magpie_tests::discord::{Fault, GatewayFault, World, trouble::Resumable};
use serde_json::json;

use super::{Stage, key, platform, said};

#[tokio::test]
async fn guilds_are_spaces_and_text_channels_rooms() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_sends(stage.small.general, stage.small.bob, "hello **there**");
    stage.arrived("hello there").await;
    let present: Vec<_> = stage
        .recorder
        .events()
        .into_iter()
        .filter_map(|recorded| match recorded.event {
            RemoteEvent::ChatChanged { change: ChatChange::Present(info), .. } => {
                Some((info.name, info.kind))
            }
            _ => None,
        })
        .collect();
    let named = |name: &str, kind| (Some(name.to_owned()), kind);
    assert_eq!(present.len(), 3, "{present:?}");
    for chat in
        [named("Birds", ChatKind::Space), named("general", ChatKind::Group), named("news", ChatKind::Group)]
    {
        assert!(present.contains(&chat), "{chat:?} in {present:?}");
    }
    let message = &stage.recorder.messages()[0];
    assert_eq!(message.sender.name.as_deref(), Some("Bobby"));
    session.close().await;
    stage.should_be_honest("guilds_are_spaces_and_text_channels_rooms");
}

#[tokio::test]
async fn edits_deletions_and_replies_arrive() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let first = stage.sim.person_sends(general, alice, "first");
    stage.sim.person_replies((general, first), alice, "second");
    assert!(stage.sim.person_edits(general, first, "first, changed"));
    assert!(stage.sim.person_deletes(general, first));
    let gone = |recorder: &Recorder| {
        recorder.events().into_iter().find(|it| matches!(it.event, RemoteEvent::Redact { .. })).map(|_| ())
    };
    stage.recorder.wait_for("the deletion", gone).await;
    let edits = stage.recorder.events().into_iter().filter(|it| matches!(it.event, RemoteEvent::Edit { .. }));
    assert_eq!(edits.count(), 1);
    let reply = stage.recorder.messages().remove(1).message.reply_to;
    assert_eq!(reply.map(|id| id.as_str().to_owned()), Some(first.to_string()));
    session.close().await;
}

#[tokio::test]
async fn a_payload_that_nobody_can_parse_is_kept_raw_and_counted() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.gateway_event(
        "MESSAGE_CREATE",
        &json!({"id": "77", "channel_id": stage.small.general, "content": 5}),
    );
    stage.sim.gateway_event("SOMETHING_NEW", &json!({"x": 1}));
    stage.sim.gateway_fault("MESSAGE_CREATE", GatewayFault::Malformed);
    stage.sim.person_sends(stage.small.general, stage.small.alice, "broken on the way");
    stage.sim.person_sends(stage.small.general, stage.small.alice, "whole");
    stage.arrived("whole").await;
    let unknown =
        stage.recorder.events().into_iter().filter(|it| matches!(it.event, RemoteEvent::Unknown { .. }));
    assert_eq!(unknown.count(), 2, "{:?}", stage.recorder.events());
    session.close().await;
}

#[tokio::test]
async fn a_frame_that_is_no_json_ends_the_session_and_is_fetched() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_sends(stage.small.general, stage.small.alice, "before");
    stage.arrived("before").await;
    stage.sim.gateway_fault("MESSAGE_CREATE", GatewayFault::Garbage);
    stage.sim.person_sends(stage.small.general, stage.small.alice, "garbled");
    stage.sim.person_sends(stage.small.general, stage.small.alice, "right behind it");
    let why = session.ended().await;
    assert!(matches!(why, ConnectError::Transient(_)), "{why:?}");
    session.close().await;
    let session = stage.connect().await;
    stage.arrived("right behind it").await;
    assert_eq!(stage.words(), ["before", "garbled", "right behind it"]);
    session.close().await;
}

#[tokio::test]
async fn what_was_missed_is_fetched_in_order_and_nothing_old_is() {
    let (world, small) = World::small();
    let stage = Stage::of(world, small).await;
    let (general, news, alice) = (small.general, small.news, small.alice);
    stage.sim.person_sends(general, alice, "before the bridge");
    let session = stage.connect().await;
    stage.sim.person_sends(general, alice, "live");
    stage.arrived("live").await;
    session.close().await;
    for nth in 0..250 {
        stage.sim.person_sends(general, alice, &format!("missed {nth}"));
    }
    stage.sim.person_sends(news, alice, "missed news");
    let session = stage.connect().await;
    stage.sim.person_sends(general, alice, "live again");
    stage.arrived("live again").await;
    stage.arrived("missed news").await;
    let words: Vec<String> = stage.words().into_iter().filter(|words| words != "missed news").collect();
    let mut expected = vec!["live".to_owned()];
    expected.extend((0..250).map(|nth| format!("missed {nth}")));
    expected.push("live again".to_owned());
    assert_eq!(words, expected);
    session.close().await;
    stage.should_be_honest("what_was_missed_is_fetched_in_order_and_nothing_old_is");
}

#[tokio::test]
async fn a_connection_that_can_be_resumed_goes_on() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let starts = stage.sim.gateway_starts();
    stage.sim.gateway_reconnect();
    stage.sim.wait_for_gateway_start(starts).await.expect("the client resumes");
    stage.sim.person_sends(stage.small.general, stage.small.alice, "after the resume");
    stage.arrived("after the resume").await;
    assert_eq!(stage.sim.gateway_starts(), (1, 1));
    session.close().await;
}

#[tokio::test]
async fn a_session_that_is_over_ends_ours_and_the_next_catches_up() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_sends(stage.small.general, stage.small.alice, "one");
    stage.arrived("one").await;
    stage.sim.gateway_invalidate(Resumable::No);
    let why = session.ended().await;
    assert!(matches!(why, ConnectError::Transient(_)), "{why:?}");
    stage.sim.person_sends(stage.small.general, stage.small.alice, "two");
    session.close().await;
    let session = stage.connect().await;
    stage.arrived("two").await;
    session.close().await;
}

#[tokio::test]
async fn a_wrong_token_and_a_missing_intent_are_named() {
    let (mut world, small) = World::small();
    world.edit_application().privileged_intents = 0;
    let stage = Stage::of(world, small).await;
    let Err(ConnectError::BadCredentials(words)) = stage.try_connect().await else { panic!("it connects") };
    assert!(words.contains("Message Content Intent"), "{words}");
    let faults = stage.platform().diagnose().await.into_iter().filter(|it| it.result.is_err()).count();
    assert_eq!(faults, 1);

    let findings = platform(&stage.sim, "a-wrong-token".to_owned()).diagnose().await;
    let fault = findings.iter().find_map(|it| it.result.as_ref().err()).expect("the doctor sees it");
    assert!(fault.remedy.contains("Reset Token"), "{fault:?}");
}

#[tokio::test]
async fn a_gateway_on_another_host_is_refused() {
    let stage = Stage::new().await;
    let mut config = super::config(&stage.sim, stage.sim.token());
    config.gateway_hosts = vec!["gateway.discord.gg".to_owned()];
    let clock = magpie_common::clock::Clock::system();
    let platform = magpie_discord::Discord::new(config, clock).expect("the settings are good");
    let findings = platform.diagnose().await;
    assert!(findings.iter().any(|it| it.check == "gateway" && it.result.is_err()), "{findings:?}");
    assert_eq!(stage.sim.gateway_starts(), (0, 0));
}

#[tokio::test]
async fn a_channel_whose_history_fails_waits_alone() {
    let stage = Stage::new().await;
    let (general, news, alice) = (stage.small.general, stage.small.news, stage.small.alice);
    let session = stage.connect().await;
    session.close().await;
    stage.sim.person_sends(general, alice, "missed");
    stage.sim.person_sends(news, alice, "missed news");
    let history = format!("GET /channels/{general}/messages");
    stage.sim.fault(&history, Fault::Answer { status: 400, body: json!({"code": 0, "message": "odd"}) });
    stage.sim.fault(&history, Fault::AnswerAfter { status: 503 });
    let session = stage.connect().await;
    stage.sim.person_sends(general, alice, "live");
    stage.arrived("live").await;
    assert_eq!(stage.words(), ["missed news", "missed", "live"]);
    assert_eq!(stage.sim.gateway_starts(), (2, 0), "the session stays");
    session.close().await;
}

#[tokio::test]
async fn a_history_that_may_not_be_read_is_told_as_a_gap() {
    let stage = Stage::new().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let session = stage.connect().await;
    stage.sim.person_sends(general, alice, "before");
    stage.arrived("before").await;
    session.close().await;
    stage.sim.person_sends(general, alice, "hidden");
    let refused = Fault::Answer { status: 403, body: json!({"code": 50_001, "message": "Missing Access"}) };
    stage.sim.fault(&format!("GET /channels/{general}/messages"), refused);
    let session = stage.connect().await;
    stage.sim.person_sends(general, alice, "live");
    stage.arrived("live").await;
    assert_eq!(stage.words(), ["before", "live"]);
    assert_eq!(gaps(&stage.recorder), [None]);
    session.close().await;
}

#[tokio::test]
async fn only_more_than_is_fetched_at_once_is_a_gap() {
    let stage = Stage::new().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let mut config = super::config(&stage.sim, stage.sim.token());
    config.recover_messages_max = 3;
    let session = stage.connect_with(config.clone()).await;
    for nth in 0..5 {
        session.deliver(&stage.general(), &said("ours"), &key(nth)).await.expect("it is delivered");
    }
    session.close().await;
    for (round, missed) in [("exactly", 3), ("more", 4)] {
        for nth in 0..missed {
            stage.sim.person_sends(general, alice, &format!("{round} {nth}"));
        }
        let session = stage.connect_with(config.clone()).await;
        let live = format!("live after {round}");
        stage.sim.person_sends(general, alice, &live);
        stage.arrived(&live).await;
        session.close().await;
        let expected = if round == "more" { vec![Some(3)] } else { vec![] };
        assert_eq!(gaps(&stage.recorder), expected, "{round}: {:?}", stage.words());
    }
    assert!(stage.words().contains(&"more 2".to_owned()));
    assert!(!stage.words().contains(&"more 3".to_owned()));
}

fn gaps(recorder: &Recorder) -> Vec<Option<usize>> {
    let gap = |event| match event {
        RemoteEvent::Gap { fetched_max, .. } => Some(fetched_max),
        _ => None,
    };
    recorder.events().into_iter().filter_map(|recorded| gap(recorded.event)).collect()
}
