//! Kills at every step and at random moments, with other trouble in between.

use std::fmt;

use anyhow::{Context, ensure};
use magpie_common::{steps::Step, testkit::fake_homeserver::Fault};
use magpie_tests::checker::{Network, Scene, Verdict};
use rand::Rng;
use serde_json::json;

/// How much trouble is made.
pub(super) struct Plan<N> {
    /// Each step is a place to die at when it is reached for these times.
    pub(super) times: &'static [u32],
    /// How many long loads are killed midway.
    pub(super) loads: usize,
    /// Messages of a burst in each lane, at most, for these loads.
    pub(super) load_max: usize,
    /// What else goes wrong with the network: one of these at a time, by number, up to this one.
    pub(super) troubles: u32,
    /// Makes the trouble of that number.
    pub(super) trouble: fn(&N, u32),
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) kills: usize,
    pub(super) uncertain: usize,
    messages: usize,
    failed: usize,
    lost: usize,
    doubled: usize,
}

impl Tally {
    fn of(kills: usize, verdict: &Verdict) -> Self {
        Self {
            kills,
            uncertain: verdict.uncertain,
            messages: verdict.messages,
            failed: verdict.failed,
            lost: verdict.lost(),
            doubled: verdict.doubled(),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.uncertain += other.uncertain;
        self.messages += other.messages;
        self.failed += other.failed;
        self.lost += other.lost;
        self.doubled += other.doubled;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, uncertain, messages, failed, lost, doubled } = self;
        write!(
            f,
            "kills: {kills}, messages: {messages}, lost {lost}, doubled {doubled}, uncertain {uncertain}, failed {failed}"
        )
    }
}

/// Everything, on one scene.
pub(super) async fn run<N: Network>(mut scene: Scene<N>, plan: &Plan<N>) -> anyhow::Result<Tally> {
    for times in plan.times {
        for (nth, step) in (1..).zip(Step::ALL) {
            let round = round(&mut scene, plan, (step, &format!("{nth}:{times}"))).await;
            round.with_context(|| format!("at {step:?}, for the {times}. time"))?;
        }
    }
    for _ in 0..plan.loads {
        scene.dies_midway(plan.load_max).await?;
        scene.respawn(None)?;
    }
    settle(&mut scene).await?;
    let (kills, parked) = (scene.kills, scene.parked().await?);
    let verdict = scene.end().await?;
    check(&verdict)?;
    let told = verdict.uncertain + verdict.failed;
    ensure!(parked == told, "{parked} rows are parked, and people were told of {told}");
    Ok(Tally::of(kills, &verdict))
}

/// Dies at a random moment, at the step, and sometimes once more while it recovers.
async fn round<N: Network>(
    scene: &mut Scene<N>,
    plan: &Plan<N>,
    (step, kill_at): (Step, &str),
) -> anyhow::Result<()> {
    // Rooms are made for new chats only.
    let chats = |scene: &mut Scene<N>| {
        if step == Step::RoomCreated {
            scene.open_chat();
        }
    };
    scene.dies_midway(2).await?;
    meddle(scene, plan);
    scene.dies_at(kill_at, chats).await?;
    meddle(scene, plan);
    if scene.random.random_ratio(1, 3) {
        let steady = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13];
        let again = steady[scene.random.random_range(0..steady.len())];
        let times = scene.random.random_range(1..=3);
        scene.dies_at(&format!("{again}:{times}"), |_| ()).await?;
        meddle(scene, plan);
    }
    scene.respawn(None)?;
    settle(scene).await
}

async fn settle<N: Network>(scene: &mut Scene<N>) -> anyhow::Result<()> {
    let verdict = scene.settle().await?;
    scene.homeserver.faults().clear();
    for lost in verdict.all_lost().take(5) {
        println!("{}", scene.trace(lost).await?);
    }
    check(&verdict)
}

fn check(verdict: &Verdict) -> anyhow::Result<()> {
    let words: Vec<String> = verdict.violations.iter().map(ToString::to_string).collect();
    ensure!(words.is_empty(), "{}", words.join("; "));
    Ok(())
}

/// While the bridge is down: perhaps something else goes wrong too.
fn meddle<N: Network>(scene: &mut Scene<N>, plan: &Plan<N>) {
    let faults = scene.homeserver.faults();
    match scene.random.random_range(0..8 + plan.troubles) {
        0 => scene.homeserver.forget_transactions(),
        1 => faults.on_send(2, Fault::CutAfter),
        2 => {
            scene.homeserver.forget_transactions();
            faults.on_send(1, Fault::CutAfter);
        }
        3 => {
            let body = json!({ "errcode": "M_UNKNOWN", "error": "Bad Gateway" });
            faults.on_send(2, Fault::Answer { status: 502, body });
        }
        4 => faults.on_send(1, Fault::RateLimited { retry_after_ms: 20 }),
        5 => scene.homeserver.lose_push_answers(2),
        6 => scene.burst(),
        7 => {}
        trouble => (plan.trouble)(&scene.network, trouble - 8),
    }
}
