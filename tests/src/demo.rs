//! The demonstration: people on Discord, on Telegram and in Matrix talk in one room, and everybody's view is printed.
//!
//! Everything is real but the two networks, which are simulated unless `MAGPIE_DISCORD_TOKEN` is set: then the Discord bridge alone joins the
//! servers of that bot, and nothing is said there by itself.

use anyhow::Context;

use crate::{
    discord::{Author, staged::cast},
    harness::{
        bridge::Bridge,
        person::Person,
        synapse::{Synapse, SynapseOptions},
    },
    stage::Stage,
    trio::{SERVER, Trio},
};

/// The person whose account you can use.
pub const USER: &str = "alice";

const TOKEN_VARIABLE: &str = "MAGPIE_DISCORD_TOKEN";

/// Everything that runs.
pub enum Demo {
    /// Both networks are simulated.
    Simulated(Box<Trio>),
    /// A bot of the real Discord.
    Real(Box<Real>),
}

/// A bridge at the real Discord.
pub struct Real {
    synapse: Synapse,
    alice: Person,
    bridge: Bridge,
    // The bridge's files are in here.
    _stage: Stage,
}

impl Demo {
    /// Starts the homeserver, the bridges and, without credentials, a Discord and a Telegram.
    ///
    /// # Errors
    /// When one of them does not start, with words for the person at the terminal.
    pub async fn start() -> anyhow::Result<Self> {
        if std::env::var_os(TOKEN_VARIABLE).is_some() {
            return Real::start().await.map(|real| Self::Real(Box::new(real)));
        }
        println!("Starting Synapse, magpie-discord and magpie-telegram (about 10 s) ...");
        let trio = Trio::begin().await?;
        println!("  [Matrix]  Alice has joined Discord's #general and Telegram's group Birds to her room.");
        Ok(Self::Simulated(Box::new(trio)))
    }

    /// The homeserver.
    pub fn synapse(&self) -> &Synapse {
        match self {
            Self::Simulated(trio) => &trio.synapse,
            Self::Real(real) => &real.synapse,
        }
    }

    /// The person whose account you can use.
    pub fn alice(&self) -> &Person {
        match self {
            Self::Simulated(trio) => &trio.alice,
            Self::Real(real) => &real.alice,
        }
    }

    /// Plays the conversation and prints it as people see it.
    ///
    /// # Errors
    /// Naming the first message that did not arrive.
    pub async fn play(&self) -> anyhow::Result<()> {
        match self {
            Self::Simulated(trio) => play(trio).await,
            Self::Real(_) => {
                println!(
                    "Connected with the token in {TOKEN_VARIABLE}. Join the rooms that alice is invited to, and talk."
                );
                Ok(())
            }
        }
    }

    /// Ends everything in order.
    ///
    /// # Errors
    /// When something did not end by itself.
    pub async fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::Simulated(trio) => trio.end().await,
            Self::Real(mut real) => {
                real.bridge.stop().await?;
                drop(real.alice);
                real.synapse.stop().await
            }
        }
    }
}

impl Real {
    async fn start() -> anyhow::Result<Self> {
        let mut stage = Stage::set(cast(SERVER, String::new()))?;
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
        Ok(Self { synapse, alice, bridge, _stage: stage })
    }
}

/// Where something is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Discord,
    Telegram,
    Matrix,
}

const PLACES: [Place; 3] = [Place::Discord, Place::Telegram, Place::Matrix];

const CONVERSATION: &[(Place, &str)] = &[
    (Place::Discord, "Hello, this is Discord. Who can read me?"),
    (Place::Telegram, "I can, on Telegram."),
    (Place::Matrix, "So can I, in Matrix. Every word."),
    (Place::Discord, "What a bridge!"),
    (Place::Telegram, "Two of them."),
    (Place::Matrix, "They are called Magpie."),
];

/// Lets everybody say their lines; each must show in the other two places.
async fn play(trio: &Trio) -> anyhow::Result<()> {
    for (place, words) in CONVERSATION {
        say(trio, *place, words).await?;
        println!("  {} {}: {words}", place.label(), place.speaker());
        for other in PLACES.into_iter().filter(|other| other != place) {
            let seen = shown(trio, other, words).await;
            let seen = seen.with_context(|| format!("“{words}” did not arrive: {}", other.label()))?;
            println!("      → {} {seen}", other.label());
        }
    }
    println!("Everything arrived, everywhere.");
    Ok(())
}

impl Place {
    fn label(self) -> &'static str {
        match self {
            Self::Discord => "[Discord] ",
            Self::Telegram => "[Telegram]",
            Self::Matrix => "[Matrix]  ",
        }
    }

    fn speaker(self) -> &'static str {
        match self {
            Self::Discord | Self::Telegram => "Bob",
            Self::Matrix => "Alice",
        }
    }
}

async fn say(trio: &Trio, place: Place, words: &str) -> anyhow::Result<()> {
    let ((discord, at_discord), (telegram, at_telegram)) = (&trio.discord, &trio.telegram);
    match place {
        Place::Discord => drop(discord.person_sends(at_discord.general, at_discord.bob, words)),
        Place::Telegram => drop(telegram.person_sends(at_telegram.supergroup, at_telegram.bob, words)),
        Place::Matrix => drop(trio.alice.send_text(&trio.room, words).await?),
    }
    Ok(())
}

/// Waits for the words in one place; gives them as they stand there.
async fn shown(trio: &Trio, place: Place, words: &str) -> anyhow::Result<String> {
    let ((discord, at_discord), (telegram, at_telegram)) = (&trio.discord, &trio.telegram);
    match place {
        Place::Discord => {
            let seen = discord.wait_for_message(at_discord.general, |it| it.content == words).await?;
            let name = match &seen.author {
                Author::Webhook { name, .. } => name.as_str(),
                Author::User(_) => "the bot",
            };
            Ok(format!("{name}: {}", seen.content))
        }
        Place::Telegram => {
            let text = |it: &crate::telegram::Message| {
                it.body.get("text").and_then(|text| text.as_str()).unwrap_or_default().to_owned()
            };
            let seen =
                telegram.wait_for_message(at_telegram.supergroup, |it| text(it).ends_with(words)).await?;
            Ok(text(&seen))
        }
        Place::Matrix => {
            let seen = trio.alice.wait_for_text(&trio.room, words).await?;
            let profile = trio.alice.profile(seen.sender()).await.unwrap_or_default();
            let name = profile["displayname"].as_str().unwrap_or(seen.sender());
            Ok(format!("{name}: {}", seen.body()))
        }
    }
}
