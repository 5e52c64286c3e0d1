//! Everything besides plain words, to Discord.

use magpie_common::{
    ids::{RemoteFileId, RemoteMessageId},
    message::{
        Attachment, AttachmentKind, Emoji, FileSource, MediaInfo, Message, Node, Outgoing, OutgoingMessage,
        RichText,
    },
    platform::DeliverError,
};
use magpie_tests::discord::{
    Author, Fault, FileBytes, Overwrite, ReactionEmoji, Snowflake, World, permissions,
};
use serde_json::json;

use super::{Stage, key, said, said_by};

const PATCH_WEBHOOK: &str = "PATCH /webhooks/*/*/messages/*";

fn edit(parts: &[RemoteMessageId], new: Outgoing) -> Outgoing {
    let Outgoing::Message(new) = new else { panic!("an edit is made of a message") };
    Outgoing::Edit { parts: parts.to_vec(), new }
}

fn with_file(file: Attachment) -> Outgoing {
    let Outgoing::Message(said) = said_by("Ada", "see") else { panic!("a message was made") };
    let message = Message { attachments: vec![file], ..said.message.clone() };
    Outgoing::Message(OutgoingMessage { message, ..said })
}

fn answering(by: &str, text: &str, target: &RemoteMessageId) -> Outgoing {
    let Outgoing::Message(said) = said_by(by, text) else { panic!("a message was made") };
    let message = Message { reply_to: Some(target.clone()), ..said.message.clone() };
    Outgoing::Message(OutgoingMessage { message, ..said })
}

fn id(snowflake: Snowflake) -> RemoteMessageId {
    RemoteMessageId::new(snowflake.to_string())
}

#[tokio::test]
async fn edits_grow_shrink_and_are_tried_again() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.general();
    let long = |start: &str| format!("{start} {}", "word ".repeat(450));
    let first = session.deliver(&chat, &said_by("Ada", "short"), &key(1)).await.expect("it is delivered");
    // An answer that is lost costs nothing: an edit can be repeated.
    stage.sim.fault(PATCH_WEBHOOK, Fault::CutAfter);
    let grown = edit(&first.ids, said_by("Ada", &long("longer")));
    let again = session.deliver(&chat, &grown, &key(2)).await;
    assert!(matches!(again, Err(DeliverError::Retry { .. })), "{again:?}");
    let grown = session.deliver(&chat, &grown, &key(2)).await.expect("it is delivered");
    assert_eq!((grown.ids.len(), &grown.ids[0]), (2, &first.ids[0]));
    let stands = stage.sim.messages(stage.small.general);
    assert!(stands.len() == 2 && stands[0].content.starts_with("longer"), "{stands:?}");
    let shrunk = edit(&grown.ids, said_by("Ada", "brief"));
    let shrunk = session.deliver(&chat, &shrunk, &key(3)).await.expect("it is delivered");
    assert_eq!(
        (shrunk.ids, stage.contents(stage.small.general)),
        (first.ids.clone(), vec!["brief".to_owned()])
    );
    let ours = session.deliver(&chat, &said("the bot's"), &key(4)).await.expect("it is delivered");
    session.deliver(&chat, &edit(&ours.ids, said("the bot's own")), &key(5)).await.expect("it is delivered");
    assert_eq!(stage.contents(stage.small.general)[1], "the bot's own");
    let parts = [first.ids, ours.ids].concat();
    for nth in 6..8 {
        let redact = Outgoing::Redact { parts: parts.clone(), reason: None };
        session.deliver(&chat, &redact, &key(nth)).await.expect("deleting twice is no fault");
    }
    assert_eq!(stage.contents(stage.small.general), [""; 0]);
    session.close().await;
    stage.should_be_honest("edits_grow_shrink_and_are_tried_again");
}

