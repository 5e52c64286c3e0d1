//! What goes to Telegram.

use magpie_common::{
    ids::RemoteMessageId,
    message::{
        Attachment, AttachmentKind, Emoji, FileSource, MediaInfo, Message, Node, Outgoing, RemoteEvent,
        RichText,
    },
    platform::DeliverError,
    testkit::platform_suite::Recorder,
};
use magpie_tests::telegram::Fault;
use serde_json::json;

use super::{Stage, ids, key, message, said};

fn edit(parts: &[String], new: Outgoing) -> Outgoing {
    let Outgoing::Message(new) = new else { panic!("an edit is made of a message") };
    Outgoing::Edit { parts: parts.iter().map(|id| RemoteMessageId::new(id.as_str())).collect(), new }
}

#[tokio::test]
async fn words_have_entities_and_replies_their_target() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.small.supergroup;
    let target = stage.sim.person_sends(chat, stage.small.alice, "the target");
    stage.arrived("the target").await;
    let text =
        RichText(vec![Node::Text("a <b> ".to_owned()), Node::Strong(vec![Node::Text("bold".to_owned())])]);
    let reply_to = Some(RemoteMessageId::new(target.to_string()));
    let sent = message(Message { reply_to, ..Message::text(text) });
    let id = ids(session.deliver(&stage.id(chat), &sent, &key(1)).await).remove(0);
    let stands = stage.sim.message(chat, id.parse().expect("it is a number")).expect("it is there");
    assert_eq!((stands.text(), stands.reply_to), ("a <b> bold", Some(target)));
    assert_eq!(stands.field("entities")[0]["type"], "bold");

    let topic = format!("{}/{}", stage.small.forum, stage.small.oaks);
    let topic = magpie_common::ids::RemoteChatId::new(topic);
    let id = ids(session.deliver(&topic, &said("in the wood"), &key(2)).await).remove(0);
    let stands =
        stage.sim.message(stage.small.forum, id.parse().expect("it is a number")).expect("it is there");
    assert_eq!(stands.topic, Some(stage.small.oaks));
    session.close().await;
    stage.should_be_honest("words_have_entities_and_replies_their_target");
}

#[tokio::test]
async fn edits_grow_shrink_and_may_change_nothing() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, place) = (stage.id(stage.small.supergroup), stage.small.supergroup);
    let long = format!("longer {}", "word ".repeat(900));
    let first = ids(session.deliver(&chat, &said("short"), &key(1)).await);
    // An answer that is lost costs nothing: an edit can be repeated.
    stage.sim.fault("editMessageText", Fault::CutAfter);
    let same = session.deliver(&chat, &edit(&first, said("changed")), &key(2)).await;
    assert!(matches!(same, Err(DeliverError::Retry { .. })), "{same:?}");
    assert_eq!(ids(session.deliver(&chat, &edit(&first, said("changed")), &key(2)).await), first);
    assert_eq!(stage.sim.texts(place), ["changed"]);
    let grown = ids(session.deliver(&chat, &edit(&first, said(&long)), &key(3)).await);
    assert_eq!((grown.len(), &grown[0]), (2, &first[0]));
    let shrunk = ids(session.deliver(&chat, &edit(&grown, said("brief")), &key(4)).await);
    assert_eq!((shrunk, stage.sim.texts(place)), (first.clone(), vec!["brief".to_owned()]));

    let parts = vec![RemoteMessageId::new(first[0].as_str())];
    let taken_back = Outgoing::Redact { parts, reason: None };
    for nth in 5..7 {
        session.deliver(&chat, &taken_back, &key(nth)).await.expect("what is gone may be deleted again");
    }
    assert_eq!(stage.sim.texts(place), Vec::<String>::new());
    session.close().await;
    stage.should_be_honest("edits_grow_shrink_and_may_change_nothing");
}

