//! Who is in a chat and what is pinned there, on both sides.

use super::*;
use crate::{
    ids::RemoteMessageId,
    message::{MemberChange, Outgoing},
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
