//! A group is a room that follows it: its name, and who is in it.

use magpie_common::testkit::fake_homeserver::{FakeHomeserver, Membership};
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{JUDGE, content::text},
};

use serde_json::json;

use super::{ADMIN, BIRDS, HAN, LI, ME, chat::Chat, ghost};

const XU: &str = "wxid_xu";

impl Chat {
    /// Gives the admin all power in the room.
    fn empowers_admin(&self) {
        let levels = self.homeserver().state(&self.room, "m.room.power_levels", "");
        let mut levels = levels.expect("there are levels");
        levels["users"][ADMIN] = 100.into();
        self.homeserver().person("wechatbot").sets_state(&self.room, "m.room.power_levels", "", &levels);
    }

    async fn is_named(&self, wanted: &str) {
        let is_so = |homeserver: &FakeHomeserver| {
            let content = homeserver.state(&self.room, "m.room.name", "")?;
            (content["name"] == wanted).then_some(())
        };
        self.homeserver().wait_until(is_so).await;
    }

    async fn has(&self, who: &str, wanted: Membership) {
        let who = ghost(who);
        let is_so = |homeserver: &FakeHomeserver| {
            (homeserver.membership(&self.room, &who) == Some(wanted)).then_some(())
        };
        self.homeserver().wait_until(is_so).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_group_is_a_room_that_follows_it() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin_in_group().await?;
    let gateway = chat.gateway();
    chat.is_named("Birds").await;
    chat.has(HAN, Membership::Joined).await;
    gateway.names_room(BIRDS, "Rare birds", LI).await?;
    chat.is_named("Rare birds").await;

    gateway.contact(XU, "Xu").await?;
    gateway.joins(BIRDS, &[XU], LI).await?;
    chat.has(XU, Membership::Joined).await;
    gateway.says(XU, BIRDS, text("Am I in?")).await?;
    assert_eq!(chat.hears("Am I in?").await.sender, ghost(XU));
    gateway.leaves(BIRDS, &[XU], LI).await?;
    chat.has(XU, Membership::Left).await;
    // Who comes again is in again, and may be somebody whom nobody has named.
    gateway.joins(BIRDS, &[XU], HAN).await?;
    chat.has(XU, Membership::Joined).await;
    gateway.leaves(BIRDS, &[XU], XU).await?;
    chat.has(XU, Membership::Left).await;
    // All that came by the group's own events, and nothing was said for it.
    chat.says("Welcome, all.").await?;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_room_that_is_renamed_renames_its_group() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin_in_group().await?;
    chat.is_named("Birds").await;
    chat.empowers_admin();
    chat.admin.sets_state(&chat.room, "m.room.name", "", &json!({"name": "Birds of spring"}));
    let done = chat.gateway().expect_done("topic", |event| event["room"] == BIRDS).await?;
    assert_eq!(done["topic"], "Birds of spring");
    // What WeChat tells of it adds nothing, and the chat goes on.
    chat.gateway().names_room(BIRDS, "Birds of spring", ME).await?;
    chat.says("Is that better?").await?;
    assert_eq!(chat.gateway().seen("did").len(), 1);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_people_are_asked_into_a_group_and_sent_out_of_it() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin_in_group().await?;
    chat.has(HAN, Membership::Joined).await;
    chat.empowers_admin();
    let gone = json!({"membership": "leave"});
    chat.admin.sets_state(&chat.room, "m.room.member", ghost(HAN).as_str(), &gone);
    let removed = chat.gateway().expect_done("remove", |event| event["room"] == BIRDS).await?;
    assert_eq!(removed["contact"], HAN);
    chat.gateway().leaves(BIRDS, &[HAN], ME).await?;
    chat.admin.invites(&chat.room, &ghost(HAN)).await;
    let added = chat.gateway().expect_done("add", |event| event["room"] == BIRDS).await?;
    assert_eq!(added["contact"], HAN);
    // WeChat tells that she has come, and then she has.
    chat.gateway().joins(BIRDS, &[HAN], ME).await?;
    chat.has(HAN, Membership::Joined).await;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_group_that_changed_while_nobody_listened_is_as_it_is_now() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut chat = Chat::begin_in_group().await?;
    chat.is_named("Birds").await;
    let on = &mut chat.signed.on;
    assert!(on.bridge.stop().await?.success(), "{}", on.bridge.tail());
    on.gateway.heard_by_nobody().await?;
    on.gateway.names_room(BIRDS, "Birds of winter", LI).await?;
    on.gateway.leaves(BIRDS, &[HAN], HAN).await?;
    on.bridge = on.stage.start().await?;
    on.gateway.heard_by_somebody().await?;
    on.gateway.says(LI, BIRDS, text("She has gone.")).await?;
    chat.hears("She has gone.").await;
    chat.is_named("Birds of winter").await;
    chat.has(HAN, Membership::Left).await;
    chat.end().await
}
