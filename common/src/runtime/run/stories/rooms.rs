//! How rooms come to be: filled before anybody is invited, hidden where the chat is, joined and separated by commands; and marks.

use super::*;
use crate::{
    message::{ChatChange, ChatInfo, ChatKind, CreateWhen},
    platform::DeliverError,
    testkit::fake_homeserver::Membership,
};

fn history(stage: &Stage, count: usize) -> Vec<RemoteMessage> {
    (1..=count).map(|nth| stage.network.message(&stage.chat, "dave", &format!("old {nth}"))).collect()
}

#[tokio::test]
async fn a_new_room_is_filled_before_anybody_is_invited() {
    let stage = Stage::set("backfill").await;
    let mut all = history(&stage, 60);
    let first = stage.network.message(&stage.chat, "carol", "now");
    all.push(first.clone());
    stage.network.set_history(&stage.chat, all.clone());
    stage.network.pushes(RemoteEvent::Message(first)).await;
    let room = stage.fake.wait_until(|fake| fake.room_named("town")).await;
    stage.fake.wait_for_body(&room, "now").await;
    let shown = stage.shown(&room);
    assert_eq!((shown.len(), &*shown[0], &*shown[49], &*shown[50]), (51, "old 11", "old 60", "now"));
    let events = stage.fake.events(&room);
    let place = |wanted: &dyn Fn(&FakeEvent) -> bool| events.iter().position(|event| wanted(event));
    let last_old = place(&|event| event.body() == "old 60");
    let invited = place(&|event| event.state_key.as_deref() == Some("@alice:example.org"));
    assert!(last_old < invited && invited < place(&|event| event.body() == "now"));
    let old = events.iter().find(|event| event.body() == "old 60").expect("it is there");
    assert_eq!((old.origin_server_ts, old.sender.as_str()), (all[59].sent_ms, &*ghost("dave")));
    // What was brought in is known: it can be answered, and does not come again.
    stage.network.pushes(RemoteEvent::Message(all[30].clone())).await;
    stage.fake.person("alice").replies(&room, &old.event_id, "I remember");
    let said = stage.network.wait_for_texts(&stage.chat, &["I remember"]).await;
    assert_eq!(said[0].whole.message.reply_to.as_ref(), Some(&all[59].id));
    stage.hears(&room, "carol", "then").await;
    assert_eq!(stage.shown(&room).len(), 53);
    stage.ends().await;
}

