//! The Discord bridge at a real Synapse: what people on both sides see, field by field.

use magpie_tests::{
    discord::{
        Author, DiscordSim, Message, SmallWorld, World,
        staged::{cast, platform_section},
    },
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        postgres::Postgres,
        synapse::{Database, Synapse, SynapseOptions},
        tools::{Component, need},
    },
    stage::{Cast, Stage},
};
use serde_json::{Value, json};

const SERVER: &str = "magpie.test";

#[tokio::test]
async fn real_synapse_on_sqlite_and_discord_hold_one_conversation() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let mut story = Story::begin(Database::Sqlite, None).await?;
    story.tell().await?;
    story.end().await
}

#[tokio::test]
async fn real_synapse_on_postgres_and_discord_hold_one_conversation() -> anyhow::Result<()> {
    let (Some(_), Some(_)) = (need(Component::Synapse), need(Component::Postgres)) else { return Ok(()) };
    let postgres = Postgres::start().await?;
    let database = postgres.create_database("bridge").await?;
    let mut story = Story::begin(Database::Postgres(&postgres), Some(database)).await?;
    story.tell().await?;
    story.end().await?;
    postgres.stop().await
}

struct Story {
    synapse: Synapse,
    discord: DiscordSim,
    world: SmallWorld,
    bridge: Bridge,
    alice: Person,
    general: String,
    news: String,
    space: String,
    // The bridge's files are in here.
    _stage: Stage,
}

impl Story {
    async fn begin(at: Database<'_>, database: Option<String>) -> anyhow::Result<Self> {
        let (world, small) = World::small();
        let discord = DiscordSim::start(world).await?;
        let mut stage = Stage::set(Cast { database, ..cast(SERVER, platform_section(&discord)) })?;
        let registrations = vec![stage.registration()];
        let options = SynapseOptions { database: at, registrations, server_name: SERVER.to_owned() };
        let synapse = Synapse::start(options).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        let alice = synapse.person("alice").await?;
        alice.set_display_name("Alice Matrix").await?;
        let avatar = alice.upload("face.png", "image/png", PNG.to_vec()).await?;
        alice.set_avatar(&avatar).await?;
        let bridge = stage.start().await?;
        let rooms = join_all(&alice, 3).await?;
        let find =
            |name: &str| rooms.iter().find(|(known, _)| known == name).expect("the room is there").1.clone();
        let (general, news, space) = (find("general"), find("news"), find("Birds"));
        Ok(Self { synapse, discord, world: small, bridge, alice, general, news, space, _stage: stage })
    }

    async fn tell(&mut self) -> anyhow::Result<()> {
        self.the_guild_is_a_space_of_its_channels().await?;
        self.somebody_never_met_is_written_to_by_inviting_them().await?;
        self.a_ghost_speaks_with_name_picture_and_formatting().await?;
        self.a_relayed_person_has_name_and_picture().await?;
        self.mentions_are_only_what_was_meant().await?;
        self.a_long_text_is_split_and_whole().await?;
        self.what_was_missed_comes_once_and_in_order().await
    }

    async fn the_guild_is_a_space_of_its_channels(&self) -> anyhow::Result<()> {
        for room in [&self.general, &self.news] {
            let is_child =
                |event: &Event| event.kind() == "m.space.child" && event.json["state_key"] == room.as_str();
            let child = self.alice.wait_for(&self.space, is_child).await?;
            assert_eq!(child.content()["via"], json!([SERVER]));
            let parent = self.alice.wait_for(room, |event| event.kind() == "m.space.parent").await?;
            assert_eq!(parent.json["state_key"], json!(self.space));
        }
        Ok(())
    }

