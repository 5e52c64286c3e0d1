//! `cargo xtask bench`: how fast, how small, and whether everything arrives once and in order.
//!
//! See [`magpie_tests::bench`]. With `--json` one object goes to the standard output; without, a table with the goals. What it is
//! doing goes to the error stream.

use std::{
    env,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand};
use magpie_tests::{
    bench::{LimitArguments, Options, Size, run, serve_limit},
    harness::tools::{Component, find},
};

/// Everything runs on so many cores, the load included.
const CORES: usize = 2;
/// Set once that is so.
const PINNED: &str = "MAGPIE_BENCH_PINNED";

/// Measures a durable hop through the echo bridge against a bare echo.
#[derive(Parser)]
#[command(name = "magpie-bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// A hundredth of the load: shows correctness, and no figure worth quoting
    #[arg(long)]
    quick: bool,
    /// Follow memory up to 500,000 hops as well
    #[arg(long)]
    growth: bool,
    /// Measure only this beside the limit: sqlite_normal, sqlite_full or postgres; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Be the bare echo that everything is compared with
    #[command(hide = true)]
    Limit(LimitArguments),
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(Role::Limit(limit)) = arguments.role {
        serve_limit(limit)?;
        return Ok(ExitCode::SUCCESS);
    }
    pin();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let postgres = find(Component::Postgres).is_ok();
    if !postgres {
        eprintln!("bench: PostgreSQL is missing and left out");
    }
    let size = if arguments.quick { Size::QUICK } else { Size::FULL };
    let options = Options { size, postgres, only: arguments.only, growth: arguments.growth };
    let report = runtime.block_on(run(&options))?;
    if arguments.json {
        println!("{:#}", report.json());
    } else {
        println!("{}", report.table());
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts over on the first two cores where there are more; children stay there too.
fn pin() {
    let cores = std::thread::available_parallelism().map_or(CORES, usize::from);
    if cores <= CORES || env::var_os(PINNED).is_some() {
        return;
    }
    let Ok(us) = env::current_exe() else { return };
    let last = CORES - 1;
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &format!("0-{last}")]).arg(us).args(env::args_os().skip(1));
    let error = command.env(PINNED, "1").exec();
    eprintln!("bench: not limited to {CORES} cores, since taskset does not run: {error}");
}
