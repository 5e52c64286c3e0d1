//! Rooms that are replaced by others: whom the bridge follows where, and whom not.

use super::*;
use crate::{
    message::{ChatInfo, ChatKind},
    store::PortalState,
};

impl Stage {
    /// The room that the chat goes on in.
    async fn room_of_chat(&self) -> Option<OwnedRoomId> {
        self.running.parts.store.portal_by_chat(&self.chat).await.expect("the portal can be read")?.room_id
    }

    /// Waits until the chat goes on in that room, with all that leads there.
    async fn wait_until_moved(&self, room: &OwnedRoomId) {
        let key = self.bridge_key();
        self.fake.wait_until(|fake| fake.state(room, "m.bridge", &key).map(drop)).await;
        assert_eq!(self.room_of_chat().await.as_ref(), Some(room));
    }

    fn bridge_key(&self) -> String {
        format!("app.magpie.fake://fake/{}", self.chat)
    }
}

fn bot() -> ruma::OwnedUserId {
    UserId::parse("@fakebot:example.org").expect("the bot's name")
}

#[tokio::test]
async fn a_room_that_is_replaced_is_followed_with_all_that_leads_to_it() {
    let stage = Stage::set("upgrade").await;
    stage.network.add_chat_like("guild", ChatInfo::new(ChatKind::Space, Some("guild".to_owned())));
    let inside = ChatInfo {
        parent: Some(RemoteChatId::new("guild")),
        ..ChatInfo::new(ChatKind::Group, Some("town".to_owned()))
    };
    stage.network.add_chat_like("town", inside);
    let (old, _) = stage.room().await;
    let (alice, guild) = (stage.fake.person("alice"), stage.fake.room_named("guild").expect("a space"));
    stage.says(&old, "before").await;
    stage.empowers(&old, "@alice:example.org", 150).await;
    let new = alice.upgrades(&old, "12");
    // The bot cannot come before it is invited, and in the old room nobody can speak any more: what is said waits.
    let between = stage.network.message(&stage.chat, "carol", "between");
    stage.network.pushes(RemoteEvent::Message(between)).await;
    // Whoever makes a room since version 12 has all its power, so that the bot must be given some.
    let mut levels = stage.fake.state(&new, "m.room.power_levels", "").expect("there are levels");
    levels["users"]["@fakebot:example.org"] = 100.into();
    alice.sets_state(&new, "m.room.power_levels", "", &levels);
    alice.invites(&new, &bot()).await;
    alice.sends(&new, "hello from the new room");
    stage.wait_until_moved(&new).await;
    stage.hears(&new, "carol", "after").await;
    assert_eq!(stage.shown(&new), ["hello from the new room", "between", "after"]);
    stage.network.wait_for_texts(&stage.chat, &["before", "hello from the new room"]).await;
    assert_eq!(stage.fake.state(&old, "m.bridge", &stage.bridge_key()), Some(json!({})));
    let child = |room: &OwnedRoomId| stage.fake.state(&guild, "m.space.child", room.as_str());
    assert_eq!((child(&old), child(&new)), (Some(json!({})), Some(json!({ "via": ["example.org"] }))));
    assert!(stage.fake.state(&new, "m.space.parent", guild.as_str()).is_some());
    let bot_intent = stage.running.parts.homeserver.bot();
    let led = bot_intent.resolve_alias("#fake_town:example.org").await.expect("the homeserver answers");
    assert_eq!(led.as_ref(), Some(&new));
    // What is said in the old room reaches nobody, and is no fault.
    let late = alice.sends(&old, "too late");
    let asked = alice.sends(&old, "!fake ping");
    stage.notice(&old, &asked).await;
    let traced = stage.running.parts.store.trace(late.as_str()).await.expect("it can be read");
    assert_eq!(traced[0].message.reason.as_deref(), Some("the room is no portal"));
    stage.ends().await;
}

#[tokio::test]
async fn a_plumbed_room_is_followed_and_says_what_the_bot_may_not_do_there() {
    let stage = Stage::set("upgrade_plumbed").await;
    let alice = stage.fake.person("alice");
    let old = alice.creates_room(
        &json!({ "room_version": "11", "name": "ours", "invite": [bot(), "@bob:example.org"] }),
    );
    let levels = json!({ "users": { "@alice:example.org": 100, "@fakebot:example.org": 50 } });
    alice.sets_state(&old, "m.room.power_levels", "", &levels);
    stage
        .fake
        .wait_until(|fake| {
            fake.state(&old, "m.room.member", "@fakebot:example.org")
                .filter(|member| member["membership"] == "join")
        })
        .await;
    let asked = alice.sends(&old, "!fake bridge town");
    stage.notice(&old, &asked).await;
    stage.hears(&old, "carol", "here").await;
    // Anybody may do anything in the new room but the bot and its ghosts.
    let new = alice.upgrades(&old, "12");
    let levels =
        json!({ "users": { "@fakebot:example.org": 10 }, "invite": 10, "events": { "m.bridge": 60 } });
    alice.sets_state(&new, "m.room.power_levels", "", &levels);
    alice.invites(&new, &bot()).await;
    let notice =
        stage.fake.wait_for(&new, |event| event.body().starts_with("This room takes the place")).await;
    assert!(notice.body().contains("Give me the power level 60"), "{}", notice.body());
    stage.hears(&new, "carol", "there").await;
    stage.network.add_chat_like("town", ChatInfo::new(ChatKind::Group, Some("a new name".to_owned())));
    stage.says(&new, "and back").await;
    assert_eq!(stage.fake.state(&new, "m.room.name", ""), Some(json!({ "name": "ours" })));
    stage.ends().await;
}