    async fn somebody_never_met_is_written_to_by_inviting_them(&self) -> anyhow::Result<()> {
        let bob = self.world.bob;
        let ghost = format!("@discord_{bob}:{SERVER}");
        let request = json!({ "is_direct": true, "preset": "trusted_private_chat", "invite": [ghost] });
        let room = self.alice.create_room_with(request).await?;
        self.alice.send_text(&room, "before you came").await?;
        let bridge = self.alice.wait_for(&room, |event| event.kind() == "m.bridge").await?;
        let channel = bridge.content()["channel"]["id"].as_str().unwrap_or_default().parse()?;
        let early = |message: &Message| message.content.contains("before you came");
        self.discord.wait_for_message(channel, early).await?;
        self.alice.send_text(&room, "and after").await?;
        self.discord.wait_for_message(channel, |message| message.content.contains("and after")).await?;
        self.discord.person_sends(channel, bob, "who is there?");
        let heard = self.alice.wait_for_text(&room, "who is there?").await?;
        assert_eq!(heard.sender(), ghost);
        let said: Vec<_> =
            self.alice.messages(&room).await?.iter().map(|event| event.body().to_owned()).collect();
        assert_eq!(said, ["before you came", "and after", "who is there?"]);
        assert_eq!(self.discord.messages(channel).len(), 3, "each once");
        // The chat has its room now: another one leads there.
        let request = json!({ "is_direct": true, "preset": "trusted_private_chat", "invite": [ghost] });
        let second = self.alice.create_room_with(request).await?;
        let led = |event: &Event| event.sender() == ghost && event.body().contains(&room);
        self.alice.wait_for(&second, led).await?;
        Ok(())
    }