#[tokio::test]
async fn without_the_right_to_delete_the_webhook_takes_its_own_messages_back() {
    let (mut world, small) = World::small();
    let bot = world.state().application.id;
    let deny = permissions::MANAGE_MESSAGES | permissions::ADD_REACTIONS;
    world.edit_channel(small.general).overwrites =
        vec![Overwrite { id: bot, is_member: true, deny, allow: 0 }];
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let chat = stage.general();
    let ours = session.deliver(&chat, &said_by("Ada", "mine"), &key(1)).await.expect("it is delivered");
    let theirs = id(stage.sim.person_sends(small.general, small.alice, "theirs"));
    session
        .deliver(&chat, &Outgoing::Redact { parts: ours.ids, reason: None }, &key(2))
        .await
        .expect("it is");
    let refused = session
        .deliver(&chat, &Outgoing::Redact { parts: vec![theirs.clone()], reason: None }, &key(3))
        .await;
    let react = Outgoing::React { target: theirs, emoji: Emoji::unicode("👍"), author: None };
    let unable = session.deliver(&chat, &react, &key(4)).await;
    for (refused, lacking) in [(refused, "Manage Messages"), (unable, "Add Reactions")] {
        let Err(DeliverError::Rejected(words)) = refused else { panic!("{refused:?}") };
        assert!(words.ends_with(&format!("Grant it in Discord: {lacking}.")), "{words}");
    }
    assert_eq!(stage.contents(small.general), ["theirs"]);
    session.close().await;
}

#[tokio::test]
async fn reactions_typing_and_places() {
    let (mut world, small) = World::small();
    let wave = world.emoji(small.guild, "wave");
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let chat = stage.general();
    let message = stage.sim.person_sends(small.general, small.alice, "hi");
    let target = id(message);
    let own = FileSource::Remote(RemoteFileId::new(format!("emojis/{wave}.webp")));
    let custom = Emoji::Custom { name: "wave".to_owned(), source: own };
    let (heart, foreign) = (
        Emoji::unicode("❤"),
        Emoji::Custom { name: "else".to_owned(), source: FileSource::Matrix("mxc://example.org/a".into()) },
    );
    for (nth, emoji) in (1..).zip([&heart, &custom, &heart]) {
        let react = Outgoing::React { target: target.clone(), emoji: emoji.clone(), author: None };
        session.deliver(&chat, &react, &key(nth)).await.expect("it is put");
    }
    let stands = || stage.sim.message(small.general, message).expect("it stands").reactions;
    let emoji: Vec<_> = stands().into_iter().map(|reaction| reaction.emoji).collect();
    let wave = ReactionEmoji { id: Some(wave), name: "wave".to_owned() };
    assert_eq!(emoji, [ReactionEmoji { id: None, name: "❤️".to_owned() }, wave]);
    for (nth, emoji) in (5..).zip([&heart, &custom, &custom]) {
        let unreact = Outgoing::Unreact { target: target.clone(), emoji: emoji.clone(), author: None };
        session.deliver(&chat, &unreact, &key(nth)).await.expect("it is taken back");
    }
    assert_eq!(stands(), []);
    // An emoji that the server has deleted took its reactions with it.
    let unknown = json!({"code": 10_014, "message": "Unknown Emoji"});
    let fault = Fault::Answer { status: 400, body: unknown };
    stage.sim.fault("DELETE /channels/*/messages/*/reactions/*/@me", fault);
    let unreact = Outgoing::Unreact { target: target.clone(), emoji: custom, author: None };
    session.deliver(&chat, &unreact, &key(8)).await.expect("what is not there need not be taken back");
    let react = Outgoing::React { target: target.clone(), emoji: foreign, author: None };
    assert!(matches!(session.deliver(&chat, &react, &key(9)).await, Err(DeliverError::Rejected(_))));
    let gone = Outgoing::React { target: RemoteMessageId::new("5"), emoji: heart, author: None };
    assert!(matches!(session.deliver(&chat, &gone, &key(10)).await, Err(DeliverError::Rejected(_))));
    session.deliver(&chat, &Outgoing::Typing { active: true }, &key(11)).await.expect("it is told");
    stage.sim.wait_for_request(|it| it.path.ends_with("/typing")).await.expect("Discord was told");
    let place = Outgoing::Location {
        latitude: 53.5,
        longitude: 10.0,
        description: "the harbor".to_owned(),
        author: None,
    };
    session.deliver(&chat, &place, &key(12)).await.expect("it is delivered");
    let words = stage.contents(small.general).pop().expect("it stands");
    assert!(
        words.contains("the harbor") && words.contains("https://www.openstreetmap.org/?mlat=53.5"),
        "{words}"
    );
    session.close().await;
    stage.should_be_honest("reactions_typing_and_places");
}

