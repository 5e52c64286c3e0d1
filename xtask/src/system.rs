//! Packages of the operating system: installed where we may, asked for in one command where we may not.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::progress;

/// Whether `program` runs and ends well with these arguments.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    output(program, arguments).is_some()
}

/// What `program` prints with these arguments, if it runs and ends well.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Installs Debian packages as root, or says which command does. `what` names the missing thing in the message.
pub fn install(what: &str, packages: &[&str], logs: &Path) -> anyhow::Result<()> {
    let names = packages.join(" ");
    if !Path::new("/etc/debian_version").exists() {
        bail!("{what} is missing; install it with your system's package manager (Debian calls it {names})");
    }
    if output("id", &["-u"]).as_deref() != Some("0") {
        bail!("{what} is missing; install it with: sudo apt-get install --yes {names}");
    }
    let offline = || format!("{what} is missing and could not be installed; check the network");
    let log = logs.join("apt.log");
    progress::step("Updating the package lists", Command::new("apt-get").arg("update"), &log)
        .with_context(offline)?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    progress::step(&format!("Installing {names}"), &mut install, &log).with_context(offline)
}
