//! The benchmark: how fast a message hops through a bridge, durably, compared with a bare echo in the same round.
//!
//! `magpie-bench` (in `bin/`) runs it; `cargo xtask bench` builds everything as it is shipped first. A homeserver of our own
//! ([`homeserver`]) pushes messages into `magpie-echo` ([`subject`]) and counts what comes back ([`tally`]). The subjects take turns
//! within each round, so that a busy machine wrongs them all. Databases hold years of use ([`fill`]) before anything is measured.
//! Speed is reported and never judged here; loss, doubles and disorder are failures. Ghosts' own events are not pushed back.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use tempfile::TempDir;
use tokio::time::sleep;

use self::{
    fill::Amount,
    homeserver::Homeserver,
    push::{Load, Pace},
    report::{Figures, Rounds},
    subject::{Answers, Kind, Subject},
};
pub use self::{
    limit::{LimitArguments, serve as serve_limit},
    report::Report,
};
use crate::harness::{bridge::program, postgres::Postgres};

mod fill;
mod homeserver;
mod ids;
mod limit;
mod push;
mod report;
mod subject;
mod tally;

/// How thorough a run is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    amount: Amount,
    starts: usize,
    rounds: usize,
    batch100_messages: usize,
    batch1_messages: usize,
    steady_messages: usize,
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// How thoroughly.
    pub size: Size,
    /// Whether PostgreSQL is there.
    pub postgres: bool,
    /// Only the subjects with these names, and the limit; all when empty.
    pub only: Vec<String>,
    /// Whether memory is followed up to 500,000 hops as well, which takes minutes.
    pub growth: bool,
}

/// Rooms that the load is spread over.
const ROOMS: usize = 50;
/// What becomes of the memory is seen after this pause.
const REST: Duration = Duration::from_secs(1);
/// The pause between messages when latency is measured: 100 a second.
const STEADY_EVERY: Duration = Duration::from_millis(10);
const GROWTH_MESSAGES: usize = 450_000;
const COMMIT_PROBES: usize = 50;
const BYTES_PER_MB: f64 = 1e6;

impl Size {
    /// A million messages stored, and everything three times: what figures are quoted from.
    pub const FULL: Self = Self {
        amount: Amount { messages: 1_000_000, portals: 10_000, ghosts_per_portal: 10 },
        starts: 5,
        rounds: 3,
        batch100_messages: 16_000,
        batch1_messages: 3_000,
        steady_messages: 600,
    };

    /// Enough to see that everything is answered once and in order.
    pub const QUICK: Self = Self {
        amount: Amount { messages: 10_000, portals: 100, ghosts_per_portal: 10 },
        starts: 1,
        rounds: 1,
        batch100_messages: 1_000,
        batch1_messages: 100,
        steady_messages: 20,
    };
}

/// Runs the whole benchmark. Says on the error stream how far it is.
///
/// # Errors
/// When something cannot be started or ends early.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let mut bench = Bench::prepare(options).await?;
    bench.start_all().await?;
    bench.catch_up().await?;
    bench.one_by_one().await?;
    bench.steadily().await?;
    let growth = if options.growth { bench.grow().await? } else { None };
    let rss_touched_mib = bench.touch().await?;
    #[expect(clippy::cast_precision_loss, reason = "no program has 2^52 bytes")]
    let binary_mb = fs::metadata(program("magpie-echo")?)?.len() as f64 / BYTES_PER_MB;
    let commit_ms = commit_ms(bench.folder.path())?;
    for part in &mut bench.parts {
        part.subject.stop().await?;
    }
    if let Some(postgres) = bench.postgres {
        postgres.stop().await?;
    }
    let subjects = bench.parts.into_iter().map(|part| (part.subject.kind, part.figures)).collect();
    Ok(Report { subjects, rss_touched_mib, binary_mb, commit_ms, growth })
}

struct Bench {
    size: Size,
    homeserver: Homeserver,
    parts: Vec<Part>,
    postgres: Option<Postgres>,
    folder: TempDir,
    next_run: u32,
}

struct Part {
    subject: Subject,
    figures: Figures,
}