#[tokio::test]
async fn a_webhook_says_what_it_answers() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.general();
    let words = "it was ||the butler||, said @everyone";
    let theirs = stage.sim.person_sends(stage.small.general, stage.small.alice, words);
    session.deliver(&chat, &answering("Ada", "no!", &id(theirs)), &key(1)).await.expect("it is delivered");
    let said = stage.sim.messages(stage.small.general).pop().expect("it stands");
    let (first, rest) = said.content.split_once('\n').expect("a line of its own");
    assert_eq!(rest, "no!");
    let (guild, general) = (stage.small.guild, stage.small.general);
    let name = format!("↪ [Alice](https://discord.com/channels/{guild}/{general}/{theirs}): it was ");
    assert!(first.starts_with(&name) && !first.contains("butler"), "{first}");
    assert!(!said.mentions.everyone && said.mentions.users.is_empty());
    // The bot itself can reply, aloud or quietly.
    for (nth, silent_reply) in [(2, false), (3, true)] {
        let Outgoing::Message(mut message) = answering("Ada", "yes", &id(theirs)) else {
            panic!("a message")
        };
        (message.author, message.message.silent_reply) = (None, silent_reply);
        session.deliver(&chat, &Outgoing::Message(message), &key(nth)).await.expect("it is delivered");
        let said = stage.sim.messages(stage.small.general).pop().expect("it stands");
        assert_eq!((said.reply_to, said.mentions.users.is_empty()), (Some(theirs), silent_reply));
    }
    session.close().await;
    stage.should_be_honest("a_webhook_says_what_it_answers");
}

#[tokio::test]
async fn files_go_as_files_or_as_links() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.general();
    let file = |name: &str, bytes: Vec<u8>| {
        let size = bytes.len() as u64;
        let mxc = stage.recorder.add_file(name, bytes);
        Attachment {
            size_bytes: Some(size),
            mime: Some("text/plain".to_owned()),
            link: Some("https://example.org/file".to_owned()),
            spoiler: true,
            ..Attachment::new(AttachmentKind::File, FileSource::Matrix(mxc), name)
        }
    };
    let small = with_file(file("small.txt", b"small".to_vec()));
    let sent = session.deliver(&chat, &small, &key(1)).await.expect("it is delivered");
    let stands = stage.sim.messages(stage.small.general).pop().expect("it stands");
    assert_eq!((stands.content.as_str(), stands.files[0].filename.as_str()), ("see", "SPOILER_small.txt"));
    assert!(matches!(&stands.files[0].bytes, FileBytes::Kept(bytes) if &bytes[..] == b"small"));
    // An edit of the words leaves the file.
    session.deliver(&chat, &edit(&sent.ids, said_by("Ada", "look")), &key(2)).await.expect("it is delivered");
    let stands = stage.sim.messages(stage.small.general).pop().expect("it stands");
    assert_eq!((stands.content.as_str(), stands.files.len()), ("look", 1));
    // What Discord finds too large after all goes as a link.
    let large = with_file(file("large.bin", vec![1; 10 * 1024 * 1024 + 1]));
    session.deliver(&chat, &large, &key(3)).await.expect("it is delivered");
    let stands = stage.sim.messages(stage.small.general).pop().expect("it stands");
    assert!(stands.files.is_empty() && stands.content.contains("https://example.org/file"), "{stands:?}");
    // In an edit, too; the file that it takes the place of goes.
    let larger = with_file(file("larger.bin", vec![1; 10 * 1024 * 1024 + 1]));
    session.deliver(&chat, &edit(&sent.ids, larger), &key(6)).await.expect("it is delivered");
    let stands = stage.sim.messages(stage.small.general).remove(0);
    assert!(stands.files.is_empty() && stands.content.contains("https://example.org/file"), "{stands:?}");
    let sticker = Attachment { kind: AttachmentKind::Sticker, ..file("wave.png", b"a picture".to_vec()) };
    session.deliver(&chat, &with_file(sticker), &key(5)).await.expect("it is delivered");
    let stands = stage.sim.messages(stage.small.general).pop().expect("it stands");
    assert_eq!(stands.files[0].filename, "SPOILER_wave.png", "a sticker of Matrix is a picture on Discord");
    let missing = FileSource::Matrix("mxc://example.org/nowhere".into());
    let missing = with_file(Attachment::new(AttachmentKind::Image, missing, "a.png"));
    let outcome = session.deliver(&chat, &missing, &key(4)).await;
    assert!(
        matches!(&outcome, Err(DeliverError::Rejected(words)) if words.contains("Send it again")),
        "{outcome:?}"
    );
    session.close().await;
    stage.should_be_honest("files_go_as_files_or_as_links");
}

