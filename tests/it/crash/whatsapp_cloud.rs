//! The WhatsApp bridge at the Cloud API, killed the same way. WhatsApp knows no key, but repeats in its statuses what was put beside a
//! message: what has gone is found out, and only what was cut off before it went stays in doubt.

use std::sync::Arc;

use magpie_tests::{
    checker::{Scene, Setting, WhatsAppCloudNetwork},
    openapi::skip,
    whatsapp_cloud::{Fault, WhatsAppCloudSim},
};
use serde_json::Value;

use super::{
    nemesis::{self, Plan},
    planted, seed,
};

/// A number may say 45 things to a person at once.
const PLAN: Plan<WhatsAppCloudNetwork> = Plan { times: &[1], loads: 3, load_max: 8, troubles: 7, trouble };

/// What the bridge says.
const SEND: &str = "POST /*/messages";

fn trouble(network: &WhatsAppCloudNetwork, number: u32) {
    let sim = &network.sim;
    match number {
        0 => sim.fault(SEND, Fault::CutAfter),
        1 => sim.fault(SEND, Fault::CutBefore),
        2 => sim.fault(SEND, Fault::AnswerAfter { status: 502 }),
        3 => sim.fault(SEND, Fault::Refuse(130_429)),
        4 => sim.fault(SEND, Fault::Answer { status: 500, body: Value::Null }),
        5 => sim.repeats_webhooks(8),
        // What was told long ago is told again.
        _ => (0..sim.webhooks().len()).rev().take(8).for_each(|place| sim.replays_webhook(place)),
    }
}

/// Nothing that was said to WhatsApp may disagree with its description.
fn should_be_honest(sim: &WhatsAppCloudSim, test: &str) {
    if !sim.is_judged() {
        skip(test, "the description of the Cloud API is not present (see MAGPIE_SPECS)");
    }
    let findings = sim.findings();
    assert!(findings.is_empty(), "{findings:#?}");
}

async fn scene() -> anyhow::Result<Scene<WhatsAppCloudNetwork>> {
    let setting = Setting { seed: seed(), ..Setting::default() };
    println!("seed: {}", setting.seed);
    Scene::set(WhatsAppCloudNetwork::start().await?, setting).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_whatsapp_cloud_bridge_at_every_step_loses_nothing_and_says_nothing_twice()
-> anyhow::Result<()> {
    let scene = scene().await?;
    let sim = Arc::clone(&scene.network.sim);
    let tally = nemesis::run(scene, &PLAN).await?;
    println!("WhatsApp (Cloud API), SQLite: {tally}");
    should_be_honest(
        &sim,
        "crash_of_the_whatsapp_cloud_bridge_at_every_step_loses_nothing_and_says_nothing_twice",
    );
    Ok(())
}

/// What WhatsApp has and the bridge does not know of is found by its status, and not said again.
#[tokio::test]
async fn crash_after_whatsapp_has_a_message_is_healed_by_its_status() -> anyhow::Result<()> {
    let mut scene = scene().await?;
    scene.dies_midway(1).await?;
    scene.dies_at("5:2", |_| ()).await?;
    scene.respawn(None)?;
    scene.settle().await?;
    let verdict = scene.end().await?;
    // What stood at the head of a lane and had not gone yet stays in doubt; what has gone does not.
    assert_eq!((verdict.violations, verdict.uncertain_arrived), (Vec::new(), 0));
    Ok(())
}

/// Without a kill: what surely went is not in doubt, what a cut left behind is, and a plain no is none.
#[tokio::test]
async fn crash_of_a_connection_to_whatsapp_leaves_in_doubt_only_what_did_not_go() -> anyhow::Result<()> {
    let mut scene = scene().await?;
    let sim = Arc::clone(&scene.network.sim);
    let mut expected = 0;
    for (fault, is_in_doubt) in [
        (Fault::CutAfter, false),
        (Fault::AnswerAfter { status: 502 }, false),
        (Fault::CutBefore, true),
        (Fault::Answer { status: 500, body: Value::Null }, true),
        (Fault::Refuse(130_429), false),
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
async fn crash_of_a_whatsapp_cloud_bridge_that_acknowledges_before_it_stores_is_found_out()
-> anyhow::Result<()> {
    let network = WhatsAppCloudNetwork::start().await?;
    let verdict = planted::story(network, Some("acknowledge_early"), "1:2").await?;
    assert!(verdict.lost() > 0, "the checker found nothing lost: {verdict:?}");
    assert_eq!(verdict.doubled(), 0);
    let verdict = planted::story(WhatsAppCloudNetwork::start().await?, None, "1:2").await?;
    assert_eq!(verdict.violations, []);
    Ok(())
}