impl Bench {
    async fn prepare(options: &Options) -> anyhow::Result<Self> {
        let homeserver = Homeserver::start().await?;
        let folder = tempfile::Builder::new().prefix("magpie-bench-").tempdir()?;
        let wanted = |kind: &Kind| {
            let named = options.only.is_empty() || options.only.iter().any(|name| name == kind.name());
            *kind == Kind::Limit || named && (*kind != Kind::Postgres || options.postgres)
        };
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(wanted).collect();
        let postgres = if kinds.contains(&Kind::Postgres) { Some(Postgres::start().await?) } else { None };
        let mut bench =
            Self { size: options.size, homeserver, parts: Vec::new(), postgres, folder, next_run: 1 };
        for kind in kinds {
            let subject = bench.fill(kind).await?;
            bench.parts.push(Part { subject, figures: Figures::default() });
        }
        Ok(bench)
    }

    /// Lets a bridge make its database and fills it.
    async fn fill(&self, kind: Kind) -> anyhow::Result<Subject> {
        if kind == Kind::Limit {
            return Subject::set(kind, None, Answers::Paired, &self.homeserver);
        }
        let messages = self.size.amount.messages;
        progress(&format!("{}: storing {messages} messages before anything is measured", kind.name()));
        let url = match (&self.postgres, kind) {
            (Some(postgres), Kind::Postgres) => postgres.create_database("bench").await?,
            _ => format!("sqlite:{}", self.database(kind).display()),
        };
        let mut subject = Subject::set(kind, Some(url.clone()), Answers::Paired, &self.homeserver)?;
        if kind == Kind::SqliteFull && self.database(Kind::SqliteNormal).exists() {
            fs::copy(self.database(Kind::SqliteNormal), self.database(kind)).context("copy the database")?;
            return Ok(subject);
        }
        // The first start makes the tables. Its message is for a room that nobody knows yet.
        subject.start(one_message(), &self.homeserver).await?;
        subject.stop().await?;
        match kind {
            Kind::Postgres => fill::postgres(&url, self.size.amount).await?,
            _ => fill::sqlite(&self.database(kind), self.size.amount)?,
        }
        Ok(subject)
    }

    fn database(&self, kind: Kind) -> PathBuf {
        self.folder.path().join(format!("{}.db", kind.name()))
    }

    /// Starts everything a few times, and looks at what is idle then.
    async fn start_all(&mut self) -> anyhow::Result<()> {
        progress("starting each with a full database");
        for Part { subject, figures } in &mut self.parts {
            for _ in 0..self.size.starts {
                subject.stop().await?;
                figures.start_ms.0.push(subject.start(one_message(), &self.homeserver).await?);
                push::wait_for_all(&self.homeserver).await;
                figures.counts.add(self.homeserver.tally(|tally| tally.counts()));
            }
        }
        sleep(REST).await;
        for Part { subject, figures } in &mut self.parts {
            let usage = subject.usage()?;
            (figures.rss_idle_mib, figures.rss_anon_mib) = (usage.rss_mib, usage.anon_mib);
        }
        Ok(())
    }

    /// Transactions of 100, and what they leave in memory.
    async fn catch_up(&mut self) -> anyhow::Result<()> {
        progress("warming up");
        let load = Load { pace: Pace::Catching { batch: 100 }, ..load(self.size.batch100_messages / 8) };
        self.round(load, |_, _, _| ()).await?;
        for round in 1..=self.size.rounds {
            progress(&format!("transactions of 100, round {round} of {}", self.size.rounds));
            let load = Load { messages: self.size.batch100_messages, ..load };
            self.round(load, |figures, per_s, cpu_ms_per_1000| {
                figures.batch100_per_s.0.push(per_s);
                figures.cpu_ms_per_1000.0.push(cpu_ms_per_1000);
            })
            .await?;
        }
        sleep(REST).await;
        for Part { subject, figures } in &mut self.parts {
            figures.rss_after_50k_mib = subject.usage()?.rss_mib;
        }
        Ok(())
    }

    async fn one_by_one(&mut self) -> anyhow::Result<()> {
        for round in 1..=self.size.rounds {
            progress(&format!("transactions of 1, round {round} of {}", self.size.rounds));
            let load = load(self.size.batch1_messages);
            self.round(load, |figures, per_s, _| figures.batch1_per_s.0.push(per_s)).await?;
        }
        Ok(())
    }

    /// 100 messages a second, whatever happens to them.
    async fn steadily(&mut self) -> anyhow::Result<()> {
        for round in 1..=self.size.rounds {
            progress(&format!("100 messages/s, round {round} of {}", self.size.rounds));
            let load = Load { pace: Pace::Steady { every: STEADY_EVERY }, ..load(self.size.steady_messages) };
            for part in &mut self.parts {
                run_one(part, take(&mut self.next_run), load, &self.homeserver).await?;
                let latencies = self.homeserver.tally(|tally| tally.latencies_ms());
                part.figures.p50_ms.0.push(percentile(&latencies, 50));
                part.figures.p99_ms.0.push(percentile(&latencies, 99));
            }
        }
        Ok(())
    }

