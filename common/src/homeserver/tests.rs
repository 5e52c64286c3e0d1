//! The client against the fake homeserver: each call, and each way to fail.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use ruma::{OwnedEventId, OwnedRoomId, RoomId, UserId, mxc_uri, user_id};
use serde_json::{json, value::RawValue};

use super::*;
use crate::testkit::fake_homeserver::{FakeHomeserver, FakeSettings, Fault, FaultRule, Gate, Membership};

struct Story {
    fake: FakeHomeserver,
    homeserver: Homeserver,
}

impl Story {
    async fn begin() -> Self {
        let fake = FakeHomeserver::start(FakeSettings::with_bridge("@discord_", "discordbot")).await.unwrap();
        let homeserver = Homeserver::new(fake.client_settings()).unwrap();
        Self { fake, homeserver }
    }

    /// A room with the bot, alice, and ghosts who have joined.
    async fn room(&self, ghosts: &[&UserId]) -> OwnedRoomId {
        let alice = self.fake.person("alice");
        let request = CreateRoom {
            name: Some("General".to_owned()),
            invite: vec![alice.user_id().to_owned()],
            ..CreateRoom::default()
        };
        let room = self.homeserver.create_room(&request).await.unwrap();
        for ghost in ghosts {
            self.homeserver.intent(ghost).register().await.unwrap();
            self.homeserver.bot().invite(&room, ghost).await.unwrap();
            self.homeserver.intent(ghost).join(&room).await.unwrap();
        }
        room
    }

    async fn say(
        &self,
        ghost: &UserId,
        room: &RoomId,
        txn_id: &str,
    ) -> Result<OwnedEventId, HomeserverError> {
        let content = json!({ "msgtype": "m.text", "body": txn_id });
        let event = SendEvent {
            room_id: room,
            event_type: "m.room.message",
            txn_id,
            content: &content,
            sent_ms: None,
        };
        self.homeserver.intent(ghost).send(event).await
    }
}

fn ghost() -> &'static UserId {
    user_id!("@discord_1:example.org")
}

