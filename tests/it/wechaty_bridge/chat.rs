//! A chat that has begun: Li Lei has said hello, to the account alone or in the group, and the admin is in the room of that.

use std::sync::Arc;

use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver, FakePerson};
use magpie_tests::wechaty::{Gateway, content::text};
use ruma::{OwnedEventId, OwnedRoomId};
use serde_json::Value;

use super::{BIRDS, LI, ME, Signed};

/// A picture of one pixel (PNG).
pub(super) const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0,
    1, 0, 0, 5, 0, 1, 0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// The chat with Li Lei, or the group.
pub(super) struct Chat {
    pub(super) signed: Signed,
    pub(super) room: OwnedRoomId,
    pub(super) admin: FakePerson,
    /// What the gateway calls what the bridge writes to.
    pub(super) conversation: &'static str,
    /// The id of Li Lei's first words.
    pub(super) hello: String,
    /// And their event.
    pub(super) hello_event: Arc<FakeEvent>,
}

impl Chat {
    /// With Li Lei alone.
    pub(super) async fn begin() -> anyhow::Result<Self> {
        Self::of(Signed::start().await?, LI).await
    }

    /// In the group.
    pub(super) async fn begin_in_group() -> anyhow::Result<Self> {
        Self::of(Signed::start().await?, BIRDS).await
    }

    pub(super) async fn of(signed: Signed, conversation: &'static str) -> anyhow::Result<Self> {
        let to = if conversation == LI { ME } else { conversation };
        let hello = signed.on.gateway.says(LI, to, text("Hello.")).await?;
        let (room, admin) = signed.room_with("Hello.").await;
        let hello_event = signed.hears(&room, "Hello.").await;
        Ok(Self { signed, room, admin, conversation, hello, hello_event })
    }

    pub(super) fn gateway(&self) -> &Gateway {
        &self.signed.on.gateway
    }

    pub(super) fn homeserver(&self) -> &FakeHomeserver {
        &self.signed.on.homeserver
    }

    /// Li Lei says something; gives its id.
    pub(super) async fn li_says(&self, content: Value) -> anyhow::Result<String> {
        let to = if self.conversation == LI { ME } else { self.conversation };
        self.gateway().says(LI, to, content).await
    }

    /// Waits until the room has a message with these words.
    pub(super) async fn hears(&self, words: &str) -> Arc<FakeEvent> {
        self.signed.hears(&self.room, words).await
    }

    /// Waits for the first event of the room that fits.
    pub(super) async fn event(&self, fits: impl FnMut(&FakeEvent) -> bool) -> Arc<FakeEvent> {
        self.homeserver().wait_for(&self.room, fits).await
    }

    /// Says something in the room; gives its id at WeChat, and its event.
    pub(super) async fn says(&self, words: &str) -> anyhow::Result<(String, OwnedEventId)> {
        let event = self.admin.sends(&self.room, words);
        Ok((self.gateway().expect_text(self.conversation, words).await?, event))
    }

    /// How often the room has these words, whoever said them.
    pub(super) fn count(&self, words: &str) -> usize {
        self.homeserver().messages(&self.room).iter().filter(|(_, body)| body == words).count()
    }

    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.signed.end().await
    }
}
