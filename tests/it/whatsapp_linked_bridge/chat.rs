//! A chat of two that has begun: Bob writes with a client of somebody else, the admin answers in the room.

use std::sync::Arc;

use anyhow::Context;
use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver, FakePerson};
use magpie_tests::whatsapp_linked::{LinkedSim, Person};
use ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde_json::Value;

use super::{ADMIN, Linked};

/// Whom Alice and Bob meet later.
pub(super) const CAROL: &str = "12025550103";

/// A picture of one pixel (PNG).
pub(super) const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0,
    1, 0, 0, 5, 0, 1, 0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// Bob said hello, and the admin is in the room that was made for it.
pub(super) struct Chat {
    pub(super) linked: Linked,
    pub(super) bobs: Person,
    pub(super) room: OwnedRoomId,
    pub(super) admin: FakePerson,
    /// Bob in Matrix.
    pub(super) ghost: OwnedUserId,
    /// The id of his first words.
    pub(super) hello: String,
    /// And their event.
    pub(super) hello_event: Arc<FakeEvent>,
}

/// Gives the admin all power in a room.
pub(super) fn empower(homeserver: &FakeHomeserver, room: &RoomId) {
    let mut levels = homeserver.state(room, "m.room.power_levels", "").expect("there are levels");
    levels["users"][ADMIN] = 100.into();
    homeserver.person("whatsappbot").sets_state(room, "m.room.power_levels", "", &levels);
}

impl Chat {
    pub(super) async fn begin() -> anyhow::Result<Self> {
        Self::of(Linked::start().await?).await
    }

    pub(super) async fn of(linked: Linked) -> anyhow::Result<Self> {
        let bobs = Person::linked(&linked.on.sim, &linked.on.bob).await?;
        let hello = bobs.say(&linked.on.alice.lid, "Hello.").await?;
        let (room, admin) = linked.room_with("Hello.").await;
        let hello_event = linked.hears(&room, "Hello.").await;
        let ghost = hello_event.sender.clone();
        Ok(Self { linked, bobs, room, admin, ghost, hello, hello_event })
    }

    pub(super) fn sim(&self) -> &LinkedSim {
        &self.linked.on.sim
    }

    pub(super) fn homeserver(&self) -> &FakeHomeserver {
        &self.linked.on.homeserver
    }

    /// To whom Bob writes.
    pub(super) fn alice(&self) -> &str {
        &self.linked.on.alice.lid
    }

    /// To whom Alice writes.
    pub(super) fn bob(&self) -> &str {
        &self.linked.on.bob.lid
    }

    /// Waits until the room has a message with these words.
    pub(super) async fn hears(&self, words: &str) -> Arc<FakeEvent> {
        self.linked.hears(&self.room, words).await
    }

    /// Waits for the first event of the room that fits.
    pub(super) async fn event(&self, fits: impl FnMut(&FakeEvent) -> bool) -> Arc<FakeEvent> {
        self.homeserver().wait_for(&self.room, fits).await
    }

    /// Waits until Bob's client got a message that fits, by another device than his own.
    pub(super) async fn bob_gets(&self, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.bobs.expect("message", |event| event["fromMe"] == false && fits(event)).await
    }

    /// Waits until Bob's client got these words; gives the id of their message.
    pub(super) async fn bob_reads(&self, words: &str) -> anyhow::Result<String> {
        let heard = self.bob_gets(|event| event["text"] == words).await?;
        heard["id"].as_str().map(str::to_owned).context("a message has an id")
    }

    /// Sends Bob's client these words from the room; gives the id under which WhatsApp knows them, and their event.
    pub(super) async fn says(&self, words: &str) -> anyhow::Result<(String, ruma::OwnedEventId)> {
        let event = self.admin.sends(&self.room, words);
        Ok((self.bob_reads(words).await?, event))
    }

    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.bobs.stop().await?;
        self.linked.end().await
    }
}
