//! Customer service: what customers write is pulled by a cursor that outlives a restart; they are answered as often as WeCom lets it.

use magpie_common::{
    ids::RemoteMessageId,
    message::{AttachmentKind, Outgoing, RemoteEvent, SessionState, Tone},
    platform::DeliverError,
    testkit::platform_suite::Recorder,
};
use magpie_tests::{
    discord::Gate,
    wechat_wecom::{CORP_ID, Fault},
};
use serde_json::json;

use super::{Stage, command, fetched, ids, key, refused, said, user};

const SYNC: &str = "/cgi-bin/kf/sync_msg";
const HOUR_MS: i64 = 60 * 60 * 1000;

#[tokio::test]
async fn everything_that_customers_send_arrives() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let carol = &stage.small.carol;
    let id = stage.carol_writes("hello").await;
    let arrived = stage.arrived("hello").await;
    assert_eq!((arrived.id.as_str(), arrived.chat), (id.as_str(), stage.carol()));
    assert_eq!(arrived.sender.ids.primary, user(&format!("customer:{}", carol.external)));
    stage.sim.customer_posts(
        carol,
        "location",
        json!({"latitude": 23.5, "longitude": 113.25, "name": "Tower", "address": "Canton"}),
    );
    stage.arrived("📍 Tower Canton").await;
    stage.sim.customer_posts(
        carol,
        "link",
        json!({"title": "Birds", "desc": "All.", "url": "https://example.org/", "pic_url": ""}),
    );
    stage.arrived("Birds (https://example.org/)").await;
    stage.sim.customer_posts(
        carol,
        "miniprogram",
        json!({"title": "Shop", "appid": "wx1", "pagepath": "p", "thumb_media_id": "x"}),
    );
    stage.arrived("Mini program: open it on the phone").await;
    let part = json!({"text": {"content": "hi"}}).to_string();
    let merged = json!({"title": "Record", "item": [{"sender_name": "Ada", "msgtype": "text", "msg_content": part, "send_time": 1}]});
    stage.sim.customer_posts(carol, "merged_msg", merged);
    stage.arrived("Record\n> Ada: hi").await;
    stage.sim.customer_posts(carol, "hologram", json!({"shape": "a bird"}));
    stage
        .happened("an unknown kind", |event| match event {
            RemoteEvent::Unknown { chat: Some(chat), name, .. } if name == "hologram" => Some(chat),
            _ => None,
        })
        .await;
    stage.sim.staff_says(carol, &stage.small.bob, "from the staff");
    let staff = stage.arrived("from the staff").await;
    assert_eq!((staff.chat, staff.sender.ids.primary), (stage.carol(), user(&stage.small.bob)));
    session.close().await;
}

#[tokio::test]
async fn files_of_customers_arrive_whole() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (nth, (kind, mime, shown)) in [
        ("image", "image/jpeg", AttachmentKind::Image),
        ("voice", "audio/amr", AttachmentKind::Voice),
        ("video", "video/mp4", AttachmentKind::Video),
        ("file", "text/plain", AttachmentKind::File),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = format!("the bytes of a {kind}");
        stage.sim.customer_sends(&stage.small.carol, (kind, mime), bytes.clone());
        let seen = |recorder: &Recorder| recorder.messages().get(nth).map(|it| it.message.clone());
        let message = stage.recorder.wait_for(kind, seen).await;
        assert_eq!(message.attachments[0].kind, shown);
        assert_eq!(fetched(&*session, &message).await, bytes.as_bytes());
    }
    session.close().await;
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_goes_on_after_a_restart() {
    let stage = Stage::new().await;
    // Before the bridge is there at all.
    for nth in 0..7 {
        stage.sim.customer_says(&stage.small.carol, &format!("early {nth}"));
    }
    stage.sim.lists_at_most(3);
    let session = stage.connect().await;
    stage.arrived("early 6").await;
    stage.carol_writes("while connected").await;
    session.close().await;
    // Nobody is called, and what is listed twice is known by its id.
    stage.sim.customer_says(&stage.small.dave, "while away");
    stage.sim.lists_again(2);
    let session = stage.connect().await;
    stage.arrived("while away").await;
    let words: Vec<String> = stage.recorder.messages().iter().map(|it| it.message.text.to_plain()).collect();
    let mut expected: Vec<String> = (0..7).map(|nth| format!("early {nth}")).collect();
    expected.push("while connected".to_owned());
    assert_eq!(words[..8], expected[..], "each once and in order");
    assert_eq!(words[8..], ["early 6", "while connected", "while away"], "the store drops what it knows");
    stage.sim.calls_for_nothing(&stage.small.carol);
    stage.sim.wait_until_all_is_taken().await.expect("all is taken");
    stage.sim.customer_says(&stage.small.dave, "the end");
    stage.arrived("the end").await;
    assert_eq!(stage.count("while away"), 1);
    session.close().await;
}