#[tokio::test]
async fn voice_messages_go_as_such_or_as_ordinary_files() {
    const VOICE: u64 = 1 << 13;
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.general();
    let opus = [b"OggS".as_slice(), &[0; 24], b"OpusHead", &[7; 100]].concat();
    let spoken = |bytes: &[u8], words: &str| {
        let name = format!("v{}.ogg", bytes.len());
        let source = FileSource::Matrix(stage.recorder.add_file(&name, bytes.to_vec()));
        let info = MediaInfo { duration_ms: Some(2_500), waveform: vec![0, 1024], ..MediaInfo::default() };
        let mime = Some("audio/ogg; codecs=opus".to_owned());
        let file = Attachment { mime, info, ..Attachment::new(AttachmentKind::Voice, source, "v.ogg") };
        let Outgoing::Message(said) = said_by("Ada", words) else { panic!("a message was made") };
        let message = Message { attachments: vec![file], ..said.message.clone() };
        Outgoing::Message(OutgoingMessage { message, ..said })
    };
    let stands = || stage.sim.messages(stage.small.general).pop().expect("it stands");
    session.deliver(&chat, &spoken(&opus, ""), &key(1)).await.expect("it is delivered");
    let voice = stands();
    assert_eq!((voice.flags & VOICE, voice.content.as_str()), (VOICE, ""));
    assert_eq!(voice.files[0].voice, Some((2.5, "AP8=".to_owned())));
    assert_eq!(voice.files[0].content_type.as_deref(), Some("audio/ogg"));
    assert!(
        matches!(&voice.files[0].bytes, FileBytes::Kept(bytes) if bytes[..] == opus),
        "not a byte is lost"
    );
    // The bot itself can speak, too.
    let Outgoing::Message(own) = spoken(&opus, "") else { panic!("a message was made") };
    let own = Outgoing::Message(OutgoingMessage { author: None, ..own });
    session.deliver(&chat, &own, &key(2)).await.expect("it is delivered");
    assert_eq!(stands().flags & VOICE, VOICE);
    for (nth, unfit) in [(3, spoken(b"ID3 and so on", "")), (4, spoken(&opus, "listen"))] {
        session.deliver(&chat, &unfit, &key(nth)).await.expect("it is delivered");
        assert_eq!((stands().flags, stands().files.len()), (0, 1), "{nth}");
    }
    let refused = json!({"code": 50_173, "message": "Cannot send voice messages in this channel"});
    stage.sim.fault("POST /webhooks/*/*", Fault::Answer { status: 403, body: refused });
    session.deliver(&chat, &spoken(&opus, ""), &key(5)).await.expect("it is delivered");
    assert_eq!((stands().flags, stands().files.len()), (0, 1));
    assert_eq!(stage.sim.messages(stage.small.general).len(), 5);
    session.close().await;
    stage.should_be_honest("voice_messages_go_as_such_or_as_ordinary_files");
}

