//! What followers do, as it is told: every kind of it, in every mode, and what is not WeChat's.

use std::sync::Arc;

use futures_util::TryStreamExt;
use magpie_common::{
    clock::Clock,
    ids::RemoteUserId,
    message::{AttachmentKind, FileSource, RemoteEvent, Tone},
    platform::{ConnectError, EventSink, Platform, Session},
};
use magpie_tests::wechat_official::{APP_ID, Mode, SentFile};

use super::{Stage, user};

async fn bytes(session: &dyn Session, file: &FileSource) -> anyhow::Result<Vec<u8>> {
    let FileSource::Remote(id) = file else { anyhow::bail!("it is not on WeChat") };
    let parts: Vec<bytes::Bytes> = session.download(id).await?.stream.try_collect().await?;
    Ok(parts.concat())
}

#[tokio::test]
async fn files_of_every_kind_come_with_their_bytes() -> anyhow::Result<()> {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let alice = &stage.small.alice;
    for (file, kind, words) in [
        (SentFile::new("image", "image/jpeg", &b"a picture"[..]), AttachmentKind::Image, ""),
        (SentFile::voice(&b"#!AMR\na voice"[..], "你好[微笑]"), AttachmentKind::Voice, "你好🙂"),
        (SentFile::new("video", "video/mp4", &b"a film"[..]), AttachmentKind::Video, ""),
        (SentFile::new("shortvideo", "video/mp4", &b"a short film"[..]), AttachmentKind::Video, ""),
    ] {
        let (id, _) = stage.sim.person_sends(alice, &file);
        let seen = |recorder: &magpie_common::testkit::platform_suite::Recorder| {
            recorder.messages().into_iter().find(|it| it.id.as_str() == id)
        };
        let told = stage.recorder.wait_for(file.kind, seen).await.message;
        assert_eq!(told.text.to_plain(), words, "{}", file.kind);
        assert_eq!(told.attachments[0].kind, kind);
        assert_eq!(bytes(&*session, &told.attachments[0].source).await?, file.bytes);
    }
    // After three days WeChat has forgotten them.
    let gone = FileSource::Remote(magpie_common::ids::RemoteFileId::new("media/m-nothing"));
    let words = bytes(&*session, &gone).await.expect_err("it is gone").to_string();
    assert!(words.contains("three days"), "{words}");
    session.close().await;
    Ok(())
}

#[tokio::test]
async fn the_better_recording_counts_where_it_can_be_read() -> anyhow::Result<()> {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let plain = SentFile::voice(&b"#!AMR\nplain"[..], "");
    let wide = SentFile::new("voice", "audio/amr", &b"#!AMR-WB\nbetter"[..]);
    let bare = SentFile::new("voice", "voice/speex", &b"\x36\x9d\x1b\x9a bare speex"[..]);
    for (better, heard) in [(&wide, &wide.bytes), (&bare, &plain.bytes)] {
        let id = stage.sim.person_speaks(&stage.small.alice, &plain, better);
        let seen = |recorder: &magpie_common::testkit::platform_suite::Recorder| {
            recorder.messages().into_iter().find(|it| it.id.as_str() == id)
        };
        let told = stage.recorder.wait_for("speech", seen).await.message;
        assert_eq!(bytes(&*session, &told.attachments[0].source).await?, *heard);
    }
    // The better one is gone, and the plain one is there.
    let id = stage.sim.person_sends(&stage.small.alice, &plain).1;
    let gone = FileSource::Remote(magpie_common::ids::RemoteFileId::new(format!("voice/m-nothing/{id}")));
    assert_eq!(bytes(&*session, &gone).await?, plain.bytes);
    session.close().await;
    Ok(())
}

#[tokio::test]
async fn places_links_and_events_are_words() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (sim, alice) = (&stage.sim, &stage.small.alice);
    sim.person_shares_location(alice, ("23.134521", "113.358803"), "Canton Tower");
    let place = stage.arrived("Canton Tower").await.message.text.to_plain();
    assert!(place.contains("mlat=23.134521&mlon=113.358803"), "{place}");
    sim.person_shares_link(alice, "Birds", "https://example.org/?a=1&b=2");
    assert!(stage.arrived("Birds").await.message.text.to_plain().contains("https://example.org/?a=1&b=2"));
    sim.person_presses(alice, "PRICES");
    sim.person_scans(alice, "7");
    sim.person_leaves(alice);
    sim.person_follows(alice, "shop window");
    sim.happens(alice, "VIEW", &[("EventKey", "https://example.org/menu")]);
    for words in [
        "Pressed “PRICES” in the menu.",
        "Scanned the code “7”.",
        "Does not follow the account any more.",
        "Follows the account now, by the code “shop window”.",
        "Opened https://example.org/menu from the menu.",
    ] {
        let told = stage.arrived(words).await;
        assert_eq!((told.message.tone, told.sender.ids.primary), (Tone::Notice, user(alice)));
    }
    // Nobody said that into the chat.
    let before = stage.recorder.events().len();
    sim.happens(alice, "LOCATION", &[("Latitude", "23.1"), ("Longitude", "113.3"), ("Precision", "1")]);
    sim.happens(alice, "TEMPLATESENDJOBFINISH", &[("MsgID", "1"), ("Status", "success")]);
    sim.wait_until_all_is_taken().await.expect("both are taken");
    assert_eq!(stage.recorder.events().len(), before);
    session.close().await;
}