#[tokio::test]
async fn a_list_that_is_too_long_is_asked_for_in_smaller_parts() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.wait_for_requests(SYNC, 1).await.expect("it is pulled at start");
    for _ in 0..2 {
        let body = json!({"errcode": 0, "errmsg": "x".repeat(5 * 1024 * 1024)});
        stage.sim.fault("POST /cgi-bin/kf/sync_msg", Fault::Answer { status: 200, body });
    }
    stage.carol_writes("after a long record").await;
    let asked = stage.sim.requests().into_iter().filter(|request| request.path == SYNC);
    let limits: Vec<u64> = asked.filter_map(|request| request.body["limit"].as_u64()).skip(1).collect();
    assert_eq!(limits[..3], [100, 50, 25]);
    session.close().await;
}

#[tokio::test]
async fn what_was_not_stored_is_asked_for_again() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.carol_writes("stored").await;
    stage.recorder.refuse(true);
    stage.sim.customer_says(&stage.small.carol, "not lost");
    session.ended().await;
    session.close().await;
    stage.recorder.refuse(false);
    let session = stage.connect().await;
    stage.arrived("not lost").await;
    assert_eq!((stage.count("stored"), stage.count("not lost")), (1, 1));
    session.close().await;
}

#[tokio::test]
async fn a_failed_pull_is_told_and_tried_again() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.wait_for_requests(SYNC, 1).await.expect("it is pulled at start");
    stage.sim.fault("POST /cgi-bin/kf/sync_msg", Fault::Refuse(45_009));
    stage.sim.customer_says(&stage.small.carol, "in the end");
    stage
        .happened("a warning", |event| match event {
            RemoteEvent::StateChanged(SessionState::Warned { reason }) => {
                assert!(reason.contains("customers"), "{reason}");
                Some(())
            }
            _ => None,
        })
        .await;
    stage.arrived("in the end").await;
    session.close().await;
}

#[tokio::test]
async fn customers_take_back_and_messages_to_them_fail() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let id = stage.carol_writes("oops").await;
    stage.sim.customer_recalls(&stage.small.carol, &id);
    stage
        .happened("a recall", |event| match event {
            RemoteEvent::Redact { chat, ids, by } => {
                assert_eq!((chat, ids), (stage.carol(), vec![RemoteMessageId::new(id.as_str())]));
                assert!(by.is_some());
                Some(())
            }
            _ => None,
        })
        .await;
    let sent = ids(session.deliver(&stage.carol(), &said("hello"), &key(1)).await);
    assert_eq!(stage.sim.sent_to(&stage.to_carol())[0].id, sent[0], "our id is the one that WeCom repeats");
    stage.sim.message_fails(&stage.small.carol, &sent[0], 10);
    stage
        .happened("a failure", |event| match event {
            RemoteEvent::Failed { chat, id, words } => {
                assert_eq!((chat, id.as_str()), (stage.carol(), sent[0].as_str()));
                assert!(words.contains("does not want"), "{words}");
                Some(())
            }
            _ => None,
        })
        .await;
    session.close().await;
}

