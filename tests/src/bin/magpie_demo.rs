//! `cargo xtask demo`: a real homeserver on this machine with one person, and a conversation across the bridge.
//!
//! Everything is in temporary folders and gone afterwards. The set-up of Synapse is done by `xtask`, which then becomes this
//! program. What is played is in [`magpie_tests::demo`].

use anyhow::Context;
use clap::Parser;
use magpie_tests::{demo::Demo, harness::person::PASSWORD};

/// A real homeserver on this machine, and a conversation across the bridges.
#[derive(Parser)]
#[command(name = "magpie-demo")]
struct Arguments {
    /// End after the conversation: exit code 0, or 1 naming what did not arrive
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let demo = Demo::start().await?;
    demo.play().await.context("the conversation did not work out")?;
    if !arguments.once {
        println!("\nLog in with any Matrix client on this machine:");
        println!("  homeserver  {}", demo.synapse().url());
        println!("  user        {}", demo.alice().id());
        println!("  password    {PASSWORD}");
        println!("Ctrl-C ends everything.");
        tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
        println!("\nStopping ...");
    }
    demo.stop().await
}
