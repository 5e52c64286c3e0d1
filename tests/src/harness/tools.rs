//! Finds the real software that `cargo xtask` installed, and decides what happens when some is missing.
//!
//! One rule for all tests: a missing component skips the test by name; with `CI=true` it fails it. The installing is done by
//! `xtask/src/setup.rs`, whose folder names are repeated here.

use std::{
    env, fmt,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, bail};

const SYNAPSE_FOLDER: &str = "synapse-1.163.2";

/// A piece of real software that a test may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The homeserver; found is its Python interpreter.
    Synapse,
    /// The machine's own database server; found is the folder of its programs.
    Postgres,
    /// An independent program from npm or PyPI, named like its folder in `tests/judges/`; found is the folder it is installed in.
    Judge(&'static str),
    /// A program of the machine; found is where it lies.
    Program(&'static str),
    /// Prometheus' tool that checks rules; found is the program.
    Promtool,
    /// The bridge to nowhere, linked once more as a static program.
    StaticProgram,
}

/// What surrounds a test run, as far as missing components are concerned.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// `CI=true`: nothing may be missing.
    pub ci: bool,
    /// `cargo xtask test --quick`: nothing real is wanted.
    pub quick: bool,
}

/// What a test does about a component.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Run with what was found at this path.
    Use(PathBuf),
    /// Do not run, and say this.
    Skip(String),
    /// Fail with this message.
    Fail(String),
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synapse => f.write_str("Synapse"),
            Self::Postgres => f.write_str("PostgreSQL"),
            Self::Judge(name) => write!(f, "the judge {name}"),
            Self::Program(name) => f.write_str(name),
            Self::Promtool => f.write_str("promtool"),
            Self::StaticProgram => f.write_str("the static program"),
        }
    }
}

/// The first line of a test with real software: `let Some(_) = need(Component::Synapse) else { return Ok(()) };`
///
/// # Panics
/// Where a component is missing and `CI=true`: then the test must fail.
pub fn need(component: Component) -> Option<PathBuf> {
    let is_set = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let surroundings = Surroundings { ci: is_set("CI", "true"), quick: is_set("MAGPIE_TEST_QUICK", "1") };
    match decide(&test_name(), find(component), surroundings) {
        Decision::Use(path) => Some(path),
        Decision::Skip(line) => {
            println!("{line}");
            note_skip(&line);
            None
        }
        Decision::Fail(message) => panic!("{message}"),
    }
}

/// The rule behind [`need`], for a test of this name.
pub fn decide(test: &str, found: anyhow::Result<PathBuf>, surroundings: Surroundings) -> Decision {
    match found {
        _ if surroundings.quick => {
            Decision::Skip(format!("skipped {test}: a quick run starts no real software"))
        }
        Ok(path) => Decision::Use(path),
        Err(why) if surroundings.ci => Decision::Fail(format!("{why:#} (CI=true: nothing may be skipped)")),
        Err(why) => Decision::Skip(format!("skipped {test}: {why:#}")),
    }
}

/// Where a component is, or what to do to get it.
pub fn find(component: Component) -> anyhow::Result<PathBuf> {
    let candidate = match component {
        Component::Synapse => folder().join(SYNAPSE_FOLDER),
        Component::Judge(name) => folder().join("judges").join(name),
        Component::Postgres => {
            return postgres_programs()
                .context("PostgreSQL is missing; `cargo xtask test` says how to install it");
        }
        Component::Program(name) => {
            return on_search_path(name)
                .with_context(|| format!("{name} is missing; `cargo xtask test deploy` installs it"));
        }
        Component::Promtool => folder().join("promtool"),
        Component::StaticProgram => {
            let program = folder().join("static/magpie-echo");
            return program
                .is_file()
                .then_some(program)
                .context("the static program is missing; `cargo xtask test deploy` links it");
        }
    };
    if !candidate.join(".complete").exists() {
        bail!("{component} is not installed in {}; `cargo xtask test` does that", candidate.display());
    }
    Ok(match component {
        Component::Synapse => candidate.join("bin").join("python"),
        Component::Promtool => candidate.join("promtool"),
        _ => candidate,
    })
}

/// The ignored folder that `cargo xtask` fills: `.magpie/` in the project, or what `MAGPIE_TOOLS` says.
pub fn folder() -> PathBuf {
    env::var_os("MAGPIE_TOOLS").map_or_else(|| project().join(".magpie"), PathBuf::from)
}

/// The project's root folder.
pub fn project() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the package magpie-tests lies in the project's root").to_owned()
}

/// Where logs of components survive a failed test.
pub fn kept_logs() -> PathBuf {
    folder().join("logs")
}

fn on_search_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file())
}

/// The newest version of Debian's layout first, then the search path.
fn postgres_programs() -> Option<PathBuf> {
    let versions = Path::new("/usr/lib/postgresql").read_dir().into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(version_of(folder)));
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn version_of(programs: &Path) -> Option<u32> {
    programs.parent()?.file_name()?.to_str()?.parse().ok()
}

/// Test runners name the thread after the test; with a single thread only nextest still tells.
fn test_name() -> String {
    let thread = thread::current().name().filter(|name| *name != "main").map(str::to_owned);
    thread.or_else(|| env::var("NEXTEST_TEST_NAME").ok()).unwrap_or_else(|| "a test".to_owned())
}

/// Passing tests print nothing, so `cargo xtask test` collects the lines in a file and shows them at the end.
fn note_skip(line: &str) {
    let Some(file) = env::var_os("MAGPIE_TEST_SKIPPED") else { return };
    let written =
        OpenOptions::new().append(true).create(true).open(file).and_then(|mut file| writeln!(file, "{line}"));
    if let Err(error) = written {
        println!("could not note that: {error}");
    }
}
