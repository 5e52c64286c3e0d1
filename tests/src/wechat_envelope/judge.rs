//! The judges of callback crypto: wechatpy, `@wecom/crypto` and `wechat-crypto`, each in a process of another language; and wechatpy's clients,
//! which work against our simulators.
//!
//! They speak JSON lines, one answer for each command. They are installed by the project's own command; nothing of them is part of the build.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::Envelope;
use crate::openapi::project_root;

const WAIT_MAX: Duration = Duration::from_secs(30);

/// The folder of the judge on Python.
pub const PYTHON: &str = "wechat_crypto_python";
/// The folder of wechatpy's clients.
pub const CLIENTS: &str = "wechat_api_python";
/// The folder of the judges on Node.
pub const NODE: &str = "wechat_crypto_node";

/// Which library is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// wechatpy, for Official Accounts.
    Wechatpy,
    /// wechatpy, for WeCom.
    WechatpyWeCom,
    /// `@wecom/crypto`.
    WeComCrypto,
    /// `wechat-crypto`.
    WechatCrypto,
}

impl Library {
    /// Those on Python.
    pub const ON_PYTHON: [Self; 2] = [Self::Wechatpy, Self::WechatpyWeCom];
    /// Those on Node.
    pub const ON_NODE: [Self; 2] = [Self::WeComCrypto, Self::WechatCrypto];

    fn fields(self) -> Value {
        match self {
            Self::Wechatpy => json!({"platform": "official"}),
            Self::WechatpyWeCom => json!({"platform": "wecom"}),
            Self::WeComCrypto => json!({"judge": "wecom"}),
            Self::WechatCrypto => json!({"judge": "wechat-crypto"}),
        }
    }
}

/// A process with one or two libraries in it.
pub struct Judge {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Judge {
    /// Starts the one on Python; `installed` is its folder.
    pub fn on_python(installed: &Path) -> anyhow::Result<Self> {
        Self::python(installed, PYTHON)
    }

    /// Starts wechatpy's clients; `installed` is their folder.
    pub fn with_clients(installed: &Path) -> anyhow::Result<Self> {
        Self::python(installed, CLIENTS)
    }

    fn python(installed: &Path, folder: &str) -> anyhow::Result<Self> {
        let script = project_root().join("tests/judges").join(folder).join("judge.py");
        Self::start(Command::new(installed.join("bin/python")).arg("-B").arg(script))
    }

    /// Starts the one on Node; `installed` is its folder.
    pub fn on_node(installed: &Path) -> anyhow::Result<Self> {
        let script = project_root().join("tests/judges").join(NODE).join("judge.mjs");
        Self::start(Command::new("node").arg("--no-deprecation").arg(script).current_dir(installed))
    }

    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("the judge does not start")?;
        let commands = child.stdin.take().context("the judge has no input")?;
        let output = child.stdout.take().context("the judge has no output")?;
        Ok(Self { child, commands, answers: BufReader::new(output).lines() })
    }

    /// Gives a command and waits for its answer.
    pub async fn ask(&mut self, command: &Value) -> anyhow::Result<Value> {
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await.context("the judge does not listen")?;
        let next = tokio::time::timeout(WAIT_MAX, self.answers.next_line()).await;
        let line = next.context("the judge does not answer")??.context("the judge ended")?;
        serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))
    }

    /// Lets a client of wechatpy call one of its methods. Gives what it was told.
    ///
    /// # Errors
    /// Also when the other side says no.
    pub async fn call(&mut self, client: &str, method: &str, args: Value) -> anyhow::Result<Value> {
        let mut told =
            self.ask(&json!({"do": "call", "client": client, "method": method, "args": args})).await?;
        if told["refused"].is_null() { Ok(told["told"].take()) } else { bail!("{method} is refused: {told}") }
    }

    /// The same for what the other side refuses. Gives the code.
    pub async fn refused(&mut self, client: &str, method: &str, args: Value) -> anyhow::Result<i64> {
        let told = self.ask(&json!({"do": "call", "client": client, "method": method, "args": args})).await?;
        told["refused"].as_i64().with_context(|| format!("{method} is not refused: {told}"))
    }

    /// Lets a library seal a message. Gives what it sealed and its signature.
    pub async fn seal(
        &mut self,
        library: Library,
        (envelope, moment): (&Envelope, (&str, &str)),
        message: &str,
    ) -> anyhow::Result<(String, String)> {
        let mut command = command("seal", library, (envelope, moment));
        command["message"] = json!(message);
        let told = self.ask(&command).await?;
        match (told["sealed"].as_str(), told["signature"].as_str()) {
            (Some(sealed), Some(signature)) => Ok((sealed.to_owned(), signature.to_owned())),
            _ => bail!("{library:?} does not seal: {told}"),
        }
    }

    /// Lets a library open what was sealed; `None` where it refuses.
    pub async fn open(
        &mut self,
        library: Library,
        (envelope, moment): (&Envelope, (&str, &str)),
        (sealed, signature): (&str, &str),
    ) -> anyhow::Result<Option<String>> {
        let mut command = command("open", library, (envelope, moment));
        (command["sealed"], command["signature"]) = (json!(sealed), json!(signature));
        let told = self.ask(&command).await?;
        match (told["message"].as_str(), told["refused"].as_str()) {
            (Some(message), _) => Ok(Some(message.to_owned())),
            (None, Some(_)) => Ok(None),
            (None, None) => bail!("{library:?} neither opens nor refuses: {told}"),
        }
    }

    /// Lets the process end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.commands);
        let ended = tokio::time::timeout(WAIT_MAX, self.child.wait()).await;
        let status = ended.context("the judge does not end")??;
        if status.success() { Ok(()) } else { bail!("the judge ended with {status}") }
    }
}

fn command(deed: &str, library: Library, (envelope, (timestamp, nonce)): (&Envelope, (&str, &str))) -> Value {
    let mut command = library.fields();
    command["do"] = json!(deed);
    command["token"] = json!(envelope.token);
    command["key"] = json!(envelope.aes_key);
    command["receiver"] = json!(envelope.receiver);
    command["timestamp"] = json!(timestamp);
    command["nonce"] = json!(nonce);
    command
}
