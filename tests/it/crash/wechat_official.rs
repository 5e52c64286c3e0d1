//! The WeChat bridge at an Official Account, killed the same way. WeChat knows no key and tells nobody what became of a message: whatever stood
//! at the head of a lane is shown as uncertain, and never sent again.

use magpie_tests::{
    checker::{Scene, Setting, WeChatOfficialNetwork},
    wechat_official::{APP_ID, Fault},
};
use serde_json::Value;

use super::{
    nemesis::{self, Plan},
    planted, seed,
};

const PLAN: Plan<WeChatOfficialNetwork> = Plan { times: &[1], loads: 3, load_max: 8, troubles: 8, trouble };

/// What the bridge says.
const SEND: &str = "POST /cgi-bin/message/custom/send";

fn trouble(network: &WeChatOfficialNetwork, number: u32) {
    let sim = &network.sim;
    match number {
        0 => sim.fault(SEND, Fault::CutAfter),
        1 => sim.fault(SEND, Fault::CutBefore),
        2 => sim.fault(SEND, Fault::AnswerAfter { status: 502 }),
        3 => sim.fault(SEND, Fault::Refuse(-1)),
        4 => sim.fault(SEND, Fault::Answer { status: 500, body: Value::Null }),
        5 => sim.repeats_callbacks(8),
        6 => sim.replaces_tokens(APP_ID),
        // What was told long ago is told again, to the letter.
        _ => (0..sim.callbacks().len()).rev().take(8).for_each(|place| sim.replays_callback(place)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_wechat_official_bridge_at_every_step_loses_nothing_and_says_nothing_twice()
-> anyhow::Result<()> {
    let setting = Setting { seed: seed(), ..Setting::default() };
    println!("seed: {}", setting.seed);
    let scene = Scene::set(WeChatOfficialNetwork::start().await?, setting).await?;
    let tally = nemesis::run(scene, &PLAN).await?;
    println!("WeChat (Official Account), SQLite: {tally}");
    Ok(())
}

/// Without a kill: whatever a cut may have let through is in doubt, and a plain no is not.
#[tokio::test]
async fn crash_of_a_connection_to_wechat_leaves_in_doubt_what_may_have_gone() -> anyhow::Result<()> {
    let setting = Setting { seed: seed(), ..Setting::default() };
    println!("seed: {}", setting.seed);
    let mut scene = Scene::set(WeChatOfficialNetwork::start().await?, setting).await?;
    let mut expected = 0;
    for (fault, is_in_doubt) in [
        (Fault::CutAfter, true),
        (Fault::AnswerAfter { status: 502 }, true),
        (Fault::CutBefore, true),
        (Fault::Answer { status: 500, body: Value::Null }, true),
        (Fault::Refuse(-1), false),
    ] {
        println!("{fault:?}");
        scene.network.sim.fault(SEND, fault);
        scene.chatter(2);
        let verdict = scene.settle().await?;
        expected += usize::from(is_in_doubt);
        assert_eq!((verdict.uncertain, verdict.violations), (expected, Vec::new()));
    }
    scene.end().await?;
    Ok(())
}

#[tokio::test]
async fn crash_of_a_wechat_official_bridge_that_acknowledges_before_it_stores_is_found_out()
-> anyhow::Result<()> {
    let network = WeChatOfficialNetwork::start().await?;
    let verdict = planted::story(network, Some("acknowledge_early"), "1:2").await?;
    assert!(verdict.lost() > 0, "the checker found nothing lost: {verdict:?}");
    assert_eq!(verdict.doubled(), 0);
    let verdict = planted::story(WeChatOfficialNetwork::start().await?, None, "1:2").await?;
    assert_eq!(verdict.violations, []);
    Ok(())
}
