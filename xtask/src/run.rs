//! The commands around cargo: build with its own progress, then hand over to a program of the project.

use std::{
    collections::{BTreeSet, HashMap},
    env,
    ffi::OsStr,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{
    setup::{Part, Tools},
    test,
};

/// The bridges that are shipped and can be measured as they are.
const SHIPPED: [&str; 3] = ["magpie-discord", "magpie-telegram", "magpie-wechat"];

/// What is measured in the place of `magpie-whatsapp`, which talks to nobody but WhatsApp; and how it is built.
const SIMULATED: &str = "magpie-whatsapp-simulated";
const BUILD_SIMULATED: [&str; 8] = [
    "--package",
    "magpie-whatsapp",
    "--features",
    "simulator",
    "--bin",
    SIMULATED,
    "--profile",
    "dist-simulated",
];

/// What the demonstration reads: with the token of a bot, it joins the real Discord alone.
const REAL_DISCORD: &str = "MAGPIE_DISCORD_TOKEN";

/// A homeserver with the bridges and a conversation.
pub fn demo(tools: &Tools, once: bool) -> anyhow::Result<()> {
    tools.set_up(Part::Synapse)?;
    if env::var_os(REAL_DISCORD).is_none() {
        // The gateway to WeChat is real, too.
        tools.set_up(Part::Judge("wechaty"))?;
    }
    let programs = build(tools, &["--workspace", "--exclude", "xtask", "--bins"])?.programs;
    hand_over(tools, &programs, "magpie-demo", once.then_some("--once"))
}

/// Speed and memory of what is shipped.
pub fn bench(tools: &Tools, json: bool) -> anyhow::Result<()> {
    tools.set_up(Part::Postgres)?;
    // Linking a program for shipping takes a minute, so only these two.
    let only =
        ["--package", "magpie-tests", "--bin", "magpie-bench", "--bin", "magpie-echo", "--profile", "dist"];
    let programs = build(tools, &only)?.programs;
    hand_over(tools, &programs, "magpie-bench", json.then_some("--json"))
}

/// Memory of the shipped bridges while they have nothing to do, and how soon they answer.
pub fn idle(tools: &Tools) -> anyhow::Result<()> {
    tools.set_up(Part::Judges)?;
    // By themselves, so that nothing of the tests is built into them.
    let packages = SHIPPED.iter().flat_map(|name| ["--package", name]);
    let arguments: Vec<&str> = packages.chain(["--profile", "dist"]).collect();
    let built = build(tools, &arguments)?.programs;
    let program = |name: &&str| built.get(*name).with_context(|| format!("the build made no {name}"));
    let mut bridges: Vec<&PathBuf> = SHIPPED.iter().map(program).collect::<anyhow::Result<_>>()?;
    let simulated = build(tools, &BUILD_SIMULATED)?.programs;
    bridges.push(simulated.get(SIMULATED).with_context(|| format!("the build made no {SIMULATED}"))?);
    let programs = build(tools, &["--package", "magpie-tests", "--bin", "magpie-idle"])?.programs;
    hand_over(tools, &programs, "magpie-idle", bridges)
}

/// What each bridge carries.
pub fn features(tools: &Tools, json: bool) -> anyhow::Result<()> {
    let programs = build(tools, &["--package", "magpie-tests", "--bin", "magpie-features"])?.programs;
    hand_over(tools, &programs, "magpie-features", json.then_some("--json"))
}

/// Everything a change must pass.
pub fn ci(tools: &Tools) -> anyhow::Result<()> {
    run(
        cargo(tools).args(["fmt", "--all", "--check"]),
        "the formatting differs; `cargo fmt --all` mends it",
    )?;
    run(
        cargo(tools).args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]),
        "clippy found something; see above",
    )?;
    test::run(tools, None, false)
}

/// The cargo that runs us, in the project's root.
///
/// `cargo run` describes this package to us in the environment. Passed on, that would make build scripts that watch it (the
/// one of ring does) run again, and half the tree be rebuilt after each change between `cargo` and `cargo xtask`.
pub fn cargo(tools: &Tools) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&tools.root).env("MAGPIE_TOOLS", &tools.folder);
    let is_about_us = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_about_us)) {
        command.env_remove(name);
    }
    command
}

