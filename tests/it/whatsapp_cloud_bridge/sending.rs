//! What goes to WhatsApp.

use magpie_common::{
    ids::RemoteMessageId,
    message::{
        Attachment, AttachmentKind, Emoji, FileSource, Message, Node, Outgoing, OutgoingMessage, RemoteEvent,
        RichText,
    },
    platform::DeliverError,
};
use serde_json::json;

use super::{Stage, ids, key, message, refused, said};

#[tokio::test]
async fn words_have_signs_and_replies_their_target() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let target = stage.alice_writes().await;
    let text = RichText(vec![Node::Text("a ".to_owned()), Node::Strong(vec![Node::Text("bold".to_owned())])]);
    let reply_to = Some(RemoteMessageId::new(target.as_str()));
    let sent = message(Message { reply_to, ..Message::text(text) });
    let id = ids(session.deliver(&stage.alice(), &sent, &key(1)).await).remove(0);
    let stands = stage.sim.message(&id).expect("it is there");
    assert_eq!((&stands.content["body"], stands.replies_to), (&json!("a *bold*"), Some(target)));
    let link =
        ids(session.deliver(&stage.alice(), &said("see https://example.org"), &key(2)).await).remove(0);
    assert_eq!(stage.sim.message(&link).expect("it is there").content["preview_url"], true);
    session.close().await;
    stage.should_be_honest("words_have_signs_and_replies_their_target");
}

#[tokio::test]
async fn long_words_are_cut_and_long_captions_stand_alone() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let long = "word ".repeat(1_000);
    let parts = ids(session.deliver(&stage.alice(), &said(&long), &key(1)).await);
    assert_eq!(parts.len(), 2);
    let mxc = stage.recorder.add_file("bird.jpg", b"a picture".as_slice());
    let mut file = Attachment::new(AttachmentKind::Image, FileSource::Matrix(mxc), "bird.jpg");
    file.mime = Some("image/jpeg".to_owned());
    let with = |words: &str| {
        message(Message { attachments: vec![file.clone()], ..Message::text(RichText::plain(words)) })
    };
    let short = ids(session.deliver(&stage.alice(), &with("a *bird*"), &key(2)).await);
    assert_eq!(short.len(), 1);
    assert_eq!(stage.sim.message(&short[0]).expect("it is there").content["caption"], "a *\u{200b}bird*");
    let long = ids(session.deliver(&stage.alice(), &with(&"word ".repeat(250)), &key(3)).await);
    let kinds: Vec<String> = long.iter().filter_map(|id| Some(stage.sim.message(id)?.kind)).collect();
    assert_eq!(kinds, ["image", "text"]);
    session.close().await;
    stage.should_be_honest("long_words_are_cut_and_long_captions_stand_alone");
}

#[tokio::test]
async fn files_go_as_what_whatsapp_takes_them_for() {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    for (nth, (kind, mime, expected)) in [
        (Image, "image/png", "image"),
        (Image, "image/gif", "document"),
        (Video, "video/mp4", "video"),
        (Video, "video/webm", "document"),
        (Audio, "audio/mpeg", "audio"),
        (Voice, "audio/ogg; codecs=opus", "audio"),
        (Sticker, "image/webp", "sticker"),
        (File, "application/pdf", "document"),
        (File, "application/x-of-no-use", "document"),
    ]
    .into_iter()
    .enumerate()
    {
        let mxc = stage.recorder.add_file(&format!("file-{nth}"), format!("the bytes of {nth}").into_bytes());
        let mut file = Attachment::new(kind, FileSource::Matrix(mxc), format!("file-{nth}"));
        file.mime = Some(mime.to_owned());
        let sent = message(Message { attachments: vec![file], ..Message::default() });
        let id = ids(session.deliver(&stage.alice(), &sent, &key(nth)).await).remove(0);
        let stands = stage.sim.message(&id).expect("it is there");
        assert_eq!(stands.kind, expected, "{kind:?} {mime}");
        let media =
            stands.content["id"].as_str().and_then(|id| stage.sim.media(id)).expect("the file is there");
        assert_eq!(media.bytes, format!("the bytes of {nth}"), "{kind:?} {mime}");
        if kind == Voice {
            assert_eq!(stands.content["voice"], true);
        }
    }
    let gone = Attachment::new(File, FileSource::Matrix("mxc://example.org/gone".into()), "gone");
    let sent = message(Message { attachments: vec![gone], ..Message::default() });
    assert!(
        refused(session.deliver(&stage.alice(), &sent, &key(50)).await).contains("not in the homeserver")
    );
    session.close().await;
}

