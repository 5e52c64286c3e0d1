//! The programs that judge what operators deploy: systemd's analyzer, what builds and runs images, and Prometheus' tool, all from the system's packages.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, bail};

use super::{Tools, clear, is_complete, mark_complete};
use crate::{progress, system};

/// The package that holds promtool.
const PROMETHEUS: &str = "prometheus";

/// The programs that the system has, each with its package.
const PROGRAMS: [(&str, &str); 6] = [
    ("systemd-analyze", "systemd"),
    ("buildah", "buildah"),
    ("podman", "podman"),
    ("runc", "runc"),
    // The book's commands.
    ("curl", "curl"),
    ("script", "bsdutils"),
];

/// Makes sure that all are there.
pub fn set_up(tools: &Tools) -> anyhow::Result<()> {
    let missing = PROGRAMS.iter().filter(|(program, _)| !system::works(program, &["--version"]));
    let packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    let installed = match packages.is_empty() {
        true => Ok(()),
        false => system::install("what judges and runs a deployment", &packages, &tools.logs()),
    };
    // This needs no rights.
    installed.and(promtool(tools))
}

/// Unpacks promtool from its package. Installing the package would start a server.
fn promtool(tools: &Tools) -> anyhow::Result<()> {
    let folder = tools.folder.join("promtool");
    let program = folder.join("promtool");
    if is_complete(&folder, PROMETHEUS) && program.exists() {
        return Ok(());
    }
    clear(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    if let Some(installed) = system::output("sh", &["-c", "command -v promtool"]) {
        fs::copy(&installed, &program).with_context(|| format!("cannot copy {installed}"))?;
        return mark_complete(&folder, PROMETHEUS);
    }
    unpack(tools, &folder)?;
    mark_complete(&folder, PROMETHEUS)
}

fn unpack(tools: &Tools, folder: &Path) -> anyhow::Result<()> {
    if !Path::new("/etc/debian_version").exists() {
        bail!("promtool is missing; put that of Prometheus 2.42 or newer into the search path");
    }
    let log = tools.logs().join("promtool.log");
    if system::output("id", &["-u"]).as_deref() == Some("0") {
        progress::step("Updating the package lists", Command::new("apt-get").arg("update"), &log)
            .context("promtool is missing and the package lists could not be read; check the network")?;
    }
    let mut download = Command::new("apt-get");
    download.args(["download", PROMETHEUS]).current_dir(folder);
    progress::step("Downloading promtool", &mut download, &log)
        .context("promtool is missing and could not be downloaded; check the network")?;
    let mut unpack = Command::new("sh");
    unpack.args(["-c", "dpkg-deb -x ./*.deb all && mv all/usr/bin/promtool . && rm -r all ./*.deb"]);
    progress::step("Unpacking promtool", unpack.current_dir(folder), &log)
}
