//! Everything besides plain words, from Discord.

use futures_util::StreamExt;
use magpie_common::{
    ids::{RemoteChatId, RemoteFileId, RemoteMessageId},
    message::{AttachmentKind, ChatKind, CreateWhen, FileSource, RemoteEvent, RemoteMessage},
    platform::Until,
};
use magpie_discord::DiscordConfig;
use magpie_tests::discord::{FileBytes, Snowflake, World};
use serde_json::json;

use super::{Stage, config};

impl Stage {
    /// Waits for the first event that `wanted` finds something in.
    async fn event<T>(&self, what: &str, wanted: impl Fn(&RemoteEvent) -> Option<T>) -> T {
        self.recorder.wait_for(what, |it| it.events().iter().find_map(|one| wanted(&one.event))).await
    }

    async fn message(&self, id: Snowflake) -> RemoteMessage {
        let id = RemoteMessageId::new(id.to_string());
        self.recorder
            .wait_for("a message", |it| it.messages().into_iter().find(|message| message.id == id))
            .await
    }
}

fn id(snowflake: Snowflake) -> RemoteMessageId {
    RemoteMessageId::new(snowflake.to_string())
}

#[tokio::test]
async fn changes_of_messages_are_told_apart() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let said = stage.sim.person_sends(general, alice, "https://example.org");
    stage.message(said).await;
    stage.sim.preview_arrives((general, said), vec![json!({"type": "rich", "title": "A page"})]);
    let preview = |event: &RemoteEvent| match event {
        RemoteEvent::Preview(message) => Some(message.clone()),
        _ => None,
    };
    let late = stage.event("a preview", preview).await;
    assert_eq!((&late.id, late.message.preview.to_plain().trim()), (&id(said), "> A page"));
    stage.sim.person_edits(general, said, "changed");
    let edited = |event: &RemoteEvent| match event {
        RemoteEvent::Edit { new, edited_ms } => Some((new.message.text.to_plain(), *edited_ms)),
        _ => None,
    };
    let (words, at) = stage.event("an edit", edited).await;
    assert!(words == "changed" && at > 0);
    let more: Vec<_> = (0..3).map(|nth| stage.sim.person_sends(general, alice, &format!("{nth}"))).collect();
    stage.sim.person_deletes(general, said);
    stage.sim.moderator_deletes(general, &more);
    let redacted = |count: usize| {
        move |event: &RemoteEvent| match event {
            RemoteEvent::Redact { ids, .. } if ids.len() == count => Some(ids.clone()),
            _ => None,
        }
    };
    assert_eq!(stage.event("a deletion", redacted(1)).await, [id(said)]);
    assert_eq!(
        stage.event("many deletions", redacted(3)).await,
        more.into_iter().map(id).collect::<Vec<_>>()
    );
    session.close().await;
    stage.should_be_honest("changes_of_messages_are_told_apart");
}

#[tokio::test]
async fn reactions_and_typing_are_heard() {
    let (mut world, small) = World::small();
    let wave = world.emoji(small.guild, "wave");
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let place = (small.general, stage.sim.person_sends(small.general, small.alice, "hi"));
    stage.sim.person_reacts(place, small.bob, "👍");
    stage.sim.person_reacts(place, small.bob, &format!("wave:{wave}"));
    stage.sim.person_unreacts(place, small.bob, "👍");
    stage.sim.moderator_clears_reactions(place, Some(&format!("wave:{wave}")));
    stage.sim.moderator_clears_reactions(place, None);
    stage.sim.person_types(small.general, small.bob);
    stage.event("typing", |event| matches!(event, RemoteEvent::Typing { .. }).then_some(())).await;
    let heard: Vec<String> = stage
        .recorder
        .events()
        .into_iter()
        .filter_map(|one| match one.event {
            RemoteEvent::React { sender, emoji, .. } => Some(format!("+{sender} {}", emoji.key())),
            RemoteEvent::Unreact { sender, emoji, .. } => {
                let by = sender.map_or("all".to_owned(), |sender| sender.to_string());
                Some(format!("-{by} {}", emoji.map_or("all".to_owned(), |emoji| emoji.key())))
            }
            _ => None,
        })
        .collect();
    let (bob, wave) = (small.bob, format!("emojis/{wave}.webp"));
    assert_eq!(
        heard,
        [
            format!("+{bob} 👍"),
            format!("+{bob} {wave}"),
            format!("-{bob} 👍"),
            format!("-all {wave}"),
            "-all all".to_owned(),
        ]
    );
    session.close().await;
}

#[tokio::test]
async fn files_are_found_again_after_their_address_has_expired() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let file = stage.sim.file("a.txt", "text/plain", FileBytes::Made { size: 200_000, byte: 7 });
    let said = stage.sim.person_sends_files(general, alice, "see", vec![file]);
    let heard = stage.message(said).await.message;
    assert_eq!((heard.text.to_plain().as_str(), heard.attachments.len()), ("see", 1));
    let FileSource::Remote(source) = &heard.attachments[0].source else { panic!("it is on Discord") };
    let read = async |file: &RemoteFileId| {
        let opened = session.download(file).await.expect("the file opens");
        opened.stream.fold(0, |sum, piece| async move { sum + piece.expect("it has bytes").len() }).await
    };
    assert_eq!(read(source).await, 200_000);
    stage.sim.file_addresses_expire();
    assert_eq!(read(source).await, 200_000);
    stage.sim.person_deletes(general, said);
    stage.sim.file_addresses_expire();
    assert!(session.download(source).await.is_err());
    let mut spoken = stage.sim.file("v.ogg", "audio/ogg", FileBytes::Made { size: 10, byte: 1 });
    spoken.voice = Some((2.5, "AP8=".to_owned()));
    let voice =
        stage.message(stage.sim.person_speaks(general, alice, spoken)).await.message.attachments.remove(0);
    assert_eq!((voice.kind, voice.info.duration_ms), (AttachmentKind::Voice, Some(2_500)));
    let sticker = stage.message(stage.sim.person_sends_sticker(general, alice, "wave", 1)).await;
    let sticker = sticker.message.attachments[0].clone();
    assert_eq!(sticker.kind, AttachmentKind::Sticker);
    let FileSource::Remote(picture) = &sticker.source else { panic!("it is on Discord") };
    assert!(read(picture).await > 0);
    let forwarded = stage.sim.person_sends(general, alice, "news");
    let forward = stage.message(stage.sim.person_forwards((general, forwarded), alice, general)).await;
    assert!(forward.message.text.to_plain().contains("> news"), "{forward:?}");
    session.close().await;
    stage.should_be_honest("files_are_found_again_after_their_address_has_expired");
}

