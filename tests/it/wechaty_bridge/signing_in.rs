//! Signing in: a code that the phone scans, shown as a picture in a chat; several accounts; a token that is wrong; a phone that signs out.

use std::sync::Arc;

use magpie_common::testkit::{fake_homeserver::FakeEvent, fake_watcher::FakeWatcher};
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        Gateway, JUDGE, Tls,
        content::text,
        people::ScanState,
        staged::{CODE, HASTE, WAY, gateway_lines, login_of, sign_in},
    },
    whatsapp_linked::staged::Door,
};
use ruma::user_id;
use serde_json::json;

use super::{ADMIN, BOT, HAN, LI, ME, Signed, Staged, people};

const OTHER: &str = "@other:example.org";

#[tokio::test(flavor = "multi_thread")]
async fn real_a_code_that_a_chat_shows_is_scanned() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let staged = Staged::start().await?;
    let (gateway, homeserver) = (&staged.gateway, &staged.homeserver);
    let admin = homeserver.person("admin");
    let desk = admin.creates_direct_chat(user_id!("@wechatbot:example.org"));
    let answered = async |words: &str| {
        let said = |event: &FakeEvent| event.sender == BOT && event.body().contains(words);
        homeserver.wait_for(&desk, said).await
    };
    answered("This is the WeChat bridge.").await;
    admin.sends(&desk, &format!("login {WAY}"));
    gateway.heard_by_somebody().await?;
    let mut pictures: Vec<Arc<FakeEvent>> = Vec::new();
    for code in [CODE, "http://weixin.qq.com/x/another-code"] {
        gateway.shows_code(code).await?;
        let words = answered(code).await.body();
        assert!(words.contains("WARNING"), "the risk is told: {words}");
        let is_new = |event: &FakeEvent| {
            let is_known = pictures.iter().any(|known| known.event_id == event.event_id);
            event.sender == BOT && event.content()["msgtype"] == "m.image" && !is_known
        };
        let picture = homeserver.wait_for(&desk, is_new).await;
        let url = picture.content()["url"].as_str().unwrap_or_default().to_owned();
        let media = homeserver.media(url.as_str().into()).expect("the picture is there");
        assert!(media.bytes.starts_with(b"\x89PNG"));
        pictures.push(picture);
    }
    // The first is gone when there is another one, and that one when all is done.
    homeserver.wait_for(&desk, |event| event.redacts.as_ref() == Some(&pictures[0].event_id)).await;
    gateway.scan_is("", ScanState::Scanned).await?;
    gateway.scan_is("", ScanState::Confirmed).await?;
    gateway.login(ME).await?;
    answered("Signed in to WeChat as Me").await;
    homeserver.wait_for(&desk, |event| event.redacts.as_ref() == Some(&pictures[1].event_id)).await;
    gateway.heard_by_somebody().await?;
    gateway.says(LI, ME, text("Are you there?")).await?;
    let signed = Signed { on: staged };
    signed.room_with("Are you there?").await;
    signed.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_an_account_that_is_signed_in_already_needs_no_code() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let staged = Staged::start().await?;
    staged.gateway.login(ME).await?;
    let door = Door::new(&staged.stage.url(), ADMIN)?;
    let done = door.post(&format!("login/start/{WAY}"), &json!({})).await?;
    assert_eq!(done["stage"]["type"], "done", "{done}");
    for _ in 0..2 {
        staged.gateway.heard_by_somebody().await?;
    }
    let login = login_of(&staged.stage.url(), ADMIN).await?;
    assert_eq!(login["name"], "Me", "{login}");
    staged.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_two_accounts_at_two_gateways_live_in_one_bridge() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut staged = Staged::start().await?;
    // Where the settings name no gateway, everybody names their own.
    staged.restart_with(HASTE.to_owned()).await?;
    let second = Gateway::start_with(Tls::None).await?;
    people(&second).await?;
    let accounts = [(&staged.gateway, ADMIN, ME, LI), (&second, OTHER, HAN, LI)];
    for (gateway, owner, me, _) in accounts {
        gateway.shows_code(CODE).await?;
        let door = Door::new(&staged.stage.url(), owner)?;
        let asked = door.post(&format!("login/start/{WAY}"), &json!({})).await?;
        assert_eq!(asked["stage"]["type"], "ask", "{asked}");
        let answers = json!({"endpoint": gateway.address(), "token": gateway.token()});
        let shown = door.answer(&asked, &answers).await?;
        assert_eq!(shown["stage"]["code"], CODE, "{shown}");
        gateway.heard_by_somebody().await?;
        gateway.login(me).await?;
        let done = door.answer(&shown, &json!({})).await?;
        assert_eq!(done["stage"]["type"], "done", "{done}");
        gateway.heard_by_somebody().await?;
    }
    // The same person is in a chat of their own with each.
    let mut rooms = Vec::new();
    for (gateway, owner, me, li) in accounts {
        gateway.says(li, me, text(&format!("to {me}"))).await?;
        let words = format!("to {me}");
        let room = staged.homeserver.wait_until(|homeserver| {
            let rooms = homeserver.rooms().into_iter();
            rooms.into_iter().find(|room| homeserver.messages(room).iter().any(|(_, body)| *body == words))
        });
        let room = room.await;
        let owner = staged.homeserver.person(&owner[1..owner.find(':').unwrap_or(owner.len())]);
        owner.joins(&room);
        owner.sends(&room, &format!("from {me}"));
        gateway.expect_text(li, &format!("from {me}")).await?;
        rooms.push(room);
    }
    assert_ne!(rooms[0], rooms[1]);
    staged.end().await?;
    second.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_token_that_the_gateway_does_not_take_is_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut staged = Staged::start().await?;
    staged.restart_with(gateway_lines(&staged.gateway, "insecure_wrong")).await?;
    let failed =
        Door::new(&staged.stage.url(), ADMIN)?.post(&format!("login/start/{WAY}"), &json!({})).await?;
    assert_eq!(failed["stage"]["type"], "failed", "{failed}");
    let words = failed["stage"]["error"].as_str().unwrap_or_default();
    assert!(words.contains("token") && !words.contains("insecure_wrong"), "{words}");
    assert_eq!(staged.gateway.seen("stream"), Vec::<serde_json::Value>::new());
    staged.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_phone_that_signs_out_is_told_and_the_same_rooms_go_on_afterwards() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let watcher = FakeWatcher::start().await;
    let endpoint = ("MAGPIE_HOMESERVER__STATUS_ENDPOINT".to_owned(), watcher.url().to_string());
    let signed = Signed::of(Staged::start_with(Tls::None, vec![endpoint]).await?).await?;
    let gateway = &signed.on.gateway;
    gateway.says(LI, ME, text("before")).await?;
    let (room, admin) = signed.room_with("before").await;
    gateway.logout().await?;
    let told = watcher.wait_until("BAD_CREDENTIALS", |watcher| {
        let is_it = |report: &serde_json::Value| report["state_event"] == "BAD_CREDENTIALS";
        watcher.taken().into_iter().find(is_it)
    });
    let words = told.await["message"].to_string();
    assert!(words.contains("signed") && words.contains("login"), "{words}");
    gateway.heard_by_nobody().await?;
    sign_in(gateway, &signed.on.stage.url(), ADMIN, ME).await?;
    gateway.says(LI, ME, text("after")).await?;
    signed.hears(&room, "after").await;
    admin.sends(&room, "and back");
    gateway.expect_text(LI, "and back").await?;
    signed.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_code_is_no_end_before_the_gateway_has_taken_up_its_sign_in() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut signed = Signed::start().await?;
    signed.on.gateway.says(LI, ME, text("before")).await?;
    let (room, _) = signed.room_with("before").await;
    assert!(signed.on.bridge.stop().await?.success(), "{}", signed.on.bridge.tail());
    signed.on.gateway.heard_by_nobody().await?;
    signed.on.gateway.logout().await?;
    signed.on.bridge = signed.on.stage.start().await?;
    signed.on.gateway.heard_by_somebody().await?;
    // As gateways do that find their sign-in again only after a while.
    signed.on.gateway.shows_code(CODE).await?;
    signed.on.gateway.scan_is("", ScanState::Scanned).await?;
    signed.on.gateway.login(ME).await?;
    // Nor is what comes too late about that code.
    signed.on.gateway.scan_is("", ScanState::Confirmed).await?;
    signed.on.gateway.scan_is("", ScanState::Timeout).await?;
    signed.on.gateway.says(LI, ME, text("after")).await?;
    signed.hears(&room, "after").await;
    signed.end().await
}
