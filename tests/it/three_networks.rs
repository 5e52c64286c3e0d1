//! Somebody on Discord, somebody on Telegram and somebody in Matrix talk in one room at a real Synapse, whether or not the bridges are killed
//! meanwhile: each sees the other two as who they are, and nothing comes back as an echo.

use std::{collections::BTreeMap, time::Duration};

use anyhow::bail;
use magpie_tests::{
    discord::Author,
    harness::{
        bridge::Bridge,
        person::Event,
        tools::{Component, need},
    },
    trio::{PATIENCE, SERVER, Trio},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, interval, sleep_until, timeout};

/// So many rounds of three are said while the bridges are killed.
const ROUNDS: usize = 12;

/// So often Synapse is made to look for what it has not brought.
const LOOKS: u32 = 3;

/// A bridge lives between kills for at most so long, in milliseconds.
const LIVES_MS_MAX: u64 = 2_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_people_on_three_networks_share_a_room() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let trio = Trio::begin().await?;
    let ((discord, at_discord), (telegram, at_telegram)) = (&trio.discord, &trio.telegram);
    discord.person_sends(at_discord.general, at_discord.bob, "from **Discord**");
    let seen = trio.alice.wait_for_text(&trio.room, "from Discord").await?;
    assert_eq!(seen.sender(), format!("@discord_{}:{SERVER}", at_discord.bob));
    assert!(seen.html().contains("<strong>Discord</strong>"));
    let chat = at_telegram.supergroup;
    let relayed = telegram.wait_for_message(chat, |it| text(it).ends_with("from Discord")).await?;
    assert_eq!(text(&relayed), "Bobby: from Discord");

    telegram.person_sends(chat, at_telegram.bob, "from Telegram");
    let seen = trio.alice.wait_for_text(&trio.room, "from Telegram").await?;
    assert_eq!(trio.alice.profile(seen.sender()).await?["displayname"], "Bob");
    assert_eq!(seen.sender(), format!("@telegram_{}:{SERVER}", at_telegram.bob));
    let relayed = discord.wait_for_message(at_discord.general, |it| it.content == "from Telegram").await?;
    assert!(matches!(&relayed.author, Author::Webhook { name, .. } if name == "Bob"), "{relayed:?}");

    trio.alice.send_text(&trio.room, "from Matrix").await?;
    let relayed = discord.wait_for_message(at_discord.general, |it| it.content == "from Matrix").await?;
    assert!(matches!(&relayed.author, Author::Webhook { name, .. } if name == "Alice"), "{relayed:?}");
    telegram.wait_for_message(chat, |it| text(it) == "Alice: from Matrix").await?;

    // Each stands everywhere once: nothing came back by way of another network.
    discord.person_sends(at_discord.general, at_discord.bob, "the end");
    telegram.wait_for_message(chat, |it| text(it).ends_with("the end")).await?;
    let lines = ["from Discord", "from Telegram", "from Matrix", "the end"];
    let ends = |all: Vec<String>| -> Vec<String> {
        let is_line = |said: &String| lines.iter().any(|line| said.replace("**", "").ends_with(line));
        all.into_iter().filter(is_line).collect()
    };
    let in_matrix =
        trio.alice.messages(&trio.room).await?.iter().map(|event| event.body().to_owned()).collect();
    let on_discord = discord.messages(at_discord.general).into_iter().map(|it| it.content).collect();
    for (place, all) in [("Matrix", in_matrix), ("Discord", on_discord), ("Telegram", telegram.texts(chat))] {
        assert_eq!(ends(all).len(), lines.len(), "{place}");
    }
    trio.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_people_on_three_networks_share_a_room_under_kills() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let mut trio = Trio::begin().await?;
    let seed = crate::crash::seed();
    println!("seed: {seed}");
    let (mut kills, mut others) = (0, 0);
    let Trio { discord, telegram, alice, room, bridges, .. } = &mut trio;
    let [one, other] = bridges;
    tokio::select! {
        told = talk(discord, telegram, (alice, room)) => told?,
        killed = kill(one, seed, &mut kills) => killed?,
        killed = kill(other, seed.wrapping_add(1), &mut others) => killed?,
    }
    println!("kills: {kills} and {others}");
    assert!(kills > 0 && others > 0, "a bridge was never killed");
    for bridge in &mut trio.bridges {
        // The last kill may have been under way.
        bridge.kill_and_restart().await?;
    }
    until(&mut trio, async |trio| Ok(count(trio).await?.is_complete())).await?;
    // What would be said twice has its chance to come.
    trio.alice.send_text(&trio.room, "done").await?;
    trio.discord.0.wait_for_message(trio.discord.1.general, |it| it.content == "done").await?;
    let is_done =
        |trio: &Trio| trio.telegram.0.texts(trio.telegram.1.supergroup).iter().any(|it| it == "Alice: done");
    until(&mut trio, async |trio| Ok(is_done(trio))).await?;
    let counted = count(&trio).await?;
    assert!(counted.is_complete(), "{counted:#?}");
    trio.end().await
}

