//! `cargo xtask demo`: a real homeserver on this machine with one person, to log in with any Matrix client.
//!
//! Everything is in temporary folders and gone afterwards. The set-up of Synapse is done by `xtask`, which then becomes this
//! program. What is played is all in [`play`].

use anyhow::Context;
use clap::Parser;
use magpie_tests::harness::{
    person::{PASSWORD, Person},
    synapse::{Synapse, SynapseOptions},
};

/// The person whose account you can use.
const USER: &str = "alice";

/// A real homeserver on this machine, and a conversation across the bridges.
#[derive(Parser)]
#[command(name = "magpie-demo")]
struct Arguments {
    /// End after the conversation: exit code 0, or 1 naming what did not arrive
    #[arg(long)]
    once: bool,
}

/// What the conversation is played on.
struct Stage {
    synapse: Synapse,
    alice: Person,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let stage = set().await?;
    play(&stage).await.context("the conversation did not work out")?;
    if !arguments.once {
        invite_to_stay(&stage);
        tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
        println!("\nStopping ...");
    }
    drop(stage.alice);
    stage.synapse.stop().await
}

async fn set() -> anyhow::Result<Stage> {
    println!("Starting Synapse (about 5 s) ...");
    let synapse = Synapse::start(SynapseOptions::default()).await?;
    let alice = synapse.person(USER).await?;
    println!("Synapse runs at {}, and {} is logged in.", synapse.url(), alice.id());
    Ok(Stage { synapse, alice })
}

/// The conversation, printed as people see it. An error names what did not arrive.
///
/// The bridges are started and spoken through in here. Until one is, this shows that the homeserver carries a message.
async fn play(stage: &Stage) -> anyhow::Result<()> {
    let alice = &stage.alice;
    let room = alice.create_room("Magpie demo", &[]).await?;
    alice.send_text(&room, "Hello, is anybody there?").await?;
    let seen = alice.wait_for_text(&room, "Hello, is anybody there?").await?;
    println!("[Matrix] {}: {}", seen.sender(), seen.body());
    println!("No bridge takes part yet.");
    Ok(())
}

fn invite_to_stay(stage: &Stage) {
    println!("\nLog in with any Matrix client on this machine:");
    println!("  homeserver  {}", stage.synapse.url());
    println!("  user        {}", stage.alice.id());
    println!("  password    {PASSWORD}");
    println!("Ctrl-C ends everything.");
}
