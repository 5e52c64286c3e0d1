//! `cargo xtask idle`: what connected bridges with nothing to do hold in memory, read from `/proc`, and how soon they answer after a start.
//!
//! The bridges are the shipped builds, connected to the simulators and the fake homeserver, with their rooms made and one message carried
//! each way, so that everything has been touched once. WhatsApp's is built as the shipped one, and differs in that it takes a server which
//! WhatsApp did not vouch for; one phone is linked to it. Figures only; the goals stand beside them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Parser;
use magpie_common::{
    clock::Clock,
    testkit::fake_homeserver::{FakeHomeserver, FakePerson, Membership},
};
use magpie_tests::{
    discord::{self, DiscordSim, staged},
    harness::bridge::{Bridge, BridgeOptions},
    stage::{Cast, Stage},
    telegram::{self, TelegramSim},
    wechat_official::{self, OfficialSim},
    whatsapp_linked::{self, LinkedSim, content},
};
use ruma::{OwnedRoomId, RoomId};
use tokio::time::{sleep, timeout};

const KIB_PER_MIB: f64 = 1024.0;
const BYTES_PER_MB: f64 = 1_000_000.0;

/// So often is a bridge killed and started again; the middle one counts.
const STARTS: usize = 7;

/// How closely a start is watched, and how long at most.
const LOOK_EVERY: Duration = Duration::from_millis(1);
const START_PATIENCE: Duration = Duration::from_secs(30);

const SERVER: &str = "example.org";

/// Memory of idle bridges, the size of their programs, and the time until they answer.
#[derive(Parser)]
#[command(name = "magpie-idle")]
struct Arguments {
    /// magpie-discord of the dist profile
    discord: PathBuf,
    /// magpie-telegram of the dist profile
    telegram: PathBuf,
    /// magpie-wechat of the dist profile
    wechat: PathBuf,
    /// magpie-whatsapp-simulated of the dist-simulated profile
    whatsapp: PathBuf,
}

/// What was read of one bridge.
struct Figures {
    resident_mib: f64,
    anonymous_mib: f64,
    program_mb: f64,
    /// From the start of the process to its first answer.
    start_ms: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let all = [
        ("Discord", of_discord(&arguments.discord).await?),
        ("Telegram", of_telegram(&arguments.telegram).await?),
        ("WeChat", of_wechat(&arguments.wechat).await?),
        ("WhatsApp", of_whatsapp(&arguments.whatsapp).await?),
    ];
    let line = |what: &str, goal: &str, figure: &dyn Fn(&Figures) -> f64| {
        print!("{what:<24}");
        for (_, figures) in &all {
            print!("{:>10.1}", figure(figures));
        }
        println!("{goal:>10}");
    };
    let names = all.iter().map(|(name, _)| *name).chain(["goal"]).map(|name| format!("{name:>10}"));
    println!("{:<24}{}", "", names.collect::<String>());
    line("resident, MiB", "13", &|it| it.resident_mib);
    line("of it anonymous, MiB", "4", &|it| it.anonymous_mib);
    line("program, MB", "16", &|it| it.program_mb);
    line("start to answer, ms", "40", &|it| it.start_ms);
    Ok(())
}

async fn of_discord(program: &Path) -> anyhow::Result<Figures> {
    let (world, small) = discord::World::small();
    let sim = DiscordSim::start(world).await?;
    let stage = Stage::set(staged::cast(SERVER, staged::platform_section(&sim)))?;
    let (fake, alice, bridge) = begin(program, stage).await?;
    let room = fake.wait_until(|fake| fake.room_named("general")).await;
    sim.person_sends(small.general, small.bob, "one each way");
    fake.wait_for_body(&room, "one each way").await;
    comes(&fake, &room, &alice).await;
    alice.sends(&room, "and back");
    sim.wait_for_message(small.general, |message| message.content == "and back").await?;
    let figures = read(program, bridge).await?;
    sim.stop().await;
    fake.stop().await;
    Ok(figures)
}

async fn of_telegram(program: &Path) -> anyhow::Result<Figures> {
    let (world, small) = telegram::World::small();
    let sim = TelegramSim::start(world).await?;
    let platform = telegram::staged::platform_section(&sim);
    let stage = Stage::set(Cast { id: "telegram", ..staged::cast(SERVER, platform) })?;
    let (fake, alice, bridge) = begin(program, stage).await?;
    sim.person_sends(small.supergroup, small.bob, "one each way");
    let room = fake.wait_until(|fake| fake.room_named("Birds")).await;
    fake.wait_for_body(&room, "one each way").await;
    comes(&fake, &room, &alice).await;
    alice.sends(&room, "and back");
    sim.wait_for_message(small.supergroup, |message| message.text().contains("and back"))
        .await
        .context("Telegram was not told")?;
    let figures = read(program, bridge).await?;
    sim.stop().await;
    fake.stop().await;
    Ok(figures)
}