#[tokio::test]
async fn nobody_is_followed_who_cannot_close_the_room_or_has_not_made_the_other() {
    let stage = Stage::set("upgrade_forged").await;
    let (room, _) = stage.room().await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let claims = json!({ "predecessor": { "room_id": room } });
    let trap = bob.creates_room(&json!({ "creation_content": claims, "invite": [bot()] }));
    // A homeserver may pass on what it does not carry out itself.
    let forged = "$a-forged-tombstone-of-43-letters-as-all-have";
    stage.fake.push_raw(
        &json!({
            "type": "m.room.tombstone", "state_key": "", "room_id": room, "sender": "@bob:example.org",
            "event_id": forged, "origin_server_ts": 1, "content": { "body": "", "replacement_room": trap },
        })
        .to_string(),
    );
    stage.says(&room, "still here").await;
    let traced = stage.running.parts.store.trace(forged).await.expect("it can be read");
    let reason = traced[0].message.reason.as_deref();
    assert_eq!(reason, Some("the sender had no power to close the room"));
    assert!(
        !stage.fake.messages(&room).iter().any(|(sender, _)| *sender == bot()),
        "nobody is told of forgeries"
    );
    // With the power, but into rooms that do not belong to it.
    stage.empowers(&room, "@alice:example.org", 150).await;
    let other = stage.network.add_chat("village");
    let said = stage.network.message(&other, "dave", "elsewhere");
    stage.network.pushes(RemoteEvent::Message(said)).await;
    let village = stage.fake.wait_until(|fake| fake.room_named("village")).await;
    let stranger = alice.creates_room(&json!({ "invite": [bot(), "@bob:example.org"] }));
    let sealed = alice.creates_room(&json!({
        "creation_content": { "predecessor": { "room_id": room } }, "invite": [bot()],
        "initial_state": [{ "type": "m.room.encryption", "state_key": "", "content": { "algorithm": "m.megolm.v1.aes-sha2" } }],
    }));
    let space = alice.creates_room(&json!({
        "creation_content": { "predecessor": { "room_id": room }, "type": "m.space" }, "invite": [bot()],
    }));
    for (successor, why) in [
        (&trap, "it was made by somebody who had no power here"),
        (&stranger, "it does not say that it replaces this one"),
        (&village, "it does not say that it replaces this one"),
        (&sealed, "it is encrypted, and I cannot read it"),
        (&space, "one is a space and the other is none"),
    ] {
        let content = json!({ "body": "closed", "replacement_room": successor });
        let closing = alice.sets_state(&room, "m.room.tombstone", "", &content);
        let (_, words) = stage.notice(&room, &closing).await;
        assert!(words.contains(&format!("I do not follow there: {why}.")), "{words}");
        assert_eq!(stage.room_of_chat().await.as_ref(), Some(&room), "{why}");
    }
    let member = |room: &OwnedRoomId| {
        let content = stage.fake.state(room, "m.room.member", "@fakebot:example.org");
        content.and_then(|member| Some(member["membership"].as_str()?.to_owned()))
    };
    assert_eq!(member(&village).as_deref(), Some("join"), "where it belongs it stays");
    stage.hears(&room, "carol", "as before").await;
    let portal = stage.running.parts.store.portal_by_chat(&stage.chat).await.expect("it can be read");
    assert_eq!(portal.map(|portal| portal.state), Some(PortalState::Active));
    // What the old room says of the command becomes true: the closed room no longer holds the chat.
    let levels = json!({ "users": { "@alice:example.org": 100, "@fakebot:example.org": 100 } });
    alice.sets_state(&stranger, "m.room.power_levels", "", &levels);
    let asked = alice.sends(&stranger, "!fake bridge town");
    let (_, words) = stage.notice(&stranger, &asked).await;
    assert!(words.contains("one conversation now"), "{words}");
    stage.hears(&stranger, "carol", "over here").await;
    stage.says(&stranger, "and back").await;
    alice.sends(&room, "too late");
    let asked = alice.sends(&room, "!fake ping");
    stage.notice(&room, &asked).await;
    assert!(!stage.network.texts(&stage.chat).contains(&"too late".to_owned()));
    stage.ends().await;
}
