//! The bridge is killed at every numbered step while things of every kind happen, before, during and after; both sides end up the same.

use std::time::Duration;

use anyhow::{Context, ensure};
use magpie_common::steps::Step;
use magpie_tests::harness::{
    bridge::Bridge,
    tools::{Component, need},
};
use rand::{SeedableRng as _, rngs::StdRng};

use super::{
    Conversation,
    acts::{Acts, Speaker},
};

/// Each step is a place to die at when it is reached for these times.
const TIMES: [u32; 2] = [1, 3];

/// So often people act until a step is reached; what needs more is not reached by what they do.
const TRIES: usize = 12;

/// A bridge that dies does so before both sides hold the same, and that takes no longer.
const DIES_WITHIN: Duration = super::PATIENCE.saturating_mul(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_at_every_step_with_every_kind_leaves_both_sides_the_same() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let seed = crate::crash::seed();
    println!("seed: {seed}");
    let mut conversation = Conversation::begin().await?;
    let mut acts = Acts::begin(&conversation, StdRng::seed_from_u64(seed)).await?;
    let mut bridge = conversation.bridge.take().context("the bridge runs")?;
    let mut kills = 0;
    for times in TIMES {
        // The room is there; that one is made twice by nobody is shown where rooms are made.
        for (nth, step) in (1..).zip(Step::ALL).filter(|(_, step)| *step != Step::RoomCreated) {
            let kill_at = format!("{nth}:{times}");
            let speaker = acts.speaker(step);
            let round = round(&conversation, &mut bridge, (&mut acts, speaker), &kill_at).await;
            round.with_context(|| {
                format!("at {step:?}, for the {times}. time, seed {seed}:\n{}", bridge.tail())
            })?;
            kills += 1;
        }
    }
    println!("kills: {kills}, things done: {}", acts.done);
    conversation.bridge = Some(bridge);
    conversation.end().await
}

/// Things happen while the bridge is down, while it comes up, and until it dies; then it lives and catches up.
async fn round(
    on: &Conversation,
    bridge: &mut Bridge,
    (acts, speaker): (&mut Acts, Speaker),
    kill_at: &str,
) -> anyhow::Result<()> {
    bridge.kill().await?;
    acts.some(on, speaker).await?;
    bridge.respawn_with(vec![("MAGPIE_KILL_AT".to_owned(), kill_at.to_owned())])?;
    for attempt in 0.. {
        ensure!(attempt < TRIES, "nothing that people did brought the bridge to {kill_at}");
        acts.some(on, speaker).await?;
        tokio::select! {
            exited = bridge.exited(DIES_WITHIN) => { exited?; break }
            settled = on.settle("while the bridge is to die") => settled?,
        }
    }
    acts.some(on, speaker).await?;
    bridge.respawn_with(Vec::new())?;
    on.settle("after a crash").await
}
