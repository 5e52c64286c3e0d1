//! What members write to the app.

use magpie_common::{
    message::{AttachmentKind, RemoteEvent},
    testkit::platform_suite::Recorder,
};

use super::{Stage, fetched, user};

#[tokio::test]
async fn words_places_links_and_deeds_of_members_arrive() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let alice = &stage.small.alice;
    let id = stage.sim.member_says(alice, "你好[微笑] <a&b> ]]>");
    let arrived = stage.arrived("你好🙂 <a&b> ]]>").await;
    assert_eq!((arrived.id.as_str(), arrived.chat), (id.as_str(), stage.alice()));
    assert_eq!(arrived.sender.ids.primary, user(alice));
    stage.sim.member_posts(
        alice,
        "location",
        &[
            ("Location_X", "23.134"),
            ("Location_Y", "113.358"),
            ("Scale", "20"),
            ("Label", "Tower"),
            ("AppType", "wxwork"),
        ],
    );
    stage.arrived("📍 Tower\nhttps://www.openstreetmap.org/?mlat=23.134&mlon=113.358").await;
    let link =
        [("Title", "Birds"), ("Description", "All."), ("Url", "https://example.org/"), ("PicUrl", "x")];
    stage.sim.member_posts(alice, "link", &link);
    stage.arrived("Birds (https://example.org/)\nAll.").await;
    stage.sim.happens(alice, "enter_agent", &[("EventKey", "")]);
    stage.sim.happens(alice, "click", &[("EventKey", "PRICES")]);
    stage.arrived("Pressed “PRICES” in the menu.").await;
    stage.sim.happens(alice, "unsubscribe", &[("EventKey", "")]);
    stage.arrived("May not use the app any more.").await;
    assert_eq!(stage.recorder.events().len(), 5, "that somebody opens the app is told to nobody");
    session.close().await;
}

#[tokio::test]
async fn files_of_members_arrive_whole() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (nth, (kind, mime, shown)) in [
        ("image", "image/jpeg", AttachmentKind::Image),
        ("voice", "audio/amr", AttachmentKind::Voice),
        ("video", "video/mp4", AttachmentKind::Video),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = format!("the bytes of a {kind}");
        stage.sim.member_sends(&stage.small.alice, (kind, mime), bytes.clone());
        let seen = |recorder: &Recorder| recorder.messages().get(nth).map(|it| it.message.clone());
        let message = stage.recorder.wait_for(kind, seen).await;
        assert_eq!(message.attachments[0].kind, shown);
        assert_eq!(fetched(&*session, &message).await, bytes.as_bytes());
    }
    session.close().await;
}

#[tokio::test]
async fn members_have_names_and_keep_their_chat_under_another_id() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let (alice, bob) = (user(&stage.small.alice), user(&stage.small.bob));
    let info = session.user(&alice).await.expect("it can be asked").expect("she is there");
    assert_eq!(info.name.as_deref(), Some("Alice"));
    stage.sim.member_changes(&stage.small.bob, "robert", "Robert");
    stage
        .happened("the same user", |event| match event {
            RemoteEvent::SameUser { canonical, alias } => {
                assert_eq!((canonical, alias), (user("robert"), bob.clone()));
                Some(())
            }
            _ => None,
        })
        .await;
    stage
        .happened("the same chat", |event| match event {
            RemoteEvent::Migrated { from, to } => {
                assert_eq!((from, to), (stage.member(&stage.small.bob), stage.member("robert")));
                Some(())
            }
            _ => None,
        })
        .await;
    stage
        .happened("another name", |event| match event {
            RemoteEvent::UserChanged(info) => {
                assert_eq!(info.name.as_deref(), Some("Robert"));
                Some(())
            }
            _ => None,
        })
        .await;
    session.close().await;
}

#[tokio::test]
async fn what_nobody_understands_is_kept() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.member_posts(&stage.small.alice, "hologram", &[("Shape", "a bird")]);
    let raw = stage
        .happened("an unknown message", |event| match event {
            RemoteEvent::Unknown { chat: Some(chat), name, raw }
                if name == "hologram" && chat == stage.alice() =>
            {
                Some(raw)
            }
            _ => None,
        })
        .await;
    assert!(raw.contains("a bird"));
    session.close().await;
}
