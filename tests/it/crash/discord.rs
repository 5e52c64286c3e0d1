//! The Discord bridge, killed the same way. Its webhooks know no key: what is in doubt is looked for in the channel's history.

use magpie_tests::{
    checker::{DiscordNetwork, NETWORK_PEOPLE, Scene, Setting},
    discord::{Fault, RateLimitScope},
};

use super::{
    LOAD_MAX,
    nemesis::{self, Plan},
    seed,
};

const PLAN: Plan<DiscordNetwork> =
    Plan { times: &[1, 3], loads: 2, load_max: LOAD_MAX, troubles: 6, trouble };

/// What the bridge says in a channel.
const EXECUTE: &str = "POST /webhooks/*/*";

fn trouble(network: &DiscordNetwork, number: u32) {
    let sim = &network.sim;
    match number {
        0 => sim.fault(EXECUTE, Fault::CutAfter),
        1 => sim.fault(EXECUTE, Fault::CutBefore),
        2 => sim.fault(EXECUTE, Fault::AnswerAfter { status: 502 }),
        3 => sim.fault(EXECUTE, Fault::RateLimited { scope: RateLimitScope::User, retry_after_ms: 50 }),
        4 => sim.gateway_forget_sessions(),
        _ => sim.gateway_cut(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_discord_bridge_at_every_step_loses_nothing_and_says_nothing_twice() -> anyhow::Result<()>
{
    // A room is made when somebody first speaks in its channel, so that the bridge can be killed just then.
    let environment = vec![("MAGPIE_BRIDGE__CREATE_PORTALS".to_owned(), "on_message".to_owned())];
    let setting = Setting { seed: seed(), environment, ..Setting::default() };
    println!("seed: {}", setting.seed);
    let scene = Scene::set(DiscordNetwork::start(&NETWORK_PEOPLE).await?, setting).await?;
    let tally = nemesis::run(scene, &PLAN).await?;
    println!("Discord, SQLite: {tally}");
    Ok(())
}
