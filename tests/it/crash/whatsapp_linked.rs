//! The WhatsApp bridge as a linked device, killed the same way. It chooses the ids of what it says, so nothing stays in doubt.

use magpie_tests::{
    checker::{NETWORK_PEOPLE, Scene, Setting, WhatsAppLinkedNetwork},
    harness::tools::{Component, need},
    whatsapp_linked::{Fault, FaultKind, staged::environment},
};

use super::{
    nemesis::{self, Plan},
    planted, seed,
};

/// Loads are small: everything is encrypted for every device.
const PLAN: Plan<WhatsAppLinkedNetwork> =
    Plan { times: &[1, 3], loads: 2, load_max: 8, troubles: 5, trouble };

fn trouble(network: &WhatsAppLinkedNetwork, number: u32) {
    match number {
        0 => network.fault(Fault::once(FaultKind::CutAfter)),
        1 => network.fault(Fault::once(FaultKind::Swallow)),
        2 => network.fault(Fault::once(FaultKind::RefuseMessage(503))),
        3 => network.fault(Fault::once(FaultKind::Duplicate)),
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
async fn crash_of_the_linked_whatsapp_bridge_at_every_step_loses_nothing_and_says_nothing_twice()
-> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let setting = setting();
    println!("seed: {}", setting.seed);
    let scene = Scene::set(WhatsAppLinkedNetwork::start(&NETWORK_PEOPLE).await?, setting).await?;
    let tally = nemesis::run(scene, &PLAN).await?;
    println!("WhatsApp by a phone, SQLite: {tally}");
    assert_eq!(tally.uncertain, 0, "with ids of our own nothing is in doubt");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_a_linked_whatsapp_bridge_with_a_fault_is_found_out() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let network = async || WhatsAppLinkedNetwork::start(&NETWORK_PEOPLE).await;
    // WhatsApp forgets what it was told is stored, and it was not.
    let verdict = planted::story_in(network().await?, setting(), Some("acknowledge_early"), "1:2").await?;
    assert!(verdict.lost() > 0, "the checker found nothing lost: {verdict:?}");
    // WhatsApp has it, the map does not: only the id keeps it from being said again.
    let verdict = planted::story_in(network().await?, setting(), Some("random_keys"), "5:2").await?;
    assert!(verdict.doubled() > 0, "the checker found nothing doubled: {verdict:?}");
    let verdict = planted::story_in(network().await?, setting(), None, "5:2").await?;
    assert_eq!((verdict.uncertain, verdict.violations), (0, Vec::new()));
    Ok(())
}