async fn of_wechat(program: &Path) -> anyhow::Result<Figures> {
    let (world, small) = wechat_official::World::small(Clock::system());
    let sim = OfficialSim::start(world).await?;
    let platform = wechat_official::staged::platform_section(&sim, wechat_official::APP_ID);
    let stage = Stage::set(Cast { id: "wechat", ..staged::cast(SERVER, platform) })?;
    let (fake, alice, bridge) = begin(program, stage).await?;
    let address = wechat_official::staged::callback_address(bridge.bridge.url(), wechat_official::APP_ID);
    sim.subscribe(wechat_official::APP_ID, &address).await.map_err(anyhow::Error::msg)?;
    sim.person_says(&small.bob, "one each way");
    let has_it = |fake: &FakeHomeserver| {
        let said = |room: &OwnedRoomId| fake.messages(room).iter().any(|(_, body)| body == "one each way");
        fake.rooms().into_iter().find(said)
    };
    let room = fake.wait_until(has_it).await;
    comes(&fake, &room, &alice).await;
    alice.sends(&room, "and back");
    sim.wait_for_sent(&small.bob, |sent| sent.words().contains("and back")).await?;
    let figures = read(program, bridge).await?;
    sim.stop().await;
    fake.stop().await;
    Ok(figures)
}

async fn of_whatsapp(program: &Path) -> anyhow::Result<Figures> {
    let sim = LinkedSim::start().await?;
    let (owner, other) =
        (sim.account("12025550101", "Alice").await?, sim.account("12025550102", "Bob").await?);
    let cast = whatsapp_linked::staged::cast(&sim, SERVER);
    let admin = format!("@alice:{SERVER}");
    let (fake, alice, bridge) = begin(program, Stage::set(Cast { admin: admin.clone(), ..cast })?).await?;
    let device = whatsapp_linked::staged::sign_in(bridge.bridge.url(), &admin, &owner).await?;
    whatsapp_linked::staged::connected(&sim, &device).await?;
    // Its phone has greeted it, so its keys are known to others.
    sim.expect("acked", |event| event["by"] == device.as_str() && event["tag"] == "message").await?;
    other.send(&owner.lid, content::text("one each way")).await?;
    let has_it = |fake: &FakeHomeserver| {
        let said = |room: &OwnedRoomId| fake.messages(room).iter().any(|(_, body)| body == "one each way");
        fake.rooms().into_iter().find(said)
    };
    let room = fake.wait_until(has_it).await;
    comes(&fake, &room, &alice).await;
    alice.sends(&room, "and back");
    sim.expect("phone-message", |event| event["text"] == "and back" && event["own"] == false).await?;
    let figures = read(program, bridge).await?;
    sim.stop().await?;
    fake.stop().await;
    Ok(figures)
}

/// Waits until somebody who was invited is in the room.
async fn comes(fake: &FakeHomeserver, room: &RoomId, person: &FakePerson) {
    let is_in = |fake: &FakeHomeserver| fake.membership(room, person.user_id()) == Some(Membership::Joined);
    fake.wait_until(|fake| is_in(fake).then_some(())).await;
}

async fn begin(program: &Path, mut stage: Stage) -> anyhow::Result<(FakeHomeserver, FakePerson, Staged)> {
    let program = program.canonicalize().context("there is no such program")?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    // She is there before anybody invites her.
    let alice = fake.person("alice");
    let options = BridgeOptions { program: program.display().to_string(), ..stage.options() };
    Ok((fake, alice, Staged { bridge: Bridge::start(options).await?, _stage: stage }))
}

/// A running bridge and its files.
struct Staged {
    bridge: Bridge,
    _stage: Stage,
}

async fn read(program: &Path, Staged { mut bridge, _stage }: Staged) -> anyhow::Result<Figures> {
    let pid = bridge.id().context("the bridge runs")?;
    let (resident_mib, anonymous_mib) = (memory_mib(pid, "VmRSS:")?, memory_mib(pid, "RssAnon:")?);
    let program_mb = fs::metadata(program)?.len() as f64 / BYTES_PER_MB;
    let mut starts = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        bridge.kill().await?;
        starts.push(start_ms(&mut bridge).await?);
        bridge.ready().await?;
    }
    starts.sort_by(f64::total_cmp);
    bridge.stop().await?;
    Ok(Figures { resident_mib, anonymous_mib, program_mb, start_ms: starts[STARTS / 2] })
}

/// From the start of the process until `/live` answers, in milliseconds.
async fn start_ms(bridge: &mut Bridge) -> anyhow::Result<f64> {
    let (http, url) = (reqwest::Client::new(), format!("{}/live", bridge.url()));
    let begin = Instant::now();
    bridge.respawn()?;
    let answers = async {
        while http.get(&url).send().await.is_err() {
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(START_PATIENCE, answers).await.context("the bridge does not answer")?;
    Ok(begin.elapsed().as_secs_f64() * 1000.0)
}

/// A figure of `/proc/<pid>/status`, which counts in KiB.
fn memory_mib(pid: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name} in it"))?;
    let kib: f64 = line.split_whitespace().nth(1).context("it has a figure")?.parse()?;
    Ok(kib / KIB_PER_MIB)
}
