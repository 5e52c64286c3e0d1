//! The Telegram bridge, killed the same way. Telegram knows no key and shows a bot nothing of what it said: what is in doubt stays so, and
//! is told.

use std::sync::Arc;

use magpie_tests::{
    checker::{Hearing, NETWORK_PEOPLE, Scene, Setting, TelegramNetwork},
    openapi::skip,
    telegram::{Fault, TelegramSim},
};

use super::{
    nemesis::{self, Plan},
    planted, seed,
};

/// Loads are small: after twenty messages in a minute a group takes one in three seconds.
const PLAN: Plan<TelegramNetwork> = Plan { times: &[1, 3], loads: 2, load_max: 8, troubles: 8, trouble };

/// What the bridge says in a group.
const SEND: &str = "sendMessage";

/// How the bridge asks for what was said, and how it is told.
const ASK: &str = "getUpdates";
const TELL: &str = "webhook";

fn trouble(network: &TelegramNetwork, number: u32) {
    let sim = &network.sim;
    match number {
        0 => sim.fault(SEND, Fault::CutAfter),
        1 => sim.fault(SEND, Fault::CutBefore),
        2 => sim.fault(SEND, Fault::AnswerAfter { status: 502 }),
        3 => sim.fault(SEND, Fault::TooMany { retry_after: 1 }),
        4 => {
            let description = "Internal Server Error".to_owned();
            sim.fault(SEND, Fault::Answer { status: 500, description });
        }
        5 => [ASK, TELL].into_iter().for_each(|method| sim.fault(method, Fault::CutAfter)),
        6 => sim.fault(ASK, Fault::AnswerAfter { status: 502 }),
        _ => sim.updates_come_twice(4),
    }
}

async fn network() -> anyhow::Result<TelegramNetwork> {
    TelegramNetwork::start(&NETWORK_PEOPLE, Hearing::Asking).await
}

/// Nothing that was said to Telegram may disagree with its description.
fn should_be_honest(sim: &TelegramSim, test: &str) {
    if !sim.is_judged() {
        skip(test, "the description of the Bot API is not present (see MAGPIE_SPECS)");
    }
    let findings = sim.findings();
    assert!(findings.is_empty(), "{findings:#?}");
}

/// Everything, with a bridge that hears in this way.
async fn run(hearing: Hearing, test: &str) -> anyhow::Result<()> {
    let setting = Setting { seed: seed(), ..Setting::default() };
    println!("seed: {}", setting.seed);
    let network = TelegramNetwork::start(&NETWORK_PEOPLE, hearing).await?;
    let sim = Arc::clone(&network.sim);
    let tally = nemesis::run(Scene::set(network, setting).await?, &PLAN).await?;
    println!("Telegram, SQLite, {hearing:?}: {tally}");
    // It was killed between a send and its record, too.
    assert!(tally.uncertain > 0, "nothing was in doubt: {tally}");
    should_be_honest(&sim, test);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_telegram_bridge_at_every_step_loses_nothing_and_says_nothing_twice()
-> anyhow::Result<()> {
    run(Hearing::Asking, "crash_of_the_telegram_bridge_at_every_step_loses_nothing_and_says_nothing_twice")
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_telegram_bridge_on_its_webhook_loses_nothing_and_says_nothing_twice()
-> anyhow::Result<()> {
    run(Hearing::Told, "crash_of_the_telegram_bridge_on_its_webhook_loses_nothing_and_says_nothing_twice")
        .await
}

/// What Telegram has and the bridge does not know of is in doubt: one message of each lane at most, and it is not said again.
#[tokio::test]
async fn crash_after_telegram_has_a_message_leaves_it_in_doubt_and_does_not_repeat_it() -> anyhow::Result<()>
{
    let setting = Setting { seed: seed(), ..Setting::default() };
    println!("seed: {}", setting.seed);
    let mut scene = Scene::set(network().await?, setting).await?;
    scene.dies_midway(1).await?;
    scene.dies_at("5:2", |_| ()).await?;
    scene.respawn(None)?;
    scene.settle().await?;
    let verdict = scene.end().await?;
    assert_eq!(verdict.violations, []);
    assert!(verdict.uncertain > 0, "the step was not recorded, so nobody knows: {verdict:?}");
    Ok(())
}

/// Without a kill: whatever ends a send without Telegram's yes or no leaves it in doubt, and a plain no is none.
#[tokio::test]
async fn crash_of_a_connection_leaves_what_was_on_it_in_doubt_and_nothing_else() -> anyhow::Result<()> {
    let network = network().await?;
    let sim = Arc::clone(&network.sim);
    let mut scene = Scene::set(network, Setting { seed: seed(), ..Setting::default() }).await?;
    let failed = Fault::Answer { status: 500, description: "Internal Server Error".to_owned() };
    let mut expected = 0;
    for (fault, is_in_doubt) in [
        (Fault::CutAfter, true),
        (Fault::CutBefore, true),
        (Fault::AnswerAfter { status: 502 }, true),
        (Fault::TooMany { retry_after: 1 }, false),
        (failed, false),
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
async fn crash_of_a_telegram_bridge_that_acknowledges_before_it_stores_is_found_out() -> anyhow::Result<()> {
    let verdict = planted::story(network().await?, Some("acknowledge_early"), "1:2").await?;
    assert!(verdict.lost() > 0, "the checker found nothing lost: {verdict:?}");
    assert_eq!(verdict.doubled(), 0);
    let verdict = planted::story(network().await?, None, "1:2").await?;
    assert_eq!(verdict.violations, []);
    Ok(())
}
