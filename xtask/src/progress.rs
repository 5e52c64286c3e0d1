//! Runs a child process with its output in a log file and a line about the progress on the terminal.
//!
//! Everything that may take longer than two seconds goes through here or through cargo, which shows its own progress. Plain
//! lines are printed where nobody watches a terminal, so that a build log stays readable.

use std::{
    fs,
    io::{self, IsTerminal},
    path::Path,
    process::{Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

const POLL: Duration = Duration::from_millis(100);
const REMIND: Duration = Duration::from_secs(15);
const TAIL_LINES: usize = 15;

/// Runs `command` to its end. `doing` is shown meanwhile; a failure shows the last lines of the output, which is kept in `log`.
pub fn step(doing: &str, command: &mut Command, log: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    let status = watch(doing, command, log)?;
    if status.success() {
        eprintln!("{doing}: done in {:.0} s", started.elapsed().as_secs_f32().ceil());
        return Ok(());
    }
    let output = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = output.lines().collect();
    for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
        eprintln!("  | {line}");
    }
    bail!("{doing} failed ({status}); the whole output is in {}", log.display())
}

fn watch(doing: &str, command: &mut Command, log: &Path) -> anyhow::Result<ExitStatus> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let file = fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(std::process::Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let spinner = spinner(doing);
    let started = Instant::now();
    let mut reminded = started;
    loop {
        if let Some(status) = child.try_wait()? {
            spinner.finish_and_clear();
            return Ok(status);
        }
        if spinner.is_hidden() && reminded.elapsed() >= REMIND {
            reminded = Instant::now();
            eprintln!("{doing}: still at it after {} s", started.elapsed().as_secs());
        }
        thread::sleep(POLL);
    }
}

fn spinner(doing: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        eprintln!("{doing} ...");
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("the template is a constant");
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(doing.to_owned());
    spinner.enable_steady_tick(POLL);
    spinner
}
