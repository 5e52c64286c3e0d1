//! A whole bridge between a homeserver and a network, both in memory: what becomes of everything that people do.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use ruma::{OwnedEventId, OwnedRoomId, UserId};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    config::{Environment, parse},
    homeserver::SendState,
    ids::{RemoteChatId, RemoteUserId},
    message::{RemoteEvent, RemoteMessage},
    testkit::{
        fake_homeserver::{FakeEvent, FakeHomeserver, FakeRegistration, FakeSettings},
        fake_network::{ABOUT, FakeNetwork},
    },
};

mod accounts;
mod changes;
mod conversion;
mod doubles;
mod files;
mod meet;
mod members;
mod moved;
mod neighbors;
mod people;
mod polls;
mod provisioning;
mod reactions;
mod relay;
mod reports;
mod rooms;
mod same_user;
mod upgrades;

const AS_TOKEN: &str = "as-token-of-a-bridge-in-a-story-0123456789";
const HS_TOKEN: &str = "hs-token-of-a-bridge-in-a-story-0123456789";

const DOUBLE_TOKEN: &str = "token-of-the-double-puppets-0123456789";
const PROVISIONING_SECRET: &str = "provisioning-secret-of-a-story-0123456789";

/// What does not show within this time does not come. Long, since many stories share a machine, and each step waits for its disk; it only turns
/// a story that hangs into one that fails with words.
const PATIENCE: Duration = Duration::from_secs(120);

/// A bridge with both of its sides.
struct Stage {
    fake: FakeHomeserver,
    network: FakeNetwork,
    running: Running,
    listen: std::net::SocketAddr,
    chat: RemoteChatId,
    folder: TempDir,
    /// The configuration.
    text: String,
}

impl Stage {
    /// Gives somebody power in a room that the bridge has made.
    async fn empowers(&self, room: &OwnedRoomId, user: &str, level: i64) {
        let mut levels = self.fake.state(room, "m.room.power_levels", "").expect("there are levels");
        levels["users"][user] = level.into();
        let state =
            SendState { room_id: room, event_type: "m.room.power_levels", state_key: "", content: &levels };
        self.running.parts.homeserver.bot().send_state(state).await.expect("the bot has all power");
    }

    /// A running bridge with the chat `town`, of which nothing was said yet.
    async fn set(story: &str) -> Self {
        Self::set_with(story, "", "").await
    }

    /// The same where the bridge may act for the people of the homeserver.
    async fn set_with_doubles(story: &str) -> Self {
        Self::set_with(story, "  double_puppets: ./double-puppets.yaml\n", "").await
    }

    /// The same with settings for the relay.
    async fn set_relaying(story: &str, relay: &str) -> Self {
        Self::set_with(story, "", relay).await
    }

    /// The same on another database.
    async fn set_on(story: &str, database: &str) -> Self {
        Self::set_edited(story, |text| {
            let own = text.lines().find(|line| line.contains("url: sqlite:")).expect("there is one");
            text.replacen(own, &format!("  url: \"{database}\""), 1)
        })
        .await
    }

    async fn set_with(story: &str, homeserver: &str, bridge: &str) -> Self {
        let edit = |text: String| {
            text.replacen("appservice:", &format!("{homeserver}appservice:"), 1).replacen(
                "bridge:\n",
                &format!("bridge:\n{bridge}"),
                1,
            )
        };
        Self::set_edited(story, edit).await
    }

    async fn set_edited(story: &str, edit: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listen = own_address();
        fs::write(folder.path().join("registration.yaml"), registration(listen)).expect("a file");
        put_ffmpeg(folder.path());
        let doubles = format!("as_token: {DOUBLE_TOKEN}\nhs_token: unused-{DOUBLE_TOKEN}\n");
        fs::write(folder.path().join("double-puppets.yaml"), doubles).expect("a file");
        let mut settings = FakeSettings::with_bridge("@fake_", "fakebot");
        settings.registrations = registrations(listen);
        let fake = FakeHomeserver::start(settings).await.expect("a homeserver");
        let network = FakeNetwork::new(story);
        let chat = network.add_chat("town");
        for person in ["alice", "bob"] {
            fake.person(person);
        }
        let text = edit(configuration(folder.path(), &fake, listen, story));
        let running = start(folder.path(), &text).await;
        Self { fake, network, running, listen, chat, folder, text }
    }

