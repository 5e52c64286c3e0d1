//! What goes to members: words in parts, files, corrections, recalls, how much at once, and groups.

use magpie_common::{
    ids::RemoteMessageId,
    message::{
        Action, Attachment, AttachmentKind, ChatChange, FileSource, MemberChange, Message, Outgoing,
        OutgoingMessage, RemoteEvent, RichText, Support,
    },
    platform::{DeliverError, Delivered},
};
use magpie_tests::wechat_wecom::To;

use super::{Stage, command, ids, key, message, refused, said, user};

fn with_file(stage: &Stage, (kind, mime): (AttachmentKind, &str), bytes: &[u8]) -> Message {
    let mxc = stage.recorder.add_file("file", bytes.to_vec());
    let mut file = Attachment::new(kind, FileSource::Matrix(mxc), "file");
    (file.mime, file.size_bytes) = (Some(mime.to_owned()), Some(bytes.len() as u64));
    Message { attachments: vec![file], ..Message::default() }
}

#[tokio::test]
async fn long_words_go_in_parts_that_nobody_cuts() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let words = ["鸟".repeat(500), "🐦".repeat(400), "b".repeat(1500)].join("\n\n");
    let sent = ids(session.deliver(&stage.alice(), &said(&words), &key(1)).await);
    let arrived = stage.sim.sent_to(&stage.to_alice());
    assert_eq!(sent, arrived.iter().map(|it| format!("sent/{}", it.id)).collect::<Vec<_>>());
    assert!(arrived.len() >= 3 && arrived.iter().all(|it| it.words().len() <= 2048), "{arrived:?}");
    let letters = |words: &str| words.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
    let joined: String = arrived.iter().map(|it| it.words()).collect();
    assert_eq!(letters(&joined), letters(&words));
    let endless = said(&"a ".repeat(50_000));
    assert!(refused(session.deliver(&stage.alice(), &endless, &key(2)).await).contains("too long"));
    session.close().await;
}

#[tokio::test]
async fn files_go_as_what_wecom_takes_them_for() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (nth, (kind, mime, sort)) in [
        (AttachmentKind::Image, "image/jpeg", "image"),
        (AttachmentKind::Sticker, "image/png", "image"),
        (AttachmentKind::Image, "image/webp", "file"),
        (AttachmentKind::Voice, "audio/amr", "voice"),
        (AttachmentKind::Voice, "audio/ogg", "file"),
        (AttachmentKind::Video, "video/mp4", "video"),
        (AttachmentKind::File, "text/plain", "file"),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = format!("the bytes of {mime}");
        let outgoing = message(with_file(&stage, (kind, mime), bytes.as_bytes()));
        session.deliver(&stage.alice(), &outgoing, &key(nth)).await.expect("it is delivered");
        let arrived = stage.sim.sent_to(&stage.to_alice()).pop().expect("it arrived");
        assert_eq!(arrived.kind, sort, "{mime}");
        let id = arrived.content["media_id"].as_str().expect("it names a file").to_owned();
        assert_eq!(stage.sim.media(&id), Some((sort.to_owned(), bytes.into())), "{mime}");
    }
    let captioned = Message {
        text: RichText::plain("see this"),
        ..with_file(&stage, (AttachmentKind::Image, "image/png"), b"a picture")
    };
    let parts = ids(session.deliver(&stage.alice(), &message(captioned), &key(90)).await);
    assert_eq!(parts.len(), 2);
    let last = stage.sim.sent_to(&stage.to_alice()).pop().expect("it arrived");
    assert_eq!(last.words(), "see this");
    // What WeCom does not take becomes words.
    let tiny = message(with_file(&stage, (AttachmentKind::File, "text/plain"), b"tiny"));
    session.deliver(&stage.alice(), &tiny, &key(91)).await.expect("it is delivered");
    let last = stage.sim.sent_to(&stage.to_alice()).pop().expect("it arrived");
    assert!(last.words().contains("📎"), "{last:?}");
    session.close().await;
}

#[tokio::test]
async fn a_correction_is_a_message_and_a_deletion_takes_it_back_for_a_day() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    let limits = session.limits(&stage.alice());
    assert_eq!(limits.support(Action::Redact), Some(&Support::Until(24 * 60 * 60 * 1000)));
    let done = session.deliver(&stage.alice(), &said("teh"), &key(1)).await.expect("it is delivered");
    let new = OutgoingMessage { message: Message::text(RichText::plain("the")), author: None, sent_ms: 2 };
    let edit = Outgoing::Edit { parts: done.ids, new };
    let done = session.deliver(&stage.alice(), &edit, &key(2)).await.expect("it is delivered");
    let words: Vec<String> =
        stage.sim.sent_to(&stage.to_alice()).iter().map(|it| it.words().to_owned()).collect();
    assert_eq!(words, ["teh", "✏️ the"]);
    let redact = Outgoing::Redact { parts: done.ids.clone(), reason: None };
    session.deliver(&stage.alice(), &redact, &key(3)).await.expect("both are taken back");
    assert_eq!(stage.sim.sent_to(&stage.to_alice()), []);
    stage.sim.advance_ms(25 * 60 * 60 * 1000);
    let late = session.deliver(&stage.alice(), &redact, &key(4)).await;
    assert!(refused(late).contains("24 hours"));
    let theirs = stage.sim.member_says(&stage.small.alice, "hers");
    stage.arrived("hers").await;
    let redact = Outgoing::Redact { parts: vec![RemoteMessageId::new(theirs)], reason: None };
    assert!(refused(session.deliver(&stage.alice(), &redact, &key(5)).await).contains("sent itself"));
    session.close().await;
}

