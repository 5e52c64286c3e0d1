//! The WeChat bridge by iLink, killed the same way. Nobody knows whether WeChat drops a client id that comes twice, and it shows a bot nothing
//! of what it said: what is in doubt stays so, and is told, unless the bridge has noted WeChat's yes.

use std::sync::Arc;

use magpie_tests::{
    checker::{Scene, Setting, WeChatILinkNetwork},
    wechat_ilink::{Fault, ILinkSim, staged::environment},
};
use serde_json::Value;

use super::{
    nemesis::{self, Plan},
    planted, seed,
};

const PLAN: Plan<WeChatILinkNetwork> = Plan { times: &[1], loads: 3, load_max: 8, troubles: 8, trouble };

/// What the bridge says, and how it hears.
const SEND: &str = "sendmessage";
const POLL: &str = "getupdates";

fn trouble(network: &WeChatILinkNetwork, number: u32) {
    let sim = &network.sim;
    match number {
        0 => sim.fault(SEND, Fault::CutAfter),
        1 => sim.fault(SEND, Fault::CutBefore),
        2 => sim.fault(SEND, Fault::AnswerAfter { status: 502 }),
        3 => sim.fault(SEND, Fault::Answer { status: 429, body: Value::Null }),
        4 => sim.fault(POLL, Fault::CutAfter),
        5 => sim.fault(POLL, Fault::AnswerAfter { status: 502 }),
        6 => sim.updates_come_twice(8),
        // What was told long ago is told again.
        _ => network.all_bots().into_iter().for_each(|bot| sim.repeats_all_updates(bot)),
    }
}

fn setting() -> Setting {
    // A room is made when somebody first writes, so that the bridge can be killed just then.
    let mut environment = environment();
    environment.push(("MAGPIE_BRIDGE__CREATE_PORTALS".to_owned(), "on_message".to_owned()));
    // Every chat is of a login of its own.
    environment.push(("MAGPIE_BRIDGE__LOGINS_PER_USER_MAX".to_owned(), "100".to_owned()));
    Setting { seed: seed(), environment, ..Setting::default() }
}

async fn scene() -> anyhow::Result<(Scene<WeChatILinkNetwork>, Arc<ILinkSim>)> {
    let setting = setting();
    println!("seed: {}", setting.seed);
    let network = WeChatILinkNetwork::start().await?;
    let sim = Arc::clone(&network.sim);
    Ok((Scene::set(network, setting).await?, sim))
}

/// Nothing that was said to WeChat may be wrong.
fn should_be_right(sim: &ILinkSim) {
    let findings = sim.findings();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_wechat_bridge_by_ilink_at_every_step_loses_nothing_and_says_nothing_twice()
-> anyhow::Result<()> {
    let (scene, sim) = scene().await?;
    let tally = nemesis::run(scene, &PLAN).await?;
    println!("WeChat (iLink), SQLite: {tally}");
    should_be_right(&sim);
    Ok(())
}

/// So many chats are talked in at a time.
const CHATS: usize = 3;

/// A message that WeChat has is not said again. Every chat may have had one on its way in that moment, of which nobody knows then.
#[tokio::test]
async fn crash_after_wechat_has_a_message_by_ilink_leaves_in_doubt_only_what_was_on_its_way()
-> anyhow::Result<()> {
    let (mut scene, sim) = scene().await?;
    scene.dies_at("5:2", |_| ()).await?;
    scene.respawn(None)?;
    scene.settle().await?;
    let verdict = scene.end().await?;
    assert_eq!(verdict.violations, []);
    assert!(verdict.uncertain <= CHATS, "more is in doubt than was on its way: {verdict:?}");
    should_be_right(&sim);
    Ok(())
}

/// Without a kill: whatever ends a send without WeChat's yes or no leaves it in doubt, and a plain no is none.
#[tokio::test]
async fn crash_of_a_connection_to_ilink_leaves_what_was_on_it_in_doubt_and_nothing_else() -> anyhow::Result<()>
{
    let (mut scene, sim) = scene().await?;
    let mut expected = 0;
    for (fault, is_in_doubt) in [
        (Fault::CutAfter, true),
        (Fault::CutBefore, true),
        (Fault::AnswerAfter { status: 502 }, true),
        (Fault::Answer { status: 429, body: Value::Null }, false),
    ] {
        println!("{fault:?}");
        sim.fault(SEND, fault);
        scene.chatter(2);
        let verdict = scene.settle().await?;
        expected += usize::from(is_in_doubt);
        assert_eq!((verdict.uncertain, verdict.violations), (expected, Vec::new()));
    }
    scene.end().await?;
    should_be_right(&sim);
    Ok(())
}

#[tokio::test]
async fn crash_of_a_wechat_bridge_by_ilink_that_acknowledges_before_it_stores_is_found_out()
-> anyhow::Result<()> {
    let network = async || WeChatILinkNetwork::start().await;
    let verdict = planted::story_in(network().await?, setting(), Some("acknowledge_early"), "1:2").await?;
    assert!(verdict.lost() > 0, "the checker found nothing lost: {verdict:?}");
    assert_eq!(verdict.doubled(), 0);
    let verdict = planted::story_in(network().await?, setting(), None, "1:2").await?;
    assert_eq!(verdict.violations, []);
    Ok(())
}