    /// The same bridge after it has stopped and started again.
    async fn restarted(self) -> Self {
        let Self { fake, network, running, listen, chat, folder, text } = self;
        running.parts.stop.cancel();
        assert_eq!(running.until_stopped().await, ExitCode::Ok);
        let running = start(folder.path(), &text).await;
        Self { fake, network, running, listen, chat, folder, text }
    }

    /// The room of the chat, with Alice and Bob inside, after somebody on the network has said something there.
    async fn room(&self) -> (OwnedRoomId, RemoteMessage) {
        let first = self.network.message(&self.chat, "carol", "first");
        self.network.pushes(RemoteEvent::Message(first.clone())).await;
        let room = self.fake.wait_until(|fake| fake.room_named("town")).await;
        self.fake.wait_for_body(&room, "first").await;
        (room, first)
    }

    /// Somebody on the network says something; gives the message and the event that it became.
    async fn hears(&self, room: &OwnedRoomId, by: &str, text: &str) -> (RemoteMessage, OwnedEventId) {
        let message = self.network.message(&self.chat, by, text);
        self.network.pushes(RemoteEvent::Message(message.clone())).await;
        let event = self.fake.wait_for_body(room, text).await;
        (message, event.event_id.clone())
    }

    /// Somebody in Matrix says something; gives the event and what it became.
    async fn says(&self, room: &OwnedRoomId, text: &str) -> (OwnedEventId, Vec<crate::ids::RemoteMessageId>) {
        let event_id = self.fake.person("alice").sends(room, text);
        let (first, count) =
            (text.split("---").next().unwrap_or_default().trim().to_owned(), text.split("---").count());
        let ids = self
            .network
            .wait_until("the message arrives", |network| {
                let said = network.said(&self.chat);
                let at = said.iter().position(|said| said.text == first)?;
                Some(said[at..at + count].iter().map(|said| said.id.clone()).collect())
            })
            .await;
        (event_id, ids)
    }

    /// What is shown in a room: bodies of messages as edited and not taken away, without the bot's notices.
    fn shown(&self, room: &OwnedRoomId) -> Vec<String> {
        let events = self.fake.events(room);
        let gone =
            |event: &FakeEvent| events.iter().any(|other| other.redacts.as_ref() == Some(&event.event_id));
        let mut shown: Vec<(OwnedEventId, String)> = Vec::new();
        for event in events.iter().filter(|event| event.event_type == "m.room.message" && !gone(event)) {
            let content = event.content();
            let relation = &content["m.relates_to"];
            if relation["rel_type"] == "m.replace" {
                let body = content["m.new_content"]["body"].as_str().unwrap_or_default().to_owned();
                shown
                    .iter_mut()
                    .filter(|(id, _)| relation["event_id"] == id.as_str())
                    .for_each(|it| it.1.clone_from(&body));
            } else if event.sender != "@fakebot:example.org" {
                shown.push((event.event_id.clone(), event.body()));
            }
        }
        shown.into_iter().map(|(_, body)| body).collect()
    }

    async fn wait_until_shown(&self, room: &OwnedRoomId, bodies: &[&str]) {
        let shown = self.fake.wait_until(|_| (self.shown(room) == bodies).then_some(()));
        let shown = tokio::time::timeout(PATIENCE, shown).await;
        assert!(
            shown.is_ok(),
            "{:?} is shown, not {bodies:?}: {:#?}",
            self.shown(room),
            self.fake.events(room)
        );
    }

    /// The bot's notice about an event.
    async fn notice(&self, room: &OwnedRoomId, about: &OwnedEventId) -> (OwnedEventId, String) {
        let notice = self
            .fake
            .wait_for(room, |event| {
                event.sender == "@fakebot:example.org"
                    && event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == about.as_str()
            })
            .await;
        (notice.event_id.clone(), notice.body())
    }

