//! Where a bridge begins and ends: its command line, and everything wired together.
//!
//! | file | duty |
//! |---|---|
//! | `cli` | the command line, the same for every bridge, and the commands that need no network |
//! | `run` | builds the bridge, keeps it going, stops it in order |
//! | `parts` | what the pieces share, built from the configuration |
//! | `accept`, `intake` | a transaction's way into the journal |
//! | `sink` | a session's pushes on their way into the journal |
//! | `presence` | tells the homeserver that we are here, and finds out whether it reaches us |
//! | `reports` | what programs that watch over bridges are told |
//! | `doctor` | tests a set-up one thing at a time |
//! | `logs` | how log lines look |

use std::process;

use crate::{
    config::Config,
    platform::Platform,
    runtime::cli::{ExitCode, Online},
};

mod accept;
pub mod cli;
mod doctor;
mod intake;
mod logs;
mod parts;
mod presence;
mod reports;
mod run;
mod sink;

/// The whole of a bridge's `main`: reads the command line and does what it says.
pub fn main<P: Platform>() -> process::ExitCode {
    cli::main_of_process::<P::Config>(&P::ABOUT, &Bridge::<P>(std::marker::PhantomData))
}

struct Bridge<P>(std::marker::PhantomData<P>);

impl<P: Platform> Online<P::Config> for Bridge<P> {
    fn run(&self, config: Config<P::Config>) -> ExitCode {
        logs::begin(&config.about, config.logging);
        block_on(run::run::<P>(config))
    }

    fn doctor(&self, config: Config<P::Config>) -> ExitCode {
        block_on(doctor::doctor::<P>(config))
    }
}

/// One thread for everything that waits; the store has threads of its own.
fn block_on(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => {
            eprintln!("The bridge could not start: {error}");
            ExitCode::Runtime
        }
    }
}
