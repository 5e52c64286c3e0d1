//! Who is in a chat and what is pinned there, on both sides.

use super::{accounts::signs_in, *};
use crate::{
    ids::RemoteMessageId,
    message::{MemberChange, Outgoing},
    platform::{InviteError, Invited},
    testkit::fake_homeserver::Membership,
};

impl Stage {
    async fn member_changes(&self, who: &str, change: MemberChange) {
        let changes = vec![(user(who), change)];
        self.network.pushes(RemoteEvent::MembersChanged { chat: self.chat.clone(), changes }).await;
    }

    async fn waits_for(&self, room: &OwnedRoomId, who: &str, expected: Membership) {
        let ghost = UserId::parse(ghost(who)).expect("a ghost's name");
        let is_so = |fake: &FakeHomeserver| (fake.membership(room, &ghost) == Some(expected)).then_some(());
        self.fake.wait_until(is_so).await;
    }
}

#[tokio::test]
async fn people_come_to_a_chat_and_leave_it_as_ghosts() {
    let stage = Stage::set("members").await;
    let (room, _) = stage.room().await;
    stage.member_changes("dave", MemberChange::Joined).await;
    stage.waits_for(&room, "dave", Membership::Joined).await;
    stage.member_changes("dave", MemberChange::Joined).await;
    stage.member_changes("carol", MemberChange::Left).await;
    stage.waits_for(&room, "carol", Membership::Left).await;
    // Whoever was never seen here gets no account by leaving.
    stage.member_changes("eve", MemberChange::Banned).await;
    stage.member_changes("dave", MemberChange::Banned).await;
    stage.waits_for(&room, "dave", Membership::Left).await;
    let eve = UserId::parse(ghost("eve")).expect("a ghost's name");
    assert_eq!(stage.fake.membership(&room, &eve), None);
    stage.hears(&room, "carol", "back again").await;
    stage.ends().await;
}

#[tokio::test]
async fn whoever_is_asked_in_or_sent_out_by_hand_is_so_on_the_network() {
    let stage = Stage::set("by_hand_members").await;
    let bob = stage.fake.person("bob");
    signs_in(&stage, &bob, "bobby").await;
    let (room, first) = stage.room().await;
    stage.empowers(&room, "@bob:example.org", 50).await;
    let carol = UserId::parse(ghost("carol")).expect("a ghost's name");
    let dave = UserId::parse(ghost("dave")).expect("a ghost's name");
    // Bob's account is in the chat.
    stage.network.pushes_to("bobby", RemoteEvent::Message(first)).await;
    stage.hears(&room, "dave", "I am leaving").await;
    stage.member_changes("dave", MemberChange::Left).await;
    stage.waits_for(&room, "dave", Membership::Left).await;
    assert_eq!(stage.network.passed(), [], "what the network told does not go back");
    bob.invites(&room, &dave).await;
    bob.sets_state(&room, "m.room.member", carol.as_str(), &json!({ "membership": "leave" }));
    let moved = |who: &str, change| Outgoing::Member { user: user(who), change };
    let expected = [moved("dave", MemberChange::Joined), moved("carol", MemberChange::Left)];
    let passed = |network: &FakeNetwork| (network.passed() == expected).then_some(());
    stage.network.wait_until("both arrive", passed).await;
    // The network carries it out, and Dave comes.
    stage.member_changes("dave", MemberChange::Joined).await;
    stage.waits_for(&room, "dave", Membership::Joined).await;
    stage.ends().await;
}