#[tokio::test]
async fn reactions_places_and_receipts_go() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    let target = stage.alice_writes().await;
    let id = || RemoteMessageId::new(target.as_str());
    let react = Outgoing::React { target: id(), emoji: Emoji::unicode("👍"), author: None };
    session.deliver(&stage.alice(), &react, &key(1)).await.expect("it is put");
    assert_eq!(stage.sim.message(&target).expect("it is there").business_reaction.as_deref(), Some("👍"));
    let unreact = Outgoing::Unreact { target: id(), emoji: Emoji::unicode("👍"), author: None };
    session.deliver(&stage.alice(), &unreact, &key(2)).await.expect("it is taken back");
    assert_eq!(stage.sim.message(&target).expect("it is there").business_reaction, None);
    let foreign =
        Emoji::Custom { name: "magpie".to_owned(), source: FileSource::Matrix("mxc://example.org/m".into()) };
    let react = Outgoing::React { target: id(), emoji: foreign, author: None };
    assert!(refused(session.deliver(&stage.alice(), &react, &key(3)).await).contains("“magpie”"));

    let place =
        Outgoing::Location { latitude: 53.5, longitude: 10.0, description: "Home".to_owned(), author: None };
    let there = ids(session.deliver(&stage.alice(), &place, &key(4)).await).remove(0);
    let there = stage.sim.message(&there).expect("it is there");
    assert_eq!((&*there.kind, &there.content["name"]), ("location", &json!("Home")));

    session.deliver(&stage.alice(), &Outgoing::Typing { active: true }, &key(5)).await.expect("it is shown");
    assert!(stage.sim.sees_typing(chat));
    let later = stage.sim.person_says(chat, "read me");
    stage.arrived("read me").await;
    let read = Outgoing::Read { up_to: RemoteMessageId::new(later.as_str()) };
    session.deliver(&stage.alice(), &read, &key(6)).await.expect("it is marked");
    assert!(stage.sim.message(&later).expect("it is there").is_marked_read);
    session.close().await;
    stage.should_be_honest("reactions_places_and_receipts_go");
}

#[tokio::test]
async fn a_correction_answers_what_it_corrects_and_a_deletion_is_refused() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let first = ids(session.deliver(&stage.alice(), &said("a typo"), &key(1)).await);
    let Outgoing::Message(new) = said("no typo") else { panic!("it is a message") };
    let parts: Vec<RemoteMessageId> = first.iter().map(|id| RemoteMessageId::new(id.as_str())).collect();
    let edit = Outgoing::Edit { parts: parts.clone(), new };
    let both = ids(session.deliver(&stage.alice(), &edit, &key(2)).await);
    assert_eq!(both[0], first[0], "the message keeps its first id");
    let correction = stage.sim.message(&both[1]).expect("it is there");
    assert_eq!(
        (&correction.content["body"], correction.replies_to.as_ref()),
        (&json!("✏️ no typo"), Some(&first[0]))
    );
    let gone = Outgoing::Redact { parts, reason: None };
    match session.deliver(&stage.alice(), &gone, &key(3)).await {
        Err(DeliverError::Unsupported(words)) => assert!(words.contains("take a message back"), "{words}"),
        other => panic!("{other:?}"),
    }
    session.close().await;
    stage.should_be_honest("a_correction_answers_what_it_corrects_and_a_deletion_is_refused");
}

#[tokio::test]
async fn a_poll_becomes_buttons_or_a_list_and_who_presses_one_votes() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    stage.alice_writes().await;
    let poll = |answers: &[&str]| Outgoing::Poll {
        question: "tea?".to_owned(),
        answers: answers.iter().map(|answer| (*answer).to_owned()).collect(),
        choices_max: 1,
        author: None,
    };
    let vote = |poll: String, answer: u32| {
        move |event: RemoteEvent| match event {
            RemoteEvent::Vote { target, answers, .. } if target.as_str() == poll => {
                assert_eq!(answers, [answer]);
                Some(())
            }
            _ => None,
        }
    };
    let buttons = ids(session.deliver(&stage.alice(), &poll(&["yes", "no"]), &key(1)).await).remove(0);
    assert_eq!(stage.sim.message(&buttons).expect("it is there").content["type"], "button");
    stage.sim.person_presses(chat, &buttons, "magpie-1").expect("there is such a button");
    stage.happened("a vote", vote(buttons, 1)).await;
    let list =
        ids(session.deliver(&stage.alice(), &poll(&["green", "black", "white", "mint"]), &key(2)).await)
            .remove(0);
    assert_eq!(stage.sim.message(&list).expect("it is there").content["type"], "list");
    stage.sim.person_picks(chat, &list, "magpie-3").expect("there is such a row");
    stage.happened("a vote", vote(list, 3)).await;
    let many: Vec<String> = (0..11).map(|nth| nth.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(
        refused(session.deliver(&stage.alice(), &poll(&many), &key(3)).await).contains("1 to 10 answers")
    );
    session.close().await;
    stage.should_be_honest("a_poll_becomes_buttons_or_a_list_and_who_presses_one_votes");
}

