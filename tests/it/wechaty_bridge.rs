//! The WeChat bridge on a Wechaty gateway, a real program between the real puppet service and a homeserver.

mod chat;
mod doubt;
mod files;
mod groups;
mod kinds;
mod real_synapse;
mod recalls;
mod requests;
mod sealed;
mod signing_in;
mod speech;
mod suite;
mod talking;
mod trouble;

use std::sync::Arc;

use magpie_common::{
    ids::{GhostNames, RemoteUserId},
    testkit::fake_homeserver::{FakeEvent, FakeHomeserver, FakePerson},
};
use magpie_tests::{
    harness::bridge::Bridge,
    stage::Stage,
    wechaty::{
        Gateway, Tls,
        staged::{cast, remote, sign_in},
    },
};
use ruma::{OwnedRoomId, OwnedUserId, RoomId, ServerName};

const SERVER: &str = "example.org";
const ADMIN: &str = "@admin:example.org";
const BOT: &str = "@wechatbot:example.org";

/// Whose account the gateway has.
const ME: &str = "wxid_me";
const LI: &str = "wxid_li";
const HAN: &str = "wxid_han";
/// A group of all three.
const BIRDS: &str = "1001@chatroom";

/// The program on its stage, signed in with nobody's account. In Matrix there is the admin; at WeChat there are Li Lei, Han Meimei, a person
/// whose account the admin's is, and a group of all three.
struct Staged {
    gateway: Gateway,
    homeserver: FakeHomeserver,
    bridge: Bridge,
    /// Its files, which go with it.
    stage: Stage,
}

/// The same, signed in.
struct Signed {
    on: Staged,
}

/// People and a group.
async fn people(gateway: &Gateway) -> anyhow::Result<()> {
    for (id, name) in [(ME, "Me"), (LI, "Li Lei"), (HAN, "Han Meimei")] {
        gateway.contact(id, name).await?;
    }
    gateway.room(BIRDS, "Birds", &[LI, ME, HAN]).await
}

/// Somebody of WeChat in Matrix.
fn ghost(native: &str) -> OwnedUserId {
    let server = <&ServerName>::try_from(SERVER).expect("it is a server's name");
    let names = GhostNames::new("wechat_", "wechatbot", server).expect("these are the bridge's own");
    names.ghost(&RemoteUserId::new(remote(ME, native))).expect("it is short enough")
}

impl Staged {
    async fn start() -> anyhow::Result<Self> {
        Self::start_with(Tls::None, Vec::new()).await
    }

    /// With more environment variables.
    async fn start_with(tls: Tls, environment: Vec<(String, String)>) -> anyhow::Result<Self> {
        let gateway = Gateway::start_with(tls).await?;
        people(&gateway).await?;
        let mut cast = cast(&gateway, SERVER)?;
        cast.environment.extend(environment);
        let mut stage = Stage::set(cast)?;
        let homeserver = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&homeserver.url());
        let bridge = stage.start().await?;
        Ok(Self { gateway, homeserver, bridge, stage })
    }

    /// Stops the bridge and starts it with these lines of its `platform:` section.
    async fn restart_with(&mut self, platform: String) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success(), "{}", self.bridge.tail());
        self.stage.set_platform(platform);
        self.bridge = self.stage.start().await?;
        Ok(())
    }

    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success(), "{}", self.bridge.tail());
        // Stopping a puppet signs the account out on the phone, which is for people to do.
        assert_eq!(self.gateway.seen("stopped"), Vec::<serde_json::Value>::new());
        self.gateway.stop().await
    }
}

impl Signed {
    async fn start() -> anyhow::Result<Self> {
        Self::of(Staged::start().await?).await
    }

    /// Signs in now, when WeChat is as a test wants it.
    async fn of(on: Staged) -> anyhow::Result<Self> {
        sign_in(&on.gateway, &on.stage.url(), ADMIN, ME).await?;
        Ok(Self { on })
    }

    /// The room in which somebody of WeChat said this, joined by the admin.
    async fn room_with(&self, words: &str) -> (OwnedRoomId, FakePerson) {
        let has_it = |homeserver: &FakeHomeserver| {
            let rooms = homeserver.rooms().into_iter();
            rooms
                .into_iter()
                .find(|room| homeserver.messages(room).iter().any(|(_, body)| body.contains(words)))
        };
        let room = self.on.homeserver.wait_until(has_it).await;
        let admin = self.on.homeserver.person("admin");
        admin.joins(&room);
        (room, admin)
    }

    /// Waits until somebody says something with these words in it.
    async fn hears(&self, room: &RoomId, words: &str) -> Arc<FakeEvent> {
        let fits = |event: &FakeEvent| event.event_type == "m.room.message" && event.body().contains(words);
        self.on.homeserver.wait_for(room, fits).await
    }

    async fn end(self) -> anyhow::Result<()> {
        self.on.end().await
    }
}