#[tokio::test]
async fn what_is_pinned_on_one_side_is_pinned_on_the_other() {
    let stage = Stage::set("pinned").await;
    let (room, first) = stage.room().await;
    let alice = stage.fake.person("alice");
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    let mine = alice.sends(&room, "rules");
    let rules = stage.network.wait_for_texts(&stage.chat, &["rules"]).await[0].id.clone();
    let pinned = |list: &[&OwnedEventId]| Some(json!({ "pinned": list }));
    let shows = async |expected: Option<Value>| {
        let is_so =
            |fake: &FakeHomeserver| (fake.state(&room, "m.room.pinned_events", "") == expected).then_some(());
        stage.fake.wait_until(is_so).await;
    };
    let pin = |target: &RemoteMessageId, pinned| RemoteEvent::Pin {
        chat: stage.chat.clone(),
        target: target.clone(),
        pinned,
    };
    for (event, expected) in [
        (pin(&first.id, true), pinned(&[&on])),
        (pin(&first.id, true), pinned(&[&on])),
        (pin(&rules, true), pinned(&[&on, &mine])),
        (pin(&first.id, false), pinned(&[&mine])),
    ] {
        stage.network.pushes(event).await;
        shows(expected).await;
    }
    // What the bridge has pinned does not go back; what people pin goes there.
    assert_eq!(stage.network.passed(), []);
    stage.empowers(&room, "@alice:example.org", 50).await;
    alice.sets_state(&room, "m.room.pinned_events", "", &json!({ "pinned": [mine, on] }));
    alice.sets_state(&room, "m.room.pinned_events", "", &json!({ "pinned": [on] }));
    let expected = [Outgoing::Pin { target: first.id.clone() }, Outgoing::Unpin { target: rules }];
    let passed = |network: &FakeNetwork| (network.passed() == expected).then_some(());
    stage.network.wait_until("both pins arrive", passed).await;
    stage.ends().await;
}

#[tokio::test]
async fn people_in_matrix_are_asked_in_from_the_network_as_far_as_the_bridge_and_the_room_let_them() {
    let stage = Stage::set("asked_in").await;
    let bob = UserId::parse("@bob:example.org").expect("a name");
    let asks = async |guest: &str| stage.network.invites(&stage.chat, "dave", guest).await;
    assert_eq!(asks(bob.as_str()).await, Err(InviteError::NoRoom));
    let (room, _) = stage.room().await;
    for nobody in ["bob", "@bob", "", "@b:\n", "@bob:example.org and more"] {
        assert_eq!(asks(nobody).await, Err(InviteError::Nobody), "{nobody}");
    }
    for ours in ["@fakebot:example.org", &ghost("carol")] {
        assert_eq!(asks(ours).await, Err(InviteError::OneOfUs));
    }
    let stranger = UserId::parse("@eve:elsewhere.example").expect("a name");
    assert_eq!(asks(stranger.as_str()).await, Err(InviteError::NotForThem(stranger.clone())));
    assert_eq!(stage.fake.membership(&room, &stranger), None);
    // Bob was asked in when the room was made.
    assert_eq!(asks(bob.as_str()).await, Ok(Invited::Already(bob.clone())));
    let frank = UserId::parse("@frank:example.org").expect("a name");
    stage.fake.person("frank");
    assert_eq!(asks(" @frank:example.org ").await, Ok(Invited::Asked(frank.clone())));
    let invitations = stage.fake.events(&room);
    let invitation = invitations.iter().find(|event| event.state_key.as_deref() == Some(frank.as_str()));
    assert_eq!(invitation.expect("it is there").sender.as_str(), ghost("dave"), "who asked invites");
    assert_eq!(asks(frank.as_str()).await, Ok(Invited::Already(frank.clone())));
    // Whoever does not stay is not asked again and again.
    stage.fake.person("frank").leaves(&room);
    assert_eq!(asks(frank.as_str()).await, Err(InviteError::AskedLately(frank.clone())));
    // The room's own rules count.
    let mut levels = stage.fake.state(&room, "m.room.power_levels", "").expect("there are levels");
    levels["invite"] = 50.into();
    let state =
        SendState { room_id: &room, event_type: "m.room.power_levels", state_key: "", content: &levels };
    stage.running.parts.homeserver.bot().send_state(state).await.expect("the bot has all power");
    let grace = UserId::parse("@grace:example.org").expect("a name");
    assert_eq!(asks(grace.as_str()).await, Err(InviteError::Forbidden(grace.clone())));
    stage.hears(&room, "dave", "still here").await;
    stage.ends().await;
}

#[tokio::test]
async fn nobody_on_the_network_can_flood_matrix_with_invitations() {
    let stage = Stage::set("asked_in_too_often").await;
    let (room, _) = stage.room().await;
    let mut asked = 0;
    for nth in 0..60 {
        match stage.network.invites(&stage.chat, "dave", &format!("@guest{nth}:example.org")).await {
            Ok(Invited::Asked(_)) => asked += 1,
            refused => assert_eq!(refused, Err(InviteError::TooMany)),
        }
    }
    assert!((10..20).contains(&asked), "{asked}");
    stage.hears(&room, "dave", "enough").await;
    stage.ends().await;
}
