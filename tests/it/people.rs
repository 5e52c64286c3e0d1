//! People at a real Synapse with accounts of their own on the example network: they sign in by chat, share a portal with somebody who has
//! none, and see each other as themselves on both sides.

use magpie_tests::{
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        synapse::{Synapse, SynapseOptions},
        tools::{Component, need},
    },
    line_server::{LineMessage, LineServer},
    stage::{Cast, Stage},
};
use serde_json::{Value, json};

mod commands;
mod upgrade;

const SERVER: &str = "magpie.test";
const BOT: &str = "@examplebot:magpie.test";
const BRIDGE_TOKEN: &str = "bridge-51d0";
const ALLY_TOKEN: &str = "ally-7be2";
const BOBBY_TOKEN: &str = "bobby-c004";

/// A bridge between a real Synapse and the line network, with three people in Matrix.
struct Story {
    synapse: Synapse,
    network: LineServer,
    bridge: Bridge,
    alice: Person,
    bob: Person,
    carol: Person,
    // The bridge's files are in here.
    _stage: Stage,
}

impl Story {
    async fn begin() -> anyhow::Result<Self> {
        let network = LineServer::start().await?;
        for (account, name, token) in [
            ("bridge", "The bridge", BRIDGE_TOKEN),
            ("ally", "Ally of the line", ALLY_TOKEN),
            ("bobby", "Bobby of the line", BOBBY_TOKEN),
            ("ada", "Ada", "ada-91c2"),
        ] {
            network.add_account(account, name, token);
        }
        network.add_chat("lobby", "The lobby");
        let mut stage = Stage::set(Cast {
            id: "example",
            server_name: SERVER.to_owned(),
            homeserver: String::new(),
            database: None,
            durability: "normal",
            admin: format!("@alice:{SERVER}"),
            platform: format!("server: {}\ntoken: {BRIDGE_TOKEN}", network.address()),
            environment: Vec::new(),
        })?;
        let registrations = vec![stage.registration(), stage.allow_double_puppets()?];
        let synapse = Synapse::start(SynapseOptions { registrations, ..SynapseOptions::default() }).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        let bridge = stage.start().await?;
        let (alice, bob) = (synapse.person("alice").await?, synapse.person("bob").await?);
        let carol = synapse.person("carol").await?;
        carol.set_display_name("Carol").await?;
        Ok(Self { synapse, network, bridge, alice, bob, carol, _stage: stage })
    }

    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success());
        self.synapse.stop().await
    }
}

/// A direct chat with the bot, which has greeted.
async fn desk(person: &Person) -> anyhow::Result<String> {
    let request = json!({ "is_direct": true, "preset": "trusted_private_chat", "invite": [BOT] });
    let desk = person.create_room_with(request).await?;
    hears(person, &desk, "This is the Example bridge.").await?;
    Ok(desk)
}

/// Waits until the bot says something that begins so.
async fn hears(person: &Person, room: &str, beginning: &str) -> anyhow::Result<Event> {
    let said = |event: &Event| event.sender() == BOT && event.body().starts_with(beginning);
    person.wait_for(room, said).await
}

/// Signs in with a token, which does not stay in the room.
async fn signs_in(person: &Person, token: &str, name: &str) -> anyhow::Result<String> {
    let desk = desk(person).await?;
    person.send_text(&desk, "login token").await?;
    hears(person, &desk, "Token: send it as a message here.").await?;
    let secret = person.send_text(&desk, token).await?;
    hears(person, &desk, &format!("Signed in to Example as {name}")).await?;
    let is_redaction = |event: &Event| {
        let redacts = event.json.get("redacts").or_else(|| event.content().get("redacts"));
        event.kind() == "m.room.redaction" && redacts == Some(&Value::from(secret.as_str()))
    };
    person.wait_for(&desk, is_redaction).await?;
    Ok(desk)
}

