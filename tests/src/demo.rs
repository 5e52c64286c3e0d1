//! The demonstration: people on Discord, on Telegram, on WhatsApp, on WeChat and in Matrix talk in one room, and everybody's view is printed.
//!
//! Everything is real but the four networks, which are simulated (WeChat behind a real gateway of Wechaty's) unless `MAGPIE_DISCORD_TOKEN` is
//! set: then the Discord bridge alone joins the servers of that bot, and nothing is said there by itself.

use anyhow::Context;

use crate::{
    discord::staged::cast,
    harness::{
        bridge::Bridge,
        person::Person,
        synapse::{Synapse, SynapseOptions},
    },
    quartet::{Place, Places, Quartet, SERVER},
    stage::Stage,
};

/// The person whose account you can use.
pub const USER: &str = "alice";

const TOKEN_VARIABLE: &str = "MAGPIE_DISCORD_TOKEN";

/// Everything that runs.
pub enum Demo {
    /// All networks are simulated.
    Simulated(Box<Quartet>),
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
    /// Starts the homeserver, the bridges and, without credentials, the networks.
    ///
    /// # Errors
    /// When one of them does not start, with words for the person at the terminal.
    pub async fn start() -> anyhow::Result<Self> {
        if std::env::var_os(TOKEN_VARIABLE).is_some() {
            return Real::start().await.map(|real| Self::Real(Box::new(real)));
        }
        println!("Starting Synapse, four bridges and a gateway to WeChat (about 20 s) ...");
        let quartet = Quartet::begin().await?;
        println!(
            "  [Matrix]   Alice has joined to her room: #general on Discord, the group Birds on Telegram, Dora's"
        );
        println!(
            "             talk with a business on WhatsApp, and a group of her own account's, Birds, on WeChat."
        );
        Ok(Self::Simulated(Box::new(quartet)))
    }

    /// The homeserver.
    pub fn synapse(&self) -> &Synapse {
        match self {
            Self::Simulated(quartet) => &quartet.synapse,
            Self::Real(real) => &real.synapse,
        }
    }

    /// The person whose account you can use.
    pub fn alice(&self) -> &Person {
        match self {
            Self::Simulated(quartet) => &quartet.places.alice,
            Self::Real(real) => &real.alice,
        }
    }

    /// Plays the conversation and prints it as people see it.
    ///
    /// # Errors
    /// Naming the first message that did not arrive.
    pub async fn play(&self) -> anyhow::Result<()> {
        match self {
            Self::Simulated(quartet) => play(&quartet.places).await,
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
            Self::Simulated(quartet) => quartet.end().await,
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

const CONVERSATION: &[(Place, &str)] = &[
    (Place::Discord, "Hello, this is Discord. Who can read me?"),
    (Place::Telegram, "I can, on Telegram."),
    (Place::WhatsApp, "And I, on WhatsApp."),
    (Place::WeChat, "I can, too, on WeChat."),
    (Place::Matrix, "So can I, in Matrix. Every word."),
    (Place::Discord, "What a bridge!"),
    (Place::Telegram, "Four of them."),
    (Place::WhatsApp, "Who builds such things?"),
    (Place::WeChat, "In our oldest story, magpies do."),
    (Place::Matrix, "That is what they are called."),
];

/// Lets everybody say their lines; each must show in the other four places.
async fn play(places: &Places) -> anyhow::Result<()> {
    for (from, words) in CONVERSATION {
        places.says(*from, words).await?;
        println!("  {} {}: {words}", label(*from), from.speaker());
        for to in Place::ALL.into_iter().filter(|to| to != from) {
            let line = places.arrives((*from, to), words).await?;
            println!("      → {} {line}", label(to));
        }
    }
    println!("Everything arrived, everywhere.");
    Ok(())
}

/// A place's name in brackets, as wide as the longest.
fn label(place: Place) -> String {
    format!("{:<10}", format!("[{}]", place.name()))
}