/// Runs a command with our own terminal; `otherwise` is the error when it fails.
pub fn run(command: &mut Command, otherwise: &str) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{otherwise}");
    }
    Ok(())
}

/// Where a build put what it made, by name.
#[derive(Default)]
pub struct Built {
    /// The programs.
    pub programs: HashMap<String, PathBuf>,
    /// The project's own libraries, as Rust names them.
    pub libraries: HashMap<String, PathBuf>,
    /// Where that of others lies which these name: with `--target` libraries in one folder, and macros in another.
    pub folders: BTreeSet<PathBuf>,
}

impl Built {
    /// Takes note of what one of cargo's messages tells.
    fn take(&mut self, message: &Value) {
        // A program's own tests bear its name.
        if message["profile"]["test"] != false {
            return;
        }
        if let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str())
        {
            self.programs.insert(name.to_owned(), PathBuf::from(path));
        }
        for path in message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let path = Path::new(path);
            let file = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let Some((name, ending)) = file.strip_prefix("lib").and_then(|file| file.rsplit_once('.')) else {
                continue;
            };
            // Those of others have a hash in their name.
            if name.contains('-') {
                self.folders.extend(path.parent().map(Path::to_owned));
            } else if ending == "rlib" {
                self.libraries.insert(name.to_owned(), path.to_owned());
            }
        }
    }
}

/// Builds. Asking cargo for the paths works with any target folder.
pub fn build(tools: &Tools, arguments: &[&str]) -> anyhow::Result<Built> {
    let mut command = cargo(tools);
    command.arg("build").args(arguments).arg("--message-format=json-render-diagnostics");
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    let stdout = child.stdout.take().expect("it was just piped");
    let mut built = Built::default();
    for line in BufReader::new(stdout).lines() {
        built.take(&serde_json::from_str(&line?).unwrap_or_default());
    }
    if !child.wait()?.success() {
        bail!("the build failed; see above");
    }
    Ok(built)
}

/// Becomes the program, so that Ctrl-C and the exit code are its own. Returns only if that fails.
fn hand_over(
    tools: &Tools,
    programs: &HashMap<String, PathBuf>,
    name: &str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> anyhow::Result<()> {
    let path =
        programs.get(name).with_context(|| format!("this version of the project has no program {name}"))?;
    let mut command = Command::new(path);
    command.args(arguments).current_dir(&tools.root).env("MAGPIE_TOOLS", &tools.folder);
    Err(command.exec()).with_context(|| format!("cannot run {}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_build_made_is_known_by_its_name_and_place() {
        let mut built = Built::default();
        let mut take = |name: &str, test: bool, files: &[&str]| {
            let program = files.iter().find(|file| file.ends_with(name));
            built.take(&json!({
                "reason": "compiler-artifact", "target": { "name": name }, "profile": { "test": test },
                "filenames": files, "executable": program,
            }));
        };
        take(
            "magpie_tests",
            false,
            &["/t/debug/libmagpie_tests.rlib", "/t/debug/deps/libmagpie_tests-1.rmeta"],
        );
        take("magpie-echo", false, &["/t/debug/magpie-echo"]);
        take("magpie-echo", true, &["/t/debug/deps/magpie-echo"]);
        take("libc", false, &["/t/debug/deps/liblibc-2.rlib", "/t/debug/deps/liblibc-2.rmeta"]);
        take("serde_derive", false, &["/host/debug/deps/libserde_derive-3.so"]);
        built.take(&json!({ "reason": "build-finished", "success": true }));
        let of = |name: &str, path: &str| HashMap::from([(name.to_owned(), PathBuf::from(path))]);
        assert_eq!(built.programs, of("magpie-echo", "/t/debug/magpie-echo"));
        assert_eq!(built.libraries, of("magpie_tests", "/t/debug/libmagpie_tests.rlib"));
        assert_eq!(built.folders, ["/host/debug/deps", "/t/debug/deps"].map(PathBuf::from).into());
    }
}
