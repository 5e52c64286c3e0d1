//! A child process that serves something: started, awaited, stopped and never left behind.
//!
//! Its output goes to a log file. Only processes started here are ever signalled: by the id of a child that was not reaped
//! yet, so the id cannot belong to anyone else. The parts that know what is started are its neighbors.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    process::{Child, Command},
    time::{Instant, interval, timeout},
};

use super::tools;

const POLL: Duration = Duration::from_millis(25);
const STOP_PATIENCE: Duration = Duration::from_secs(20);
const TAIL_LINES: usize = 25;

/// One running (or ended) child process.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    log: PathBuf,
    is_stopped: bool,
}

/// A signal that asks a process to end.
#[derive(Debug, Clone, Copy)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
}

impl Service {
    /// Starts `command` with its output appended to the file `log`.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(log);
        let file = file.with_context(|| format!("cannot write the log {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), is_stopped: false })
    }

    /// Asks `check` again and again until it says yes; an error when the process ends first or `patience` runs out.
    pub async fn until(
        &mut self,
        patience: Duration,
        mut check: impl AsyncFnMut() -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        let mut ticks = interval(POLL);
        while Instant::now() < deadline {
            ticks.tick().await;
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at its start ({status}); its log:\n{}", self.name, self.tail());
            }
            if check().await {
                return Ok(());
            }
        }
        bail!("{} was not ready after {} s; its log:\n{}", self.name, patience.as_secs(), self.tail())
    }

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// All output so far.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Sends a signal and waits for the end; a process that ignores it for 20 s is killed, which is an error.
    pub async fn stop(&mut self, signal: Signal) -> anyhow::Result<ExitStatus> {
        if let Some(id) = self.child.id() {
            send(id, signal).await?;
        }
        let Ok(status) = timeout(STOP_PATIENCE, self.child.wait()).await else {
            self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))?;
            bail!(
                "{} did not stop within {} s; its log:\n{}",
                self.name,
                STOP_PATIENCE.as_secs(),
                self.tail()
            );
        };
        self.is_stopped = true;
        Ok(status?)
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))?;
        self.is_stopped = true;
        Ok(())
    }

    /// Waits until the process ends by itself.
    pub async fn exited(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let Ok(status) = timeout(patience, self.child.wait()).await else {
            bail!("{} still runs after {} s; its log:\n{}", self.name, patience.as_secs(), self.tail());
        };
        self.is_stopped = true;
        Ok(status?)
    }

    /// The last lines of the output.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.is_stopped {
            return;
        }
        let kept = tools::kept_logs();
        let name = self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-").to_lowercase();
        let target = kept.join(format!("{name}-{}.log", self.child.id().unwrap_or_default()));
        if fs::create_dir_all(&kept).and_then(|()| fs::copy(&self.log, &target)).is_ok() {
            println!("{} was not stopped in order; its log is kept in {}", self.name, target.display());
        }
    }
}

/// Through the shell's own `kill`, since calling the system directly would need unsafe code.
async fn send(id: u32, signal: Signal) -> anyhow::Result<()> {
    let name = match signal {
        Signal::Terminate => "TERM",
        Signal::Interrupt => "INT",
    };
    // It may have ended meanwhile: then there is nobody to signal, and the wait that follows returns at once.
    Command::new("sh")
        .args(["-c", &format!("kill -{name} {id} 2>&1")])
        .output()
        .await
        .context("cannot run sh")?;
    Ok(())
}
