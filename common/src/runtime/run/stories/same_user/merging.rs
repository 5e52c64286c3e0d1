//! Two ghosts that turn out to be one person's.

use super::*;
use crate::message::{ChatInfo, ChatKind};

impl Stage {
    /// What somebody did in a room, in order.
    fn comings(&self, room: &OwnedRoomId, name: &str) -> Vec<(usize, String)> {
        let ghost = ghost(name);
        let events = self.fake.events(room).into_iter().enumerate();
        let own = events.filter(|(_, event)| {
            event.event_type == "m.room.member" && event.state_key.as_deref() == Some(&*ghost)
        });
        own.map(|(at, event)| (at, event.content()["membership"].as_str().unwrap_or_default().to_owned()))
            .collect()
    }

    fn edited(message: &RemoteMessage, text: &str) -> RemoteEvent {
        let new = RemoteMessage { message: Message::text(RichText::plain(text)), ..message.clone() };
        RemoteEvent::Edit { new, edited_ms: 9 }
    }
}

#[tokio::test]
async fn one_of_two_ghosts_stays_and_has_all_that_was_the_others() {
    let stage = Stage::set("same_user_merged").await;
    let (room, first) = stage.room().await;
    stage.herald_comes(&room).await;
    let town = stage.chat.clone();
    let (village, village_chat, _) = stage.another("village", "lid").await;
    let (said, by) = stage.speaks((&room, &town), "lid", "as another").await;
    let (doomed, _) = stage.speaks((&room, &town), "lid", "I regret this").await;
    assert_eq!(by, ghost("lid"));
    let heart = Emoji::unicode("❤");
    let react = |by: &str| RemoteEvent::React {
        chat: town.clone(),
        target: first.id.clone(),
        sender: user(by),
        emoji: heart.clone(),
        sent_ms: None,
    };
    stage.network.pushes(react("lid")).await;
    let reaction = stage.fake.wait_for(&room, |event| event.event_type == "m.reaction").await;
    // Carol's ghost is in one room, the other's in two.
    for _ in 0..2 {
        stage.are_one("lid", "carol").await;
    }
    stage.settles("one").await;
    assert!(stage.is_in(&room, "lid") && stage.is_in(&village, "lid"));
    assert!(!stage.is_in(&room, "carol"));
    for (nth, (room, chat)) in [(&room, &town), (&village, &village_chat)].into_iter().enumerate() {
        assert_eq!(stage.speaks((room, chat), "carol", &format!("together {nth}")).await.1, ghost("lid"));
    }
    // The reaction of before is there already, and goes whoever takes it back.
    stage.network.pushes(react("carol")).await;
    let (chat, target, emoji) = (town.clone(), first.id.clone(), Some(heart.clone()));
    stage.network.pushes(RemoteEvent::Unreact { chat, target, sender: Some(user("carol")), emoji }).await;
    stage.fake.wait_for(&room, |event| event.redacts.as_ref() == Some(&reaction.event_id)).await;
    // What the other ghost has said can still be changed, by that ghost alone, which then leaves.
    stage.network.pushes(Stage::edited(&first, "first, mended")).await;
    let replaced = |event: &FakeEvent| event.content()["m.new_content"]["body"] == "first, mended";
    let edit = stage.fake.wait_for(&room, replaced).await;
    assert_eq!(edit.sender, ghost_id("carol"));
    let (chat, ids) = (town.clone(), vec![doomed.id.clone()]);
    stage.network.pushes(RemoteEvent::Redact { chat, ids, by: Some(user("carol")) }).await;
    let bodies = ["first, mended", "I tell of news", "as another", "together 0"];
    stage.wait_until_shown(&room, &bodies).await;
    assert!(!stage.is_in(&room, "carol"), "it is nobody's any more");
    // An answer to what the former ghost said pings its person, in whichever way a client names them.
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    stage.fake.person("alice").replies(&room, &on, "to carol");
    let heard = stage.network.wait_for_texts(&town, &["to carol"]).await;
    assert_eq!(heard[0].whole.message.reply_to.as_ref(), Some(&first.id));
    let _ = said;
    let reactions = stage.fake.events(&room).iter().filter(|event| event.event_type == "m.reaction").count();
    assert_eq!(reactions, 1, "one person reacts once");
    stage.ends().await;
}

