//! Single stories about what an earlier attempt may have done.

use std::time::Duration;

use magpie_tests::{
    checker::Setting,
    harness::{
        postgres::{Durability, Postgres},
        tools::{Component, need},
    },
    line_server::Fault,
};

use super::{scene, seed};

/// More than one look into a room's history shows.
const CHATTER: usize = 130;

#[tokio::test]
async fn crash_before_much_talk_is_healed_by_a_search_that_looks_past_it() -> anyhow::Result<()> {
    let mut scene = scene(true, Setting { seed: seed(), ..Setting::default() }).await?;
    scene.dies_midway(1).await?;
    // Matrix has it, the map does not.
    scene.dies_at("12:1", |_| ()).await?;
    scene.homeserver.forget_transactions();
    scene.chatter(CHATTER);
    scene.respawn(None)?;
    let verdict = scene.settle().await?;
    assert_eq!(verdict.violations, []);
    Ok(())
}

/// The network performs it and takes its time to say so; meanwhile the database goes away. Only the bridge knows then what was done.
#[tokio::test]
async fn crash_of_the_database_during_a_delivery_does_not_repeat_it() -> anyhow::Result<()> {
    let Some(_) = need(Component::Postgres) else { return Ok(()) };
    let mut postgres = Postgres::start_with(Durability::None).await?;
    let database = Some(postgres.create_database("crash_doubt").await?);
    let mut scene = scene(false, Setting { seed: seed(), database, ..Setting::default() }).await?;
    scene.network.0.fault(Fault::Slow(Duration::from_secs(1)));
    scene.chatter(1);
    // All are performed, and the answer to one of them is on its way.
    for number in scene.newest() - 2..=scene.newest() {
        scene.arrived(number).await?;
    }
    postgres.down().await?;
    scene.prints("A record waits for the database").await?;
    postgres.up().await?;
    let verdict = scene.settle().await?;
    assert_eq!(verdict.violations, []);
    assert_eq!(verdict.uncertain, 0, "it is known that it arrived");
    scene.end().await?;
    postgres.stop().await
}
