//! The independent judge: pywa, which must work against the simulator as it works against Meta's servers.
//!
//! A Python script speaks JSON lines: commands in, events out. It posts to the simulator through pywa and listens for webhooks, whose
//! signatures and payloads pywa checks and reads. It is installed by the project's own command; nothing of it is part of the build.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{NumberId, WhatsAppCloudSim};
use crate::openapi::project_root;

/// Generous, because many tests share a machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A pywa client in a process of its own.
pub struct Judge {
    child: Child,
    commands: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
    /// Where it listens for webhooks.
    pub address: String,
}

impl Judge {
    /// Starts the client for a number; `installed` is the folder of the judge.
    pub async fn start(sim: &WhatsAppCloudSim, number: NumberId, installed: &Path) -> anyhow::Result<Self> {
        let script = project_root().join("tests/judges/whatsapp_cloud/judge.py");
        let secrets = sim.secrets();
        let mut child = Command::new(installed.join("bin/python"))
            .arg(script)
            .env("JUDGE_API", sim.graph_url())
            .env("JUDGE_NUMBER", number.to_string())
            .env("JUDGE_ACCOUNT", secrets.account)
            .env("JUDGE_TOKEN", secrets.token)
            .env("JUDGE_SECRET", secrets.app_secret)
            .env("JUDGE_VERIFY", secrets.verify_token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the judge's Python does not start")?;
        let commands = child.stdin.take().context("the judge has no input")?;
        let output = child.stdout.take().context("the judge has no output")?;
        let events = BufReader::new(output).lines();
        let mut judge = Self { child, commands, events, seen: Vec::new(), address: String::new() };
        let ready = judge.expect("ready").await?;
        judge.address =
            ready["address"].as_str().context("the judge does not say where it listens")?.to_owned();
        Ok(judge)
    }

    /// Gives a command and waits for its outcome.
    pub async fn ask(&mut self, command: &Value) -> anyhow::Result<Value> {
        self.commands
            .write_all(format!("{command}\n").as_bytes())
            .await
            .context("the judge does not listen")?;
        self.expect("done").await
    }

    /// Waits for the next event of a kind; others are kept for later. A complaint of pywa is an error unless it is waited for.
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
                if event["event"] == "complaint" {
                    bail!("pywa complains: {event}");
                }
                self.seen.push(event);
            }
        };
        let waited = tokio::time::timeout(WAIT_MAX, next).await;
        waited.with_context(|| format!("pywa did not report {kind}; it reported {:?}", self.seen))?
    }

    /// Lets the process end. Says what it reported and nobody asked for.
    pub async fn stop(mut self) -> anyhow::Result<Vec<Value>> {
        self.commands.write_all(b"{\"do\": \"stop\"}\n").await.context("the judge does not listen")?;
        while let Some(line) = self.events.next_line().await? {
            self.seen.push(serde_json::from_str(&line)?);
        }
        let status =
            tokio::time::timeout(WAIT_MAX, self.child.wait()).await.context("the judge does not end")??;
        if status.success() { Ok(self.seen) } else { bail!("the judge ended with {status}") }
    }
}
