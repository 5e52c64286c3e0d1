//! What comes from Telegram.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{AttachmentKind, ChatChange, ChatKind, LOTTIE_TYPE, Node, Outgoing, RemoteEvent},
    testkit::platform_suite::Recorder,
};
use magpie_tests::telegram::{FileBytes, Media, MediaKind};
use serde_json::json;

use super::{Stage, ids, key};

#[tokio::test]
async fn each_chat_has_its_own_ids() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let small = stage.small;
    for (chat, words) in
        [(small.private, "alone"), (small.group, "in a group"), (small.supergroup, "in many")]
    {
        let id = stage.sim.person_sends(chat, small.alice, words);
        let said = stage.arrived(words).await;
        assert_eq!(said.chat, stage.id(chat));
        let is_own = chat != small.supergroup;
        assert_eq!(said.id.as_str(), if is_own { format!("{id}@{}", small.bot) } else { id.to_string() });
        let info = session.chat(&said.chat).await.expect("it can be asked").expect("it is there");
        assert_eq!(info.kind, if chat == small.private { ChatKind::Direct } else { ChatKind::Group });
    }
    let elms = stage.sim.person_opens_topic(small.forum, small.alice, "Elms");
    stage.sim.person_sends_in_topic((small.forum, elms), small.alice, "in a topic");
    let said = stage.arrived("in a topic").await;
    assert_eq!(said.chat.as_str(), format!("{}/{elms}", small.forum));
    let info = session.chat(&said.chat).await.expect("it can be asked").expect("it is there");
    assert_eq!(info.name.as_deref(), Some("Elms"));
    let space = session.chat(&info.parent.expect("a topic has a space")).await.expect("it can be asked");
    let space = space.expect("it is there");
    assert_eq!((space.kind, space.name.as_deref()), (ChatKind::Space, Some("Forest")));
    session.close().await;
    stage.should_be_honest("each_chat_has_its_own_ids");
}

#[tokio::test]
async fn formats_replies_and_quotes_arrive() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    let bold = json!([{"type": "bold", "offset": 6, "length": 4}]);
    let first = stage.sim.person_sends_formatted(chat, alice, ("plain bold", bold));
    let said = stage.arrived("plain bold").await;
    assert!(
        said.message.text.0.iter().any(|node| matches!(node, Node::Strong(_))),
        "{:?}",
        said.message.text
    );
    assert_eq!(said.sender.name.as_deref(), Some("Alice Archer"));
    stage.sim.person_replies((chat, first), stage.small.bob, "an answer");
    let answer = stage.arrived("an answer").await;
    assert_eq!(answer.message.reply_to, Some(RemoteMessageId::new(first.to_string())));
    stage.sim.person_quotes((chat, first), stage.small.bob, ("bold", "about that"));
    let quote = stage.arrived("about that").await;
    assert_eq!(quote.message.text.to_plain(), "> bold\nabout that");
    session.close().await;
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_none() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    let id = stage.sim.person_sends(chat, alice, "words");
    stage.arrived("words").await;
    assert!(stage.sim.person_edits((chat, id), "words"));
    assert!(stage.sim.person_edits((chat, id), "other words"));
    stage.sim.person_sends(chat, alice, "last");
    stage.arrived("last").await;
    let edits = stage.recorder.events().into_iter().filter(|it| matches!(it.event, RemoteEvent::Edit { .. }));
    assert_eq!(edits.count(), 1);
    session.close().await;
}

#[tokio::test]
async fn files_of_every_sort_arrive_and_are_fetched() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    for (sort, name, mime, kind) in [
        (MediaKind::Photo, "x.jpg", "image/jpeg", AttachmentKind::Image),
        (MediaKind::Video, "x.mp4", "video/mp4", AttachmentKind::Video),
        (MediaKind::VideoNote, "y.mp4", "video/mp4", AttachmentKind::Video),
        (MediaKind::Animation, "z.mp4", "video/mp4", AttachmentKind::Video),
        (MediaKind::Voice, "x.ogg", "audio/ogg", AttachmentKind::Voice),
        (MediaKind::Audio, "x.mp3", "audio/mpeg", AttachmentKind::Audio),
        (MediaKind::Document, "x.pdf", "application/pdf", AttachmentKind::File),
    ] {
        let before = stage.recorder.messages().len();
        let file = stage.sim.file(name, mime, FileBytes::Kept(vec![7; 1000].into()));
        stage.sim.person_sends_media(chat, alice, &Media::new(sort, &file).with_caption("look"));
        let came = |recorder: &Recorder| recorder.messages().get(before).cloned();
        let said = stage.recorder.wait_for("a file", came).await;
        assert_eq!(said.message.attachments.len(), 1, "{sort:?}: once");
        let attachment = &said.message.attachments[0];
        assert_eq!(attachment.kind, kind, "{sort:?}");
        let magpie_common::message::FileSource::Remote(source) = &attachment.source else {
            panic!("{sort:?} is not Telegram's");
        };
        let download = session.download(source).await.expect("it is given out");
        let bytes = read(download).await;
        assert_eq!(bytes, vec![7; 1000], "{sort:?}");
    }
    session.close().await;
    stage.should_be_honest("files_of_every_sort_arrive_and_are_fetched");
}

/// All of a file.
pub(super) async fn read(mut download: magpie_common::platform::Download) -> Vec<u8> {
    use futures_util::StreamExt;
    let mut bytes = Vec::new();
    while let Some(chunk) = download.stream.next().await {
        bytes.extend_from_slice(&chunk.expect("it does not break off"));
    }
    bytes
}

