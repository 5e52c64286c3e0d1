//! The bridge is killed with SIGKILL at every numbered step, in both directions, on both databases, and nothing is lost or said twice.
//!
//! What is lost, doubled and in order is for [`magpie_tests::checker`] to say; [`nemesis`] makes the trouble. The last tests plant faults
//! and show that the checker finds them: a checker that is always content proves nothing.

use std::env;

use magpie_common::clock::Clock;
use magpie_tests::{
    checker::{LineNetwork, Scene, Setting},
    harness::{
        postgres::{Durability, Postgres},
        tools::{Component, need},
    },
    line_server::Fault,
};

use self::nemesis::{Plan, Tally};

mod discord;
mod doubt;
mod nemesis;
mod planted;
mod telegram;
mod wechat_ilink;
mod wechat_official;
mod wechat_wecom;
mod wechaty;
mod whatsapp_cloud;
mod whatsapp_linked;

/// With PostgreSQL as well, a run makes at least so many kills.
const KILLS_MIN: usize = 200;

/// Messages of a burst in each lane, at most, for the long loads at the end.
const LOAD_MAX: usize = 40;

const PLAN: Plan<LineNetwork> =
    Plan { times: &[1, 2, 4], loads: 4, load_max: LOAD_MAX, troubles: 3, trouble };

fn trouble(network: &LineNetwork, number: u32) {
    network.0.fault(match number {
        0 => Fault::CutAfterEffect,
        1 => Fault::CutBeforeEffect,
        _ => Fault::Busy,
    });
}

/// What everything random follows from: `MAGPIE_TEST_SEED` repeats a run, as far as the machine's own timing lets it.
pub(super) fn seed() -> u64 {
    let wanted = env::var("MAGPIE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    wanted.unwrap_or_else(|| u64::from(u32::from_le_bytes(Clock::system().random_bytes())))
}

async fn scene(keys: bool, setting: Setting) -> anyhow::Result<Scene<LineNetwork>> {
    Scene::set(LineNetwork::start(keys).await?, setting).await
}

/// One database, first with a network that knows keys, then with one that does not.
async fn on(database: &str, postgres: Option<&Postgres>, seed: u64) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for (keys, words) in [(true, "keys"), (false, "no_keys")] {
        let url = match postgres {
            Some(postgres) => Some(postgres.create_database(&format!("crash_{words}")).await?),
            None => None,
        };
        let setting = Setting { seed, database: url, ..Setting::default() };
        let one = nemesis::run(scene(keys, setting).await?, &PLAN).await?;
        println!("{database}, {words}: {one}");
        anyhow::ensure!(!keys || one.uncertain == 0, "a network with keys leaves nothing uncertain");
        tally.add(&one);
    }
    Ok(tally)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_at_every_step_loses_nothing_and_says_nothing_twice() -> anyhow::Result<()> {
    let seed = seed();
    println!("seed: {seed}");
    if need(Component::Postgres).is_none() {
        let tally = on("SQLite", None, seed).await?;
        println!("{tally}");
        return Ok(());
    }
    let postgres = Postgres::start_with(Durability::None).await?;
    let (mut tally, other) =
        tokio::try_join!(on("SQLite", None, seed), on("PostgreSQL", Some(&postgres), seed))?;
    tally.add(&other);
    println!("{tally}");
    assert!(tally.kills >= KILLS_MIN, "only {} kills", tally.kills);
    postgres.stop().await
}
