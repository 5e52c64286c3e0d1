//! What operators deploy: units, chart, rules, container files. Each is judged by the software that will read it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use magpie_tests::harness::tools::project;
use tokio::{process::Command, time::timeout};

mod chart;
mod containers;
mod dockerfile;
mod readme;
mod rules;
mod systemd;

/// A judge ends by itself long before.
const JUDGED_WITHIN: Duration = Duration::from_secs(240);

/// What a judge said, and whether it was content.
struct Verdict {
    is_good: bool,
    words: String,
}

impl Verdict {
    /// The judge must have been content.
    fn must_be_good(&self) {
        assert!(self.is_good, "{}", self.words);
        println!("{}", self.words);
    }
}

/// Runs a program to its end.
async fn ask(program: impl AsRef<OsStr>, arguments: &[impl AsRef<OsStr>], folder: &Path) -> Verdict {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(JUDGED_WITHIN, command.output()).await.expect("it ends").expect("it starts");
    let words =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    Verdict { is_good: output.status.success(), words }
}

/// Runs a script of a judge with the Python that the judge was installed with.
async fn ask_python(installed: &Path, script: &str, arguments: &[&Path]) -> Verdict {
    let script: PathBuf = project().join("tests/judges").join(script);
    let mut all = vec![OsStr::new("-B"), script.as_os_str()];
    all.extend(arguments.iter().map(|argument| argument.as_os_str()));
    ask(installed.join("bin/python"), &all, &project()).await
}
