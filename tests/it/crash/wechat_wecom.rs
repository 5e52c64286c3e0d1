//! The WeChat bridge at WeCom, killed the same way. WeCom knows no key and tells nothing of what was sent: what is in doubt stays so, and is
//! never said again.

use std::sync::Arc;

use magpie_tests::{
    checker::{Scene, Setting, WeComNetwork},
    wechat_wecom::Fault,
};
use serde_json::Value;

use super::{
    nemesis::{self, Plan},
    planted, seed,
};

/// Thirty messages go to a member in a minute.
const PLAN: Plan<WeComNetwork> = Plan { times: &[1], loads: 2, load_max: 6, troubles: 8, trouble };

/// What the bridge says.
const SEND: &str = "POST /cgi-bin/message/send";

fn trouble(network: &WeComNetwork, number: u32) {
    let sim = &network.sim;
    match number {
        0 => sim.fault(SEND, Fault::CutAfter),
        1 => sim.fault(SEND, Fault::CutBefore),
        2 => sim.fault(SEND, Fault::AnswerAfter { status: 502 }),
        3 => sim.fault(SEND, Fault::Refuse(-1)),
        4 => sim.fault(SEND, Fault::Answer { status: 500, body: Value::Null }),
        5 => sim.ends_tokens(),
        6 => sim.repeats_callbacks(8),
        // What was told long ago is told again.
        _ => (0..sim.callbacks().len()).rev().take(8).for_each(|place| sim.replays_callback(place)),
    }
}

async fn scene() -> anyhow::Result<Scene<WeComNetwork>> {
    let setting = Setting { seed: seed(), ..Setting::default() };
    println!("seed: {}", setting.seed);
    Scene::set(WeComNetwork::start().await?, setting).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_wecom_bridge_at_every_step_loses_nothing_and_says_nothing_twice() -> anyhow::Result<()>
{
    let tally = nemesis::run(scene().await?, &PLAN).await?;
    println!("WeCom, SQLite: {tally}");
    Ok(())
}

/// Without a kill: a cut leaves in doubt what it met, and a plain no does not.
#[tokio::test]
async fn crash_of_a_connection_to_wecom_leaves_in_doubt_only_what_it_met() -> anyhow::Result<()> {
    let mut scene = scene().await?;
    let sim = Arc::clone(&scene.network.sim);
    let mut expected = 0;
    for (fault, is_in_doubt) in [
        (Fault::CutAfter, true),
        (Fault::AnswerAfter { status: 502 }, true),
        (Fault::CutBefore, true),
        (Fault::Refuse(-1), false),
        (Fault::Refuse(42_001), false),
    ] {
        println!("{fault:?}");
        sim.fault(SEND, fault);
        scene.chatter(2);
        let verdict = scene.settle().await?;
        expected += usize::from(is_in_doubt);
        assert_eq!((verdict.uncertain, verdict.violations), (expected, Vec::new()));
    }
    scene.end().await?;
    Ok(())
}

#[tokio::test]
async fn crash_of_a_wecom_bridge_that_acknowledges_before_it_stores_is_found_out() -> anyhow::Result<()> {
    let verdict = planted::story(WeComNetwork::start().await?, Some("acknowledge_early"), "1:2").await?;
    assert!(verdict.lost() > 0, "the checker found nothing lost: {verdict:?}");
    assert_eq!(verdict.doubled(), 0);
    let verdict = planted::story(WeComNetwork::start().await?, None, "1:2").await?;
    assert_eq!(verdict.violations, []);
    Ok(())
}
