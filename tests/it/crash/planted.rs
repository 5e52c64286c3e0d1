//! Builds with a fault on purpose: the checker must find it, and must find nothing in the same story without the fault.

use magpie_tests::checker::{LineNetwork, Network, Scene, Setting, Verdict};

use super::seed;

/// So many kills at the step where the fault shows.
const KILLS: usize = 4;

/// A network with keys.
async fn keyed() -> anyhow::Result<LineNetwork> {
    LineNetwork::start(true).await
}

/// Dies at a step again and again.
pub(super) async fn story<N: Network>(
    network: N,
    planted: Option<&str>,
    kill_at: &str,
) -> anyhow::Result<Verdict> {
    let setting = Setting { seed: seed(), ..Setting::default() };
    story_in(network, setting, planted, kill_at).await
}

/// The same in a setting of its own.
pub(super) async fn story_in<N: Network>(
    network: N,
    mut setting: Setting,
    planted: Option<&str>,
    kill_at: &str,
) -> anyhow::Result<Verdict> {
    let planted = planted.map(|fault| ("MAGPIE_FAULT_PLANTED".to_owned(), fault.to_owned()));
    setting.environment.extend(planted);
    println!("seed: {}", setting.seed);
    let mut scene = Scene::set(network, setting).await?;
    for _ in 0..KILLS {
        scene.dies_midway(1).await?;
        scene.dies_at(kill_at, |_| ()).await?;
        scene.respawn(None)?;
        scene.settle().await?;
    }
    scene.end().await
}

#[tokio::test]
async fn crash_of_a_build_that_acknowledges_before_it_stores_is_found_out() -> anyhow::Result<()> {
    let verdict = story(keyed().await?, Some("acknowledge_early"), "1:2").await?;
    assert!(verdict.lost() > 0, "the checker found nothing lost: {verdict:?}");
    assert_eq!(verdict.doubled(), 0);
    let verdict = story(keyed().await?, None, "1:2").await?;
    assert_eq!(verdict.violations, []);
    Ok(())
}

#[tokio::test]
async fn crash_of_a_build_with_random_keys_is_found_out() -> anyhow::Result<()> {
    // The network has it, the map does not: only the key keeps it from being said again.
    let verdict = story(keyed().await?, Some("random_keys"), "5:2").await?;
    assert!(verdict.doubled() > 0, "the checker found nothing doubled: {verdict:?}");
    assert_eq!(verdict.lost(), 0);
    let verdict = story(keyed().await?, None, "5:2").await?;
    assert_eq!(verdict.violations, []);
    Ok(())
}
