//! The independent judge: discord.js, which must work against the simulator as it works against Discord.
//!
//! A Node script speaks JSON lines: commands in, events out. It is installed by the project's own command into an ignored
//! folder; nothing of it is part of the build.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::DiscordSim;
use crate::openapi::project_root;

const WAIT_MAX: Duration = Duration::from_secs(30);

/// Where the judge is installed: `.magpie/judges/discord`, or below `MAGPIE_TOOLS`.
pub fn judge_dir() -> anyhow::Result<PathBuf> {
    let tools =
        std::env::var_os("MAGPIE_TOOLS").map_or_else(|| project_root().join(".magpie"), PathBuf::from);
    let dir = tools.join("judges/discord");
    let library = dir.join("node_modules/discord.js");
    if !library.is_dir() {
        bail!("discord.js is not installed in {}: run `cargo xtask test`, which installs it", dir.display());
    }
    Ok(dir)
}

/// A discord.js client in a process of its own.
pub struct Judge {
    child: Child,
    commands: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
}

impl Judge {
    /// Starts the client and lets it log in to the simulator.
    pub fn start(sim: &DiscordSim) -> anyhow::Result<Self> {
        let dir = judge_dir()?;
        let script = project_root().join("tests/judges/discord/judge.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .current_dir(dir)
            .env("JUDGE_API", format!("{}/api", sim.origin()))
            .env("JUDGE_TOKEN", sim.token())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node does not start; it is needed for the judge")?;
        let commands = child.stdin.take().context("the judge has no input")?;
        let output = child.stdout.take().context("the judge has no output")?;
        Ok(Self { child, commands, events: BufReader::new(output).lines(), seen: Vec::new() })
    }

    /// Gives a command.
    pub async fn tell(&mut self, command: &Value) -> anyhow::Result<()> {
        self.commands.write_all(format!("{command}\n").as_bytes()).await.context("the judge does not listen")
    }

    /// Gives a command and waits for its outcome.
    pub async fn ask(&mut self, command: &Value) -> anyhow::Result<Value> {
        self.tell(command).await?;
        self.expect("done").await
    }

    /// Waits for the next event of a kind; others are kept for later.
    pub async fn expect(&mut self, kind: &str) -> anyhow::Result<Value> {
        if let Some(at) = self.seen.iter().position(|event| event["event"] == kind) {
            return Ok(self.seen.remove(at));
        }
        let next = async {
            loop {
                let line = self.events.next_line().await?.context("the judge ended")?;
                let event: Value =
                    serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
                if event["event"] == "error" {
                    bail!("the judge complains: {event}");
                }
                if event["event"] == kind {
                    return Ok(event);
                }
                self.seen.push(event);
            }
        };
        let waited = tokio::time::timeout(WAIT_MAX, next).await;
        waited.with_context(|| format!("discord.js did not report {kind}; it reported {:?}", self.seen))?
    }

    /// Lets the client log out and its process end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.tell(&serde_json::json!({"do": "stop"})).await?;
        let status =
            tokio::time::timeout(WAIT_MAX, self.child.wait()).await.context("the judge does not end")??;
        if status.success() { Ok(()) } else { bail!("the judge ended with {status}") }
    }
}
