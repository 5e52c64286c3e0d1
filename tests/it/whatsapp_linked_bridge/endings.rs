//! The ends of a line: each is a state of the bridge with words that say what to do, and doing it brings back what has waited.

use magpie_common::testkit::{fake_homeserver::FakePerson, fake_watcher::FakeWatcher};
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        content::text,
        faults::{Refusal, StreamEnd},
        staged::{connected, sign_in},
    },
};
use ruma::OwnedRoomId;

use super::{ADMIN, Linked, PROGRAM, Staged};

/// A linked bridge that is watched, and a room in which Bob has spoken.
struct Watched {
    linked: Linked,
    watcher: FakeWatcher,
    room: OwnedRoomId,
    admin: FakePerson,
}

impl Watched {
    async fn start() -> anyhow::Result<Self> {
        let watcher = FakeWatcher::start().await;
        let endpoint = ("MAGPIE_HOMESERVER__STATUS_ENDPOINT".to_owned(), watcher.url().to_string());
        let linked = Linked::of(Staged::start_with(PROGRAM, vec![endpoint]).await?).await?;
        linked.on.bob.send(&linked.on.alice.lid, text("before")).await?;
        let (room, admin) = linked.room_with("before").await;
        Ok(Self { linked, watcher, room, admin })
    }

    /// Waits until the login is in that state, with these words, and says the remedy too.
    async fn is_told(&self, state: &str, words: &str, remedy: &str) {
        let what = format!("{state}: {words}");
        let told = |watcher: &FakeWatcher| {
            watcher.taken().into_iter().find_map(|report| {
                let message = report["message"].as_str().unwrap_or_default().to_owned();
                (report["state_event"] == state && message.contains(words)).then_some(message)
            })
        };
        let message = self.watcher.wait_until(&what, told).await;
        assert!(message.contains(remedy), "what to do is missing: {message}");
        assert!(!message.contains(super::ALICE), "no number is told: {message}");
    }

    /// What Bob says now waits at WhatsApp, and comes once the person has done what was said.
    async fn waits_and_comes(&self, words: &str, remedy: &str) -> anyhow::Result<()> {
        self.linked.on.bob.send(&self.linked.on.alice.lid, text(words)).await?;
        self.admin.sends(&self.room, remedy);
        self.linked.hears(&self.room, words).await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_device_removed_on_the_phone_is_told_and_linked_anew_into_the_same_rooms() -> anyhow::Result<()>
{
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let watched = Watched::start().await?;
    let Linked { on, device } = &watched.linked;
    on.sim.unlink(device).await?;
    watched.is_told("BAD_CREDENTIALS", "not linked to your phone any more", "sign in again: `login`").await;
    let again = sign_in(&on.stage.url(), ADMIN, &on.alice).await?;
    assert_ne!(again, *device);
    connected(&on.sim, &again).await?;
    on.bob.send(&on.alice.lid, text("after")).await?;
    watched.linked.hears(&watched.room, "after").await;
    watched.admin.sends(&watched.room, "and back");
    let is_back = |event: &serde_json::Value| event["text"] == "and back" && event["phone"] == super::BOB;
    on.sim.expect("phone-message", is_back).await?;
    watched.linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_device_removed_while_the_bridge_was_down_is_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let mut watched = Watched::start().await?;
    watched.linked.on.bridge.kill().await?;
    watched.linked.on.sim.unlink(&watched.linked.device).await?;
    watched.linked.on.bridge.respawn()?;
    watched.linked.on.bridge.ready().await?;
    watched.is_told("BAD_CREDENTIALS", "not linked to your phone any more", "sign in again: `login`").await;
    watched.linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_line_that_somebody_took_over_is_not_fought_for() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let watched = Watched::start().await?;
    let Linked { on, device } = &watched.linked;
    on.sim.end_stream(device, StreamEnd::Replaced).await?;
    watched.is_told("BAD_CREDENTIALS", "took the connection over", "Then write `reconnect`").await;
    watched.waits_and_comes("while replaced", "!whatsapp reconnect").await?;
    watched.linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_bans_locks_and_an_old_version_say_what_to_do() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let watched = Watched::start().await?;
    let Linked { on, device } = &watched.linked;
    let ban = Refusal::Banned { code: 101, seconds: 7_200 };
    on.alice.refuse_logins(ban, 1).await?;
    on.sim.cut(device).await?;
    watched.is_told("BAD_CREDENTIALS", "has banned this account for 2 hours", "write `reconnect`").await;
    watched.waits_and_comes("while banned", "!whatsapp reconnect").await?;

    on.sim.set_oldest_version(2).await?;
    on.sim.cut(device).await?;
    watched.is_told("BAD_CREDENTIALS", "no longer takes this version", "Update the bridge").await;
    on.sim.set_oldest_version(0).await?;
    watched.waits_and_comes("while outdated", "!whatsapp reconnect").await?;

    on.alice.refuse_logins(Refusal::Locked, 1).await?;
    on.sim.cut(device).await?;
    watched.is_told("BAD_CREDENTIALS", "has locked this account", "sign in again: `login`").await;
    watched.linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_broken_line_heals_by_itself_and_words_wait_for_it() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let watched = Watched::start().await?;
    let Linked { on, device } = &watched.linked;
    on.alice.refuse_logins(Refusal::Unavailable, 2).await?;
    on.sim.cut(device).await?;
    watched.is_told("TRANSIENT_DISCONNECT", "broke off", "connects again by itself").await;
    on.bob.send(&on.alice.lid, text("while broken")).await?;
    watched.admin.sends(&watched.room, "said while broken");
    watched.linked.hears(&watched.room, "while broken").await;
    let is_there =
        |event: &serde_json::Value| event["text"] == "said while broken" && event["phone"] == super::BOB;
    on.sim.expect("phone-message", is_there).await?;
    watched.linked.end().await
}
