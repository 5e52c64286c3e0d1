//! Judges: independent software that must get along with our simulators, or finds fault with our own servers.
//!
//! Each folder `tests/judges/<name>/` is installed into `.magpie/judges/<name>/`: from npm with a `package.json`, exactly as its lock file
//! says where there is one, by the settings in an `.npmrc` where there is one and without packages' own install scripts, or from PyPI with a
//! `requirements.txt` that names every version.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use super::{Tools, clear, is_complete, mark_complete, python};
use crate::{progress, system};

const OLDEST_NODE: u32 = 20;

const REQUIREMENTS: &str = "requirements.txt";

/// Installs the packages of every judge unless they are there.
pub fn set_up(tools: &Tools) -> anyhow::Result<()> {
    judges(&tools.root)?.into_iter().try_for_each(|(name, source)| install_if_missing(tools, name, source))
}

/// The same for the judge of one folder.
pub fn set_up_one(tools: &Tools, name: &str) -> anyhow::Result<()> {
    let source = tools.root.join("tests").join("judges").join(name);
    install_if_missing(tools, name.to_owned(), source)
}

fn install_if_missing(tools: &Tools, name: String, source: PathBuf) -> anyhow::Result<()> {
    let folder = tools.folder.join("judges").join(&name);
    let judge = Judge { name, source, folder };
    match judge.source.join(REQUIREMENTS).exists() {
        true => on_python(tools, &judge),
        false => on_node(tools, &judge),
    }
}

fn on_python(tools: &Tools, judge: &Judge) -> anyhow::Result<()> {
    let requirements = judge.source.join(REQUIREMENTS);
    let wanted = read(&requirements)?;
    if is_complete(&judge.folder, &wanted) && python::interpreter(&judge.folder).exists() {
        return Ok(());
    }
    let requirements = requirements.to_string_lossy();
    python::install(
        tools,
        &format!("the judge {}", judge.name),
        &judge.folder,
        &["--no-deps", "--requirement", &requirements],
    )?;
    mark_complete(&judge.folder, &wanted)
}

fn on_node(tools: &Tools, judge: &Judge) -> anyhow::Result<()> {
    let wanted = read(&judge.source.join("package.json"))? + &read(&judge.source.join("package-lock.json"))?;
    if is_complete(&judge.folder, &wanted) {
        return Ok(());
    }
    need_node(tools)?;
    install(tools, judge)?;
    mark_complete(&judge.folder, &wanted)
}

struct Judge {
    name: String,
    source: PathBuf,
    folder: PathBuf,
}

fn judges(root: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let folder = root.join("tests").join("judges");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(_, source)| [REQUIREMENTS, "package.json"].iter().any(|file| source.join(file).exists()))
        .collect();
    found.sort();
    Ok(found)
}

/// The file's text, or nothing where there is no such file: lock files are optional.
fn read(path: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        other => other.with_context(|| format!("cannot read {}", path.display())),
    }
}

fn need_node(tools: &Tools) -> anyhow::Result<()> {
    if !system::works("npm", &["--version"]) || node_version().is_none() {
        system::install("Node with npm", &["nodejs", "npm"], &tools.logs())?;
    }
    match node_version() {
        Some(version) if version >= OLDEST_NODE => Ok(()),
        Some(version) => {
            bail!("Node {OLDEST_NODE} or newer is needed, and this is {version}; install a newer one")
        }
        None => bail!("Node does not start; `node --version` must print its version"),
    }
}

fn node_version() -> Option<u32> {
    let version = system::output("node", &["--version"])?;
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

fn install(tools: &Tools, judge: &Judge) -> anyhow::Result<()> {
    clear(&judge.folder)?;
    fs::create_dir_all(&judge.folder).with_context(|| format!("cannot create {}", judge.folder.display()))?;
    let mut action = "install";
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        let source = judge.source.join(file);
        if source.exists() {
            fs::copy(&source, judge.folder.join(file))
                .with_context(|| format!("cannot copy {}", source.display()))?;
            action = if file == "package-lock.json" { "ci" } else { action };
        }
    }
    let mut npm = Command::new("npm");
    npm.arg(action).args(["--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&judge.folder);
    let log = tools.logs().join(format!("judge-{}.log", judge.name));
    progress::step(&format!("Installing the judge {}", judge.name), &mut npm, &log).with_context(|| {
        format!("The judge {} could not be installed; check the network and npm's configuration", judge.name)
    })
}
