//! What goes to WeChat: words, files, typing; tokens that end, answers that do not come.

use magpie_common::{
    message::{
        Attachment, AttachmentKind, ChatCommand, FileSource, Message, Outgoing, RemoteEvent, RichText,
    },
    platform::{DeliverError, DeliveryKey, InDoubt},
    testkit::platform_suite::Recorder,
};
use magpie_tests::wechat_official::{APP_ID, Fault, TEMPLATE};
use serde_json::json;

use super::{SEND, Stage, ids, key, message, refused, said};

fn in_doubt(nth: usize) -> DeliveryKey {
    DeliveryKey { in_doubt: Some(InDoubt { after: None, accepted_ms: 1 }), ..key(nth) }
}

/// A message with a file of Matrix.
fn with_file(stage: &Stage, (kind, mime): (AttachmentKind, &str), (name, words): (&str, &str)) -> Outgoing {
    let mxc = stage.recorder.add_file(name, format!("the bytes of {name}").into_bytes());
    let mut file = Attachment::new(kind, FileSource::Matrix(mxc), name);
    file.mime = Some(mime.to_owned());
    message(Message { attachments: vec![file], ..Message::text(RichText::plain(words)) })
}

#[tokio::test]
async fn words_go_as_they_are_and_long_ones_in_parts() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    let first = ids(session.deliver(&stage.alice(), &said("你好 \u{1f426}\u{7} \\u0041"), &key(1)).await);
    assert_eq!(first.len(), 1);
    let parts = ids(session.deliver(&stage.alice(), &said(&"鸟".repeat(1000)), &key(2)).await);
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().chain(&first).all(|id| id.starts_with("ours/sample-key-")), "{parts:?}");
    let words = stage.words();
    assert_eq!(words[0], "你好 \u{1f426} \\u0041", "control characters are left out");
    assert_eq!(words[1..].concat(), "鸟".repeat(1000));
    session.close().await;
}

#[tokio::test]
async fn files_go_as_what_wechat_takes_them_for() {
    use AttachmentKind::{Audio, Image, Sticker, Video, Voice};
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    for (nth, (kind, mime, expected)) in [
        (Image, "image/png", "image"),
        (Video, "video/mp4", "video"),
        (Audio, "audio/mpeg", "voice"),
        (Voice, "audio/amr", "voice"),
        (Sticker, "image/gif", "image"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("file-{nth}");
        let sent = with_file(&stage, (kind, mime), (&name, ""));
        ids(session.deliver(&stage.alice(), &sent, &key(nth)).await);
        let stands = stage.sim.sent_to(&stage.small.alice).pop().expect("it was sent");
        assert_eq!(stands.kind, expected);
        let id = stands.content["media_id"].as_str().expect("it names a file");
        let (_, bytes) = stage.sim.media(id).expect("the file was brought");
        assert_eq!(bytes, format!("the bytes of {name}"));
    }
    stage.alice_writes("and now?").await;
    let words = refused(
        session
            .deliver(
                &stage.alice(),
                &with_file(&stage, (AttachmentKind::File, "application/pdf"), ("a.pdf", "")),
                &key(8),
            )
            .await,
    );
    assert!(words.contains("pictures"), "{words}");
    let both = with_file(&stage, (Image, "image/jpeg"), ("bird.jpg", "a bird"));
    assert_eq!(ids(session.deliver(&stage.alice(), &both, &key(9)).await).len(), 2);
    let kinds: Vec<String> =
        stage.sim.sent_to(&stage.small.alice).into_iter().map(|sent| sent.kind).collect();
    assert_eq!(kinds[5..], ["image", "text"]);
    session.close().await;
}

fn template(words: &str) -> Outgoing {
    let command = ChatCommand { name: "template".to_owned(), words: words.to_owned() };
    let text = RichText::plain(&format!("template {words}"));
    message(Message { command: Some(command), ..Message::text(text) })
}

#[tokio::test]
async fn a_template_goes_by_command_and_its_loss_is_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let alice = stage.alice();
    assert!(session.limits(&alice).commands.contains_key("template"));
    let filled = template(&format!("{TEMPLATE} thing1=a nest | number2=7 | url=https://example.org/"));
    // Alice has never written.
    let sent = ids(session.deliver(&alice, &filled, &key(1)).await);
    let stands = stage.sim.sent_to(&stage.small.alice).pop().expect("it was sent");
    assert_eq!((&*stands.kind, &stands.content["url"]), ("template", &json!("https://example.org/")));
    assert_eq!(stands.content["data"]["thing1"]["value"], "a nest");
    let usage = refused(session.deliver(&alice, &template(""), &key(2)).await);
    assert!(usage.contains(&format!("There is: `{TEMPLATE}` (订单提醒: thing1 number2).")), "{usage}");
    let unknown = refused(session.deliver(&alice, &template("unheard-of thing1=x"), &key(3)).await);
    assert!(unknown.contains("no such template"), "{unknown}");
    let unfit = template(&format!("{TEMPLATE} thing1=x | number2=seven"));
    assert!(refused(session.deliver(&alice, &unfit, &key(4)).await).contains("stand in its place"));
    // What may have gone is not sent again.
    let doubtful = session.deliver(&alice, &filled, &in_doubt(5)).await;
    assert!(matches!(doubtful, Err(DeliverError::Uncertain(_))), "{doubtful:?}");
    assert_eq!(stage.sim.sent_to(&stage.small.alice).len(), 1);
    // WeChat takes one for somebody who wants none, and tells it later.
    stage.sim.person_blocks(&stage.small.alice);
    let lost = ids(session.deliver(&alice, &filled, &key(6)).await);
    assert!(sent[0] != lost[0] && lost[0].starts_with("template/"), "{lost:?}");
    let failed = |recorder: &Recorder| {
        recorder.events().into_iter().find_map(|recorded| {
            let RemoteEvent::Failed { chat, id, words } = recorded.event else { return None };
            (chat == alice).then(|| (id.to_string(), words))
        })
    };
    let (id, words) = stage.recorder.wait_for("the loss", failed).await;
    assert_eq!(id, lost[0]);
    assert!(words.contains("does not take messages"), "{words}");
    session.close().await;
}