#[tokio::test]
async fn real_people_with_and_without_accounts_share_a_portal() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let story = Story::begin().await?;
    let Story { network, alice, bob, carol, .. } = &story;
    let desk = signs_in(alice, ALLY_TOKEN, "Ally of the line").await?;
    signs_in(bob, BOBBY_TOKEN, "Bobby of the line").await?;
    alice.send_text(&desk, "list-logins").await?;
    let listed = hears(alice, &desk, "Ally of the line (`ally`): connected").await?;
    assert!(listed.body().contains("(`bobby`): connected — of @bob:magpie.test"), "{}", listed.body());
    alice.send_text(&desk, "doctor").await?;
    let found = hears(alice, &desk, "✔ homeserver: knows us as @examplebot:magpie.test").await?;
    assert!(found.body().ends_with("Everything is in order."), "{}", found.body());

    // Both come into the room of the chat that their accounts see, without doing anything.
    network.person_says("lobby", "ada", "welcome");
    let said = |event: &Event| event.kind() == "m.room.message" && event.body() == "welcome";
    let room = alice.wait_within(magpie_tests::harness::person::PATIENCE, said).await?.room;
    bob.wait_for_text(&room, "welcome").await?;
    alice.invite(&room, carol.id()).await?;
    carol.join(&room).await?;

    // Those with accounts speak as themselves there, Carol by the bridge's own account and by name.
    for (person, text) in [(alice, "by Alice"), (bob, "by Bob"), (carol, "by Carol")] {
        person.send_text(&room, text).await?;
    }
    let lines = |messages: &[LineMessage]| {
        let own = messages.iter().filter(|message| message.text.starts_with("by "));
        own.map(|it| (it.by.clone(), it.author.clone(), it.text.clone())).collect::<Vec<_>>()
    };
    let line = |by: &str, author: Option<&str>, text: &str| {
        (by.to_owned(), author.map(str::to_owned), text.to_owned())
    };
    let expected = [
        line("ally", None, "by Alice"),
        line("bobby", None, "by Bob"),
        line("bridge", Some("Carol"), "by Carol"),
    ];
    let all = |messages: &[LineMessage]| {
        let lines = lines(messages);
        (lines.len() >= expected.len()).then_some(lines)
    };
    assert_eq!(network.wait_for("lobby", all).await?, expected);

    // What they say on the network themselves is theirs in Matrix, too, and everything stands there once.
    network.person_says("lobby", "ally", "from Alice's phone");
    network.person_says("lobby", "bobby", "from Bob's phone");
    network.person_says("lobby", "ada", "the end");
    carol.wait_for_text(&room, "the end").await?;
    let shown: Vec<_> = carol
        .messages(&room)
        .await?
        .iter()
        .filter(|event| event.sender() != BOT)
        .map(|event| (event.sender().to_owned(), event.body().to_owned()))
        .collect();
    let shows = |by: &str, text: &str| (format!("@{by}:{SERVER}"), text.to_owned());
    let expected = [
        shows("example_ada", "welcome"),
        shows("alice", "by Alice"),
        shows("bob", "by Bob"),
        shows("carol", "by Carol"),
        shows("alice", "from Alice's phone"),
        shows("bob", "from Bob's phone"),
        shows("example_ada", "the end"),
    ];
    assert_eq!(shown, expected);
    // And nothing of it went to the network a second time.
    assert_eq!(network.messages("lobby").len(), 1 + 3 + 3);
    story.end().await
}

#[tokio::test]
async fn real_people_sign_in_with_a_code_that_another_device_scans() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let story = Story::begin().await?;
    let Story { network, alice, .. } = &story;
    let desk = desk(alice).await?;
    alice.send_text(&desk, "login").await?;
    let ways = hears(alice, &desk, "There are several ways to sign in to Example:").await?;
    assert!(ways.body().contains("`!example login qr` — with a code that you scan"), "{}", ways.body());
    alice.send_text(&desk, "login qr").await?;
    let shown = hears(alice, &desk, "Scan it with a device where you are signed in").await?;
    let code = network.codes().pop().expect("a code is shown");
    assert!(shown.body().contains(&format!("`{code}`")), "{}", shown.body());
    let picture = alice.wait_for(&desk, |event| event.content()["msgtype"] == "m.image").await?;
    let png = alice.download(picture.content()["url"].as_str().expect("it is in the media store")).await?;
    assert!(png.starts_with(b"\x89PNG"), "and a picture");
    network.person_scans(&code, "ally");
    hears(alice, &desk, "Signed in to Example as Ally of the line (`ally`).").await?;
    let is_taken_away = |event: &Event| {
        let redacts = event.json.get("redacts").or_else(|| event.content().get("redacts"));
        event.kind() == "m.room.redaction" && redacts == Some(&event_id(&picture))
    };
    alice.wait_for(&desk, is_taken_away).await?;
    story.end().await
}

fn event_id(event: &Event) -> Value {
    event.json["event_id"].clone()
}