#[tokio::test]
async fn the_ghost_that_stays_comes_before_the_other_leaves() {
    let stage = Stage::set("same_user_order").await;
    let (room, _) = stage.room().await;
    stage.herald_comes(&room).await;
    stage.speaks((&room, &stage.chat.clone()), "carol", "again").await;
    let (village, ..) = stage.another("village", "lid").await;
    stage.are_one("lid", "carol").await;
    stage.settles("one").await;
    let came = stage.comings(&village, "carol").into_iter().find(|(_, membership)| membership == "join");
    let left = stage.comings(&village, "lid").into_iter().find(|(_, membership)| membership == "leave");
    let (came, left) = came.zip(left).expect("one comes, the other leaves");
    assert!(came.0 < left.0, "{came:?} {left:?}");
    assert!(stage.comings(&room, "lid").is_empty(), "it was never there");
    stage.ends().await;
}

#[tokio::test]
async fn a_crash_in_between_leads_to_the_same_end() {
    let calls = ["/joined_rooms", "/invite", "/v3/join/", "/leave"];
    for (nth, (call, times)) in calls.iter().flat_map(|call| [(call, 1), (call, 2)]).enumerate() {
        for (cut, fault) in [("before", Fault::CutBefore), ("after", Fault::CutAfter)] {
            let what = format!("{call} {times} {cut}");
            let stage = Stage::set(&format!("same_user_crash_{nth}_{cut}")).await;
            let (room, _) = stage.room().await;
            stage.herald_comes(&room).await;
            let (village, ..) = stage.another("village", "lid").await;
            let (hamlet, hamlet_chat, _) = stage.another("hamlet", "lid").await;
            let (path_contains, method) = ((*call).to_owned(), None);
            stage.fake.faults().add(FaultRule { method, path_contains, times, fault });
            stage.are_one("carol", "lid").await;
            let hit = |fake: &FakeHomeserver| (fake.faults().hits() > 0).then_some(());
            let hit = tokio::time::timeout(PATIENCE, until_hit(&stage, hit)).await;
            assert!(hit.is_ok(), "{what}: no such call is made");
            let stage = stage.restarted().await;
            stage.settles("after all").await;
            for room in [&room, &village, &hamlet] {
                assert!(stage.is_in(room, "lid") && !stage.is_in(room, "carol"), "{what}");
            }
            assert_eq!(
                stage.speaks((&hamlet, &hamlet_chat), "carol", "here").await.1,
                ghost("lid"),
                "{what}"
            );
            stage.ends().await;
        }
    }
}