#[tokio::test]
async fn five_answers_go_in_48_hours_and_the_rest_is_refused_in_words() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    stage.carol_writes("a question").await;
    for nth in 0..4 {
        session.deliver(&stage.carol(), &said("an answer"), &key(nth)).await.expect("it is delivered");
    }
    let long = said(&"a ".repeat(2000));
    assert!(refused(session.deliver(&stage.carol(), &long, &key(10)).await).contains("only 1"));
    session.deliver(&stage.carol(), &said("the fifth"), &key(4)).await.expect("it is delivered");
    assert!(refused(session.deliver(&stage.carol(), &said("one more"), &key(5)).await).contains("only five"));
    session.close().await;
    // The count outlives a restart.
    let session = stage.connect().await;
    drop(session.chat(&stage.carol()).await.expect("it is told"));
    let until_ms = session.limits(&stage.carol()).open_until_ms.expect("the room shows it");
    assert!(until_ms <= stage.clock.now_ms(), "nothing is left");
    assert!(refused(session.deliver(&stage.carol(), &said("one more"), &key(6)).await).contains("only five"));
    stage.sim.advance_ms(1000);
    stage.carol_writes("another question").await;
    session.deliver(&stage.carol(), &said("again"), &key(7)).await.expect("it is delivered");
    let until_ms = session.limits(&stage.carol()).open_until_ms.expect("the room shows it");
    assert!(until_ms > stage.clock.now_ms() + 47 * HOUR_MS);
    stage.sim.advance_ms(49 * HOUR_MS);
    assert!(refused(session.deliver(&stage.carol(), &said("late"), &key(8)).await).contains("48 hours"));
    session.close().await;
}

#[tokio::test]
async fn whoever_writes_twice_within_a_second_is_answered_five_times_after_that() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    stage.carol_writes("a question").await;
    for nth in 0..5 {
        session.deliver(&stage.carol(), &said("an answer"), &key(nth)).await.expect("it is delivered");
    }
    // WeCom tells seconds, and the clock stands.
    stage.carol_writes("thank you").await;
    session.deliver(&stage.carol(), &said("you are welcome"), &key(5)).await.expect("it is delivered");
    let long = said(&"a ".repeat(2000));
    session.deliver(&stage.carol(), &long, &key(6)).await.expect("there is room for all its parts");
    session.close().await;
}

#[tokio::test]
async fn an_answer_under_way_while_the_customer_writes_again_takes_none_of_the_new_ones() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    stage.carol_writes("a question").await;
    // It has arrived, and its answer has not.
    let gate = Gate::default();
    stage.sim.fault("POST /cgi-bin/kf/send_msg", Fault::HoldAfter(gate.clone()));
    let (chat, words, first) = (stage.carol(), said("an answer"), key(0));
    let answer = session.deliver(&chat, &words, &first);
    let meanwhile = async {
        gate.arrived().await;
        stage.sim.advance_ms(1000);
        stage.carol_writes("another question").await;
        gate.release();
    };
    let (answered, ()) = tokio::join!(answer, meanwhile);
    answered.expect("it is delivered");
    for nth in 1..4 {
        session.deliver(&chat, &words, &key(nth)).await.expect("it is delivered");
    }
    let two_parts = said(&"a ".repeat(2000));
    session.deliver(&chat, &two_parts, &key(4)).await.expect("two of five are left");
    session.close().await;
}

#[tokio::test]
async fn what_cannot_be_read_may_be_answered() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    stage.carol_writes("a question").await;
    stage.sim.advance_ms(49 * HOUR_MS);
    stage.sim.customer_posts(&stage.small.carol, "hologram", json!({"shape": "a bird"}));
    stage
        .happened("an unknown kind", |event| matches!(event, RemoteEvent::Unknown { .. }).then_some(()))
        .await;
    session.deliver(&stage.carol(), &said("an answer"), &key(1)).await.expect("WeCom lets it be sent");
    session.close().await;
}

