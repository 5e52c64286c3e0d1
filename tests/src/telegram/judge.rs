//! The independent judges: python-telegram-bot and aiogram, which must work against the simulator as they work against Telegram.
//!
//! A Python script speaks JSON lines: commands in, events out. It is installed by the project's own command into an ignored folder;
//! nothing of it is part of the build.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{TelegramSim, UserId};
use crate::openapi::project_root;

const WAIT_MAX: Duration = Duration::from_secs(30);

/// Which library judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// python-telegram-bot.
    PythonTelegramBot,
    /// aiogram.
    Aiogram,
}

impl Library {
    fn module(self) -> &'static str {
        match self {
            Self::PythonTelegramBot => "ptb",
            Self::Aiogram => "aiogram",
        }
    }
}

/// A client in a process of its own.
pub struct Judge {
    child: Child,
    commands: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
}

impl Judge {
    /// Starts the client with a bot's token. `folder` is where the judge `telegram` is installed.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(
        sim: &TelegramSim,
        bot: UserId,
        (library, folder): (Library, &Path),
    ) -> anyhow::Result<(Self, Value)> {
        let mut child = Command::new(folder.join("bin/python"))
            .arg(project_root().join("tests/judges/telegram/judge.py"))
            .arg(library.module())
            .env("JUDGE_URL", sim.url())
            .env("JUDGE_TOKEN", sim.token_of(bot))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the judge's Python does not start")?;
        let commands = child.stdin.take().context("the judge has no input")?;
        let output = child.stdout.take().context("the judge has no output")?;
        let mut judge = Self { child, commands, events: BufReader::new(output).lines(), seen: Vec::new() };
        let me = judge.expect("ready").await?["me"].clone();
        Ok((judge, me))
    }

    /// Gives a command and waits for its outcome, which may be an `error`.
    ///
    /// # Errors
    /// When the judge ends or is silent.
    pub async fn ask(&mut self, command: &Value) -> anyhow::Result<Value> {
        self.tell(command).await?;
        self.expect("done").await
    }

    /// Calls a method of the Bot API and gives back what the library understood.
    ///
    /// # Errors
    /// When the library raises.
    pub async fn call(&mut self, method: &str, args: Value) -> anyhow::Result<Value> {
        let done = self.ask(&json!({"do": "call", "method": method, "args": args})).await?;
        match done.get("error") {
            None => Ok(done["result"].clone()),
            Some(_) => bail!("{method}: {done}"),
        }
    }

    /// Calls a method that must fail and gives back the error.
    ///
    /// # Errors
    /// When it does not fail, or when the library cannot make sense of the answer.
    pub async fn call_fails(&mut self, method: &str, args: Value) -> anyhow::Result<Value> {
        let done = self.ask(&json!({"do": "call", "method": method, "args": args})).await?;
        match done["error"].as_str() {
            None | Some("crash") => bail!("{method}: {done}"),
            Some(_) => Ok(done),
        }
    }

    /// Waits for the next update that bears this field, and gives back the field.
    ///
    /// # Errors
    /// When none comes.
    pub async fn update(&mut self, kind: &str) -> anyhow::Result<Value> {
        let is_wanted = |event: &Value| event["event"] == "update" && event["update"].get(kind).is_some();
        Ok(self.wait(is_wanted, kind).await?["update"][kind].clone())
    }

    /// Lets the client log out and its process end.
    ///
    /// # Errors
    /// When it does not end in order.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.tell(&json!({"do": "stop"})).await?;
        let status =
            tokio::time::timeout(WAIT_MAX, self.child.wait()).await.context("the judge does not end")??;
        if status.success() { Ok(()) } else { bail!("the judge ended with {status}") }
    }

    async fn tell(&mut self, command: &Value) -> anyhow::Result<()> {
        self.commands.write_all(format!("{command}\n").as_bytes()).await.context("the judge does not listen")
    }

    async fn expect(&mut self, kind: &str) -> anyhow::Result<Value> {
        self.wait(|event| event["event"] == kind, kind).await
    }

    /// Waits for an event; others are kept for later.
    async fn wait(&mut self, is_wanted: impl Fn(&Value) -> bool, what: &str) -> anyhow::Result<Value> {
        if let Some(at) = self.seen.iter().position(&is_wanted) {
            return Ok(self.seen.remove(at));
        }
        let next = async {
            loop {
                let line = self.events.next_line().await?.context("the judge ended")?;
                let event: Value =
                    serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
                if is_wanted(&event) {
                    return Ok(event);
                }
                self.seen.push(event);
            }
        };
        let waited = tokio::time::timeout(WAIT_MAX, next).await;
        waited.with_context(|| format!("the judge did not report {what}; it reported {:?}", self.seen))?
    }
}
