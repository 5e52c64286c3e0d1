//! Who asks to be a friend, or asks into a group: it is told, nothing is done by itself, and a command does it.

use magpie_common::testkit::fake_homeserver::{FakeHomeserver, FakePerson};
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{JUDGE, content::text},
};
use ruma::OwnedRoomId;
use serde_json::{Value, json};

use super::{LI, ME, Signed};

const XU: &str = "wxid_xu";

impl Signed {
    /// The room in which these words are told, joined by the admin, and the command that is named beside them.
    async fn told(&self, words: &str) -> (OwnedRoomId, FakePerson, String) {
        let (room, admin) = self.room_with(words).await;
        let body = self.hears(&room, words).await.body();
        let command = body.split('`').nth(1).map(str::to_owned);
        (room, admin, command.unwrap_or_else(|| panic!("no command is named: {body}")))
    }

    fn nothing_was_done(&self) {
        assert_eq!(self.on.gateway.seen("did"), Vec::<Value>::new(), "nobody has said that it may be done");
    }
}

/// A command as it can be written in any room.
fn addressed(command: &str) -> String {
    if command.starts_with('!') { command.to_owned() } else { format!("!wechat {command}") }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_friend_is_accepted_by_command() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let signed = Signed::start().await?;
    let gateway = &signed.on.gateway;
    gateway.contact_with(XU, "Xu", json!({"friend": false})).await?;
    gateway.asks_friendship("request-1", XU, "I watch birds, too.").await?;
    let (room, admin, command) = signed.told("I watch birds, too.").await;
    signed.nothing_was_done();
    admin.sends(&room, &addressed(&command));
    gateway.expect_done("friendshipAccept", |event| event["id"] == "request-1").await?;
    gateway.contact_with(XU, "Xu", json!({"friend": true})).await?;
    gateway.says(XU, ME, text("Thank you.")).await?;
    signed.room_with("Thank you.").await;
    signed.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_an_invitation_into_a_group_is_accepted_by_command() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let signed = Signed::start().await?;
    let gateway = &signed.on.gateway;
    gateway.invites("invitation-1", LI, "Choir of birds").await?;
    let (room, admin, command) = signed.told("Choir of birds").await;
    signed.nothing_was_done();
    admin.sends(&room, &addressed(&command));
    gateway.expect_done("invitationAccept", |event| event["id"] == "invitation-1").await?;
    gateway.room("1002@chatroom", "Choir of birds", &[LI, ME]).await?;
    gateway.says(LI, "1002@chatroom", text("Welcome to the choir.")).await?;
    let (choir, _) = signed.room_with("Welcome to the choir.").await;
    let is_named = |homeserver: &FakeHomeserver| {
        let name = homeserver.state(&choir, "m.room.name", "")?;
        (name["name"] == "Choir of birds").then_some(())
    };
    signed.on.homeserver.wait_until(is_named).await;
    signed.end().await
}