#[tokio::test]
async fn success_that_names_the_member_is_a_failure_in_words() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.shows_app(&stage.small.alice, false);
    let outcome = session.deliver(&stage.alice(), &said("hello"), &key(1)).await;
    assert!(refused(outcome).contains("not shown to them"));
    let nobody = session.deliver(&stage.member("nobody-there"), &said("hello"), &key(2)).await;
    assert!(refused(nobody).contains("no such member"));
    session.close().await;
}

#[tokio::test]
async fn what_wecom_would_drop_waits_over_restarts_too() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    for nth in 0..30 {
        session.deliver(&stage.alice(), &said(&format!("{nth}")), &key(nth)).await.expect("it is delivered");
    }
    let wait = |outcome: Result<Delivered, DeliverError>| match outcome {
        Err(DeliverError::Retry { after: Some(after), reason }) => {
            assert!(reason.contains("30 times in a minute"), "{reason}");
            i64::try_from(after.as_millis()).expect("it is short")
        }
        other => panic!("it does not wait: {other:?}"),
    };
    wait(session.deliver(&stage.alice(), &said("30"), &key(30)).await);
    let file = message(with_file(&stage, (AttachmentKind::File, "text/plain"), b"the bytes of a file"));
    wait(session.deliver(&stage.alice(), &file, &key(32)).await);
    assert_eq!(stage.sim.request_count("/cgi-bin/media/upload"), 0, "a file is brought in its turn");
    // Another member is not held up.
    let bob = stage.member(&stage.small.bob);
    session.deliver(&bob, &said("hello"), &key(31)).await.expect("it is delivered");
    session.close().await;
    let session = stage.connect().await;
    let wait_ms = wait(session.deliver(&stage.alice(), &said("30"), &key(30)).await);
    stage.sim.advance_ms(wait_ms);
    session.deliver(&stage.alice(), &said("30"), &key(30)).await.expect("it is delivered now");
    let words: Vec<String> =
        stage.sim.sent_to(&stage.to_alice()).iter().map(|it| it.words().to_owned()).collect();
    assert_eq!(words, (0..31).map(|nth| nth.to_string()).collect::<Vec<_>>(), "nothing is dropped");
    session.close().await;
}

#[tokio::test]
async fn a_group_is_made_by_command_and_goes_one_way() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let wanted = format!("Bird watchers: {}", stage.small.bob);
    session.deliver(&stage.alice(), &command("group", &wanted), &key(1)).await.expect("it is made");
    let chat = stage
        .happened("the group", |event| match event {
            RemoteEvent::ChatChanged { chat, change: ChatChange::Present(info) } => {
                assert_eq!(info.name.as_deref(), Some("Bird watchers"));
                assert_eq!(info.members, [user(&stage.small.alice), user(&stage.small.bob)]);
                Some(chat)
            }
            _ => None,
        })
        .await;
    let id = stage.sim.groups().pop().expect("there is one");
    // What was cut off is done once.
    session.deliver(&stage.alice(), &command("group", &wanted), &key(1)).await.expect("it is there");
    assert_eq!(stage.sim.groups().len(), 1);
    session.deliver(&chat, &said("hello, all"), &key(2)).await.expect("it is delivered");
    assert_eq!(stage.sim.sent_to(&To::Group(id.clone()))[0].words(), "hello, all");
    let rename = Outgoing::ChatInfo { name: Some("Birds".to_owned()), topic: None };
    session.deliver(&chat, &rename, &key(3)).await.expect("it is renamed");
    let leave = Outgoing::Member { user: user(&stage.small.bob), change: MemberChange::Left };
    session.deliver(&chat, &leave, &key(4)).await.expect("he is out");
    assert_eq!(stage.sim.group(&id), Some(("Birds".to_owned(), vec![stage.small.alice.clone()])));
    let info = session.chat(&chat).await.expect("it can be asked").expect("it is there");
    assert_eq!(info.name.as_deref(), Some("Birds"));
    assert!(
        refused(session.deliver(&stage.alice(), &command("group", "x"), &key(5)).await).contains("userid")
    );
    session.close().await;
}