#[tokio::test]
async fn the_bot_has_one_reaction_to_each_message() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, place) = (stage.id(stage.small.supergroup), stage.small.supergroup);
    let number = stage.sim.person_sends(place, stage.small.alice, "nice");
    let target = RemoteMessageId::new(number.to_string());
    let react =
        |emoji: &str| Outgoing::React { target: target.clone(), emoji: Emoji::unicode(emoji), author: None };
    let unreact = |emoji: &str| Outgoing::Unreact {
        target: target.clone(),
        emoji: Emoji::unicode(emoji),
        author: None,
    };
    let stands = || {
        let message = stage.sim.message(place, number).expect("it is there");
        let ours = message.reactions.get(&stage.small.bot).cloned().unwrap_or_default();
        ours.iter().filter_map(|it| it["emoji"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    session.deliver(&chat, &react("👍"), &key(1)).await.expect("it is done");
    session.deliver(&chat, &react("❤️"), &key(2)).await.expect("it is done");
    assert_eq!(stands(), ["❤"]);
    session.deliver(&chat, &unreact("👍"), &key(3)).await.expect("it is done");
    assert_eq!(stands(), ["❤"], "the other one was replaced long ago");
    session.deliver(&chat, &unreact("❤️"), &key(4)).await.expect("it is done");
    assert_eq!(stands(), Vec::<String>::new());
    let foreign = session.deliver(&chat, &react("🪿"), &key(5)).await;
    assert!(
        matches!(&foreign, Err(DeliverError::Rejected(words)) if words.contains("no such reaction")),
        "{foreign:?}"
    );
    session.close().await;
}

#[tokio::test]
async fn files_go_as_what_they_are() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, place) = (stage.id(stage.small.supergroup), stage.small.supergroup);
    for (nth, (kind, mime, field)) in [
        (AttachmentKind::Image, "image/png", "photo"),
        (AttachmentKind::Video, "video/mp4", "video"),
        (AttachmentKind::Audio, "audio/mpeg", "audio"),
        (AttachmentKind::Voice, "audio/ogg", "voice"),
        (AttachmentKind::File, "application/pdf", "document"),
    ]
    .into_iter()
    .enumerate()
    {
        let source = FileSource::Matrix(stage.recorder.add_file(&nth.to_string(), bytes(kind)));
        let info = MediaInfo { width: Some(80), height: Some(60), ..MediaInfo::default() };
        let mime = Some(mime.to_owned());
        let file = Attachment { mime, info, ..Attachment::new(kind, source, "file") };
        let text = RichText::plain("a caption");
        let sent = message(Message { attachments: vec![file], ..Message::text(text) });
        let id = ids(session.deliver(&chat, &sent, &key(nth)).await).remove(0);
        let stands = stage.sim.message(place, id.parse().expect("it is a number")).expect("it is there");
        assert_ne!(stands.field(field), &json!(null), "{kind:?}: {stands:?}");
        assert_eq!(stands.text(), "a caption");
    }
    session.close().await;
    stage.should_be_honest("files_go_as_what_they_are");
}

#[tokio::test]
async fn a_group_that_moved_is_told_and_tried_again() {
    let stage = Stage::new().await;
    let (chat, group) = (stage.id(stage.small.group), stage.small.group);
    let session = stage.connect().await;
    let new = stage.sim.person_upgrades(group, stage.small.alice);
    let moved = session.deliver(&chat, &said("hello"), &key(1)).await;
    assert!(matches!(moved, Err(DeliverError::Retry { .. })), "{moved:?}");
    let new = magpie_common::ids::RemoteChatId::new(new.to_string());
    assert_eq!(ids(session.deliver(&new, &said("hello"), &key(1)).await).len(), 1);
    // What was said before cannot be reached any more.
    let old = RemoteMessageId::new(format!("1@{}", stage.small.bot));
    let redact = Outgoing::Redact { parts: vec![old], reason: None };
    assert!(matches!(session.deliver(&new, &redact, &key(2)).await, Err(DeliverError::Rejected(_))));
    session.close().await;
}

#[tokio::test]
async fn a_long_message_that_breaks_off_goes_on_where_it_stands() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.private);
    let long = said(&"word ".repeat(1_500));
    let gate = stage.sim.hold("sendMessage");
    gate.release();
    stage.sim.fault("sendMessage", Fault::TooMany { retry_after: 1 });
    let first = session.deliver(&chat, &long, &key(1)).await;
    assert!(matches!(first, Err(DeliverError::Uncertain(_))), "{first:?}");
    let again = super::in_doubt(1);
    let whole = ids(session.deliver(&chat, &long, &again).await);
    assert_eq!((whole.len(), stage.sim.texts(stage.small.private).len()), (2, 2));
    session.close().await;
}

#[tokio::test]
async fn every_sort_of_chat_takes_words() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let small = stage.small;
    for (nth, chat) in [small.private, small.group, small.supergroup, small.channel].into_iter().enumerate() {
        assert_eq!(ids(session.deliver(&stage.id(chat), &said("hello"), &key(nth)).await).len(), 1);
        assert_eq!(stage.sim.texts(chat), ["hello"]);
    }
    session.close().await;
    stage.should_be_honest("every_sort_of_chat_takes_words");
}

#[tokio::test]
async fn a_comment_goes_below_its_post() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let small = stage.small;
    stage.sim.person_sends(small.channel, small.alice, "a post");
    let discussion = stage.id(small.discussion);
    let copied = |recorder: &Recorder| recorder.messages().into_iter().find(|it| it.chat == discussion);
    let post = stage.recorder.wait_for("the post in the discussion", copied).await.id;
    let comment =
        message(Message { thread: Some(post.clone()), ..Message::text(RichText::plain("a comment")) });
    let id = ids(session.deliver(&discussion, &comment, &key(1)).await).remove(0);
    let stands = stage.sim.message(small.discussion, id.parse().expect("it is a number"));
    let answered = stands.expect("it is there").reply_to.map(|number| number.to_string());
    assert_eq!(answered.as_deref(), Some(post.as_str()));
    session.close().await;
}

