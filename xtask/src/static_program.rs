//! Links the bridge to nowhere once more, as a static program: one that an image without a C library can run.
//!
//! Operators do this with `cargo rustc`. With that the tests would build the whole tree a second time, with the features of one package alone;
//! so the compiler is asked itself, and takes the libraries that the build made.

use std::{env, fs, io::ErrorKind, process::Command};

use anyhow::{Context, bail};

use crate::{
    run::{Built, run},
    setup::Tools,
};

/// Where the tests look for it, below the folder of the tools.
const FOLDER: &str = "static";
const PROGRAM: &str = "magpie-echo";
const SOURCE: &str = "tests/src/bin/magpie_echo.rs";

/// The libraries that the source names.
const LIBRARIES: [&str; 2] = ["magpie_common", "magpie_tests"];

/// Links it. One of an earlier build never stays.
pub fn link(tools: &Tools, built: &Built) -> anyhow::Result<()> {
    let folder = tools.folder.join(FOLDER);
    let program = folder.join(PROGRAM);
    match fs::remove_file(&program) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            bail!("cannot remove {}: {error}", program.display())
        }
        _ => {}
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // As cargo chooses them, as far as the environment tells.
    let chosen = |names: [&str; 2]| names.into_iter().find_map(env::var_os);
    let mut compiler = Command::new(chosen(["RUSTC", "CARGO_BUILD_RUSTC"]).unwrap_or_else(|| "rustc".into()));
    if let Some(target) = env::var_os("CARGO_BUILD_TARGET") {
        compiler.arg("--target").arg(target);
    }
    compiler.current_dir(&tools.root).args(["--edition", "2024", "--crate-name", "magpie_echo", SOURCE]);
    compiler.args(["-C", "target-feature=+crt-static", "-C", "strip=symbols", "-o"]).arg(&program);
    for name in LIBRARIES {
        let library =
            built.libraries.get(name).with_context(|| format!("the build made no library {name}"))?;
        compiler.arg("--extern").arg(format!("{name}={}", library.display()));
    }
    for folder in &built.folders {
        compiler.arg("-L").arg(format!("dependency={}", folder.display()));
    }
    run(
        &mut compiler,
        "a static program could not be linked; see above. It needs the C library in its static form, which Debian has in libc6-dev",
    )
}
