//! Each kind of thing that people do in Telegram arrives as what it is.

use magpie_common::{
    ids::{RemoteFileId, RemoteMessageId, RemoteUserId},
    message::{
        AttachmentKind, ChatChange, ChatInfo, Emoji, FileSource, MemberChange, Node, RemoteEvent,
        RemoteMessage,
    },
    testkit::platform_suite::Recorder,
};
use magpie_tests::telegram::{FileBytes, Media, MediaKind};
use serde_json::{Value, json};

use super::{Stage, hearing::read};

/// As much of a picture as anybody looks at.
const WEBP: &[u8] = b"RIFF\x0a\0\0\0WEBPVP8 ";
const WEBM: &[u8] = b"\x1a\x45\xdf\xa3 and so on";

impl Stage {
    /// Waits until so many messages have arrived.
    async fn all_arrived(&self, count: usize) -> Vec<RemoteMessage> {
        let all = |recorder: &Recorder| Some(recorder.messages()).filter(|all| all.len() >= count);
        self.recorder.wait_for("all messages", all).await
    }

    /// Waits until something has happened.
    async fn happened<T>(&self, what: &str, is_it: impl Fn(RemoteEvent) -> Option<T>) -> T {
        let look =
            |recorder: &Recorder| recorder.events().into_iter().find_map(|recorded| is_it(recorded.event));
        self.recorder.wait_for(what, look).await
    }

    fn kept(&self, name: &str, mime: &str, bytes: &[u8]) -> String {
        self.sim.file(name, mime, FileBytes::Kept(bytes.to_vec().into()))
    }
}

fn remote(source: &FileSource) -> &RemoteFileId {
    let FileSource::Remote(file) = source else { panic!("{source:?} is not Telegram's") };
    file
}

#[tokio::test]
async fn an_album_is_a_message_for_each_of_its_parts() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let first = stage.kept("a.jpg", "image/jpeg", b"one");
    let second = stage.kept("b.mp4", "video/mp4", b"two");
    let parts = [
        Media::new(MediaKind::Photo, &first).with_caption("both"),
        Media::new(MediaKind::Video, &second).with_details(json!({"has_media_spoiler": true})),
    ];
    let sent = stage.sim.person_sends_album(stage.small.supergroup, stage.small.alice, &parts);
    let told: Vec<_> = stage
        .all_arrived(2)
        .await
        .into_iter()
        .map(|it| {
            let file = &it.message.attachments[0];
            (it.id.as_str().to_owned(), it.message.text.to_plain(), file.kind, file.spoiler)
        })
        .collect();
    let expected = [
        (sent[0].to_string(), "both".to_owned(), AttachmentKind::Image, false),
        (sent[1].to_string(), String::new(), AttachmentKind::Video, true),
    ];
    assert_eq!(told, expected);
    session.close().await;
    stage.should_be_honest("an_album_is_a_message_for_each_of_its_parts");
}

#[tokio::test]
async fn stickers_that_stand_still_and_that_are_videos_arrive() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (nth, (name, mime, bytes)) in
        [("x.webp", "image/webp", WEBP), ("x.webm", "video/webm", WEBM)].into_iter().enumerate()
    {
        let file = stage.kept(name, mime, bytes);
        let sticker = Media::new(MediaKind::Sticker, &file).with_details(json!({"emoji": "🐦"}));
        stage.sim.person_sends_media(stage.small.supergroup, stage.small.alice, &sticker);
        let said = stage.all_arrived(nth + 1).await.remove(nth);
        let file = &said.message.attachments[0];
        let kind = if mime == "video/webm" { AttachmentKind::Video } else { AttachmentKind::Sticker };
        assert_eq!((file.kind, file.name.as_str()), (kind, "🐦"));
        assert_eq!(file.mime.as_deref(), Some(mime));
        let download = session.download(remote(&file.source)).await.expect("it is given out");
        assert_eq!(read(download).await, bytes);
    }
    session.close().await;
}