#[tokio::test]
async fn threads_are_shown_in_their_channel_or_apart() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let root = stage.sim.person_sends(general, alice, "root");
    let thread = stage.sim.person_begins_thread((general, root), alice, "talk").expect("it begins");
    let inside = stage.sim.person_sends(thread, alice, "inside");
    let at = |thread: Snowflake, message: Snowflake| RemoteMessageId::new(format!("{thread}/{message}"));
    let heard = |wanted: RemoteMessageId| {
        let recorder = stage.recorder.clone();
        async move {
            recorder
                .wait_for("a message", |it| it.messages().into_iter().find(|message| message.id == wanted))
                .await
        }
    };
    let heard_inside = heard(at(thread, inside)).await;
    assert_eq!((heard_inside.chat, heard_inside.message.thread), (stage.general(), Some(id(root))));
    let bare = stage.sim.person_begins_bare_thread(general, alice, "apart").expect("it begins");
    let told = stage.message(bare).await;
    assert_eq!((told.chat, told.message.thread), (stage.general(), None));
    let within = stage.sim.person_sends(bare, alice, "within");
    assert_eq!(heard(at(bare, within)).await.message.thread, Some(id(bare)));
    stage.sim.person_reacts((thread, inside), alice, "👍");
    let target = |event: &RemoteEvent| match event {
        RemoteEvent::React { target, .. } => Some(target.clone()),
        _ => None,
    };
    assert_eq!(stage.event("a reaction", target).await, at(thread, inside));
    let words: Vec<_> = stage.words();
    assert!(
        !words.iter().any(|words| words.is_empty()),
        "the first message of a thread is no message: {words:?}"
    );
    assert_eq!(session.chat(&RemoteChatId::new(thread.to_string())).await.expect("it answers"), None);
    session.close().await;
    // The same server with rooms of their own.
    let apart = [(
        stage.small.guild.to_string(),
        serde_json::from_value(json!({
            "threads": "own_room", "mode": "on_command",
        }))
        .expect("good settings"),
    )];
    let config = DiscordConfig { guild_settings: apart.into(), ..config(&stage.sim, stage.sim.token()) };
    let session = stage.connect_with(config).await;
    let own = stage.sim.person_sends(thread, alice, "own");
    let own = stage.message(own).await;
    assert_eq!((own.chat.as_str(), own.message.thread), (thread.to_string().as_str(), None));
    let info = session.chat(&own.chat).await.expect("it answers").expect("it is a chat");
    assert_eq!((info.name.as_deref(), info.create), (Some("talk"), Some(CreateWhen::OnCommand)));
    session.close().await;
    stage.should_be_honest("threads_are_shown_in_their_channel_or_apart");
}

#[tokio::test]
async fn a_conversation_of_two_is_a_hidden_room_of_its_own() {
    let (mut world, small) = World::small();
    let direct = world.direct(small.bob);
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let said = stage.sim.person_sends(direct, small.bob, "psst");
    let heard = stage.message(said).await;
    assert_eq!(heard.chat.as_str(), direct.to_string());
    let info = session.chat(&heard.chat).await.expect("it answers").expect("it is a chat");
    assert_eq!((info.kind, info.private, info.name.as_deref()), (ChatKind::Direct, true, Some("Bob")));
    session.close().await;
    stage.should_be_honest("a_conversation_of_two_is_a_hidden_room_of_its_own");
}

#[tokio::test]
async fn the_past_of_a_channel_is_read_up_to_a_bound() {
    let stage = Stage::new().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let all: Vec<_> = (0..130).map(|nth| stage.sim.person_sends(general, alice, &format!("{nth}"))).collect();
    let session = stage.connect().await;
    let history = session.history().expect("Discord has a past");
    let read = async |until: Until, count: usize| {
        let messages = history.messages(&stage.general(), &until, count).await.expect("it is read");
        messages.into_iter().map(|message| message.message.text.to_plain()).collect::<Vec<_>>()
    };
    assert_eq!(read(Until::Including(id(all[2])), 50).await, ["0", "1", "2"]);
    assert_eq!(read(Until::Before(id(all[2])), 1).await, ["1"]);
    // What began a room may have been said in a thread.
    let aside = magpie_common::ids::RemoteMessageId::new(format!("{}/{}", all[0], all[2]));
    assert_eq!(read(Until::Before(aside), 50).await, ["0", "1"]);
    let long = read(Until::Before(id(all[129])), 120).await;
    assert_eq!((long.len(), long[0].as_str(), long[119].as_str()), (120, "9", "128"));
    let info = session.chat(&stage.general()).await.expect("it answers").expect("it is a chat");
    assert_eq!(info.newest, Some(id(all[129])));
    session.close().await;
    stage.should_be_honest("the_past_of_a_channel_is_read_up_to_a_bound");
}
