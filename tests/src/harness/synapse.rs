//! A real Synapse on loopback, in a temporary folder, with the registrations a test hands it.
//!
//! Limits for clients are out of the way, presence is on, and so are the two experimental features that encrypted bridges
//! need. Registration files are read at start only: write them first, or call [`Synapse::restart`].

mod config;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use tempfile::TempDir;
use tokio::process::Command;

use super::{
    person::Person,
    ports::free_port,
    postgres::Postgres,
    service::{Service, Signal},
    tools::{Component, find},
};

const START_PATIENCE: Duration = Duration::from_secs(120);
const START_ATTEMPTS: u32 = 3;
/// What one probe for readiness may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where Synapse keeps its data.
#[derive(Debug, Clone, Copy)]
pub enum Database<'a> {
    /// In a file of its own.
    Sqlite,
    /// In a new database of this server.
    Postgres(&'a Postgres),
}

/// What a test may choose.
#[derive(Debug, Clone)]
pub struct SynapseOptions<'a> {
    /// Where the data goes.
    pub database: Database<'a>,
    /// Registration files of application services.
    pub registrations: Vec<PathBuf>,
    /// The part of every user id after the colon.
    pub server_name: String,
}

impl Default for SynapseOptions<'_> {
    fn default() -> Self {
        Self { database: Database::Sqlite, registrations: Vec::new(), server_name: "magpie.test".to_owned() }
    }
}

/// A running homeserver. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Synapse {
    service: Service,
    python: PathBuf,
    port: u16,
    server_name: String,
    http: reqwest::Client,
    folder: TempDir,
}

impl Synapse {
    /// Starts a new homeserver and waits until it answers.
    pub async fn start(options: SynapseOptions<'_>) -> anyhow::Result<Self> {
        let python = find(Component::Synapse)?;
        let folder = tempfile::Builder::new().prefix("magpie-synapse-").tempdir()?;
        let database = config::database(options.database, folder.path()).await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            config::write(folder.path(), port, &options, &database)?;
            let mut service = spawn(&python, folder.path())?;
            match wait_ready(&mut service, &http, port).await {
                Ok(()) => {
                    let server_name = options.server_name;
                    return Ok(Self { service, python, port, server_name, http, folder });
                }
                Err(error) if attempt == START_ATTEMPTS || !service.log().contains("in use") => {
                    return Err(error);
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// The address for clients and bridges, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The part of every user id after the colon.
    pub fn server_name(&self) -> &str {
        &self.server_name
    }

    /// The temporary folder, where a test may put its registration files too.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.service.id()
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        self.service.log()
    }

    /// A person with this user name, registered on first call, logged in and listening.
    pub async fn person(&self, name: &str) -> anyhow::Result<Person> {
        Person::enter(&self.url(), name).await
    }

    /// Ends the server and keeps the data, until [`Synapse::up`].
    pub async fn down(&mut self) -> anyhow::Result<()> {
        self.service.stop(Signal::Terminate).await?;
        Ok(())
    }

    /// Starts the server again on the same data and address.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        self.service = spawn(&self.python, self.folder.path())?;
        wait_ready(&mut self.service, &self.http, self.port).await
    }

    /// [`Synapse::down`] and [`Synapse::up`].
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.down().await?;
        self.up().await
    }

    /// SIGKILL, until [`Synapse::up`].
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.service.kill().await
    }

    /// The end of a story that went well.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.down().await
    }
}

fn spawn(python: &Path, folder: &Path) -> anyhow::Result<Service> {
    let mut command = Command::new(python);
    command.args(["-m", "synapse.app.homeserver", "--config-path"]).arg(folder.join("homeserver.yaml"));
    // Synapse pushes to application services on loopback: a proxy must not come between.
    command.current_dir(folder).env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
    Service::spawn("Synapse", command, &folder.join("output.log"))
}

/// GET /_matrix/client/versions
async fn wait_ready(service: &mut Service, http: &reqwest::Client, port: u16) -> anyhow::Result<()> {
    let url = format!("http://127.0.0.1:{port}/_matrix/client/versions");
    let probe = async || {
        let answer = http.get(&url).timeout(PROBE_TIMEOUT).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    service.until(START_PATIENCE, probe).await.context("Synapse does not start")
}
