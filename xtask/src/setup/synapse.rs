//! The homeserver: a pinned Synapse from the Python package index in its own virtual environment.

use std::process::Command;

use anyhow::Context;

use super::{Tools, clear, is_complete, mark_complete};
use crate::{progress, system};

/// The version that is tested against; the folder's name carries it.
const VERSION: &str = "1.163.2";

/// The driver for PostgreSQL comes as a finished wheel, because the one that Synapse's own `[postgres]` extra names must be
/// compiled against the headers of libpq, which few machines have. The module inside is the same.
const DRIVER: &str = "psycopg2-binary==2.9.13";

/// Asks for the oldest Python that this Synapse runs on, and for the two modules that Debian packages apart.
const PYTHON_CHECK: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";

/// Installs Synapse unless it is there.
pub fn set_up(tools: &Tools) -> anyhow::Result<()> {
    let folder = tools.folder.join(format!("synapse-{VERSION}"));
    let wanted = format!("matrix-synapse=={VERSION} {DRIVER}\n");
    let inner = folder.join("bin").join("python");
    if is_complete(&folder, &wanted) && inner.exists() {
        return Ok(());
    }
    clear(&folder)?;
    let logs = tools.logs();
    let mut venv = Command::new(python(tools)?);
    venv.args(["-m", "venv"]).arg(&folder);
    progress::step("Creating Synapse's Python environment", &mut venv, &logs.join("synapse-venv.log"))?;
    let mut install = Command::new(&inner);
    install.args(["-m", "pip", "install", "--disable-pip-version-check"]).args(wanted.split_whitespace());
    progress::step(&format!("Installing Synapse {VERSION}"), &mut install, &logs.join("synapse-install.log"))
        .context("Synapse could not be installed; check the network and pip's configuration")?;
    mark_complete(&folder, &wanted)
}

fn python(tools: &Tools) -> anyhow::Result<String> {
    if let Some(python) = usable_python() {
        return Ok(python);
    }
    system::install("Python 3.10 or newer with its venv module", &["python3-venv"], &tools.logs())?;
    usable_python()
        .context("Synapse needs Python 3.10 or newer, and this system's own is older; install a newer one")
}

fn usable_python() -> Option<String> {
    let versioned = (10..=14).rev().map(|minor| format!("python3.{minor}"));
    ["python3".to_owned()]
        .into_iter()
        .chain(versioned)
        .find(|name| system::works(name, &["-c", PYTHON_CHECK]))
}
