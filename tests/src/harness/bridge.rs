//! One of our own programs as a child process: started with a configuration, killed, restarted.
//!
//! The program comes from the folder this test was built into, so it is always of the same build.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::process::Command;

use super::service::{Service, Signal};

const START_PATIENCE: Duration = Duration::from_secs(60);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// What to start.
#[derive(Debug, Clone, Default)]
pub struct BridgeOptions {
    /// The program's name, such as `magpie-discord`.
    pub program: String,
    /// The text of its configuration file, which is handed over with `--config`.
    pub config: String,
    /// More arguments, after that.
    pub arguments: Vec<String>,
    /// More environment variables.
    pub environment: Vec<(String, String)>,
    /// Where it answers `/ready`, for instance `http://127.0.0.1:29334`.
    pub url: String,
}

/// A program of ours with its own folder. Dropping it kills it and removes the folder.
#[derive(Debug)]
pub struct Bridge {
    service: Service,
    options: BridgeOptions,
    http: reqwest::Client,
    folder: TempDir,
}

impl Bridge {
    /// Starts the program and waits until `/ready` says yes.
    pub async fn start(options: BridgeOptions) -> anyhow::Result<Self> {
        let mut bridge = Self::spawn(options)?;
        bridge.ready().await?;
        Ok(bridge)
    }

    /// Starts the program without waiting, for those that are meant to fail or to wait.
    pub fn spawn(options: BridgeOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("magpie-bridge-").tempdir()?;
        fs::write(folder.path().join("config.yaml"), &options.config)?;
        let http = reqwest::Client::builder().no_proxy().timeout(PROBE_TIMEOUT).build()?;
        let service = spawn(&options, folder.path())?;
        Ok(Self { service, options, http, folder })
    }

    /// Waits until GET /ready answers 200.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let url = format!("{}/ready", self.options.url);
        let probe =
            async || self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success());
        self.service.until(START_PATIENCE, probe).await
    }

    /// Its working folder, which also holds `config.yaml`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.options.url
    }

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.service.id()
    }

    /// Everything it printed so far, over all restarts.
    pub fn log(&self) -> String {
        self.service.log()
    }

    /// Waits until it has printed these words.
    pub async fn prints(&mut self, words: &str) -> anyhow::Result<()> {
        let folder = self.folder.path().join("output.log");
        self.service
            .until(START_PATIENCE, async || fs::read_to_string(&folder).is_ok_and(|log| log.contains(words)))
            .await
    }

    /// The last lines of it.
    pub fn tail(&self) -> String {
        self.service.tail()
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.service.kill().await
    }

    /// Starts the ended program again, with the same files, without waiting for it to be ready.
    pub fn respawn(&mut self) -> anyhow::Result<()> {
        self.service = spawn(&self.options, self.folder.path())?;
        Ok(())
    }

    /// Starts the ended program again, with these environment variables instead of the former ones.
    pub fn respawn_with(&mut self, environment: Vec<(String, String)>) -> anyhow::Result<()> {
        self.options.environment = environment;
        self.respawn()
    }

    /// Kills the program, starts it again and waits until it is ready.
    pub async fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        self.kill().await?;
        self.respawn()?;
        self.ready().await
    }

    /// Waits until it ends by itself.
    pub async fn exited(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        self.service.exited(patience).await
    }

    /// Asks it to end in order, and waits.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.service.stop(Signal::Terminate).await
    }
}

/// The path of a program of this workspace.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let us = env::current_exe().context("cannot tell where this test lies")?;
    let folder = us.parent().context("a program lies in a folder")?;
    // Tests lie in `deps/` below the programs; the demo lies beside them.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(name);
    if !path.exists() {
        // What takes a simulator for the network is no part of an ordinary build.
        let of_feature = match name.strip_suffix("-simulated") {
            Some(shipped) => format!(" --features {shipped}/simulator --test simulated --bin {name}"),
            None => String::new(),
        };
        bail!("{} is not built; `cargo build --workspace{of_feature}` does that", path.display());
    }
    Ok(path)
}

fn spawn(options: &BridgeOptions, folder: &Path) -> anyhow::Result<Service> {
    let mut command = Command::new(program(&options.program)?);
    command.arg("--config").arg(folder.join("config.yaml")).args(&options.arguments).current_dir(folder);
    command.envs(options.environment.iter().map(|(name, value)| (name, value)));
    Service::spawn(&options.program, command, &folder.join("output.log"))
}
