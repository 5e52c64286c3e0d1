//! What is measured: a child process, the load that goes to it, and what the system says about it.

use std::{fs, net::SocketAddr, time::Instant};

use anyhow::Context;
use tokio::process::Command;

use super::{
    homeserver::{Homeserver, SERVER_NAME},
    push::{Load, Pusher},
    tally::Counts,
};
use crate::{
    harness::{
        bridge::program,
        ports::free_port,
        service::{Service, Signal},
    },
    stage::{Cast, Stage},
};

/// Linux counts processor time in these.
const TICKS_PER_S: f64 = 100.0;
const KIB_PER_MIB: f64 = 1_024.0;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Limit,
    SqliteNormal,
    SqliteFull,
    Postgres,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Limit, Self::SqliteNormal, Self::SqliteFull, Self::Postgres];

    /// Its name in the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::SqliteNormal => "sqlite_normal",
            Self::SqliteFull => "sqlite_full",
            Self::Postgres => "postgres",
        }
    }

    fn durability(self) -> &'static str {
        match self {
            Self::SqliteNormal => "normal",
            Self::Limit | Self::SqliteFull | Self::Postgres => "full",
        }
    }
}

/// Where a bridge answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// In the paired chat.
    Paired,
    /// In the same chat.
    Same,
}

/// A subject, running or not, with its files.
pub(super) struct Subject {
    pub(super) kind: Kind,
    stage: Stage,
    config: String,
    environment: Option<LimitStart>,
    service: Option<Service>,
    pub(super) pusher: Pusher,
}

struct LimitStart {
    listen: SocketAddr,
    homeserver: String,
    hs_token: String,
    as_token: String,
}

/// What the system says about a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) rss_mib: f64,
    pub(super) anon_mib: f64,
    pub(super) cpu_ms: f64,
}

impl Subject {
    /// Writes the files; nothing runs yet. `database` is for all but the limit.
    pub(super) fn set(
        kind: Kind,
        database: Option<String>,
        answers: Answers,
        homeserver: &Homeserver,
    ) -> anyhow::Result<Self> {
        let answer_in = if answers == Answers::Same { "same" } else { "paired" };
        let stage = Stage::set(Cast {
            id: "echo",
            server_name: SERVER_NAME.to_owned(),
            homeserver: homeserver.url(),
            database,
            durability: kind.durability(),
            admin: format!("@alice:{SERVER_NAME}"),
            platform: format!("answer_in: {answer_in}\nannounce_chats: 0\n"),
            environment: Vec::new(),
        })?;
        let registration = stage.fake_settings().registrations.swap_remove(0);
        let (mut listen, mut start) = (stage.url().trim_start_matches("http://").parse()?, None);
        if kind == Kind::Limit {
            listen = SocketAddr::from(([127, 0, 0, 1], free_port()?));
            let (hs_token, as_token) = (registration.hs_token.clone(), registration.as_token.clone());
            start = Some(LimitStart { listen, homeserver: homeserver.url(), hs_token, as_token });
        }
        // The event ids of two subjects on one database must differ, those of two runs of the benchmark need not.
        let seed = u64::from(listen.port()) << 8;
        let pusher = Pusher::new(listen, &registration.hs_token, seed);
        let config = stage.config_text();
        Ok(Self { kind, stage, config, environment: start, service: None, pusher })
    }

    /// Starts it and pushes one message as soon as it takes it; answers the milliseconds from the start to the first transaction
    /// that was answered with 200.
    pub(super) async fn start(&mut self, load: Load, homeserver: &Homeserver) -> anyhow::Result<f64> {
        let command = self.command()?;
        let log = self.stage.folder().join("output.log");
        homeserver.begin(START_RUN);
        let begun = Instant::now();
        self.service = Some(Service::spawn(self.kind.name(), command, &log)?);
        let knocked = self.pusher.knock(load, homeserver).await;
        let taken = knocked.with_context(|| self.complaint("does not start"))?;
        Ok((taken - begun).as_secs_f64() * 1_000.0)
    }

    /// Pushes a load; answers the messages per second and what was wrong.
    pub(super) async fn run(
        &mut self,
        number: u32,
        load: Load,
        homeserver: &Homeserver,
    ) -> anyhow::Result<(f64, Counts)> {
        homeserver.begin(number);
        let pushed = self.pusher.push(load, homeserver).await;
        let took = pushed.with_context(|| self.complaint("failed under load"))?;
        let (counts, unexpected) = homeserver.tally(|tally| (tally.counts(), tally.unexpected()));
        if !counts.is_clean() || unexpected > 0 {
            eprintln!("{}: {counts:?}, {unexpected} events that answer nothing", self.kind.name());
        }
        #[expect(clippy::cast_precision_loss, reason = "no load has 2^52 messages")]
        Ok((load.messages as f64 / took.as_secs_f64(), counts))
    }

    /// What the system says about it now.
    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.service.as_ref().and_then(Service::id).context("it does not run")?;
        usage(id).with_context(|| self.complaint("ended"))
    }

    /// Ends it in order.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.pusher.disconnect();
        if let Some(mut service) = self.service.take() {
            match self.kind {
                Kind::Limit => service.kill().await?,
                Kind::SqliteNormal | Kind::SqliteFull | Kind::Postgres => {
                    service.stop(Signal::Terminate).await?;
                }
            }
        }
        Ok(())
    }

    fn command(&self) -> anyhow::Result<Command> {
        if let Some(start) = &self.environment {
            let mut command = Command::new(program("magpie-bench")?);
            command.args(["limit", "--listen", &start.listen.to_string(), "--homeserver", &start.homeserver]);
            command.args(["--hs-token", &start.hs_token, "--as-token", &start.as_token]);
            return Ok(command);
        }
        let path = self.stage.folder().join("config.yaml");
        fs::write(&path, &self.config)?;
        let mut command = Command::new(program("magpie-echo")?);
        command.arg("--config").arg(path).arg("run").current_dir(self.stage.folder());
        Ok(command)
    }

    fn complaint(&self, what: &str) -> String {
        let log = self.service.as_ref().map(Service::tail).unwrap_or_default();
        format!("{} {what}; its log:\n{log}", self.kind.name())
    }
}

/// The run number of the messages that only show that a subject is up.
const START_RUN: u32 = 0;

/// Reads `/proc/<id>/status` and `/proc/<id>/stat`.
fn usage(id: u32) -> anyhow::Result<Usage> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let mib = |name: &str| -> anyhow::Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("an unknown kernel")?;
        let kib: f64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?;
        Ok(kib / KIB_PER_MIB)
    };
    // The name in brackets may hold spaces; the state comes first behind it.
    let (_, fields) = stat.rsplit_once(')').context("an unknown kernel")?;
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    let cpu_ms = ticks / TICKS_PER_S * 1_000.0;
    Ok(Usage { rss_mib: mib("VmRSS")?, anon_mib: mib("RssAnon")?, cpu_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_about_this_process() {
        let usage = usage(std::process::id()).unwrap();
        assert!(usage.rss_mib > usage.anon_mib && usage.anon_mib > 0.0, "{usage:?}");
    }
}
