//! The project's own commands: `cargo xtask demo | test | bench | idle | features | ci`.
//!
//! They make a clean clone useful with one command: what real software the tests need is installed into the ignored folder
//! `.magpie/` first. This package must stay small and independent of the others, because it is compiled before everything
//! else. Read `setup` next.

mod progress;
mod run;
mod setup;
mod static_program;
mod system;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::setup::Tools;

/// The project's own commands.
///
/// The first run installs what the command needs into the ignored folder .magpie/ (Synapse from the Python package index, judge
/// clients from npm); later runs find it there. Set MAGPIE_TOOLS to keep that folder elsewhere, for instance to share it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Start a real homeserver on this machine, connect the bridges, and play a conversation
    ///
    /// Prints the address, user and password to log in with any Matrix client, and stays up until Ctrl-C.
    Demo {
        /// End after the conversation: exit code 0, or 1 naming what did not arrive
        #[arg(long)]
        once: bool,
    },
    /// Run the tests, against real Synapse, PostgreSQL and the judge clients
    ///
    /// Uses cargo-nextest where it is installed, `cargo test` otherwise. A test whose component is missing is skipped and named
    /// at the end; with CI=true it fails instead.
    #[command(after_help = test::AREAS_HELP)]
    Test {
        /// An area (below), or any part of a test's name
        filter: Option<String>,
        /// Only what needs no Synapse, PostgreSQL or Node
        #[arg(long)]
        quick: bool,
    },
    /// Measure speed and memory of the shipped build against a bare echo service in the same run
    ///
    /// Builds the `dist` profile first, which takes several minutes once.
    Bench {
        /// Print one JSON object on the standard output, and nothing else there
        #[arg(long)]
        json: bool,
    },
    /// Read the memory of the shipped bridges while they are connected and idle, and how soon they answer
    ///
    /// Builds the `dist` profile first, which takes several minutes once.
    Idle,
    /// Print what each bridge carries, and the test that proves it
    ///
    /// Fails when a yes names a test that does not exist. A whole run of the tests also fails when one of them was skipped.
    Features {
        /// Print a JSON array and nothing else
        #[arg(long)]
        json: bool,
    },
    /// All that a change must pass: formatting, clippy with warnings denied, and the tests
    Ci,
}

fn main() -> ExitCode {
    match perform(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> anyhow::Result<()> {
    let tools = Tools::new();
    match task {
        Task::Demo { once } => run::demo(&tools, once),
        Task::Test { filter, quick } => test::run(&tools, filter.as_deref(), quick),
        Task::Bench { json } => run::bench(&tools, json),
        Task::Idle => run::idle(&tools),
        Task::Features { json } => run::features(&tools, json),
        Task::Ci => run::ci(&tools),
    }
}