#[tokio::test]
async fn an_animated_sticker_is_unpacked() {
    use std::io::Write;

    let stage = Stage::new().await;
    let session = stage.connect().await;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(b"{\"v\":\"5.5\"}").expect("memory takes it");
    let packed = packer.finish().expect("memory takes it");
    let file = stage.sim.file("x.tgs", "application/x-tgsticker", FileBytes::Kept(packed.into()));
    let sticker =
        Media::new(MediaKind::Sticker, &file).with_details(json!({"emoji": "🐦", "is_animated": true}));
    stage.sim.person_sends_media(stage.small.supergroup, stage.small.alice, &sticker);
    let came = |recorder: &Recorder| recorder.messages().first().cloned();
    let said = stage.recorder.wait_for("a sticker", came).await;
    let attachment = &said.message.attachments[0];
    assert_eq!((attachment.kind, attachment.mime.as_deref()), (AttachmentKind::Sticker, Some(LOTTIE_TYPE)));
    let magpie_common::message::FileSource::Remote(source) = &attachment.source else {
        panic!("not Telegram's")
    };
    let drawing = read(session.download(source).await.expect("it is given out")).await;
    assert_eq!(drawing, b"{\"v\":\"5.5\"}");
    session.close().await;
}

#[tokio::test]
async fn channels_and_anonymous_admins_speak_as_chats() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let small = stage.small;
    let post = stage.sim.person_sends(small.channel, small.alice, "a post");
    let said = stage.arrived("a post").await;
    assert_eq!(said.sender.ids.primary.as_str(), format!("channel-{}", small.channel));
    assert_eq!(said.id.as_str(), post.to_string());
    let copied = |recorder: &Recorder| {
        let discussion = RemoteChatId::new(small.discussion.to_string());
        recorder.messages().into_iter().find(|it| it.chat == discussion)
    };
    let copy = stage.recorder.wait_for("the post in the discussion", copied).await;
    assert_eq!(copy.sender.ids.primary, said.sender.ids.primary);
    // A comment belongs to the post.
    let number = copy.id.as_str().parse().expect("it is a number");
    stage.sim.person_replies((small.discussion, number), small.bob, "a comment");
    let comment = stage.arrived("a comment").await;
    assert_eq!(comment.message.thread.as_ref(), Some(&copy.id));

    stage.sim.person_hides(small.supergroup, small.alice, None);
    stage.sim.person_sends(small.supergroup, small.alice, "as nobody");
    let hidden = stage.arrived("as nobody").await;
    assert_eq!(hidden.sender.ids.primary.as_str(), format!("channel-{}", small.supergroup));
    session.close().await;
}

#[tokio::test]
async fn a_group_that_becomes_a_supergroup_is_told_once_or_more() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let new = stage.sim.person_upgrades(stage.small.group, stage.small.alice);
    let moved = |recorder: &Recorder| {
        let events = recorder.events().into_iter();
        events.map(|it| it.event).find(|event| matches!(event, RemoteEvent::Migrated { .. }))
    };
    let event = stage.recorder.wait_for("the migration", moved).await;
    let to = RemoteChatId::new(new.to_string());
    assert_eq!(event, RemoteEvent::Migrated { from: stage.id(stage.small.group), to });
    session.close().await;
}

#[tokio::test]
async fn commands_are_answered_in_telegram_and_not_brought_over() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    stage.sim.person_sends(chat, alice, "/id@magpie_bot");
    stage
        .sim
        .wait_for_message(chat, |it| it.text().contains(&chat.to_string()))
        .await
        .expect("it is answered");
    stage.sim.person_sends(chat, alice, "/id@other_bot");
    stage.arrived("/id@other_bot").await;
    assert_eq!(stage.recorder.messages().len(), 1, "what is for another bot is said by a person");
    session.close().await;
}

#[tokio::test]
async fn unknown_things_are_shown_as_far_as_they_can_be() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    stage.sim.person_posts(
        chat,
        alice,
        json!({"text": "a date", "entities": [{"type": "hologram", "offset": 0, "length": 1}]}),
    );
    stage.arrived("a date").await;
    stage.sim.person_posts(chat, alice, json!({"hologram": {"text": "shown in the air"}}));
    let said = stage.arrived("only Telegram can show").await;
    assert_eq!(said.message.tone, magpie_common::message::Tone::Notice);
    session.close().await;
}

#[tokio::test]
async fn votes_in_our_own_polls_are_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.supergroup);
    let answers = vec!["yes".to_owned(), "no".to_owned()];
    let poll = Outgoing::Poll { question: "tea?".to_owned(), answers, choices_max: 1, author: None };
    let poll = ids(session.deliver(&chat, &poll, &key(1)).await).remove(0);
    let place = (stage.small.supergroup, poll.parse().expect("it is a number"));
    assert!(stage.sim.person_votes(place, stage.small.alice, &[1]));
    let voted = |recorder: &Recorder| {
        recorder.events().into_iter().find_map(|it| match it.event {
            RemoteEvent::Vote { target, answers, .. } => Some((target, answers)),
            _ => None,
        })
    };
    assert_eq!(stage.recorder.wait_for("a vote", voted).await, (RemoteMessageId::new(poll), vec![1]));
    session.close().await;
}

#[tokio::test]
async fn a_bot_that_is_taken_out_loses_the_chat() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_bans(stage.small.supergroup, (stage.small.alice, stage.small.bot));
    let gone = |recorder: &Recorder| {
        let is_gone =
            |event: &RemoteEvent| matches!(event, RemoteEvent::ChatChanged { change: ChatChange::Gone, .. });
        recorder.events().iter().any(|it| is_gone(&it.event)).then_some(())
    };
    stage.recorder.wait_for("the end of the chat", gone).await;
    session.close().await;
}
