//! Communities are spaces: groups come into them and leave them.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{content::text, groups::Addressing},
};
use ruma::{OwnedRoomId, RoomId};
use serde_json::Value;

use super::Linked;

impl Linked {
    /// The space of that name that holds a room.
    fn space_of(&self, room: &RoomId, name: &str) -> Option<OwnedRoomId> {
        let homeserver = &self.on.homeserver;
        let holds = |space: &OwnedRoomId| {
            let shown = homeserver.state(space, "m.room.name", "");
            let child = homeserver.state(space, "m.space.child", room.as_str());
            let parent = homeserver.state(room, "m.space.parent", space.as_str());
            let is_whole = |state: Option<Value>| state.is_some_and(|state| state["via"].is_array());
            shown.is_some_and(|shown| shown["name"] == name) && is_whole(child) && is_whole(parent)
        };
        homeserver.rooms().into_iter().find(holds)
    }

    /// The account's own space, once it holds a room.
    fn own_space_of(&self, room: &RoomId) -> Option<OwnedRoomId> {
        let homeserver = &self.on.homeserver;
        let is_own = |space: &OwnedRoomId| {
            let shown = homeserver.state(space, "m.room.name", "");
            let is_named =
                |shown: Value| shown["name"].as_str().is_some_and(|it| it.starts_with("WhatsApp ("));
            shown.is_some_and(is_named) && homeserver.state(space, "m.space.child", room.as_str()).is_some()
        };
        homeserver.rooms().into_iter().find(is_own)
    }

    async fn is_in_community(&self, room: &RoomId, name: &str) -> OwnedRoomId {
        let homeserver = &self.on.homeserver;
        let space = homeserver.wait_until(|_| self.space_of(room, name)).await;
        let made = homeserver.state(&space, "m.room.create", "").expect("it was made");
        assert_eq!(made["type"], "m.space");
        space
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_groups_of_a_community_are_in_its_space() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::start().await?;
    let (alice, bob) = (&linked.on.alice, &linked.on.bob);
    let choir = bob.create_group("Choir", &[alice], Addressing::Lid).await?;
    bob.send(&choir, text("Do re mi")).await?;
    let (room, _) = linked.room_with("Do re mi").await;
    let town = bob.create_community("Town", &[alice]).await?;
    bob.link_group(&town, &choir).await?;
    let space = linked.is_in_community(&room, "Town").await;
    // What the community announces is heard in a room of its own, in which only admins write.
    let announcements = linked.on.sim.announcements_of(&town).await?;
    bob.send(&announcements, text("Concert at eight")).await?;
    let (news, admin) = linked.room_with("Concert at eight").await;
    assert_eq!(linked.is_in_community(&news, "Town").await, space);
    // The community is in the account's own space, and keeps no chat waiting that is in no community.
    bob.send(&alice.lid, text("See you there?")).await?;
    let (direct, _) = linked.room_with("See you there?").await;
    let own = linked.on.homeserver.wait_until(|_| linked.own_space_of(&direct)).await;
    assert_eq!(linked.on.homeserver.wait_until(|_| linked.own_space_of(&space)).await, own);
    let event = admin.sends(&news, "May I?");
    let is_refusal = |event_: &magpie_common::testkit::fake_homeserver::FakeEvent| {
        event_.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == event.as_str()
    };
    linked.on.homeserver.wait_for(&news, is_refusal).await;
    // Groups leave.
    bob.unlink_group(&town, &choir).await?;
    linked.on.homeserver.wait_until(|_| linked.space_of(&room, "Town").is_none().then_some(())).await;
    bob.send(&choir, text("Still here")).await?;
    linked.hears(&room, "Still here").await;
    linked.end().await
}
