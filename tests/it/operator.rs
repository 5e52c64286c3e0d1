//! The person who runs a bridge: calls the program, reads its words and its exit code, asks its HTTP routes.
//!
//! Shared by the stories of `doctor` and `operations`; knows no bridge but Discord's and judges nothing by itself.

use std::{fs, net::SocketAddr, path::Path, process::Stdio, time::Duration};

use anyhow::Context;
use magpie_tests::{
    discord::{DiscordSim, staged::platform_section},
    harness::{bridge::program, ports::free_port},
    stage::{Cast, Stage},
};
use tokio::{process::Command, time::timeout};

/// A command that takes longer has no bounds.
const COMMAND_MAX: Duration = Duration::from_secs(150);

/// The Discord bridge, cast for a homeserver of that name.
pub fn cast(server_name: &str, discord: &DiscordSim) -> Cast {
    Cast {
        id: "discord",
        server_name: server_name.to_owned(),
        homeserver: "http://127.0.0.1:9".to_owned(),
        database: None,
        durability: "full",
        admin: format!("@alice:{server_name}"),
        platform: platform_section(discord),
        environment: Vec::new(),
    }
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: Option<i32>,
    /// All that it printed, answers first.
    pub words: String,
}

impl Ended {
    /// The command must have ended with this code and said all of this.
    pub fn must(&self, case: &str, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{case}: exit code; it said:\n{}", self.words);
        for wanted in words {
            assert!(self.words.contains(wanted), "{case}: it does not say “{wanted}”:\n{}", self.words);
        }
    }

    /// The command must not have said this.
    pub fn must_not_say(&self, case: &str, words: &str) {
        assert!(!self.words.contains(words), "{case}: it says “{words}”:\n{}", self.words);
    }
}

/// Calls `magpie-discord` in `folder` with these arguments and environment variables.
pub async fn call(
    folder: &Path,
    arguments: &[&str],
    environment: &[(String, String)],
) -> anyhow::Result<Ended> {
    let mut command = Command::new(program("magpie-discord")?);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let output = timeout(COMMAND_MAX, command.output()).await.context("the command does not end")??;
    let words =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Ok(Ended { code: output.status.code(), words })
}

/// `doctor` on the stage's configuration, changed by `change`.
pub async fn doctor(stage: &Stage, change: impl FnOnce(String) -> String) -> anyhow::Result<Ended> {
    let path = stage.folder().join("examined.yaml");
    let before = stage.config_text();
    fs::write(&path, change(before)).context("write the configuration")?;
    call(stage.folder(), &["--config", "examined.yaml", "doctor"], &[]).await
}

/// Puts one text in the place of another, which must be there.
pub fn with(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "`{old}` is not in the configuration:\n{text}");
    text.replace(old, new)
}

/// An address on loopback at which nobody answers.
pub fn nowhere() -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], free_port()?)))
}