#[tokio::test]
async fn a_chat_that_is_announced_is_filled_up_to_its_newest_message() {
    let stage = Stage::set("backfill_announced").await;
    let all = history(&stage, 3);
    stage.network.set_history(&stage.chat, all.clone());
    let newest = Some(all[1].id.clone());
    let info = ChatInfo {
        newest,
        create: Some(CreateWhen::AtOnce),
        ..ChatInfo::new(ChatKind::Group, Some("town".to_owned()))
    };
    let change = ChatChange::Present(Box::new(info));
    stage.network.pushes(RemoteEvent::ChatChanged { chat: stage.chat.clone(), change }).await;
    let room = stage.fake.wait_until(|fake| fake.room_named("town")).await;
    stage.wait_until_shown(&room, &["old 1", "old 2"]).await;
    // The third comes live.
    stage.network.pushes(RemoteEvent::Message(all[2].clone())).await;
    stage.wait_until_shown(&room, &["old 1", "old 2", "old 3"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn a_hidden_chat_is_open_to_nobody_but_admins() {
    let stage = Stage::set("privacy").await;
    let space = ChatInfo::new(ChatKind::Space, Some("guild".to_owned()));
    stage.network.add_chat_like("guild", space);
    let looks = |private: bool| ChatInfo {
        private,
        parent: Some(RemoteChatId::new("guild")),
        ..ChatInfo::new(ChatKind::Group, Some("town".to_owned()))
    };
    stage.network.add_chat_like("town", looks(true));
    let (room, _) = stage.room().await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let membership =
        |person: &crate::testkit::fake_homeserver::FakePerson| stage.fake.membership(&room, person.user_id());
    let rule = || stage.fake.state(&room, "m.room.join_rules", "").expect("there are rules");
    assert_eq!((membership(&alice), membership(&bob)), (Some(Membership::Joined), None));
    assert_eq!(rule(), json!({ "join_rule": "invite" }));
    let change = |private| RemoteEvent::ChatChanged {
        chat: stage.chat.clone(),
        change: ChatChange::Info(Box::new(looks(private))),
    };
    stage.network.pushes(change(false)).await;
    stage.hears(&room, "carol", "open").await;
    let guild = stage.fake.room_named("guild").expect("there is a space");
    let allow = json!([{ "type": "m.room_membership", "room_id": guild }]);
    assert_eq!(rule(), json!({ "join_rule": "restricted", "allow": allow }));
    bob.joins_as_invited_by(&room, &alice);
    assert_eq!(membership(&bob), Some(Membership::Joined));
    stage.network.pushes(change(true)).await;
    stage.hears(&room, "carol", "hidden").await;
    assert_eq!(rule(), json!({ "join_rule": "invite" }));
    assert_eq!((membership(&alice), membership(&bob)), (Some(Membership::Joined), Some(Membership::Left)));
    let carol = UserId::parse(ghost("carol")).expect("a ghost's name");
    assert_eq!(stage.fake.membership(&room, &carol), Some(Membership::Joined));
    stage.ends().await;
}

#[tokio::test]
async fn a_room_follows_its_chat_from_space_to_space() {
    let stage = Stage::set("spaces").await;
    for space in ["guild", "club"] {
        stage.network.add_chat_like(space, ChatInfo::new(ChatKind::Space, Some(space.to_owned())));
    }
    let (room, _) = stage.room().await;
    let moves = async |parent: Option<&str>, text: &str| {
        let parent = parent.map(RemoteChatId::new);
        let info = ChatInfo { parent, ..ChatInfo::new(ChatKind::Group, Some("town".to_owned())) };
        let change = ChatChange::Info(Box::new(info));
        stage.network.pushes(RemoteEvent::ChatChanged { chat: stage.chat.clone(), change }).await;
        stage.hears(&room, "carol", text).await;
    };
    let holds = |space: &str| {
        let space = stage.fake.room_named(space)?;
        let child = stage.fake.state(&space, "m.space.child", room.as_str())?;
        let parent = stage.fake.state(&room, "m.space.parent", space.as_str())?;
        Some((child["via"].is_array(), parent["via"].is_array()))
    };
    assert_eq!(holds("guild"), None, "the space is made when it is needed");
    for _ in 0..2 {
        moves(Some("guild"), "in the guild").await;
        assert_eq!((holds("guild"), holds("club")), (Some((true, true)), None));
    }
    moves(Some("club"), "in the club").await;
    assert_eq!((holds("guild"), holds("club")), (Some((false, false)), Some((true, true))));
    moves(None, "alone").await;
    assert_eq!((holds("guild"), holds("club")), (Some((false, false)), Some((false, false))));
    let stage = stage.restarted().await;
    let portal = stage.running.parts.store.portal_by_chat(&stage.chat).await.expect("it is read");
    assert_eq!(portal.expect("there is one").parent, None);
    stage.ends().await;
}

#[tokio::test]
async fn commands_make_and_separate_rooms() {
    let stage = Stage::set("bridging").await;
    let alice = stage.fake.person("alice");
    let bot = UserId::parse("@fakebot:example.org").expect("the bot's name");
    let desk = alice.creates_direct_chat(&bot);
    stage
        .fake
        .wait_until(|fake| (fake.membership(&desk, &bot) == Some(Membership::Joined)).then_some(()))
        .await;
    // A chat that waits for the command takes no part before it.
    let info = ChatInfo {
        create: Some(CreateWhen::OnCommand),
        ..ChatInfo::new(ChatKind::Group, Some("quiet".to_owned()))
    };
    let quiet = stage.network.add_chat_like("quiet", info);
    let message = |text: &str| RemoteEvent::Message(stage.network.message(&quiet, "carol", text));
    stage.network.pushes(message("unheard")).await;
    alice.sends(&desk, "create-portal nowhere");
    stage.fake.wait_for_body(&desk, "No connected account sees a chat nowhere on Fake.").await;
    assert_eq!(stage.fake.room_named("quiet"), None);
    alice.sends(&desk, "create-portal quiet");
    let room = stage.fake.wait_until(|fake| fake.room_named("quiet")).await;
    stage.fake.wait_for_body(&desk, "The room of “quiet” is being made.").await;
    stage.network.pushes(message("heard")).await;
    stage.wait_until_shown(&room, &["heard"]).await;
    let asked = alice.sends(&room, "!fake unbridge");
    let (_, words) = stage.notice(&room, &asked).await;
    assert!(words.contains("`!fake bridge` joins them again"), "{words}");
    let key = "app.magpie.fake://fake/quiet";
    let marked = || stage.fake.state(&room, "m.bridge", key).is_some_and(|content| content != json!({}));
    assert!(!marked());
    stage.network.pushes(message("separate")).await;
    alice.sends(&room, "anybody there?");
    let again = alice.sends(&room, "!fake bridge");
    stage.notice(&room, &again).await;
    stage.network.pushes(message("together")).await;
    stage.fake.wait_for_body(&room, "together").await;
    alice.sends(&room, "hello again");
    stage.network.wait_for_texts(&quiet, &["hello again"]).await;
    assert!(marked());
    assert!(!stage.shown(&room).contains(&"separate".to_owned()));
    stage.ends().await;
}

#[tokio::test]
async fn a_room_is_asked_what_it_knows_of_its_chat() {
    let stage = Stage::set("asked_rooms").await;
    let (room, _) = stage.room().await;
    let (alice, chat) = (stage.fake.person("alice"), stage.chat.clone());
    let answer = async |command: &str| {
        let asked = alice.sends(&room, &format!("!fake {command}"));
        stage.notice(&room, &asked).await.1
    };
    assert!(answer("id").await.starts_with(&format!("Chat {chat} on Fake, by way of account ")));
    let words = answer("capabilities").await;
    assert!(words.starts_with("From this room to Fake:\n- get through: messages"), "{words}");
    assert!(words.contains("characters"), "{words}");
    assert!(words.ends_with("\n- people without an account on Fake are named beside their words"), "{words}");
    stage.network.shows_no_authors();
    let words = answer("limits").await;
    assert!(words.ends_with("\n- people without an account on Fake are named in their words"), "{words}");
    stage.network.add_chat_like(chat.as_str(), ChatInfo::new(ChatKind::Group, Some("a new name".to_owned())));
    assert_eq!(answer("sync").await, "The room will look like its chat in a moment.");
    stage.fake.wait_until(|fake| fake.room_named("a new name")).await;
    assert_eq!(
        answer("pong").await,
        "There is no command “pong”. Did you mean `!fake ping`? `!fake help` lists them all."
    );
    stage.ends().await;
}

#[tokio::test]
async fn marks_show_what_becomes_of_a_message() {
    let stage = Stage::set("marks").await;
    let (room, _) = stage.room().await;
    let alice = stage.fake.person("alice");
    let bot = UserId::parse("@fakebot:example.org").expect("the bot's name");
    let marks = |on: &OwnedEventId| {
        let events = stage.fake.events(&room);
        let stands = |event: &&Arc<FakeEvent>| {
            event.event_type == "m.reaction"
                && event.content()["m.relates_to"]["event_id"] == on.as_str()
                && !events.iter().any(|other| other.redacts.as_ref() == Some(&event.event_id))
        };
        let key = |event: &Arc<FakeEvent>| event.content()["m.relates_to"]["key"].to_string();
        events.iter().filter(stands).map(key).collect::<Vec<_>>()
    };
    let (quick, _) = stage.says(&room, "quick").await;
    stage
        .fake
        .wait_until(|fake| (fake.read_up_to(&room, &bot) == Some(quick.to_string())).then_some(()))
        .await;
    assert_eq!(marks(&quick), [""; 0]);
    let later = || DeliverError::Retry { after: Some(Duration::from_millis(1)), reason: "busy".to_owned() };
    let stays = || DeliverError::Retry { after: Some(Duration::from_millis(600)), reason: "busy".to_owned() };
    stage.network.refuses([later(), stays()]);
    let slow = alice.sends(&room, "slow");
    stage.fake.wait_until(|_| (marks(&slow) == ["\"⏳\""]).then_some(())).await;
    stage.network.wait_for_texts(&stage.chat, &["quick", "slow"]).await;
    stage.fake.wait_until(|_| marks(&slow).is_empty().then_some(())).await;
    stage.network.refuses([DeliverError::Rejected("no.".to_owned())]);
    let refused = alice.sends(&room, "refused");
    stage.notice(&room, &refused).await;
    alice.reacts(&room, &refused, "🔁");
    stage.fake.wait_until(|_| marks(&refused).contains(&"\"✅\"".to_owned()).then_some(())).await;
    stage.ends().await;
}

#[tokio::test]
async fn a_room_that_is_there_is_joined_to_a_chat_by_those_who_may() {
    let stage = Stage::set("plumbed").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let bot = UserId::parse("@fakebot:example.org").expect("the bot's name");
    let request = json!({ "name": "our pub", "invite": [bot, bob.user_id()] });
    let pub_room = alice.creates_room(&request);
    let joined = || stage.fake.membership(&pub_room, &bot) == Some(Membership::Joined);
    stage.fake.wait_until(|_| joined().then_some(())).await;
    let answer = async |person: &crate::testkit::fake_homeserver::FakePerson, words: &str| {
        let asked = person.sends(&pub_room, words);
        stage.notice(&pub_room, &asked).await.1
    };
    assert!(answer(&alice, "!fake bridge").await.starts_with("Say which chat: `!fake bridge <chat id>`"));
    assert!(answer(&bob, "!fake bridge town").await.starts_with("You may not change this room's settings"));
    assert!(
        answer(&alice, "!fake bridge town").await.starts_with("I may not change the room's settings here.")
    );
    let levels = json!({ "users": { "@fakebot:example.org": 50 }, "invite": 0 });
    alice.sets_state(&pub_room, "m.room.power_levels", "", &levels);
    // What only the bridge's own account sees of a hidden chat is nobody's business.
    let hidden = ChatInfo { private: true, ..ChatInfo::new(ChatKind::Group, Some("cellar".to_owned())) };
    stage.network.add_chat_like("cellar", hidden);
    let bobs = bob.creates_direct_chat(&bot);
    stage.fake.wait_for(&bobs, |event| event.body().starts_with("This is the Fake bridge.")).await;
    bob.sends(&bobs, "create-portal cellar");
    stage.fake.wait_for_body(&bobs, "No connected account sees a chat cellar on Fake.").await;
    assert_eq!(
        answer(&alice, "!fake bridge nowhere").await,
        "No connected account sees a chat nowhere on Fake."
    );
    assert_eq!(answer(&alice, "!fake bridge town").await, "This room and “town” are one conversation now.");
    assert!(
        answer(&alice, "!fake bridge town")
            .await
            .starts_with("This room is joined to the chat town already.")
    );
    alice.sends(&pub_room, "cheers");
    stage.network.wait_for_texts(&stage.chat, &["cheers"]).await;
    stage.hears(&pub_room, "carol", "hello pub").await;
    // Its name stays its people's own.
    let info = ChatInfo::new(ChatKind::Group, Some("renamed".to_owned()));
    let change = ChatChange::Info(Box::new(info));
    stage.network.pushes(RemoteEvent::ChatChanged { chat: stage.chat.clone(), change }).await;
    stage.hears(&pub_room, "carol", "after the change").await;
    assert_eq!(stage.fake.room_named("our pub").as_ref(), Some(&pub_room));
    // Another room cannot have the chat, too.
    let desk = alice.creates_direct_chat(&bot);
    alice.sends(&desk, "create-portal town");
    stage.fake.wait_for_body(&desk, &format!("That chat has a room: https://matrix.to/#/{pub_room}")).await;
    alice.sends(&desk, "bridge town");
    stage.fake.wait_for(&desk, |event| event.body().starts_with("This is your room with me.")).await;
    // It is never emptied.
    let asked = answer(&alice, "!fake delete-portal").await;
    assert!(asked.starts_with("This separates the room from its chat"), "{asked}");
    assert_eq!(answer(&alice, "!fake delete-portal confirm").await, "It is done in a moment.");
    let carol = UserId::parse(ghost("carol")).expect("a ghost's name");
    stage
        .fake
        .wait_until(|fake| (fake.membership(&pub_room, &carol) == Some(Membership::Left)).then_some(()))
        .await;
    assert_eq!(stage.fake.membership(&pub_room, bob.user_id()), Some(Membership::Joined));
    stage.ends().await;
}

#[tokio::test]
async fn a_deleted_room_is_empty_and_the_next_message_makes_another() {
    let stage = Stage::set("deleted").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let bot = UserId::parse("@fakebot:example.org").expect("the bot's name");
    let desk = alice.creates_direct_chat(&bot);
    let (room, _) = stage.room().await;
    let asked = alice.sends(&room, "!fake delete-portal");
    let (_, words) = stage.notice(&room, &asked).await;
    assert!(words.contains("`!fake delete-portal confirm` does it."), "{words}");
    alice.sends(&room, "!fake delete-portal confirm");
    let carol = UserId::parse(ghost("carol")).expect("a ghost's name");
    let is_out = |user: &UserId| stage.fake.membership(&room, user) == Some(Membership::Left);
    stage
        .fake
        .wait_until(|_| {
            [alice.user_id(), bob.user_id(), &carol, &bot].iter().all(|it| is_out(it)).then_some(())
        })
        .await;
    let message = stage.network.message(&stage.chat, "carol", "and again");
    stage.network.pushes(RemoteEvent::Message(message)).await;
    let is_other = |fake: &crate::testkit::fake_homeserver::FakeHomeserver| {
        let rooms = fake.rooms();
        rooms.into_iter().find(|other| {
            *other != room && *other != desk && fake.membership(other, &carol) == Some(Membership::Joined)
        })
    };
    let other = stage.fake.wait_until(is_other).await;
    stage.fake.wait_for_body(&other, "and again").await;
    alice.sends(&desk, "delete-all-portals");
    stage
        .fake
        .wait_for(&desk, |event| event.body().starts_with("This takes everybody out of all 1 rooms"))
        .await;
    alice.sends(&desk, "delete-all-portals confirm");
    stage
        .fake
        .wait_until(|fake| (fake.membership(&other, &bot) == Some(Membership::Left)).then_some(()))
        .await;
    stage.ends().await;
}

#[tokio::test]
async fn whoever_does_not_see_a_hidden_chat_has_no_place_there_whatever_accounts_they_have() {
    let stage = Stage::set("unseen").await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    super::accounts::signs_in(&stage, &bob, "bobby").await;
    let (room, _) = stage.room().await;
    let looks = ChatInfo { private: true, ..ChatInfo::new(ChatKind::Group, Some("town".to_owned())) };
    let change = |info: &ChatInfo| ChatChange::Info(Box::new(info.clone()));
    let pushes = async |change| {
        stage.network.pushes(RemoteEvent::ChatChanged { chat: stage.chat.clone(), change }).await;
    };
    pushes(change(&looks)).await;
    stage.hears(&room, "carol", "hidden, and seen by Bob's account").await;
    let membership =
        |person: &crate::testkit::fake_homeserver::FakePerson| stage.fake.membership(&room, person.user_id());
    assert_eq!((membership(&alice), membership(&bob)), (Some(Membership::Joined), Some(Membership::Joined)));
    stage.network.hides(&stage.chat, "bobby");
    pushes(change(&ChatInfo { private: false, ..looks.clone() })).await;
    pushes(change(&looks)).await;
    stage.hears(&room, "carol", "hidden, and not seen").await;
    assert_eq!((membership(&alice), membership(&bob)), (Some(Membership::Joined), Some(Membership::Left)));
    stage.ends().await;
}
