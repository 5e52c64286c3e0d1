//! `cargo xtask idle`: what a connected bridge with nothing to do holds in memory, read from `/proc`.
//!
//! The bridge is the shipped build, connected to the Discord simulator and the fake homeserver, with its rooms made and one message
//! carried each way, so that everything has been touched once. Figures only; the goals stand beside them.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    discord::{
        DiscordSim, World,
        staged::{cast, platform_section},
    },
    harness::bridge::{Bridge, BridgeOptions},
    stage::Stage,
};

const KIB_PER_MIB: f64 = 1024.0;
const BYTES_PER_MB: f64 = 1_000_000.0;

/// Memory of an idle bridge, and the size of its program.
#[derive(Parser)]
#[command(name = "magpie-idle")]
struct Arguments {
    /// The program: magpie-discord of the dist profile
    program: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let program = Arguments::parse().program.canonicalize().context("there is no such program")?;
    let (world, small) = World::small();
    let discord = DiscordSim::start(world).await?;
    let mut stage = Stage::set(cast("example.org", platform_section(&discord)))?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let alice = fake.person("alice");
    let options = BridgeOptions { program: program.display().to_string(), ..stage.options() };
    let mut bridge = Bridge::start(options).await?;
    let room = fake.wait_until(|fake| fake.room_named("general")).await;
    discord.person_sends(small.general, small.bob, "one each way");
    fake.wait_for_body(&room, "one each way").await;
    alice.sends(&room, "and back");
    discord.wait_for_message(small.general, |message| message.content == "and back").await?;

    let pid = bridge.id().context("the bridge runs")?;
    let resident = memory_mib(pid, "VmRSS:")?;
    let anonymous = memory_mib(pid, "RssAnon:")?;
    let size = fs::metadata(&program)?.len() as f64 / BYTES_PER_MB;
    println!("resident   {resident:5.1} MiB   (goal 13)");
    println!("anonymous  {anonymous:5.1} MiB   (goal 4)");
    println!("program    {size:5.1} MB    (goal 16)");
    bridge.stop().await?;
    discord.stop().await;
    fake.stop().await;
    Ok(())
}

/// A figure of `/proc/<pid>/status`, which counts in KiB.
fn memory_mib(pid: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name} in it"))?;
    let kib: f64 = line.split_whitespace().nth(1).context("it has a figure")?.parse()?;
    Ok(kib / KIB_PER_MIB)
}
