//! The Telegram simulator as a process of its own, for demonstrations and for tests that kill the bridge.
//!
//! It prints one line of JSON with all that a client needs, then serves until it is interrupted. See
//! [`magpie_tests::telegram::control`] for how to act in its world from outside.

use anyhow::Context;
use clap::Parser;
use magpie_tests::telegram::{TelegramSim, World};
use serde_json::json;

/// A simulated Telegram on a loopback port.
#[derive(Parser)]
#[command(name = "telegram-simulator", version)]
struct Arguments {
    /// The port; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (world, small) = World::small();
    let sim = TelegramSim::start_on(world, arguments.port).await?;
    let told = json!({
        "url": sim.url(),
        "control": format!("{}/_control", sim.url()),
        "token": sim.token(),
        "users": {"bot": small.bot, "alice": small.alice, "bob": small.bob},
        "chats": {
            "private": small.private,
            "group": small.group,
            "supergroup": small.supergroup,
            "forum": small.forum,
            "channel": small.channel,
            "discussion": small.discussion,
        },
        "topics": {"oaks": small.oaks},
        "is_judged": sim.is_judged(),
    });
    println!("{told}");
    tokio::signal::ctrl_c().await.context("waiting for an interrupt")?;
    sim.stop().await;
    Ok(())
}