    async fn a_ghost_speaks_with_name_picture_and_formatting(&self) -> anyhow::Result<()> {
        let SmallWorld { general, news, alice, bob, .. } = self.world;
        let words = format!("**bold** `code` ||secret|| <@{bob}> <#{news}>\n> quoted\n@everyone");
        self.discord.person_sends(general, alice, &words);
        let seen = self.hears("bold code").await?;
        let ghost = format!("@discord_{alice}:{SERVER}");
        assert_eq!(seen.sender(), ghost);
        let html = seen.html();
        for part in [
            "<strong>bold</strong>",
            "<code>code</code>",
            "data-mx-spoiler",
            "<blockquote>quoted</blockquote>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(html.contains(&format!("@discord_{bob}:{SERVER}")), "Bob is a mention: {html}");
        assert!(html.contains("matrix.to"), "the channel is a link: {html}");
        assert_eq!(seen.content()["m.mentions"]["user_ids"], json!([format!("@discord_{bob}:{SERVER}")]));
        let profile = self.alice.profile(&ghost).await?;
        assert_eq!(profile["displayname"], json!("Alice"));
        let avatar = profile["avatar_url"].as_str().expect("the ghost has a picture");
        assert!(self.alice.download(avatar).await?.starts_with(b"\x89PNG"), "and it is one");
        Ok(())
    }

    async fn a_relayed_person_has_name_and_picture(&self) -> anyhow::Result<()> {
        self.alice.send_html(&self.general, "hello there", "<em>hello</em> there").await?;
        let arrived =
            self.discord.wait_for_message(self.world.general, |m| m.content == "*hello* there").await?;
        let Author::Webhook { name, avatar_url, .. } = arrived.author else { panic!("a webhook speaks") };
        assert_eq!(name, "Alice Matrix");
        let picture = reqwest::get(avatar_url.expect("it has a picture")).await?;
        assert_eq!(picture.headers()["x-content-type-options"], "nosniff");
        assert_eq!(picture.bytes().await?, PNG);
        Ok(())
    }

    async fn mentions_are_only_what_was_meant(&self) -> anyhow::Result<()> {
        let bob = self.world.bob;
        let ghost = format!("@discord_{bob}:{SERVER}");
        let content = json!({
            "msgtype": "m.text",
            "body": "Bob, @everyone <@1>",
            "format": "org.matrix.custom.html",
            "formatted_body": format!("<a href=\"https://matrix.to/#/{ghost}\">Bob</a>, @everyone &lt;@1&gt;"),
            "m.mentions": { "user_ids": [ghost] },
        });
        self.alice.send_message(&self.general, content).await?;
        let start = format!("<@{bob}>");
        let arrived =
            self.discord.wait_for_message(self.world.general, |m| m.content.starts_with(&start)).await?;
        assert!(!arrived.mentions.everyone, "nobody may ping everyone by typing it: {}", arrived.content);
        assert_eq!(arrived.mentions.users.to_vec(), [bob]);
        Ok(())
    }

    async fn a_long_text_is_split_and_whole(&self) -> anyhow::Result<()> {
        let words: Vec<String> = (0..900).map(|number| format!("word{number}")).collect();
        let before = self.discord.messages(self.world.general).len();
        self.alice.send_text(&self.general, &words.join(" ")).await?;
        self.discord.wait_for_message(self.world.general, |m| m.content.ends_with("word899")).await?;
        let parts = self.discord.messages(self.world.general).split_off(before);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.content.chars().count() <= 2_000));
        let whole = parts.iter().map(|part| part.content.trim()).collect::<Vec<_>>().join(" ");
        assert_eq!(whole, words.join(" "));
        Ok(())
    }

    async fn what_was_missed_comes_once_and_in_order(&mut self) -> anyhow::Result<()> {
        let SmallWorld { general, bob, .. } = self.world;
        self.bridge.kill().await?;
        for number in 0..5 {
            self.discord.person_sends(general, bob, &format!("missed {number}"));
            self.alice.send_text(&self.general, &format!("waiting {number}")).await?;
        }
        self.bridge.respawn()?;
        self.bridge.ready().await?;
        self.hears("missed 4").await?;
        for number in 0..5 {
            self.discord.wait_for_message(general, |m| m.content == format!("waiting {number}")).await?;
        }
        let heard = self.alice.messages(&self.general).await?;
        let missed: Vec<&str> =
            heard.iter().map(Event::body).filter(|body| body.starts_with("missed")).collect();
        assert_eq!(missed, ["missed 0", "missed 1", "missed 2", "missed 3", "missed 4"]);
        let said = self.discord.messages(general);
        let mut waiting: Vec<&str> =
            said.iter().map(|m| m.content.as_str()).filter(|words| words.starts_with("waiting")).collect();
        // A Synapse that has not yet noticed that we were away hands the first one over after the others.
        waiting.sort_unstable();
        let view: Vec<String> = heard.iter().map(Event::summary).collect();
        let all = ["waiting 0", "waiting 1", "waiting 2", "waiting 3", "waiting 4"];
        assert_eq!(waiting, all, "each once; Matrix shows {view:#?}");
        let echoes = heard.iter().filter(|event| event.body().starts_with("waiting")).count();
        assert_eq!(echoes, 5, "our own words do not come back");
        Ok(())
    }

    async fn hears(&self, start: &str) -> anyhow::Result<Event> {
        self.alice.wait_for(&self.general, |event| event.body().starts_with(start)).await
    }

    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success());
        self.synapse.stop().await?;
        let findings = self.discord.findings();
        assert!(findings.is_empty(), "against Discord's description: {findings:?}");
        Ok(())
    }
}

/// Follows that many invitations; gives the rooms by name.
async fn join_all(alice: &Person, wanted: usize) -> anyhow::Result<Vec<(String, String)>> {
    let bot = format!("@discordbot:{SERVER}");
    let mut rooms: Vec<(String, String)> = Vec::new();
    while rooms.len() < wanted {
        let known: Vec<String> = rooms.iter().map(|(_, room)| room.clone()).collect();
        let invite = alice
            .wait_within(std::time::Duration::from_secs(60), |event| {
                event.is_invite_of(alice.id(), &bot) && !known.contains(&event.room)
            })
            .await?;
        alice.join(&invite.room).await?;
        let name: Value = alice.state_of(&invite.room, "m.room.name", "").await?.unwrap_or_default();
        rooms.push((name["name"].as_str().unwrap_or_default().to_owned(), invite.room));
    }
    Ok(rooms)
}

/// The smallest picture there is: one transparent point.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00,
    0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x00, 0x01, 0x00, 0x00, 0x05, 0x00, 0x01,
    0x0d, 0x0a, 0x2d, 0xb4, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
