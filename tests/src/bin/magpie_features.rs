//! Prints what the bridges carry, and fails when a yes is not proved. See `cargo xtask features`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use magpie_tests::features;

/// What each bridge carries, and the test that proves it.
#[derive(Parser)]
struct Arguments {
    /// Print a JSON array instead of the page
    #[arg(long)]
    json: bool,
    /// A run's list of skipped tests: none of them may be a proof
    #[arg(long)]
    skipped: Option<PathBuf>,
    /// Print nothing, only check
    #[arg(long)]
    check: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let all = features::all();
    if !arguments.check {
        match arguments.json {
            true => println!("{}", features::json(&all)?),
            false => print!("{}", features::page(&all)),
        }
    }
    let mut problems = features::missing(&all);
    if let Some(file) = arguments.skipped {
        let skips = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        problems.extend(features::skipped(&all, &skips));
    }
    problems.iter().for_each(|problem| eprintln!("error: {problem}"));
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