#[tokio::test]
async fn places_and_contacts_arrive_in_words() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    stage.sim.person_sends_location(chat, alice, (52.5, 13.25));
    stage.sim.person_sends_venue(chat, alice, ("The oak", "1 Forest Road"));
    stage.sim.person_sends_contact(chat, alice, ("Carol", "+12125550123"));
    let words: Vec<_> = stage.all_arrived(3).await.iter().map(|it| it.message.text.to_plain()).collect();
    assert!(words[0].contains("mlat=52.5&mlon=13.25"), "{words:?}");
    assert!(words[1].contains("The oak, 1 Forest Road"), "{words:?}");
    assert_eq!(words[2], "👤 Carol: +12125550123");
    session.close().await;
}

#[tokio::test]
async fn who_comes_and_goes_is_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice, bob) = (stage.small.supergroup, stage.small.alice, stage.small.bob);
    let carol = stage.sim.person("Carol");
    let told = async |who: i64, what: MemberChange| {
        let wanted = (RemoteUserId::new(who.to_string()), what);
        let is_it = |event| match event {
            RemoteEvent::MembersChanged { chat, changes } if changes.contains(&wanted) => Some(chat),
            _ => None,
        };
        assert_eq!(stage.happened("a change of members", is_it).await, stage.id(chat));
    };
    stage.sim.person_joins(chat, carol);
    told(carol, MemberChange::Joined).await;
    stage.sim.person_leaves(chat, carol);
    told(carol, MemberChange::Left).await;
    stage.sim.person_bans(chat, (alice, bob));
    told(bob, MemberChange::Banned).await;
    session.close().await;
}

#[tokio::test]
async fn titles_and_photos_are_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    let looks = async |is_so: &dyn Fn(&ChatInfo) -> bool| {
        let is_it = |event| match event {
            RemoteEvent::ChatChanged { change: ChatChange::Info(info), .. } if is_so(&info) => Some(info),
            _ => None,
        };
        stage.happened("the new looks", is_it).await
    };
    stage.sim.person_renames(chat, alice, "Rare birds");
    looks(&|info| info.name.as_deref() == Some("Rare birds")).await;
    let photo = stage.kept("p.jpg", "image/jpeg", b"a photo");
    stage.sim.person_sets_photo(chat, alice, Some(&photo));
    let shown = looks(&|info| info.avatar.is_some()).await.avatar.expect("it was just seen");
    let download = session.download(&shown).await.expect("it is given out");
    assert_eq!(read(download).await, b"a photo");
    session.close().await;
}

#[tokio::test]
async fn forwards_say_where_they_come_from() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    let post = stage.sim.person_sends(stage.small.channel, alice, "the post");
    stage.sim.person_forwards((stage.small.channel, post), alice, chat);
    let said = stage.arrived("Forwarded from News").await;
    assert!(said.message.text.to_plain().ends_with("the post"), "{:?}", said.message.text);
    stage.sim.person_forwards_hidden("a secret", "Somebody Shy", (alice, chat));
    assert!(stage.arrived("a secret").await.message.text.to_plain().contains("Forwarded from Somebody Shy"));
    session.close().await;
}

#[tokio::test]
async fn a_file_too_large_for_a_bot_is_named() {
    const SIZE: u64 = 21 * 1024 * 1024;
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let file = stage.sim.file("nest.zip", "application/zip", FileBytes::Made { size: SIZE, byte: 9 });
    let media = Media::new(MediaKind::Document, &file).with_caption("all of it");
    stage.sim.person_sends_media(stage.small.supergroup, stage.small.alice, &media);
    let said = stage.arrived("all of it").await;
    let words = said.message.text.to_plain();
    assert!(words.contains("nest.zip is too large") && words.contains("Open it in Telegram"), "{words}");
    assert_eq!(said.message.attachments, []);
    session.close().await;
}

