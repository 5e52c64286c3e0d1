//! Installs the real software that tests and demo use into the ignored folder `.magpie/`.
//!
//! Each part is stamped when it is complete, so that a second run does nothing and a half-finished one is done again. Which
//! registry is asked is up to the configuration of pip and npm: no addresses belong in here. The tests find the parts with
//! `tests/src/harness/tools.rs`.

mod deploy;
mod judges;
mod python;
mod synapse;

use std::{
    env,
    fs::{self, File},
    path::{self, Path, PathBuf},
};

use anyhow::Context;

use crate::system;

/// The folder with the installed software.
pub struct Tools {
    /// The project's root folder.
    pub root: PathBuf,
    /// Where everything is installed: `.magpie/`, or what MAGPIE_TOOLS says.
    pub folder: PathBuf,
}

/// One kind of software that can be set up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The homeserver, in a Python virtual environment.
    Synapse,
    /// The machine's own PostgreSQL.
    Postgres,
    /// Independent clients, on Node or Python.
    Judges,
    /// One of them, by its folder's name in `tests/judges/`.
    Judge(&'static str),
    /// The programs that judge units and rules.
    Deploy,
}

impl Tools {
    /// The tools of this project.
    pub fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the package xtask lies in the project's root")
            .to_owned();
        let folder = env::var_os("MAGPIE_TOOLS").map_or_else(|| root.join(".magpie"), PathBuf::from);
        let folder = path::absolute(&folder).unwrap_or(folder);
        Self { root, folder }
    }

    /// Where the output of installers and of failed tests' components is kept.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Makes sure that `part` is there. The error is one sentence that says what to do.
    pub fn set_up(&self, part: Part) -> anyhow::Result<()> {
        let _lock = self.lock()?;
        match part {
            Part::Synapse => synapse::set_up(self),
            Part::Postgres => self.set_up_postgres(),
            Part::Judges => judges::set_up(self),
            Part::Judge(name) => judges::set_up_one(self, name),
            Part::Deploy => deploy::set_up(self),
        }
    }

    /// Held while something is installed; another run in the same folder waits for its turn.
    fn lock(&self) -> anyhow::Result<File> {
        let because =
            || format!("cannot use {}; it must be a folder you may write to", self.folder.display());
        fs::create_dir_all(&self.folder).with_context(because)?;
        let file = File::create(self.folder.join("lock")).with_context(because)?;
        if file.try_lock().is_err() {
            eprintln!("Waiting for another set-up in {} ...", self.folder.display());
            file.lock().with_context(because)?;
        }
        Ok(file)
    }

    fn set_up_postgres(&self) -> anyhow::Result<()> {
        if has_postgres() {
            return Ok(());
        }
        system::install("PostgreSQL", &["postgresql"], &self.logs())
    }
}

/// Whether the stamp of `folder` says that exactly `wanted` was installed there to the end.
fn is_complete(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(stamp(folder)).is_ok_and(|found| found == wanted)
}

fn mark_complete(folder: &Path, wanted: &str) -> anyhow::Result<()> {
    fs::write(stamp(folder), wanted).with_context(|| format!("cannot write into {}", folder.display()))
}

fn stamp(folder: &Path) -> PathBuf {
    folder.join(".complete")
}

/// Removes what an interrupted or older set-up left.
fn clear(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let by_version = versions.map(|version| version.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = by_version.chain(env::split_paths(&path));
    folders.any(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}