#[tokio::test]
async fn errors_become_verdicts() {
    use magpie_tests::whatsapp_cloud::Fault;
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    for (nth, (code, part)) in [
        (131_047, "24 hours"),
        (131_026, "blocked this number"),
        (131_031, "locked"),
        (131_049, "advertising"),
        (131_051, "kind of message"),
        (131_052, "could not fetch the file"),
        (131_053, "does not take the file"),
        (368, "blocked the business account"),
    ]
    .into_iter()
    .enumerate()
    {
        stage.sim.fault("POST /*/messages", Fault::Refuse(code));
        let words = refused(session.deliver(&stage.alice(), &said("refused"), &key(nth)).await);
        assert!(words.contains(part), "{code}: {words}");
    }
    for (nth, code) in [131_000, 131_016, 4, 80_007, 131_048, 130_429, 131_056].into_iter().enumerate() {
        // A pause that one asks for is heeded by the next, so each has a bridge of its own.
        let session = stage.connect().await;
        stage.sim.fault("POST /*/messages", Fault::Refuse(code));
        let retry = session.deliver(&stage.alice(), &said("later"), &key(20 + nth)).await;
        assert!(matches!(retry, Err(DeliverError::Retry { after: Some(_), .. })), "{code}: {retry:?}");
    }
    assert_eq!(stage.sim.sent().len(), 0, "none of it was sent");
    let session = stage.connect().await;
    stage.sim.revoke_token();
    let out = session.deliver(&stage.alice(), &said("nobody"), &key(50)).await;
    assert!(matches!(out, Err(DeliverError::LoggedOut(_))), "{out:?}");
    session.ended().await;
}

#[tokio::test]
async fn a_template_goes_by_command() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let template = |words: &str| {
        let command =
            magpie_common::message::ChatCommand { name: "template".to_owned(), words: words.to_owned() };
        let message = Message {
            command: Some(command),
            ..Message::text(RichText::plain(&format!("template {words}")))
        };
        Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: 1 })
    };
    assert!(session.limits(&stage.alice()).commands.contains_key("template"));
    // Alice has never written.
    let sent = ids(session.deliver(&stage.alice(), &template("hello_world en_US"), &key(1)).await).remove(0);
    let stands = stage.sim.message(&sent).expect("it is there");
    assert_eq!((&*stands.kind, &stands.content["name"]), ("template", &json!("hello_world")));
    // Which there are is known as soon as a webhook has told the account.
    stage.alice_writes().await;
    let known = ids(session.deliver(&stage.alice(), &template("hello_world en_US"), &key(5)).await).remove(0);
    assert!(
        !stage.sim.message(&known).expect("it is there").by_user_id,
        "her number is known, and takes all templates"
    );
    let usage = refused(session.deliver(&stage.alice(), &template("hello_world"), &key(2)).await);
    assert!(usage.contains("its language") && usage.contains("There is: hello_world en_US."), "{usage}");
    assert!(
        refused(session.deliver(&stage.alice(), &template("unheard_of en"), &key(3)).await)
            .contains("no approved template")
    );
    assert!(
        refused(session.deliver(&stage.alice(), &template("hello_world en_US one"), &key(4)).await)
            .contains("another number of values")
    );
    session.close().await;
    stage.should_be_honest("a_template_goes_by_command");
}

#[tokio::test]
async fn a_file_is_brought_once_though_its_message_waits() {
    use magpie_tests::whatsapp_cloud::Fault;
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let mxc = stage.recorder.add_file("bird.png", b"a picture".as_slice());
    let mut file = Attachment::new(AttachmentKind::Image, FileSource::Matrix(mxc), "bird.png");
    file.mime = Some("image/png".to_owned());
    let sent = message(Message { attachments: vec![file], ..Message::default() });
    stage.sim.fault("POST /*/messages", Fault::Refuse(130_429));
    let later = session.deliver(&stage.alice(), &sent, &key(1)).await;
    assert!(matches!(later, Err(DeliverError::Retry { .. })), "{later:?}");
    let id = ids(session.deliver(&stage.alice(), &sent, &key(1)).await).remove(0);
    assert_eq!(stage.sim.message(&id).expect("it is there").kind, "image");
    let brought = stage.sim.requests().into_iter().filter(|request| request.path.ends_with("/media"));
    assert_eq!(brought.count(), 1);
    session.close().await;
}
