//! The Discord simulator as a process of its own, for demonstrations and for tests that kill the bridge.
//!
//! It prints one line of JSON with all that a client needs, then serves until it is interrupted. See
//! [`magpie_tests::discord::control`] for how to act in its world from outside.

use anyhow::Context;
use clap::Parser;
use magpie_tests::discord::{DiscordSim, World};
use serde_json::json;

/// A simulated Discord on a loopback port.
#[derive(Parser)]
#[command(name = "discord-simulator", version)]
struct Arguments {
    /// The port; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (world, small) = World::small();
    let sim = DiscordSim::start_on(world, arguments.port).await?;
    let told = json!({
        "origin": sim.origin(),
        "rest": sim.rest_url(),
        "gateway": sim.gateway_url(),
        "cdn": sim.cdn_url(),
        "control": format!("{}/_control", sim.origin()),
        "token": sim.token(),
        "guild": small.guild,
        "channels": {"general": small.general, "news": small.news},
        "users": {"bot": sim.bot(), "alice": small.alice, "bob": small.bob},
        "is_judged": sim.is_judged(),
    });
    println!("{told}");
    tokio::signal::ctrl_c().await.context("waiting for an interrupt")?;
    sim.stop().await;
    Ok(())
}