#[tokio::test]
async fn talks_are_handed_on_by_command_and_whose_they_are_is_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (carol, bob) = (&stage.small.carol, stage.small.bob.clone());
    stage.carol_writes("hello").await;
    session.deliver(&stage.carol(), &command("assign", &bob), &key(1)).await.expect("she is his");
    assert_eq!(stage.sim.talk(carol), (3, bob.clone()));
    stage.sim.staff_takes(carol, &bob);
    let notice = stage.arrived("Answers the customer from now on").await;
    assert_eq!((notice.sender.ids.primary, notice.message.tone), (user(&bob), Tone::Notice));
    let words = refused(session.deliver(&stage.carol(), &said("hello"), &key(2)).await);
    assert!(words.contains(&bob) && words.contains("`close`"), "{words}");
    session.deliver(&stage.carol(), &command("queue", ""), &key(3)).await.expect("she waits");
    let words = refused(session.deliver(&stage.carol(), &said("hello"), &key(4)).await);
    assert!(words.contains("queue") && words.contains("`take`"), "{words}");
    session.deliver(&stage.carol(), &command("take", ""), &key(5)).await.expect("she is ours");
    session.deliver(&stage.carol(), &said("here I am"), &key(6)).await.expect("it is delivered");
    session.deliver(&stage.carol(), &command("close", ""), &key(7)).await.expect("it is over");
    assert_eq!(stage.sim.talk(carol).0, 4);
    let words = refused(session.deliver(&stage.carol(), &said("bye"), &key(8)).await);
    assert!(words.contains("was ended"), "{words}");
    let words = refused(session.deliver(&stage.carol(), &command("assign", ""), &key(9)).await);
    assert!(words.contains("assign <userid>"), "{words}");
    session.close().await;
}

#[tokio::test]
async fn a_talk_that_was_closed_without_an_answer_is_closed() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.carol_writes("hello").await;
    stage.sim.fault("POST /cgi-bin/kf/service_state/trans", Fault::CutAfter);
    let first = session.deliver(&stage.carol(), &command("close", ""), &key(1)).await;
    assert!(matches!(first, Err(DeliverError::Retry { .. })), "{first:?}");
    session.deliver(&stage.carol(), &command("close", ""), &key(1)).await.expect("it is over");
    let words = refused(session.deliver(&stage.carol(), &command("take", ""), &key(2)).await);
    assert!(words.contains("was ended"), "{words}");
    session.close().await;
}

#[tokio::test]
async fn customers_have_names_pictures_and_the_id_that_all_accounts_share() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let of = |external: &str| user(&format!("customer:{external}"));
    let carol =
        session.user(&of(&stage.small.carol.external)).await.expect("it can be asked").expect("she is");
    assert_eq!(carol.name.as_deref(), Some("Carol"));
    let others: Vec<&str> = carol.ids.others.iter().map(|id| id.as_str()).collect();
    assert_eq!(others, ["union/o6_bmjrPTlm6_carol"]);
    let face = carol.avatar.expect("she has a picture");
    assert!(session.download(&face).await.is_ok());
    let dave = session.user(&of(&stage.small.dave.external)).await.expect("it can be asked").expect("he is");
    assert!(dave.ids.others.is_empty());
    let nobody = session.user(&of("wmNobody123456")).await.expect("it can be asked").expect("anybody may be");
    assert_eq!(nobody.name.as_deref(), Some("WeChat user 123456"));
    let info = session.chat(&stage.carol()).await.expect("it can be asked").expect("it is there");
    assert_eq!(
        info.with.map(|who| who.to_string()),
        Some(format!("wecom/{CORP_ID}/customer:{}", stage.small.carol.external))
    );
    session.close().await;
}

#[tokio::test]
async fn places_go_to_customers() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.carol_writes("where are you?").await;
    let place =
        Outgoing::Location { latitude: 53.5, longitude: 10.0, description: "here".to_owned(), author: None };
    session.deliver(&stage.carol(), &place, &key(1)).await.expect("it is delivered");
    let arrived = &stage.sim.sent_to(&stage.to_carol())[0];
    assert_eq!((arrived.kind.as_str(), &arrived.content["name"]), ("location", &json!("here")));
    session.close().await;
}