#[tokio::test]
async fn a_token_is_shared_and_renewed_once_when_it_ends() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    stage.sim.person_says(&stage.small.bob, "me too");
    stage.arrived("me too").await;
    let asked = || stage.sim.request_count("/cgi-bin/stable_token");
    assert_eq!(asked(), 1);
    stage.sim.replaces_tokens(APP_ID);
    let (first, second) = (said("to alice"), said("to bob"));
    let bob = super::chat(&stage.small.bob);
    let (keys, alice) = ((key(1), key(2)), stage.alice());
    let (one, two) =
        tokio::join!(session.deliver(&alice, &first, &keys.0), session.deliver(&bob, &second, &keys.1));
    assert_eq!((ids(one).len(), ids(two).len()), (1, 1));
    assert_eq!(asked(), 2, "both go on with the same new one");
    // A file is brought once more.
    stage.sim.replaces_tokens(APP_ID);
    let sent = with_file(&stage, (AttachmentKind::Image, "image/png"), ("a.png", ""));
    ids(session.deliver(&stage.alice(), &sent, &key(3)).await);
    assert_eq!(asked(), 3);
    session.close().await;
}

#[tokio::test]
async fn what_may_have_gone_is_never_sent_again() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    for (nth, (fault, has_gone)) in [
        (Fault::CutAfter, 1),
        (Fault::CutBefore, 0),
        (Fault::AnswerAfter { status: 502 }, 1),
        (Fault::Answer { status: 500, body: serde_json::Value::Null }, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let words = format!("in doubt {nth}");
        stage.sim.fault(SEND, fault);
        let outcome = session.deliver(&stage.alice(), &said(&words), &key(nth)).await;
        assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
        let again = session.deliver(&stage.alice(), &said(&words), &in_doubt(nth)).await;
        match again {
            Err(DeliverError::Uncertain(told)) => assert!(told.contains("Look on WeChat"), "{told}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(stage.words().iter().filter(|said| **said == words).count(), has_gone);
    }
    // Without a token nothing has gone.
    stage.sim.replaces_tokens(APP_ID);
    stage.sim.fault("POST /cgi-bin/stable_token", Fault::CutAfter);
    let outcome = session.deliver(&stage.alice(), &said("later"), &key(9)).await;
    assert!(matches!(outcome, Err(DeliverError::Retry { .. })), "{outcome:?}");
    session.close().await;
}

#[tokio::test]
async fn typing_is_shown_and_ends() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (nth, active) in [true, false].into_iter().enumerate() {
        let done = session.deliver(&stage.alice(), &Outgoing::Typing { active }, &key(nth)).await;
        assert_eq!((ids(done).len(), stage.sim.typing(&stage.small.alice)), (0, Some(active)));
    }
    session.close().await;
}