    async fn ends(self) {
        self.running.parts.stop.cancel();
        assert_eq!(self.running.until_stopped().await, ExitCode::Ok);
        self.fake.stop().await;
    }
}

/// Where a bridge of a story listens. Each has an address of loopback to itself: on the one that all share, somebody else may have the port
/// by the time the bridge wants it.
fn own_address() -> std::net::SocketAddr {
    static STORIES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let nth = STORIES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let byte = |number: u32| u8::try_from(number % 250 + 1).unwrap_or(1);
    let process = std::process::id();
    let ip = std::net::Ipv4Addr::new(127, byte(process), byte(process / 250), byte(nth));
    std::net::TcpListener::bind((ip, 0)).and_then(|it| it.local_addr()).expect("a port")
}

async fn start(folder: &Path, text: &str) -> Running {
    let config = parse::<crate::testkit::fake_network::FakeNetworkConfig>(
        &ABOUT,
        &folder.join("config.yaml"),
        text,
        &Environment::default(),
    );
    let running =
        Running::start::<FakeNetwork>(config.expect("a configuration"), CancellationToken::new()).await;
    running.unwrap_or_else(|fatal| panic!("{fatal}"))
}

/// The bridge, and what lets it act for people.
fn registrations(listen: std::net::SocketAddr) -> Vec<FakeRegistration> {
    let bridge = FakeRegistration {
        id: "fake".to_owned(),
        as_token: AS_TOKEN.to_owned(),
        hs_token: HS_TOKEN.to_owned(),
        sender_localpart: "fakebot".to_owned(),
        user_prefix: "@fake_".to_owned(),
        url: Some(format!("http://{listen}")),
    };
    let doubles = FakeRegistration {
        id: "doubles".to_owned(),
        as_token: DOUBLE_TOKEN.to_owned(),
        hs_token: "unused".to_owned(),
        sender_localpart: "doublesbot".to_owned(),
        user_prefix: "@".to_owned(),
        url: None,
    };
    vec![bridge, doubles]
}

fn ghost(name: &str) -> String {
    format!("@fake_{name}:example.org")
}

fn user(name: &str) -> RemoteUserId {
    RemoteUserId::new(name)
}

fn configuration(folder: &Path, fake: &FakeHomeserver, listen: std::net::SocketAddr, story: &str) -> String {
    let folder = folder.display();
    format!(
        "homeserver:\n  url: {url}\n  server_name: example.org\n\
         appservice:\n  listen: {listen}\n  public_url: http://{listen}\n  registration: {folder}/registration.yaml\n\
         database:\n  url: sqlite:{folder}/bridge.db\n\
         bridge:\n  ffmpeg: ./ffmpeg\n  permissions:\n    \"@alice:example.org\": admin\n    \"example.org\": user\n  \
         invite: [\"@alice:example.org\", \"@bob:example.org\"]\n\
         provisioning:\n  secret: {PROVISIONING_SECRET}\n  openid: true\n  requests_per_second_max: 20\n\
         platform:\n  network: {story}\n",
        url = fake.url().as_str().trim_end_matches('/'),
    )
}

/// A program in the place of ffmpeg: the first picture of a video is all but its first byte, and speech is converted in one word.
fn put_ffmpeg(folder: &Path) {
    let script = "#!/bin/sh\ncase \"$*\" in *mjpeg*) tail -c +2 ;; *) grep -q unspeakable && exit 1; printf converted ;; esac\n";
    let program = folder.join("ffmpeg");
    fs::write(&program, script).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
}

fn registration(listen: std::net::SocketAddr) -> String {
    format!(
        "id: fake\nurl: http://{listen}\nas_token: {AS_TOKEN}\nhs_token: {HS_TOKEN}\nsender_localpart: fakebot\n\
         rate_limited: false\nreceive_ephemeral: true\nnamespaces:\n  users:\n  - exclusive: true\n    \
         regex: '^@fake_.*:example\\.org$'\n  - exclusive: true\n    regex: '^@fakebot:example\\.org$'\n  aliases:\n  \
         - exclusive: true\n    regex: '^#fake_.*:example\\.org$'\n  rooms: []\n"
    )
}
