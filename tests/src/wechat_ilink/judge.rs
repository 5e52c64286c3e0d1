//! The independent judge: the vendor's own client, whose modules must work against the simulator as they work against WeChat.
//!
//! A Node script speaks JSON lines: commands in, events out. It is installed by the project's own command into an ignored folder; nothing of
//! it is part of the build.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::ILinkSim;
use crate::openapi::project_root;

/// Generous, because many tests share a machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The vendor's client in a process of its own.
pub struct Judge {
    child: Child,
    commands: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
}

impl Judge {
    /// Starts the client; `installed` is the folder of the judge.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(sim: &ILinkSim, installed: &Path) -> anyhow::Result<Self> {
        let script = project_root().join("tests/judges/wechat_ilink/judge.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .current_dir(installed)
            .env("JUDGE_API", sim.api_url())
            .env("JUDGE_CDN", sim.cdn_url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node does not start; it is needed for the judge")?;
        let commands = child.stdin.take().context("the judge has no input")?;
        let output = child.stdout.take().context("the judge has no output")?;
        let mut judge = Self { child, commands, events: BufReader::new(output).lines(), seen: Vec::new() };
        judge.expect("ready").await?;
        Ok(judge)
    }

    /// Gives a command.
    ///
    /// # Errors
    /// When the client does not listen.
    pub async fn tell(&mut self, command: &Value) -> anyhow::Result<()> {
        self.commands.write_all(format!("{command}\n").as_bytes()).await.context("the judge does not listen")
    }

    /// Gives a command and waits for its outcome.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ask(&mut self, command: &Value) -> anyhow::Result<Value> {
        self.tell(command).await?;
        self.expect("done").await
    }

    /// Waits for the next event of a kind; others are kept for later.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn expect(&mut self, kind: &str) -> anyhow::Result<Value> {
        if let Some(at) = self.seen.iter().position(|event| event["event"] == kind) {
            return Ok(self.seen.remove(at));
        }
        let next = async {
            loop {
                let line = self.events.next_line().await?.context("the judge ended")?;
                let event: Value =
                    serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
                if event["event"] == kind {
                    return Ok(event);
                }
                self.seen.push(event);
            }
        };
        let waited = tokio::time::timeout(WAIT_MAX, next).await;
        waited.with_context(|| format!("the client did not report {kind}; it reported {:?}", self.seen))?
    }

    /// Lets the process end.
    ///
    /// # Errors
    /// When it does not, or not well.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.tell(&serde_json::json!({"do": "stop"})).await?;
        let status =
            tokio::time::timeout(WAIT_MAX, self.child.wait()).await.context("the judge does not end")??;
        if status.success() { Ok(()) } else { bail!("the judge ended with {status}") }
    }
}