#[tokio::test]
async fn pins_go_both_ways() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (place, alice) = (stage.small.supergroup, stage.small.alice);
    let chat = stage.id(place);
    session.chat(&chat).await.expect("it can be asked").expect("it is there");
    let number = stage.sim.person_sends(place, alice, "rules");
    let other = stage.sim.person_sends(place, alice, "more rules");
    let target = RemoteMessageId::new(number.to_string());
    stage.sim.person_pins((place, other), alice);
    let pinned = |recorder: &Recorder| {
        recorder.events().into_iter().find_map(|it| match it.event {
            RemoteEvent::Pin { target, pinned, .. } => Some((target, pinned)),
            _ => None,
        })
    };
    let told = stage.recorder.wait_for("a pin", pinned).await;
    assert_eq!(told, (RemoteMessageId::new(other.to_string()), true));
    let stand = || stage.sim.chat(place).expect("it is there").pinned;
    session.deliver(&chat, &Outgoing::Pin { target: target.clone() }, &key(1)).await.expect("it is done");
    assert_eq!(stand(), [other, number]);
    session.deliver(&chat, &Outgoing::Unpin { target }, &key(2)).await.expect("it is done");
    assert_eq!(stand(), [other]);
    session.close().await;
}

#[tokio::test]
async fn stickers_places_and_the_ends_of_polls_go_natively() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, place) = (stage.id(stage.small.supergroup), stage.small.supergroup);
    let source = FileSource::Matrix(stage.recorder.add_file("sticker", b"RIFF\x0a\0\0\0WEBPVP8 ".to_vec()));
    let mime = Some("image/webp".to_owned());
    let sticker = Attachment { mime, ..Attachment::new(AttachmentKind::Sticker, source, "wave") };
    let sticker = message(Message { attachments: vec![sticker], ..Message::default() });
    let at = |description: &str| Outgoing::Location {
        latitude: 52.5,
        longitude: 13.25,
        description: description.to_owned(),
        author: None,
    };
    let answers = vec!["yes".to_owned(), "no".to_owned()];
    let poll = Outgoing::Poll { question: "tea?".to_owned(), answers, choices_max: 1, author: None };
    for (nth, (sent, field)) in
        [(sticker, "sticker"), (at(""), "location"), (at("the oak"), "venue")].into_iter().enumerate()
    {
        let id = ids(session.deliver(&chat, &sent, &key(nth)).await).remove(0);
        let stands = stage.sim.message(place, id.parse().expect("it is a number")).expect("it is there");
        assert!(stands.field(field).is_object(), "{field}: {stands:?}");
    }
    let id = ids(session.deliver(&chat, &poll, &key(10)).await).remove(0);
    let close = Outgoing::ClosePoll { target: RemoteMessageId::new(id.as_str()) };
    for nth in 11..13 {
        session.deliver(&chat, &close, &key(nth)).await.expect("what is closed may be closed again");
    }
    let stands = stage.sim.message_json(place, id.parse().expect("it is a number"), stage.small.bot);
    assert_eq!(stands.expect("it is there")["poll"]["is_closed"], true);
    session.close().await;
    stage.should_be_honest("stickers_places_and_the_ends_of_polls_go_natively");
}

#[tokio::test]
async fn a_file_that_telegram_does_not_take_goes_as_a_link() {
    const LINK: &str = "https://matrix.example.org/files/nest.zip";
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, place) = (stage.id(stage.small.supergroup), stage.small.supergroup);
    assert_eq!(session.limits(&chat).files_bytes_max[&AttachmentKind::File], 50 * 1024 * 1024);
    stage.sim.settings(|settings| settings.upload_bytes_max = 5);
    let source = FileSource::Matrix(stage.recorder.add_file("nest", b"too large".to_vec()));
    let link = Some(LINK.to_owned());
    let file = Attachment { link, ..Attachment::new(AttachmentKind::File, source, "nest.zip") };
    let sent = message(Message { attachments: vec![file], ..Message::text(RichText::plain("see")) });
    let id = ids(session.deliver(&chat, &sent, &key(1)).await).remove(0);
    let stands = stage.sim.message(place, id.parse().expect("it is a number")).expect("it is there");
    assert!(stands.text().starts_with("see") && stands.field("document").is_null(), "{stands:?}");
    assert_eq!(stands.field("entities")[0]["url"], LINK);
    session.close().await;
}

/// A file of a kind, as far as anybody looks into it.
fn bytes(kind: AttachmentKind) -> Vec<u8> {
    match kind {
        AttachmentKind::Image => {}
        AttachmentKind::Voice => return b"OggS, and so on".to_vec(),
        _ => return b"some bytes".to_vec(),
    }
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, 80, 60);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("memory takes it");
    writer.write_image_data(&[0; 80 * 60]).expect("memory takes it");
    drop(writer);
    picture
}

#[tokio::test]
async fn a_new_title_and_description_go_to_the_chat() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.supergroup);
    let info = Outgoing::ChatInfo { name: Some("Crows".to_owned()), topic: Some("about crows".to_owned()) };
    session.chat(&chat).await.expect("Telegram answers").expect("the bot's rights are known by it");
    // Told twice it is no fault.
    for nth in 0..2 {
        session.deliver(&chat, &info, &key(nth)).await.expect("the bot may change it");
    }
    let shown = stage.sim.chat(stage.small.supergroup).expect("it is there");
    assert_eq!(shown.title, "Crows");
    stage.should_be_honest("a_new_title_and_description_go_to_the_chat");
}