#[tokio::test]
async fn reactions_of_people_are_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice, bob) = (stage.small.supergroup, stage.small.alice, stage.small.bob);
    let number = stage.sim.person_sends(chat, alice, "nice");
    stage.arrived("nice").await;
    assert!(stage.sim.person_reacts((chat, number), bob, "👍"));
    assert!(stage.sim.person_reacts((chat, number), bob, "🔥"));
    let is_it = |event| match event {
        RemoteEvent::React { target, sender, emoji, .. } if emoji == Emoji::unicode("🔥") => {
            Some((target, sender))
        }
        _ => None,
    };
    let on = (RemoteMessageId::new(number.to_string()), RemoteUserId::new(bob.to_string()));
    assert_eq!(stage.happened("a reaction", is_it).await, on);
    let is_it = |event| match event {
        RemoteEvent::Unreact { target, sender: Some(sender), emoji, .. }
            if emoji == Some(Emoji::unicode("👍")) =>
        {
            Some((target, sender))
        }
        _ => None,
    };
    assert_eq!(stage.happened("the end of the first", is_it).await, on);
    session.close().await;
}

#[tokio::test]
async fn custom_emoji_arrive_with_their_pictures() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let file = stage.kept("e.webp", "image/webp", WEBP);
    stage.sim.sticker_set(("birds", "Birds", "custom_emoji"), &[(file, "🐦")]);
    let asked = format!("{}/bot{}/getStickerSet?name=birds", stage.sim.url(), stage.sim.token());
    let set: Value = reqwest::get(asked).await.expect("it answers").json().await.expect("it is JSON");
    let id = &set["result"]["stickers"][0]["custom_emoji_id"];
    let entity = json!([{"type": "custom_emoji", "offset": 3, "length": 2, "custom_emoji_id": id}]);
    stage.sim.person_sends_formatted(stage.small.supergroup, stage.small.alice, ("hi 🐦", entity));
    let said = stage.arrived("hi").await;
    let Some(Node::CustomEmoji { name, source }) = said.message.text.0.last() else {
        panic!("{:?}", said.message.text)
    };
    assert_eq!(name, "🐦");
    let download = session.download(remote(source)).await.expect("it is given out");
    assert_eq!(read(download).await, WEBP);
    session.close().await;
}

#[tokio::test]
async fn buttons_are_listed_and_those_with_an_address_lead_there() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let rows =
        json!([[{"text": "Site", "url": "https://example.org/"}, {"text": "Press", "callback_data": "x"}]]);
    let body = json!({"text": "choose", "reply_markup": {"inline_keyboard": rows}});
    stage.sim.person_posts(stage.small.supergroup, stage.small.alice, body);
    let said = stage.arrived("choose").await;
    let link = Node::Link {
        url: "https://example.org/".to_owned(),
        children: vec![Node::Text("[Site]".to_owned())],
    };
    assert!(said.message.text.0.contains(&link), "{:?}", said.message.text);
    assert!(said.message.text.to_plain().contains("[Press]"));
    session.close().await;
}

#[tokio::test]
async fn polls_of_people_are_shown_with_their_answers() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_sends_poll(stage.small.supergroup, stage.small.bob, ("tea?", &["yes", "no"]));
    let is_it = |event| match event {
        RemoteEvent::Poll { message, answers, choices_max } => Some((message, answers, choices_max)),
        _ => None,
    };
    let (said, answers, choices_max) = stage.happened("a poll", is_it).await;
    assert_eq!((answers, choices_max), (vec!["yes".to_owned(), "no".to_owned()], 1));
    let words = said.message.text.to_plain();
    assert!(["tea?", "yes", "no", "Vote in Telegram."].iter().all(|part| words.contains(part)), "{words}");
    session.close().await;
}

#[tokio::test]
async fn how_a_chat_is_joined_to_a_room_is_told_in_telegram() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (chat, alice) = (stage.small.supergroup, stage.small.alice);
    stage.sim.person_sends(chat, alice, "/portal");
    let answer = stage.sim.wait_for_message(chat, |it| it.author == stage.small.bot).await;
    let answer = answer.expect("it is answered");
    assert!(answer.text().contains(&format!("bridge {chat}")), "{}", answer.text());
    session.close().await;
}
