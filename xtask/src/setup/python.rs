//! Python environments: one for each thing that is installed, so that no two get in each other's way.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use super::{Tools, clear};
use crate::{progress, system};

/// Asks for the oldest Python that everything here runs on, and for the two modules that Debian packages apart.
const PYTHON_CHECK: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";

/// Makes an environment in `folder`, anew, and lets pip install into it what `arguments` say. `name` is for people and logs.
pub fn install(tools: &Tools, name: &str, folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    clear(folder)?;
    let log = |step: &str| tools.logs().join(format!("{}-{step}.log", name.to_lowercase().replace(' ', "-")));
    let mut venv = Command::new(python(tools, name)?);
    venv.args(["-m", "venv"]).arg(folder);
    progress::step(&format!("Creating {name}'s Python environment"), &mut venv, &log("venv"))?;
    let mut install = Command::new(interpreter(folder));
    install.args(["-m", "pip", "install", "--disable-pip-version-check"]).args(arguments);
    progress::step(&format!("Installing {name}"), &mut install, &log("install"))
        .with_context(|| format!("{name} could not be installed; check the network and pip's configuration"))
}

/// The interpreter of an environment.
pub fn interpreter(folder: &Path) -> PathBuf {
    folder.join("bin").join("python")
}

fn python(tools: &Tools, name: &str) -> anyhow::Result<String> {
    if let Some(python) = usable_python() {
        return Ok(python);
    }
    system::install("Python 3.10 or newer with its venv module", &["python3-venv"], &tools.logs())?;
    usable_python().with_context(|| {
        format!("{name} needs Python 3.10 or newer, and this system's own is older; install a newer one")
    })
}

fn usable_python() -> Option<String> {
    let versioned = (10..=14).rev().map(|minor| format!("python3.{minor}"));
    ["python3".to_owned()]
        .into_iter()
        .chain(versioned)
        .find(|name| system::works(name, &["-c", PYTHON_CHECK]))
}