    /// Memory before and after many more hops.
    async fn grow(&mut self) -> anyhow::Result<Option<(f64, f64)>> {
        let Some(part) = self.part(Kind::SqliteNormal) else { return Ok(None) };
        progress(&format!("{GROWTH_MESSAGES} more hops"));
        let load = Load { pace: Pace::Catching { batch: 100 }, ..load(GROWTH_MESSAGES) };
        let number = take(&mut self.next_run);
        run_one(&mut self.parts[part], number, load, &self.homeserver).await?;
        sleep(REST).await;
        let part = &self.parts[part];
        Ok(Some((part.figures.rss_after_50k_mib, part.subject.usage()?.rss_mib)))
    }

    /// A message each way through every portal and every ghost; answers the memory afterwards.
    async fn touch(&mut self) -> anyhow::Result<Option<f64>> {
        let Some(part) = self.part(Kind::SqliteNormal) else { return Ok(None) };
        let Amount { portals, ghosts_per_portal, .. } = self.size.amount;
        progress(&format!("a message through {portals} portals and {} ghosts", portals * ghosts_per_portal));
        let part = &mut self.parts[part];
        part.subject.stop().await?;
        let url = format!("sqlite:{}", self.folder.path().join("sqlite_normal.db").display());
        part.subject = Subject::set(Kind::SqliteNormal, Some(url), Answers::Same, &self.homeserver)?;
        part.subject.start(one_message(), &self.homeserver).await?;
        push::wait_for_all(&self.homeserver).await;
        let (rooms, answerers) = (portals as usize, ghosts_per_portal as usize);
        let load =
            Load { messages: rooms * answerers, rooms, answerers, pace: Pace::Catching { batch: 100 } };
        run_one(part, take(&mut self.next_run), load, &self.homeserver).await?;
        sleep(REST).await;
        Ok(Some(part.subject.usage()?.rss_mib))
    }

    /// The same load for each in turn; `note` gets messages per second and processor milliseconds per 1,000 messages.
    async fn round(&mut self, load: Load, note: impl Fn(&mut Figures, f64, f64)) -> anyhow::Result<()> {
        for part in &mut self.parts {
            let before = part.subject.usage()?.cpu_ms;
            let per_s = run_one(part, take(&mut self.next_run), load, &self.homeserver).await?;
            let spent_ms = part.subject.usage()?.cpu_ms - before;
            #[expect(clippy::cast_precision_loss, reason = "no load has 2^52 messages")]
            note(&mut part.figures, per_s, spent_ms * 1_000.0 / load.messages as f64);
        }
        Ok(())
    }

    fn part(&self, kind: Kind) -> Option<usize> {
        self.parts.iter().position(|part| part.subject.kind == kind)
    }
}

async fn run_one(part: &mut Part, run: u32, load: Load, homeserver: &Homeserver) -> anyhow::Result<f64> {
    let (per_s, counts) = part.subject.run(run, load, homeserver).await?;
    part.figures.counts.add(counts);
    Ok(per_s)
}

fn load(messages: usize) -> Load {
    Load { messages, rooms: ROOMS, answerers: 0, pace: Pace::Catching { batch: 1 } }
}

fn one_message() -> Load {
    load(1)
}

fn take(next: &mut u32) -> u32 {
    let taken = *next;
    *next += 1;
    taken
}

fn percentile(ascending: &[f64], percent: usize) -> f64 {
    let place = (ascending.len() * percent).div_ceil(100).max(1) - 1;
    ascending.get(place).copied().unwrap_or_default()
}

/// What waiting for the disk costs here, without any database.
fn commit_ms(folder: &std::path::Path) -> anyhow::Result<f64> {
    let mut file = File::create(folder.join("commits"))?;
    let mut all = Rounds::default();
    for _ in 0..COMMIT_PROBES {
        let begun = Instant::now();
        file.write_all(&[1; 4_096])?;
        file.sync_data()?;
        all.0.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(all.median())
}

fn progress(what: &str) {
    eprintln!("bench: {what} ...");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let ascending: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&ascending, 50).to_bits(), 100.0_f64.to_bits());
        assert_eq!(percentile(&ascending, 99).to_bits(), 198.0_f64.to_bits());
        assert_eq!(percentile(&[], 50).to_bits(), 0.0_f64.to_bits());
    }
}
