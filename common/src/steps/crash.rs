//! Ends the process at a chosen step, and plants the faults that a checker must notice.
//!
//! `MAGPIE_KILL_AT=<number of the step>:<which time>` kills this process with SIGKILL when it reaches that step (numbers start at 1, as
//! in [`Step::ALL`]) for that time. `MAGPIE_FAULT_PLANTED=acknowledge_early` or `random_keys` plants a fault.

use std::{
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{PlantedFault, Step};

static KILL_AT: LazyLock<Option<(Step, u64)>> = LazyLock::new(|| {
    let wanted = std::env::var("MAGPIE_KILL_AT").ok()?;
    let (number, time) = wanted.split_once(':')?;
    let step = Step::ALL.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
    Some((*step, time.parse().ok()?))
});

static PLANTED: LazyLock<Option<PlantedFault>> =
    LazyLock::new(|| match std::env::var("MAGPIE_FAULT_PLANTED").ok()?.as_str() {
        "acknowledge_early" => Some(PlantedFault::AcknowledgeEarly),
        "random_keys" => Some(PlantedFault::RandomKeys),
        _ => None,
    });

static TIMES: AtomicU64 = AtomicU64::new(0);

/// Kills this process if it was asked to die here.
pub fn reached(step: Step) {
    if let Some((wanted, time)) = *KILL_AT
        && wanted == step
        && TIMES.fetch_add(1, Ordering::Relaxed) + 1 == time
    {
        kill_this_process();
    }
}

/// Whether this process carries the fault.
pub fn has_planted(fault: PlantedFault) -> bool {
    *PLANTED == Some(fault)
}

fn kill_this_process() {
    let killed = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    unreachable!("this process outlived its own SIGKILL: {killed:?}");
}