/// Waits until it is so. What Synapse does not bring it is made to look for: a transaction that it makes at the very moment when it takes a
/// bridge for recovered stays where it is until that bridge fails the next time.
async fn until(trio: &mut Trio, is_so: impl AsyncFn(&Trio) -> anyhow::Result<bool>) -> anyhow::Result<()> {
    for look in 1..=LOOKS {
        let seen = async {
            let mut looks = interval(Duration::from_millis(200));
            loop {
                looks.tick().await;
                if is_so(trio).await? {
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
        for bridge in &mut trio.bridges {
            bridge.kill().await?;
        }
        trio.alice.send_text(&trio.room, "Is anybody there?").await?;
        for bridge in &mut trio.bridges {
            bridge.respawn()?;
            bridge.ready().await?;
        }
    }
    bail!("it is not complete: {:#?}; the bridges said: {:#?}", count(trio).await?, told(trio).await?)
}

type Discord = (magpie_tests::discord::DiscordSim, magpie_tests::discord::SmallWorld);
type Telegram = (magpie_tests::telegram::TelegramSim, magpie_tests::telegram::SmallWorld);

/// Everybody says something in every round.
async fn talk(
    (discord, at_discord): &Discord,
    (telegram, at_telegram): &Telegram,
    (alice, room): (&magpie_tests::harness::person::Person, &str),
) -> anyhow::Result<()> {
    let mut rounds = interval(Duration::from_millis(900));
    for round in 0..ROUNDS {
        rounds.tick().await;
        discord.person_sends(at_discord.general, at_discord.bob, &line("discord", round));
        telegram.person_sends(at_telegram.supergroup, at_telegram.bob, &line("telegram", round));
        alice.send_text(room, &line("matrix", round)).await?;
    }
    Ok(())
}

fn line(place: &str, round: usize) -> String {
    format!("{place} says {round}.")
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

/// How often each line stands where, and how many are told to be uncertain.
#[derive(Debug)]
struct Counted {
    matrix: BTreeMap<String, usize>,
    discord: BTreeMap<String, usize>,
    telegram: BTreeMap<String, usize>,
    uncertain: usize,
}

impl Counted {
    /// Telegram knows no repeats: what may have been said when a bridge was killed is told to be uncertain, and not said again.
    fn is_complete(&self) -> bool {
        let once = |all: &BTreeMap<String, usize>| all.values().all(|count| *count == 1);
        let missing = self.telegram.values().filter(|count| **count == 0).count();
        once(&self.matrix)
            && once(&self.discord)
            && self.telegram.values().all(|count| *count <= 1)
            && missing <= self.uncertain
    }
}

async fn count(trio: &Trio) -> anyhow::Result<Counted> {
    let times = |all: &[String]| -> BTreeMap<String, usize> {
        let places = ["discord", "telegram", "matrix"];
        let lines = places.iter().flat_map(|place| (0..ROUNDS).map(|round| line(place, round)));
        lines.map(|line| (line.clone(), all.iter().filter(|said| said.ends_with(&line)).count())).collect()
    };
    let heard = trio.alice.messages(&trio.room).await?;
    let is_doubt =
        |event: &&Event| event.sender().starts_with("@telegrambot:") && event.body().starts_with('❔');
    let bodies: Vec<String> = heard.iter().map(|event| event.body().to_owned()).collect();
    let on_discord: Vec<String> =
        trio.discord.0.messages(trio.discord.1.general).into_iter().map(|it| it.content).collect();
    Ok(Counted {
        matrix: times(&bodies),
        discord: times(&on_discord),
        telegram: times(&trio.telegram.0.texts(trio.telegram.1.supergroup)),
        uncertain: heard.iter().filter(is_doubt).count(),
    })
}

/// What the bridges themselves said in the room.
async fn told(trio: &Trio) -> anyhow::Result<Vec<String>> {
    let heard = trio.alice.messages(&trio.room).await?;
    let told = heard.iter().filter(|event| event.sender().contains("bot:"));
    Ok(told.map(|event| event.body().to_owned()).collect())
}

fn text(message: &magpie_tests::telegram::Message) -> String {
    message.body.get("text").and_then(|text| text.as_str()).unwrap_or_default().to_owned()
}