#[tokio::test]
async fn a_follower_is_named_as_staff_name_them_or_by_a_short_id() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let told = async |id: RemoteUserId| session.user(&id).await.expect("WeChat is asked");
    let alice = told(user(&stage.small.alice)).await.expect("she follows");
    assert_eq!(alice.name.as_deref(), Some("Alice"));
    assert!(alice.ids.contains(&RemoteUserId::new("union/o6_bmjrPTlm6_alice")), "{alice:?}");
    let bob = told(user(&stage.small.bob)).await.expect("he follows");
    assert_eq!(bob.name.as_deref(), Some("WeChat user 77zz99"));
    assert!(told(RemoteUserId::new(format!("official/{APP_ID}/oNobody"))).await.is_none());
    session.close().await;
}

#[tokio::test]
async fn what_is_sealed_is_taken_in_safe_and_compatible_mode_alone() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (mode, is_taken) in [(Mode::Safe, true), (Mode::Compatible, true), (Mode::Plain, false)] {
        stage.sim.writes_in_mode(mode);
        stage.sim.person_says(&stage.small.alice, &format!("in {mode:?} mode"));
        stage.sim.wait_until_all_is_taken().await.expect("it ends");
        let told = stage.sim.callbacks().pop().expect("it was told");
        let wanted = if is_taken { vec![Some(200)] } else { vec![Some(401); 4] };
        assert_eq!(told.answers, wanted, "{mode:?}");
    }
    let said: Vec<String> = stage.recorder.messages().iter().map(|it| it.message.text.to_plain()).collect();
    assert_eq!(said, ["in Safe mode", "in Compatible mode"]);
    session.close().await;
}

#[tokio::test]
async fn what_was_not_stored_comes_again_to_the_next_session() {
    let stage = Stage::new().await;
    stage.sim.brings_again_after_ms(50, usize::MAX);
    let session = stage.connect().await;
    stage.alice_writes("stored").await;
    stage.recorder.refuse(true);
    stage.sim.person_says(&stage.small.alice, "refused at first");
    let why = session.ended().await;
    assert!(matches!(why, ConnectError::Transient(_)), "{why:?}");
    session.close().await;
    stage.recorder.refuse(false);
    let session = stage.connect().await;
    stage.arrived("refused at first").await;
    session.close().await;
}

#[tokio::test]
async fn an_account_that_is_refused_is_still_heard_until_it_is_closed() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    stage.sim.resets_secret(APP_ID);
    let outcome = session.deliver(&stage.alice(), &super::said("hello"), &super::key(1)).await;
    assert!(matches!(outcome, Err(magpie_common::platform::DeliverError::LoggedOut(_))), "{outcome:?}");
    session.ended().await;
    stage.alice_writes("are you there?").await;
    session.close().await;
    let events = stage.recorder.events().len();
    stage.sim.person_says(&stage.small.alice, "too late");
    stage.sim.wait_until_all_is_taken().await.expect("WeChat gives up");
    assert_eq!(stage.recorder.events().len(), events, "nothing is pushed after the close");
}

#[tokio::test]
async fn people_are_heard_while_wechat_does_not_let_us_in() {
    let stage = Stage::new().await;
    stage.connect().await.close().await;
    stage.sim.lists_address(APP_ID, false);
    let platform = super::platform(super::config(&stage.sim), &stage.clock);
    stage.door.lead_to(&platform);
    let login = platform.configured_login().expect("the configuration names an account");
    let sink = || EventSink::new(login.id.clone(), Arc::new(stage.recorder.clone()));
    let refused = platform.connect(&login, sink()).await.err();
    assert!(matches!(refused, Some(ConnectError::BadCredentials(_))), "{refused:?}");
    stage.alice_writes("is anybody there?").await;
    // The next session goes on, and nothing comes twice.
    stage.sim.lists_address(APP_ID, true);
    let session = platform.connect(&login, sink()).await.expect("it is let in");
    stage.alice_writes("and now?").await;
    assert_eq!(stage.recorder.messages().len(), 2);
    session.close().await;
}

#[tokio::test]
async fn two_accounts_of_one_owner_know_one_person() {
    let (mut world, _) = magpie_tests::wechat_official::World::small(Clock::system());
    let other = "wx00000000000000aa";
    world.account(other);
    let there = world.follower(other, "oThere", ("", Some("o6_bmjrPTlm6_alice")));
    let sim = magpie_tests::wechat_official::OfficialSim::start(world).await.expect("a port is free");
    let config =
        magpie_wechat::WeChatConfig { official_app_id: Some(other.to_owned()), ..super::config(&sim) };
    let platform = super::platform(config, &Clock::system());
    let login = platform.configured_login().expect("it names an account");
    let recorder = magpie_common::testkit::platform_suite::Recorder::default();
    let sink = EventSink::new(login.id.clone(), Arc::new(recorder.clone()));
    let session = platform.connect(&login, sink).await.expect("it is taken");
    let found = session.user(&user(&there)).await.expect("WeChat is asked").expect("there is somebody");
    assert!(found.ids.contains(&RemoteUserId::new("union/o6_bmjrPTlm6_alice")), "{found:?}");
    let is_quiet = |event: &RemoteEvent| matches!(event, RemoteEvent::ChatChanged { .. });
    assert!(recorder.events().iter().all(|one| is_quiet(&one.event)));
    session.close().await;
}