#[tokio::test]
async fn a_ghost_is_made_ready_and_speaks() {
    let story = Story::begin().await;
    let intent = story.homeserver.intent(ghost());
    intent.register().await.unwrap();
    intent.register().await.expect("registering again is fine");
    intent.set_display_name("Ada").await.unwrap();
    intent.set_avatar_url(Some(mxc_uri!("mxc://example.org/a"))).await.unwrap();
    let profile = intent.profile(ghost()).await.unwrap().unwrap();
    assert_eq!(profile.display_name.as_deref(), Some("Ada"));
    assert_eq!(profile.avatar_url.as_deref(), Some(mxc_uri!("mxc://example.org/a")));
    assert_eq!(intent.profile(user_id!("@nobody:example.org")).await.unwrap(), None);
    assert_eq!(intent.whoami().await.unwrap(), ghost());

    let room = story.room(&[ghost()]).await;
    let raw = RawValue::from_string(r#"{"body":"喜鹊","msgtype":"m.text"}"#.to_owned()).unwrap();
    let event = SendEvent {
        room_id: &room,
        event_type: "m.room.message",
        txn_id: "a/b+c?",
        content: &*raw,
        sent_ms: Some(77),
    };
    let event_id = intent.send(event).await.unwrap();
    let seen = story.fake.wait_for_body(&room, "喜鹊").await;
    assert_eq!((&seen.event_id, &*seen.sender, seen.origin_server_ts), (&event_id, ghost(), 77));
    assert_eq!(seen.raw_content.get(), raw.get());
}

#[tokio::test]
async fn a_repeat_with_the_same_transaction_id_sends_once() {
    let story = Story::begin().await;
    let other = user_id!("@discord_2:example.org");
    let room = story.room(&[ghost(), other]).await;
    let first = story.say(ghost(), &room, "t1").await.unwrap();
    assert_eq!(story.say(ghost(), &room, "t1").await.unwrap(), first);
    assert_eq!(story.say(other, &room, "t1").await.unwrap(), first, "ids are shared by all ghosts");
    assert_eq!(story.fake.messages(&room).len(), 1);
    story.fake.forget_transactions();
    assert_ne!(story.say(ghost(), &room, "t1").await.unwrap(), first);
    assert_eq!(story.fake.messages(&room).len(), 2);
}

#[tokio::test]
async fn rooms_are_made_furnished() {
    let story = Story::begin().await;
    let alice = story.fake.person("alice");
    let mut request = CreateRoom {
        name: Some("General".to_owned()),
        topic: Some("All".to_owned()),
        avatar: Some(mxc_uri!("mxc://example.org/room").to_owned()),
        invite: vec![alice.user_id().to_owned()],
        is_direct: true,
        initial_state: vec![InitialState {
            event_type: "m.bridge".to_owned(),
            state_key: "k".to_owned(),
            content: json!({ "a": 1 }),
        }],
        ..CreateRoom::default()
    };
    request.power_levels.users.insert(alice.user_id().to_owned(), 50);
    let new = story.homeserver.create_room(&request).await.unwrap();
    request.room_version = Some("11".to_owned());
    let old = story.homeserver.create_room(&request).await.unwrap();
    assert!(!new.as_str().contains(':') && old.as_str().ends_with(":example.org"), "{new} {old}");
    let bot = story.homeserver.bot();
    for (room, bot_power) in [(&new, None), (&old, Some(100))] {
        let levels = story.fake.state(room, "m.room.power_levels", "").unwrap();
        assert_eq!(levels["users"]["@discordbot:example.org"].as_i64(), bot_power);
        assert_eq!(story.fake.membership(room, alice.user_id()), Some(Membership::Joined));
        let bridge = bot.state_event(room, "m.bridge", "k").await.unwrap().unwrap();
        assert_eq!(bridge.get(), r#"{"a":1}"#);
        assert_eq!(story.fake.state(room, "m.room.avatar", "").unwrap()["url"], "mxc://example.org/room");
    }
    assert!(bot.state_event(&new, "m.bridge", "other").await.unwrap().is_none());
    assert_eq!(story.fake.room_named("General"), Some(new.clone()));
    assert_eq!(bot.joined_rooms().await.unwrap().len(), 2);
    assert_eq!(bot.joined_members(&new).await.unwrap(), ["@alice:example.org", "@discordbot:example.org"]);
}

#[tokio::test]
async fn history_state_redactions_and_receipts() {
    let story = Story::begin().await;
    let room = story.room(&[ghost()]).await;
    let first = story.say(ghost(), &room, "one").await.unwrap();
    let second = story.say(ghost(), &room, "two").await.unwrap();
    let intent = story.homeserver.intent(ghost());
    story.say(user_id!("@discordbot:example.org"), &room, "between").await.unwrap();
    let recent = intent.recent_messages(&room, ghost(), 1).await.unwrap();
    assert_eq!(recent.len(), 1);
    assert!(recent[0].get().contains(second.as_str()), "what others said does not hide it");
    let redaction = intent.redact(&room, &first, "r1", Some("gone")).await.unwrap();
    let seen = story.fake.wait_for(&room, |event| event.event_id == redaction).await;
    assert_eq!(seen.redacts.as_ref(), Some(&first));
    assert_eq!(intent.redact(&room, &first, "r1", Some("gone")).await.unwrap(), redaction);

    let content = json!({ "name": "Other" });
    let state = SendState { room_id: &room, event_type: "m.room.name", state_key: "", content: &content };
    let changed = story.homeserver.bot().send_state(state).await.unwrap();
    assert_eq!(story.homeserver.bot().send_state(state).await.unwrap(), changed, "nothing to change");

    intent.typing(&room, Some(5_000)).await.unwrap();
    assert!(story.fake.is_typing(&room, ghost()));
    intent.typing(&room, None).await.unwrap();
    assert!(!story.fake.is_typing(&room, ghost()));
    intent.mark_read(&room, &second).await.unwrap();
    assert_eq!(story.fake.read_up_to(&room, ghost()).as_deref(), Some(second.as_str()));
    intent.leave(&room).await.unwrap();
    assert_eq!(story.fake.membership(&room, ghost()), Some(Membership::Left));
    assert!(matches!(story.say(ghost(), &room, "three").await, Err(HomeserverError::Forbidden(_))));
}

#[tokio::test]
async fn files_go_both_ways_under_a_cap() {
    let story = Story::begin().await;
    let bot = story.homeserver.bot();
    let mxc = bot.upload("image/png", Some("a b.png"), Bytes::from_static(b"12345")).await.unwrap();
    let stored = story.fake.media(&mxc).unwrap();
    assert_eq!((stored.mime.as_str(), stored.filename.as_deref()), ("image/png", Some("a b.png")));
    let download = bot.download(&mxc, 5).await.unwrap().unwrap();
    assert_eq!((download.mime.as_deref(), download.size_bytes), (Some("image/png"), Some(5)));
    let pieces: Vec<_> = download.stream.map(Result::unwrap).collect().await;
    assert_eq!(pieces.concat(), b"12345");
    assert_eq!(bot.download(&mxc, 4).await.unwrap_err(), HomeserverError::AnswerTooLarge(4));
    assert!(bot.download(mxc_uri!("mxc://example.org/none"), 4).await.unwrap().is_none());
    let odd = ruma::OwnedMxcUri::from("https://example.org");
    assert!(matches!(bot.download(&odd, 4).await, Err(HomeserverError::BadRequest(_))));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let story = Story::begin().await;
    let unregistered = story.homeserver.intent(ghost()).joined_rooms().await.unwrap_err();
    assert!(matches!(unregistered, HomeserverError::Forbidden(_)), "{unregistered}");
    let stranger = story.homeserver.intent(user_id!("@stranger:example.org")).register().await.unwrap_err();
    assert!(matches!(stranger, HomeserverError::Exclusive(_)), "{stranger}");
    let mut settings = story.fake.client_settings();
    settings.as_token = Secret::new("other");
    let unknown = Homeserver::new(settings).unwrap().bot().whoami().await.unwrap_err();
    assert!(unknown.to_string().contains("Add the registration file"), "{unknown}");
    assert!(unknown.is_transient() && !unknown.may_have_happened());
    story.homeserver.versions().await.unwrap();
    let ping = story.homeserver.ping("magpie", "1").await.unwrap_err();
    assert_eq!(ping.errcode(), Some("M_URL_NOT_SET"));
}

#[tokio::test]
async fn a_cut_connection_is_a_doubt_that_a_repeat_resolves() {
    let story = Story::begin().await;
    let room = story.room(&[ghost()]).await;
    for (txn_id, fault, happened) in [("t1", Fault::CutBefore, 0), ("t2", Fault::CutAfter, 1)] {
        let before = story.fake.messages(&room).len();
        story.fake.faults().on_send(1, fault);
        let error = story.say(ghost(), &room, txn_id).await.unwrap_err();
        assert!(matches!(error, HomeserverError::Broken(_)), "{error}");
        assert!(error.is_transient() && error.may_have_happened());
        assert_eq!(story.fake.messages(&room).len(), before + happened);
        story.say(ghost(), &room, txn_id).await.unwrap();
        assert_eq!(story.fake.messages(&room).len(), before + 1);
    }
}

#[tokio::test]
async fn a_busy_homeserver_is_told_apart_from_a_broken_one() {
    let story = Story::begin().await;
    let room = story.room(&[ghost()]).await;
    story.fake.faults().on_send(1, Fault::RateLimited { retry_after_ms: 250 });
    let limited = story.say(ghost(), &room, "t").await.unwrap_err();
    assert_eq!(limited.retry_after(), Some(Duration::from_millis(250)));
    assert!(limited.is_transient() && !limited.may_have_happened());
    story.fake.faults().on_send(1, Fault::Answer { status: 502, body: json!({}) });
    let broken = story.say(ghost(), &room, "t").await.unwrap_err();
    assert!(matches!(broken, HomeserverError::Server { status: 502, .. }), "{broken}");
    story.fake.faults().on_send(1, Fault::Answer { status: 200, body: json!({ "event": 1 }) });
    let malformed = story.say(ghost(), &room, "t").await.unwrap_err();
    assert!(matches!(malformed, HomeserverError::Malformed(_)), "{malformed}");
    assert_eq!(story.fake.faults().hits(), 3);
    story.say(ghost(), &room, "t").await.expect("the faults are used up");
}

#[tokio::test]
async fn a_held_call_waits_for_its_gate() {
    let story = Story::begin().await;
    let room = story.room(&[ghost()]).await;
    let gate = Gate::new();
    let path_contains = "/send/".to_owned();
    story.fake.faults().add(FaultRule {
        method: None,
        path_contains,
        times: 1,
        fault: Fault::HoldAfter(gate.clone()),
    });
    let say = story.say(ghost(), &room, "t");
    let watch = async {
        gate.reached().await;
        assert_eq!(story.fake.messages(&room).len(), 1, "it is performed, only the answer is held");
        gate.open();
    };
    let (said, ()) = tokio::join!(say, watch);
    said.unwrap();
}

#[tokio::test]
async fn nobody_at_that_address_is_unreachable() {
    let story = Story::begin().await;
    let settings = story.fake.client_settings();
    story.fake.stop().await;
    let error = Homeserver::new(settings).unwrap().versions().await.unwrap_err();
    assert!(matches!(error, HomeserverError::Unreachable(_)), "{error}");
    assert!(error.is_transient() && !error.may_have_happened());
}

#[test]
fn settings_that_cannot_work_are_refused_with_words() {
    for (url, token, words) in [
        ("ftp://example.org", "t", "neither `http:` nor `https:`"),
        ("http://example.org", "a\nb", "no header can carry"),
    ] {
        let settings = HomeserverSettings {
            url: Url::parse(url).unwrap(),
            as_token: Secret::new(token),
            bot: user_id!("@bot:example.org").to_owned(),
            double_puppet_token: None,
            other_servers: BTreeMap::default(),
        };
        let error = Homeserver::new(settings).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let settings = HomeserverSettings {
        url: Url::parse("https://example.org/matrix/").unwrap(),
        as_token: Secret::new("t"),
        bot: user_id!("@bot:example.org").to_owned(),
        double_puppet_token: None,
        other_servers: BTreeMap::default(),
    };
    Homeserver::new(settings).unwrap();
}

#[tokio::test]
async fn the_limit_of_uploads_is_asked_for_and_remembered_for_a_while() {
    let story = Story::begin().await;
    assert_eq!(story.homeserver.upload_bytes_max().await, Ok(None));
    story.fake.limit_uploads(10);
    assert_eq!(story.homeserver.upload_bytes_max().await, Ok(None), "what was said holds");
    let known = story.homeserver.0.upload_limit.lock().unwrap().take();
    let (asked, limit) = known.expect("it was remembered");
    let long_ago = asked - Duration::from_secs(301);
    *story.homeserver.0.upload_limit.lock().unwrap() = Some((long_ago, limit));
    assert_eq!(story.homeserver.upload_bytes_max().await, Ok(Some(10)));
    let upload = |bytes: &'static [u8]| {
        let bot = story.homeserver.bot();
        async move { bot.upload("text/plain", None, Bytes::from_static(bytes)).await }
    };
    upload(b"ten letter").await.expect("it fits");
    assert!(matches!(upload(b"ten letters").await, Err(HomeserverError::TooLarge(_))));
}

#[tokio::test]
async fn an_older_homeserver_names_its_limit_elsewhere() {
    let missing = |path: &str| FaultRule {
        method: None,
        path_contains: path.to_owned(),
        times: 1,
        fault: Fault::Answer { status: 404, body: json!({ "errcode": "M_UNRECOGNIZED", "error": "no" }) },
    };
    let story = Story::begin().await;
    story.fake.limit_uploads(10);
    story.fake.faults().add(missing("/v1/media/config"));
    assert_eq!(story.homeserver.upload_bytes_max().await, Ok(Some(10)));
    let story = Story::begin().await;
    story.fake.limit_uploads(10);
    story.fake.faults().add(missing("/v1/media/config"));
    story.fake.faults().add(missing("/v3/config"));
    assert_eq!(story.homeserver.upload_bytes_max().await, Ok(None));
}

#[tokio::test]
async fn an_upload_that_stands_still_ends_as_a_passing_failure() {
    let mut story = Story::begin().await;
    let inner = std::sync::Arc::get_mut(&mut story.homeserver.0).unwrap();
    inner.transport.upload_stall = Duration::from_millis(50);
    let gate = Gate::new();
    let fault = Fault::HoldBefore(gate.clone());
    story.fake.faults().add(FaultRule { method: None, path_contains: "/upload".to_owned(), times: 1, fault });
    let bytes = Bytes::from(vec![7; 300_000]);
    let held = story.homeserver.bot().upload("text/plain", None, bytes.clone()).await;
    assert_eq!(held, Err(HomeserverError::Timeout(Duration::from_millis(50))));
    assert!(held.unwrap_err().is_transient());
    gate.open();
    let inner = std::sync::Arc::get_mut(&mut story.homeserver.0).unwrap();
    inner.transport.upload_stall = Duration::from_secs(60);
    let mxc = story.homeserver.bot().upload("text/plain", None, bytes.clone()).await.unwrap();
    assert_eq!(story.fake.media(&mxc).unwrap().bytes, bytes);
}

#[tokio::test]
async fn rooms_are_found_and_their_powers_read() {
    let story = Story::begin().await;
    let (alice, bob) = (story.fake.person("alice"), story.fake.person("bob"));
    let bot = story.homeserver.bot();
    let room = story.room(&[]).await;
    let powers = bot.powers(&room).await.unwrap();
    assert_eq!((powers.of(bot.user_id()), powers.of(alice.user_id())), (Power::Unlimited, Power::Level(0)));
    assert_eq!(powers.needed(Deed::SetState("m.room.tombstone")), 150);
    assert!(powers.creation().made_ms.is_some());
    // An alias leads to one room at a time.
    let alias = "#discord_1:example.org";
    bot.set_alias(alias, &room).await.unwrap();
    assert_eq!(bot.resolve_alias(alias).await.unwrap(), Some(room.clone()));
    assert!(matches!(bot.set_alias(alias, &room).await, Err(HomeserverError::Refused { status: 409, .. })));
    bot.remove_alias(alias).await.unwrap();
    bot.remove_alias(alias).await.unwrap();
    assert_eq!(bot.resolve_alias(alias).await.unwrap(), None);
    // Who is asked in is no member yet.
    let unknown = user_id!("@zoe:example.org");
    bot.invite(&room, unknown).await.unwrap();
    assert_eq!(bot.members(&room, "invite").await.unwrap(), [unknown]);
    assert_eq!(bot.members(&room, "join").await.unwrap().len(), 2);
    // A room of others is joined by invitation, whatever servers are named.
    let theirs = alice.creates_room(&json!({ "room_version": "11" }));
    let via = [alice.user_id().server_name()];
    assert!(matches!(bot.join_via(&theirs, &via).await, Err(HomeserverError::Forbidden(_))));
    assert!(matches!(bot.creation(&theirs).await, Err(HomeserverError::Forbidden(_))));
    alice.invites(&theirs, bot.user_id()).await;
    bot.join_via(&theirs, &via).await.unwrap();
    assert_eq!(bot.powers(&theirs).await.unwrap().of(alice.user_id()), Power::Level(100));
    assert!(matches!(
        bot.join_via(<&RoomId>::try_from("!nowhere").unwrap(), &via).await,
        Err(HomeserverError::NotFound(_))
    ));
    // Without power nothing is set, and nobody taken out.
    let state =
        SendState { room_id: &theirs, event_type: "m.bridge", state_key: "", content: &json!({ "a": 1 }) };
    assert!(matches!(bot.send_state(state).await, Err(HomeserverError::Forbidden(_))));
    alice.invites(&theirs, bob.user_id()).await;
    assert!(matches!(bot.kick(&theirs, bob.user_id(), "why").await, Err(HomeserverError::Forbidden(_))));
    let upgraded = alice.upgrades(&theirs, "12");
    assert_eq!(
        story.fake.state(&theirs, "m.room.tombstone", "").unwrap()["replacement_room"],
        upgraded.as_str()
    );
    assert!(story.say(bot.user_id(), &theirs, "too late").await.is_err(), "the old room is closed");
    alice.invites(&upgraded, bot.user_id()).await;
    bot.join_via(&upgraded, &via).await.unwrap();
    assert_eq!(bot.creation(&upgraded).await.unwrap().predecessor, Some(theirs));
}
