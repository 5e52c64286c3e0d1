//! Somebody on Discord, on Telegram, on WhatsApp and on WeChat and somebody in Matrix talk in one room at a real Synapse, whether or not the
//! bridges are killed meanwhile: each sees the other four as who they are, and nothing comes back as an echo.

use std::time::Duration;

use anyhow::bail;
use futures_util::future::try_join_all;
use magpie_tests::{
    harness::{
        bridge::Bridge,
        person::Event,
        tools::{Component, need},
    },
    quartet::{PATIENCE, Place, Places, Quartet, SERVER},
    wechaty::JUDGE,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, interval, sleep_until, timeout};

/// So many rounds of five are said while the bridges are killed.
const ROUNDS: usize = 12;

/// So often Synapse is made to look for what it has not brought.
const LOOKS: u32 = 3;

/// A bridge lives between kills for at most so long, in milliseconds.
const LIVES_MS_MAX: u64 = 4_000;

fn is_possible() -> bool {
    need(Component::Synapse).is_some() && need(Component::Judge(JUDGE)).is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_people_on_four_networks_share_a_room() -> anyhow::Result<()> {
    if !is_possible() {
        return Ok(());
    }
    let quartet = Quartet::begin().await?;
    let places = &quartet.places;
    let words = |from: Place| format!("from {}", from.name());
    for from in Place::ALL {
        places.says(from, &words(from)).await?;
        for to in Place::ALL.into_iter().filter(|to| *to != from) {
            places.arrives((from, to), &words(from)).await?;
        }
    }
    let bobby = &places.networks.discord.1.bob;
    let seen = places.alice.wait_for_text(&places.room, &words(Place::Discord)).await?;
    assert_eq!(seen.sender(), format!("@discord_{bobby}:{SERVER}"));

    // What is bold stays so where it can be.
    places.says(Place::Discord, "**the** end").await?;
    let seen = places.alice.wait_for_text(&places.room, "the end").await?;
    assert!(seen.html().contains("<strong>the</strong>"), "{}", seen.html());
    for to in [Place::Telegram, Place::WhatsApp, Place::WeChat] {
        places.arrives((Place::Discord, to), "the end").await?;
    }

    // Each stands everywhere once: nothing came back by way of another network.
    for to in Place::ALL {
        let said = places.brought(to).await?;
        for from in Place::ALL {
            let count = said.iter().filter(|line| line.ends_with(&words(from))).count();
            assert_eq!(count, usize::from(from != to), "{from:?} on {to:?}: {said:#?}");
        }
    }
    quartet.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_people_on_four_networks_share_a_room_under_kills() -> anyhow::Result<()> {
    if !is_possible() {
        return Ok(());
    }
    let mut quartet = Quartet::begin().await?;
    let seed = crate::crash::seed();
    println!("seed: {seed}");
    let mut kills = [0_u32; 4];
    let each = quartet.bridges.iter_mut().zip(&mut kills).zip(seed..);
    let killing = each.map(|((bridge, kills), seed)| kill(bridge, seed, kills));
    tokio::select! {
        talked = talk(&quartet.places) => talked?,
        killed = try_join_all(killing) => drop(killed?),
    }
    println!("kills: {kills:?}");
    assert!(kills.iter().all(|kills| *kills > 0), "a bridge was never killed: {kills:?}");
    for bridge in &mut quartet.bridges {
        // The last kill may have been under way.
        bridge.kill_and_restart().await?;
    }
    until(&mut quartet, async |places| Ok(amiss(places).await?.is_empty())).await?;
    // What would be said twice has its chance to come.
    quartet.places.says(Place::Matrix, "done").await?;
    until(&mut quartet, is_done).await?;
    assert_eq!(amiss(&quartet.places).await?, Vec::<String>::new());
    quartet.end().await
}

/// Everybody says something in every round.
async fn talk(places: &Places) -> anyhow::Result<()> {
    let mut rounds = interval(Duration::from_millis(900));
    for round in 0..ROUNDS {
        rounds.tick().await;
        for from in Place::ALL {
            places.says(from, &line(from, round)).await?;
        }
    }
    Ok(())
}

fn line(from: Place, round: usize) -> String {
    format!("{} says {round}.", from.name())
}

async fn kill(bridge: &mut Bridge, seed: u64, kills: &mut u32) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    loop {
        let lives = Duration::from_millis(random.random_range(0..LIVES_MS_MAX));
        sleep_until(Instant::now() + lives).await;
        bridge.kill_and_restart().await?;
        *kills += 1;
    }
}

/// Waits until it is so. What Synapse does not bring it is made to look for: a transaction that it makes at the very moment when it takes a
/// bridge for recovered stays where it is until that bridge fails the next time.
async fn until(
    quartet: &mut Quartet,
    is_so: impl AsyncFn(&Places) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    for look in 1..=LOOKS {
        let seen = async {
            let mut looks = interval(Duration::from_millis(500));
            loop {
                looks.tick().await;
                if is_so(&quartet.places).await? {
                    return anyhow::Ok(());
                }
            }
        };
        if let Ok(seen) = timeout(PATIENCE / LOOKS, seen).await {
            return seen;
        }
        if look == LOOKS {
            break;
        }
        for bridge in &mut quartet.bridges {
            bridge.kill().await?;
        }
        quartet.places.says(Place::Matrix, "Is anybody there?").await?;
        for bridge in &mut quartet.bridges {
            bridge.respawn()?;
            bridge.ready().await?;
        }
    }
    let places = &quartet.places;
    bail!("it is not complete: {:#?}; the bridges said: {:#?}", amiss(places).await?, told(places).await?)
}

/// Whether the last words stand everywhere.
async fn is_done(places: &Places) -> anyhow::Result<bool> {
    for to in Place::NETWORKS {
        if !places.brought(to).await?.iter().any(|line| line.ends_with(": done")) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is not as it should be: each line stands once wherever it was not said. Telegram, WhatsApp and WeChat know no repeats: what may have
/// been said when a bridge was killed is told to be uncertain, and not said again.
async fn amiss(places: &Places) -> anyhow::Result<Vec<String>> {
    let heard = places.alice.messages(&places.room).await?;
    let mut amiss = Vec::new();
    for to in Place::ALL {
        let said = places.brought(to).await?;
        let mut missing = Vec::new();
        for (from, round) in Place::ALL.into_iter().flat_map(|from| (0..ROUNDS).map(move |it| (from, it))) {
            let line = line(from, round);
            match (said.iter().filter(|said| said.ends_with(&line)).count(), from == to) {
                (0, true) | (1, false) => {}
                (0, false) => missing.push(line),
                (count, _) => amiss.push(format!("“{line}” stands on {} {count} times", to.name())),
            }
        }
        let uncertain = match to {
            Place::Telegram | Place::WhatsApp | Place::WeChat => doubts(&heard, to),
            Place::Discord | Place::Matrix => 0,
        };
        if missing.len() > uncertain {
            amiss.push(format!("on {}, with {uncertain} in doubt, are missing: {missing:?}", to.name()));
        }
    }
    Ok(amiss)
}

/// How many messages the bot of a network says are in doubt.
fn doubts(heard: &[Event], place: Place) -> usize {
    let is_doubt = |event: &&Event| Some(event.sender()) == place.bot() && event.body().starts_with('❔');
    heard.iter().filter(is_doubt).count()
}

/// What the bridges themselves said in the room.
async fn told(places: &Places) -> anyhow::Result<Vec<String>> {
    let heard = places.alice.messages(&places.room).await?;
    let told = heard.iter().filter(|event| event.sender().contains("bot:"));
    Ok(told.map(|event| event.body().to_owned()).collect())
}