#[tokio::test]
async fn a_thread_is_begun_from_its_root_and_written_in() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.general();
    let root = stage.sim.person_sends(stage.small.general, stage.small.alice, "let us talk");
    let inside = |text: &str| {
        let Outgoing::Message(said) = said_by("Ada", text) else { panic!("a message was made") };
        let message = Message { thread: Some(id(root)), ..said.message.clone() };
        Outgoing::Message(OutgoingMessage { message, ..said })
    };
    let mut delivered = Vec::new();
    for nth in 1..3 {
        let done = session.deliver(&chat, &inside(&format!("inside {nth}")), &key(nth)).await;
        delivered.extend(done.expect("it is delivered").ids);
    }
    assert!(delivered.iter().all(|id| id.as_str().starts_with(&format!("{root}/"))), "{delivered:?}");
    let texts = || stage.contents(root).into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    assert_eq!(texts(), ["inside 1", "inside 2"]);
    let Outgoing::Message(new) = inside("changed") else { panic!("a message was made") };
    session
        .deliver(&chat, &Outgoing::Edit { parts: vec![delivered[0].clone()], new }, &key(3))
        .await
        .expect("it is");
    let react = Outgoing::React { target: delivered[1].clone(), emoji: Emoji::unicode("👍"), author: None };
    session.deliver(&chat, &react, &key(4)).await.expect("it is put");
    assert_eq!(texts(), ["changed", "inside 2"]);
    assert_eq!(stage.sim.messages(root).pop().map(|it| it.reactions.len()), Some(1));
    let Outgoing::Message(mut answer) = inside("answer") else { panic!("a message was made") };
    answer.message.reply_to = Some(delivered[0].clone());
    let answer = session.deliver(&chat, &Outgoing::Message(answer), &key(8)).await.expect("it is delivered");
    delivered.extend(answer.ids);
    let line = texts().pop().expect("it stands");
    assert!(line.contains(&format!("/{}/{}", stage.small.guild, delivered[0])), "{line}");
    stage.sim.moderator_archives(root, false);
    session.deliver(&chat, &inside("again"), &key(5)).await.expect("writing opens it again");
    stage.sim.moderator_archives(root, true);
    let refused = session.deliver(&chat, &inside("locked"), &key(6)).await;
    assert!(
        matches!(&refused, Err(DeliverError::Rejected(words)) if words.contains("archived")),
        "{refused:?}"
    );
    session
        .deliver(&chat, &Outgoing::Redact { parts: delivered, reason: None }, &key(7))
        .await
        .expect("it is");
    assert_eq!(texts(), ["again"]);
    session.close().await;
    stage.should_be_honest("a_thread_is_begun_from_its_root_and_written_in");
}

#[tokio::test]
async fn in_a_conversation_of_two_the_bot_says_who_speaks() {
    let (mut world, small) = World::small();
    let direct = world.direct(small.bob);
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let chat = magpie_common::ids::RemoteChatId::new(direct.to_string());
    let sent = session.deliver(&chat, &said_by("Ada", "hello"), &key(1)).await.expect("it is delivered");
    let stands = stage.sim.messages(direct).pop().expect("it stands");
    assert_eq!(stands.content, "**Ada:** hello");
    assert!(matches!(stands.author, Author::User(_)));
    session.deliver(&chat, &edit(&sent.ids, said_by("Ada", "hi")), &key(2)).await.expect("it is delivered");
    assert_eq!(stage.contents(direct), ["**Ada:** hi"]);
    session
        .deliver(&chat, &Outgoing::Redact { parts: sent.ids, reason: None }, &key(3))
        .await
        .expect("it is");
    assert_eq!(stage.contents(direct), [""; 0]);
    session.close().await;
    stage.should_be_honest("in_a_conversation_of_two_the_bot_says_who_speaks");
}

#[tokio::test]
async fn custom_emoji_go_natively() {
    let (mut world, small) = World::small();
    let wave = world.emoji(small.guild, "wave");
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let source = FileSource::Remote(RemoteFileId::new(format!("emojis/{wave}.webp")));
    let text = RichText(vec![Node::CustomEmoji { name: "wave".to_owned(), source }]);
    let message = OutgoingMessage { message: Message::text(text), author: None, sent_ms: 1 };
    session.deliver(&stage.general(), &Outgoing::Message(message), &key(1)).await.expect("it is delivered");
    assert_eq!(stage.contents(small.general), [format!("<:wave:{wave}>")]);
    session.close().await;
}