/// Faults are counted as calls come, and nothing in the homeserver need change with them.
async fn until_hit(stage: &Stage, hit: impl Fn(&FakeHomeserver) -> Option<()>) {
    while hit(&stage.fake).is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_the_former_ghost_has_just_said_is_not_said_again() {
    let stage = Stage::set("same_user_doubt").await;
    let (room, _) = stage.room().await;
    stage.herald_comes(&room).await;
    stage.speaks((&room, &stage.chat.clone()), "lid", "before").await;
    stage.another("village", "carol").await;
    // It is in the room, and the bridge does not know; nor can it look.
    stage.fake.faults().on_send(1, Fault::CutAfter);
    let (path_contains, method) = ("/messages".to_owned(), None);
    let away = FaultRule { method, path_contains, times: u32::MAX, fault: Fault::CutBefore };
    stage.fake.faults().add(away);
    let doubtful = stage.network.message(&stage.chat, "lid", "once");
    stage.network.pushes(RemoteEvent::Message(doubtful)).await;
    assert_eq!(stage.fake.wait_for_body(&room, "once").await.sender, ghost_id("lid"));
    stage.are_one("lid", "carol").await;
    stage.settles("one").await;
    stage.fake.faults().clear();
    assert_eq!(stage.speaks((&room, &stage.chat.clone()), "lid", "after").await.1, ghost("carol"));
    stage.wait_until_shown(&room, &["first", "I tell of news", "before", "once", "after"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn two_direct_chats_of_one_person_become_one_in_either_order() {
    for people_first in [true, false] {
        let stage = Stage::set(&format!("same_user_direct_{people_first}")).await;
        let (room, _) = stage.room().await;
        stage.herald_comes(&room).await;
        let direct = |id: &str| {
            let info = ChatInfo {
                with: Some(user(id)),
                ..ChatInfo::new(ChatKind::Direct, Some(format!("chat with {id}")))
            };
            stage.network.add_chat_like(&format!("dm-{id}"), info)
        };
        let chats = (direct("phone"), direct("lid"));
        let mut rooms = Vec::new();
        for (id, chat) in [("phone", &chats.0), ("lid", &chats.1)] {
            let hello = stage.network.message(chat, id, &format!("hello from {id}"));
            stage.network.pushes(RemoteEvent::Message(hello)).await;
            let room = stage.fake.wait_until(|fake| fake.room_named(&format!("chat with {id}"))).await;
            stage.fake.wait_for_body(&room, &format!("hello from {id}")).await;
            rooms.push(room);
        }
        let moved = RemoteEvent::Migrated { from: chats.0.clone(), to: chats.1.clone() };
        if !people_first {
            stage.network.pushes(moved.clone()).await;
        }
        stage.are_one("lid", "phone").await;
        stage.settles("one").await;
        if people_first {
            stage.network.pushes(moved).await;
        }
        let closed = |fake: &FakeHomeserver| fake.state(&rooms[1], "m.room.tombstone", "");
        let tombstone = stage.fake.wait_until(closed).await;
        assert_eq!(tombstone["replacement_room"], rooms[0].as_str());
        for (nth, (id, chat)) in [("phone", &chats.0), ("lid", &chats.1)].into_iter().enumerate() {
            let text = format!("on we go {nth}");
            assert_eq!(stage.speaks((&rooms[0], chat), id, &text).await.1, ghost("phone"), "{people_first}");
        }
        assert!(stage.is_in(&rooms[0], "phone") && !stage.is_in(&rooms[0], "lid"));
        stage.fake.person("alice").sends(&rooms[0], "answer");
        stage.network.wait_for_texts(&chats.1, &["answer"]).await;
        stage.ends().await;
    }
}

#[tokio::test]
async fn a_direct_chat_is_listed_as_one_with_the_ghost_that_stays() {
    let stage = Stage::set_with_doubles("same_user_listed").await;
    let bob = stage.fake.person("bob");
    let desk = super::super::accounts::signs_in(&stage, &bob, "bobby").await;
    bob.sends(&desk, "ping-matrix");
    super::super::accounts::heard(&stage, &desk, "I can act for you in Matrix.").await;
    let (room, _) = stage.room().await;
    stage.herald_comes(&room).await;
    stage.speaks((&room, &stage.chat.clone()), "phone", "in the town").await;
    stage.another("village", "phone").await;
    let info = ChatInfo {
        with: Some(user("lid")),
        ..ChatInfo::new(ChatKind::Direct, Some("chat with lid".to_owned()))
    };
    let chat = stage.network.add_chat_like("dm-lid", info);
    let hello = stage.network.message(&chat, "lid", "hello");
    stage.network.pushes_to("bobby", RemoteEvent::Message(hello)).await;
    let direct = stage.fake.wait_until(|fake| fake.room_named("chat with lid")).await;
    let listed = || bob.kept("account_data/m.direct");
    stage.fake.wait_for_body(&direct, "hello").await;
    stage.fake.wait_until(|_| listed().filter(|all| all[ghost("lid")] == json!([direct]))).await;
    stage.are_one("lid", "phone").await;
    stage.settles("one").await;
    let all = listed().expect("it is there");
    assert!(stage.is_in(&direct, "phone") && !stage.is_in(&direct, "lid"));
    assert_eq!((&all[ghost("phone")], &all[ghost("lid")]), (&json!([direct]), &Value::Null));
    stage.ends().await;
}
