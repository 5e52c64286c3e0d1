//! The WeChat bridge on a Wechaty gateway, killed the same way. Gateways know no keys and forget what was sent, so what is in doubt stays so where
//! it did not come back, and is told.

use magpie_tests::{
    checker::{NETWORK_PEOPLE, Scene, Setting, WechatyNetwork},
    harness::tools::{Component, need},
    wechaty::{Fault, FaultKind, JUDGE},
    whatsapp_linked::staged::environment,
};

use super::{
    nemesis::{self, Plan},
    seed,
};

const PLAN: Plan<WechatyNetwork> = Plan { times: &[1], loads: 2, load_max: 8, troubles: 4, trouble };

fn trouble(network: &WechatyNetwork, number: u32) {
    match number {
        0 => network.fault(Fault::of_send(FaultKind::CutAfter)),
        1 => network.fault(Fault::of_send(FaultKind::CutBefore)),
        2 => network.fault(Fault::of_send(FaultKind::Refuse)),
        _ => network.cut(),
    }
}

fn setting() -> Setting {
    // A room is made when somebody first speaks in its group, so that the bridge can be killed just then.
    let mut environment = environment();
    environment.push(("MAGPIE_BRIDGE__CREATE_PORTALS".to_owned(), "on_message".to_owned()));
    Setting { seed: seed(), environment, ..Setting::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_wechat_bridge_on_a_gateway_at_every_step_loses_nothing_and_says_nothing_twice()
-> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let setting = setting();
    println!("seed: {}", setting.seed);
    let scene = Scene::set(WechatyNetwork::start(&NETWORK_PEOPLE).await?, setting).await?;
    let tally = nemesis::run(scene, &PLAN).await?;
    println!("WeChat by a gateway, SQLite: {tally}");
    // It was killed between a send and its record, too.
    assert!(tally.uncertain > 0, "nothing was in doubt: {tally}");
    Ok(())
}

/// What WeChat has and the bridge does not know of is in doubt: one message of each lane at most, and it is not said again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_after_wechat_has_a_message_leaves_it_in_doubt_and_does_not_repeat_it() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let setting = setting();
    println!("seed: {}", setting.seed);
    let mut scene = Scene::set(WechatyNetwork::start(&NETWORK_PEOPLE).await?, setting).await?;
    scene.dies_midway(1).await?;
    scene.dies_at("5:2", |_| ()).await?;
    scene.respawn(None)?;
    scene.settle().await?;
    let verdict = scene.end().await?;
    assert_eq!(verdict.violations, []);
    assert!(verdict.uncertain > 0, "the step was not recorded, so nobody knows: {verdict:?}");
    Ok(())
}
