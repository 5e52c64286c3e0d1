//! A Node program of `tests/judges/`, spoken to in lines of JSON: commands in, answers and events out.
//!
//! It runs in the folder where its packages are installed and ends with its input. Events are kept until somebody expects them.

use std::{
    collections::HashMap,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{Notify, oneshot},
    time::{Instant, timeout, timeout_at},
};

use super::tools::{Component, find, project};

/// How long anything may take, which is generous because many tests share a machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
const EVENTS_MAX: usize = 100_000;
const SHOWN_MAX: usize = 12;

/// A running program. Clones are the same program; it ends with the last of them.
#[derive(Clone, Debug)]
pub struct NodeProcess(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    input: tokio::sync::Mutex<Option<ChildStdin>>,
    child: tokio::sync::Mutex<Child>,
    lines: Arc<Lines>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Lines {
    heard: Mutex<Heard>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Heard {
    events: Vec<Event>,
    answers: HashMap<u64, oneshot::Sender<Result<Value, String>>>,
    has_ended: bool,
}

#[derive(Debug)]
struct Event {
    value: Value,
    is_taken: bool,
}

impl NodeProcess {
    /// Starts a script of the folder `judge` with these variables.
    ///
    /// # Errors
    /// When Node does not start or the packages are not installed.
    pub async fn start(
        judge: &'static str,
        script: &str,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let folder = find(Component::Judge(judge))?;
        let mut command = Command::new("node");
        command.arg(project().join("tests/judges").join(judge).join(script)).current_dir(folder);
        // The certificate of WhatsApp's media host is its own.
        command.env("NODE_TLS_REJECT_UNAUTHORIZED", "0").env("NODE_NO_WARNINGS", "1");
        command
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().context("node does not start; it is needed for this test")?;
        let input = child.stdin.take().context("the program has no input")?;
        let output = child.stdout.take().context("the program has no output")?;
        let lines = Arc::new(Lines::default());
        tokio::spawn(listen(output, Arc::clone(&lines)));
        Ok(Self(Arc::new(Inner {
            name: script.to_owned(),
            input: tokio::sync::Mutex::new(Some(input)),
            child: tokio::sync::Mutex::new(child),
            lines,
            next: AtomicU64::new(1),
        })))
    }

    /// Gives a command and waits until it is carried out; gives what came of it.
    ///
    /// # Errors
    /// When the program refuses, with its words, or does not answer.
    pub async fn ask(&self, name: &str, mut fields: Value) -> anyhow::Result<Value> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        fields["ask"] = json!(id);
        fields["do"] = json!(name);
        let (tell, told) = oneshot::channel();
        self.heard().answers.insert(id, tell);
        {
            let mut input = self.0.input.lock().await;
            let input = input.as_mut().with_context(|| format!("{} was stopped", self.0.name))?;
            input.write_all(format!("{fields}\n").as_bytes()).await.with_context(|| self.ended())?;
        }
        let answer = timeout(PATIENCE, told).await;
        let answer = answer.with_context(|| format!("{} does not answer {name}", self.0.name))?;
        answer.map_err(|_| anyhow!(self.ended()))?.map_err(|words| anyhow!("{name}: {words}"))
    }

    /// Waits for the first event of a kind that fits and was not taken by an earlier call.
    ///
    /// # Errors
    /// When none comes in time, with what came instead.
    pub async fn expect(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let changed = self.0.lines.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut heard = self.heard();
                let fitting = |event: &&mut Event| {
                    !event.is_taken && event.value["event"] == kind && fits(&event.value)
                };
                if let Some(event) = heard.events.iter_mut().find(fitting) {
                    event.is_taken = true;
                    return Ok(event.value.clone());
                }
                if heard.has_ended {
                    bail!(self.ended());
                }
            }
            if timeout_at(deadline, changed).await.is_err() {
                bail!("{} tells no {kind} that fits; the last of the rest: {:#?}", self.0.name, self.last());
            }
        }
    }

    /// All events of a kind so far, taken or not.
    pub fn seen(&self, kind: &str) -> Vec<Value> {
        let heard = self.heard();
        heard
            .events
            .iter()
            .map(|event| &event.value)
            .filter(|value| value["event"] == kind)
            .cloned()
            .collect()
    }

    /// All events from the `from`-th on, taken or not, and how many there are.
    pub fn seen_from(&self, from: usize) -> (Vec<Value>, usize) {
        let heard = self.heard();
        let new = heard.events.get(from..).unwrap_or_default();
        (new.iter().map(|event| event.value.clone()).collect(), heard.events.len())
    }

    /// Waits until there are not `count` events any more but others.
    pub async fn changed(&self, count: usize) {
        loop {
            let changed = self.0.lines.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.heard().events.len() != count {
                return;
            }
            changed.await;
        }
    }

    /// Ends the program in order.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub async fn stop(&self) -> anyhow::Result<()> {
        drop(self.0.input.lock().await.take());
        let ended = timeout(PATIENCE, async { self.0.child.lock().await.wait().await }).await;
        let status = ended.with_context(|| format!("{} does not end", self.0.name))??;
        if status.success() { Ok(()) } else { bail!("{} ended with {status}", self.0.name) }
    }

    /// SIGKILL, and waits for the end.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.0.child.lock().await.kill().await.with_context(|| format!("{} cannot be killed", self.0.name))
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lines.lock()
    }

    fn ended(&self) -> String {
        format!("{} has ended; the last it told: {:#?}", self.0.name, self.last())
    }

    fn last(&self) -> Vec<Value> {
        let heard = self.heard();
        let left: Vec<_> =
            heard.events.iter().filter(|event| !event.is_taken).map(|event| &event.value).collect();
        left[left.len().saturating_sub(SHOWN_MAX)..].iter().map(|value| (*value).clone()).collect()
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, line: &str) {
        let mut heard = self.lock();
        let Ok(mut value) = serde_json::from_str::<Value>(line) else { return };
        let Some(id) = value["answer"].as_u64() else {
            assert!(heard.events.len() < EVENTS_MAX, "a test makes {EVENTS_MAX} events");
            heard.events.push(Event { value, is_taken: false });
            return;
        };
        let Some(tell) = heard.answers.remove(&id) else { return };
        let failed = value["failed"].as_str().map(str::to_owned);
        // Nobody waits any more where a test gave up.
        let _ = tell.send(failed.map_or_else(|| Ok(value["ok"].take()), Err));
    }

    fn end(&self) {
        let mut heard = self.lock();
        heard.has_ended = true;
        heard.answers.clear();
    }
}

async fn listen(output: ChildStdout, lines: Arc<Lines>) {
    let mut output = BufReader::new(output).lines();
    while let Ok(Some(line)) = output.next_line().await {
        lines.take(&line);
        lines.changed.notify_waiters();
    }
    lines.end();
    lines.changed.notify_waiters();
}
