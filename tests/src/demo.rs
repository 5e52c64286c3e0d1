//! The demonstration: people in Matrix and people on Discord talk through the bridge, and everybody's view is printed.
//!
//! Everything is real but Discord itself, which is simulated unless `MAGPIE_DISCORD_TOKEN` is set: then the bridge joins the servers of that
//! bot, and nothing is said there by itself.

use std::time::Duration;

use anyhow::Context;

use crate::{
    discord::{
        Author, DiscordSim, Message, Snowflake, World,
        staged::{cast, platform_section},
    },
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        synapse::{Synapse, SynapseOptions},
    },
    stage::Stage,
};

/// The person whose account you can use.
pub const USER: &str = "alice";

const SERVER: &str = "magpie.test";
const TOKEN_VARIABLE: &str = "MAGPIE_DISCORD_TOKEN";

/// How long a message may take across before the demonstration says that it did not arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that runs.
pub struct Demo {
    /// The homeserver.
    pub synapse: Synapse,
    /// The person whose account you can use.
    pub alice: Person,
    bridge: Bridge,
    // The bridge's files are in here.
    _stage: Stage,
    discord: Option<Simulated>,
}

/// Discord as far as it is simulated.
struct Simulated {
    sim: DiscordSim,
    general: Snowflake,
    bob: Snowflake,
}

impl Demo {
    /// Starts the homeserver, the bridge and, without credentials, a Discord.
    ///
    /// # Errors
    /// When one of them does not start, with words for the person at the terminal.
    pub async fn start() -> anyhow::Result<Self> {
        let discord = match std::env::var_os(TOKEN_VARIABLE) {
            Some(_) => None,
            None => Some(Simulated::start().await?),
        };
        let platform = discord.as_ref().map_or_else(String::new, |discord| platform_section(&discord.sim));
        let mut stage = Stage::set(cast(SERVER, platform))?;
        println!("Starting Synapse (about 5 s) ...");
        let options = SynapseOptions {
            registrations: vec![stage.registration()],
            server_name: SERVER.to_owned(),
            ..SynapseOptions::default()
        };
        let synapse = Synapse::start(options).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        let alice = synapse.person(USER).await?;
        alice.set_display_name("Alice").await?;
        println!("Starting magpie-discord ...");
        let bridge = stage.start().await.context("the Discord bridge did not become ready")?;
        Ok(Self { synapse, alice, bridge, _stage: stage, discord })
    }

    /// Plays the conversation and prints it as people see it.
    ///
    /// # Errors
    /// Naming the first message that did not arrive.
    pub async fn play(&self) -> anyhow::Result<()> {
        let Some(discord) = &self.discord else {
            println!(
                "Connected with the token in {TOKEN_VARIABLE}. Join the rooms that alice is invited to, and talk."
            );
            return Ok(());
        };
        let room = self.enter("general").await?;
        for line in CONVERSATION {
            match line {
                Line::Discord(words) => {
                    discord.sim.person_sends(discord.general, discord.bob, words);
                    println!("  [Discord] #general  Bob: {words}");
                    let seen = self.seen_in_matrix(&room, words).await?;
                    let name = self.name_of(seen.sender()).await;
                    println!("  [Matrix]  #general  {name}: {}", seen.body());
                }
                Line::Matrix(words, html, on_discord) => {
                    self.alice.send_html(&room, words, html).await?;
                    println!("  [Matrix]  #general  Alice: {words}");
                    let seen = discord.arrived(on_discord).await?;
                    println!("  [Discord] #general  {}: {}", shown_name(&seen), seen.content);
                }
            }
        }
        println!("Everything arrived, on both sides.");
        Ok(())
    }

    /// Ends everything in order.
    ///
    /// # Errors
    /// When something did not end by itself.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.bridge.stop().await?;
        drop(self.alice);
        self.synapse.stop().await?;
        if let Some(discord) = self.discord {
            discord.sim.stop().await;
        }
        Ok(())
    }

    /// Follows the bridge's invitations until the room of that name is found.
    async fn enter(&self, name: &str) -> anyhow::Result<String> {
        let bot = format!("@discordbot:{SERVER}");
        let mut seen = Vec::new();
        loop {
            let invite = self
                .alice
                .wait_within(PATIENCE, |event| {
                    event.is_invite_of(self.alice.id(), &bot) && !seen.contains(&event.room)
                })
                .await;
            let invite = invite.with_context(|| format!("no invitation to the room “{name}” arrived"))?;
            self.alice.join(&invite.room).await?;
            let called = self.alice.state_of(&invite.room, "m.room.name", "").await?;
            println!("  [Matrix]  Alice is invited to “{}” and joins.", called_name(called.as_ref()));
            if called_name(called.as_ref()) == name {
                return Ok(invite.room);
            }
            seen.push(invite.room);
        }
    }

    async fn seen_in_matrix(&self, room: &str, words: &str) -> anyhow::Result<Event> {
        let plain = words.replace("**", "");
        let seen = self
            .alice
            .wait_for(room, |event| event.sender().starts_with("@discord_") && event.body() == plain)
            .await;
        seen.with_context(|| format!("Bob's “{words}” did not arrive in Matrix"))
    }

    async fn name_of(&self, user_id: &str) -> String {
        let profile = self.alice.profile(user_id).await.unwrap_or_default();
        profile["displayname"].as_str().unwrap_or(user_id).to_owned()
    }
}

enum Line {
    /// Bob says it on Discord.
    Discord(&'static str),
    /// Alice says it in Matrix: words, HTML, and how it is to look on Discord.
    Matrix(&'static str, &'static str, &'static str),
}

const CONVERSATION: &[Line] = &[
    Line::Discord("Hello Alice, can you read this from **Discord**?"),
    Line::Matrix(
        "Loud and clear, Bob. And you me?",
        "Loud and <em>clear</em>, Bob. And you me?",
        "Loud and *clear*, Bob. And you me?",
    ),
    Line::Discord("Every word. What a bridge!"),
    Line::Matrix("It is called Magpie.", "It is called <strong>Magpie</strong>.", "It is called **Magpie**."),
];

impl Simulated {
    async fn start() -> anyhow::Result<Self> {
        let (world, small) = World::small();
        let sim = DiscordSim::start(world).await?;
        Ok(Self { sim, general: small.general, bob: small.bob })
    }

    async fn arrived(&self, words: &str) -> anyhow::Result<Message> {
        let arrived = self.sim.wait_for_message(self.general, |message| message.content == words).await;
        arrived.with_context(|| format!("Alice's “{words}” did not arrive on Discord"))
    }
}

fn shown_name(message: &Message) -> &str {
    match &message.author {
        Author::Webhook { name, .. } => name,
        Author::User(_) => "the bot",
    }
}

fn called_name(state: Option<&serde_json::Value>) -> &str {
    state.and_then(|content| content["name"].as_str()).unwrap_or("a room without a name")
}
