//! A real PostgreSQL on loopback, in a temporary folder, from the machine's own programs.
//!
//! The server refuses to run as root, so then it runs as the unprivileged user `postgres` or `nobody`, who gets the folder.
//! Anybody on this machine may log in as `magpie` without a password: put nothing real into it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::process::Command;

use super::{
    ports::free_port,
    service::{Service, Signal},
    tools::{Component, find},
};

const START_PATIENCE: Duration = Duration::from_secs(60);
const START_ATTEMPTS: u32 = 3;
const USER: &str = "magpie";

/// Whether the server waits for the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// As in production: what was committed survives everything.
    #[default]
    Full,
    /// `fsync=off`: faster, for tests that lose nothing when the machine fails.
    None,
}

/// A running database server. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Postgres {
    service: Service,
    server: Server,
    port: u16,
    folder: TempDir,
}

/// What is needed to start it again.
#[derive(Debug)]
struct Server {
    programs: PathBuf,
    durability: Durability,
    /// User and group to run as, when we are root.
    run_as: Option<(u32, u32)>,
}

impl Postgres {
    /// Starts a new, empty server and waits until it answers.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(Durability::Full).await
    }

    /// [`Postgres::start`], with or without waiting for the disk.
    pub async fn start_with(durability: Durability) -> anyhow::Result<Self> {
        let programs = find(Component::Postgres)?;
        let folder = tempfile::Builder::new().prefix("magpie-postgres-").tempdir()?;
        let run_as = unprivileged_user()?;
        if let Some((user, group)) = run_as {
            chown(folder.path(), Some(user), Some(group)).context("cannot give the database folder away")?;
        }
        let server = Server { programs, durability, run_as };
        server.create(folder.path()).await?;
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            let mut service = server.spawn(folder.path(), port)?;
            match wait_ready(&mut service, port).await {
                Ok(()) => return Ok(Self { service, server, port, folder }),
                Err(error) if attempt == START_ATTEMPTS || !service.log().contains("in use") => {
                    return Err(error);
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// The address of a database of this server; `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// Makes an empty database, UTF-8 with collation C as Synapse demands, and returns its address.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<String> {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            bail!("{name:?} is not a database name: use a-z, 0-9 and _");
        }
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        let statement =
            format!("CREATE DATABASE {name} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(self.url(name))
    }

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.service.id()
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        self.service.log()
    }

    /// Ends the server, cutting all connections, and keeps the data until [`Postgres::up`].
    pub async fn down(&mut self) -> anyhow::Result<()> {
        self.service.stop(Signal::Interrupt).await?;
        Ok(())
    }

    /// Starts the server again on the same data and address.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        self.service = self.server.spawn(self.folder.path(), self.port)?;
        wait_ready(&mut self.service, self.port).await
    }

    /// [`Postgres::down`] and [`Postgres::up`].
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.down().await?;
        self.up().await
    }

    /// The end of a story that went well.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.down().await
    }
}

impl Server {
    async fn create(&self, folder: &Path) -> anyhow::Result<()> {
        let mut command = self.command("initdb", folder);
        command.args(["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync", "--username", USER]);
        let output =
            command.arg("--pgdata").arg(folder.join("data")).output().await.context("cannot run initdb")?;
        if !output.status.success() {
            bail!(
                "initdb failed; the folder of temporary files must be open to other users: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    fn spawn(&self, folder: &Path, port: u16) -> anyhow::Result<Service> {
        let mut command = self.command("postgres", folder);
        command.arg("-D").arg(folder.join("data")).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        // No socket file, so that no shared folder is needed.
        command.args(["-c", "unix_socket_directories=", "-c", "max_connections=200"]);
        if self.durability == Durability::None {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]);
        }
        Service::spawn("PostgreSQL", command, &folder.join("output.log"))
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(folder);
        if let Some((user, group)) = self.run_as {
            command.uid(user).gid(group);
        }
        command
    }
}

async fn wait_ready(service: &mut Service, port: u16) -> anyhow::Result<()> {
    let probe = async || match PgConnection::connect(&url(port, "postgres")).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    };
    service.until(START_PATIENCE, probe).await.context("PostgreSQL does not start")
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://{USER}@127.0.0.1:{port}/{database}")
}

/// User and group to become, where we are root.
fn unprivileged_user() -> anyhow::Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self").context("cannot read /proc")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    let find = |name| users.lines().find_map(|line| user_and_group(line, name));
    let found = find("postgres").or_else(|| find("nobody"));
    found.map(Some).context("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

fn user_and_group(line: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = line.split(':');
    if fields.next()? != name {
        return None;
    }
    let user = fields.nth(1)?.parse().ok()?;
    Some((user, fields.next()?.parse().ok()?))
}
