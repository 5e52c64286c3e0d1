//! The command line, the same for every bridge.
//!
//! [`main`] reads the arguments and does what needs no network: `init`, `registration`, `check-config`, `version`. For `run` and
//! `doctor` it checks the configuration and hands over to [`Online`]. Everything it touches comes in as [`World`], so a test can play
//! the operator. Never prints a secret.

use std::{
    ffi::OsString,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    process,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    appservice::registration::{Registration, Tokens, double_puppets},
    clock::Clock,
    config::{self, About, Config, Environment, PlatformConfig, Report},
};

mod init;
mod rotate;
mod template;

/// How the process ended. The numbers are documented in `--help` and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything went well.
    Ok = 0,
    /// Something failed while running.
    Runtime = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration or the registration is wrong.
    Config = 3,
    /// Another process holds the database.
    Locked = 4,
    /// The database cannot be used: newer than this program, read-only or broken.
    Database = 5,
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

const EXIT_CODES: &str = "Exit codes: 0 all went well, 1 a run-time error, 2 wrong usage, 3 the configuration or registration is wrong, \
     4 another process holds the database, 5 the database cannot be used (newer, read-only or broken). `doctor` ends with 0 when \
     everything is in order, with 3 when the configuration or registration is wrong, and with 1 for any other fault.";

/// Everything that the command line touches outside itself.
pub struct World<'a> {
    /// The program's name and its arguments.
    pub arguments: Vec<OsString>,
    /// The `MAGPIE_…` variables.
    pub environment: Environment,
    /// Where new tokens come from.
    pub clock: Clock,
    /// Where the operator types.
    pub input: &'a mut dyn BufRead,
    /// Whether a person types there.
    pub is_interactive: bool,
    /// Where answers go.
    pub output: &'a mut dyn Write,
    /// Where complaints go.
    pub errors: &'a mut dyn Write,
}

/// The commands that need the network. Called by [`main`] at most once, with a configuration that was checked.
pub trait Online<P> {
    /// Runs the bridge until it is told to stop.
    fn run(&self, config: Config<P>) -> ExitCode;

    /// Tests everything the bridge depends on, one by one, and prints what to do about each failure.
    fn doctor(&self, config: Config<P>) -> ExitCode;

    /// Writes the whole state to a file, or makes it from one.
    fn carry(&self, config: Config<P>, carry: Carry) -> ExitCode;
}

/// Which way a state goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carry {
    /// From the database to a new file.
    Export(PathBuf),
    /// From a file to a new database.
    Import(PathBuf),
}

/// Does what the command line asks for.
pub fn main<P: PlatformConfig>(about: &About, world: &mut World<'_>, online: &dyn Online<P>) -> ExitCode {
    let arguments = match read_arguments(about, &world.arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Clap counts help and version as errors; they are no complaint.
            let target = if error.use_stderr() { &mut *world.errors } else { &mut *world.output };
            let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Ok };
            return finish(write!(target, "{error}").map(|()| code));
        }
    };
    let path = arguments.config.or_else(|| world.environment.get("MAGPIE_CONFIG").map(PathBuf::from));
    let path = path.unwrap_or_else(|| PathBuf::from("./config.yaml"));
    let outcome = match arguments.command.unwrap_or(Command::Run) {
        Command::Version => {
            let line = format!("{} {}", about.program(), env!("CARGO_PKG_VERSION"));
            writeln!(world.output, "{line}").map(|()| ExitCode::Ok)
        }
        Command::Init(options) => init::init::<P>(about, &path, &options, world),
        Command::Registration(RegistrationOptions { double_puppets: false, rotate: false }) => {
            with_config(about, path, world, write_registration::<P>)
        }
        Command::Registration(RegistrationOptions { rotate: true, .. }) => {
            with_config(about, path, world, rotate::rotate::<P>)
        }
        Command::Registration(_) => with_config(about, path, world, write_double_puppets::<P>),
        Command::CheckConfig => with_config(about, path, world, check_config::<P>),
        Command::Run => with_config(about, path, world, |_, config| Ok(online.run(config))),
        Command::Export { file } => carry(about, path, world, online, Carry::Export(file)),
        Command::Import { file } => carry(about, path, world, online, Carry::Import(file)),
        Command::Doctor => with_config(about, path, world, |_, config| Ok(online.doctor(config))),
    };
    finish(outcome)
}

/// The same with the world as it is.
pub fn main_of_process<P: PlatformConfig>(about: &About, online: &dyn Online<P>) -> process::ExitCode {
    let mut world = World {
        arguments: std::env::args_os().collect(),
        environment: Environment::of_process(),
        clock: Clock::system(),
        input: &mut io::stdin().lock(),
        is_interactive: io::IsTerminal::is_terminal(&io::stdin()),
        output: &mut io::stdout(),
        errors: &mut io::stderr(),
    };
    main(about, &mut world, online).into()
}

#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, disable_help_subcommand = true)]
struct Arguments {
    /// The configuration file [default: ./config.yaml, or what MAGPIE_CONFIG says]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge until it is stopped; the default
    Run,
    /// Ask a few questions, then write the configuration and the registration
    Init(InitOptions),
    /// Write the registration from the configuration; tokens that are there are kept
    Registration(RegistrationOptions),
    /// Print everything that is wrong with the configuration and the registration, or "ok"
    CheckConfig,
    /// Test homeserver, registration, tokens and platform one by one, and say what to do
    Doctor,
    /// Write the whole state to a new file; the bridge may run meanwhile
    Export {
        /// The file, which must not be there yet; `-` for the standard output
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Make the state from such a file, in a database that is new; the bridge must not run
    Import {
        /// The file; `-` for the standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the version
    Version,
}

#[derive(Debug, Default, clap::Args)]
struct RegistrationOptions {
    /// Write the second registration instead, by which bridges act for the homeserver's own users
    #[arg(long)]
    double_puppets: bool,
    /// Make new tokens; the bridge accepts the old ones for 24 hours more, until the homeserver is restarted
    #[arg(long, conflicts_with = "double_puppets")]
    rotate: bool,
}

#[derive(Debug, Default, clap::Args)]
struct InitOptions {
    /// Where the bridge reaches the homeserver's client API
    #[arg(long, value_name = "URL")]
    homeserver_url: Option<String>,
    /// The end of your Matrix ids: example.org in @alice:example.org
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Your Matrix id
    #[arg(long, value_name = "ID")]
    admin: Option<String>,
    /// A setting of the platform's own section; better given by environment when it is a secret
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Ask nothing: take the defaults for what was not given
    #[arg(long)]
    yes: bool,
    /// Overwrite a configuration that is there; tokens in a registration are kept
    #[arg(long)]
    force: bool,
}

fn read_arguments(about: &About, arguments: &[OsString]) -> Result<Arguments, clap::Error> {
    let program = about.program();
    let summary = format!("The bridge between Matrix and {}", about.name);
    let command = Arguments::command().display_name(program.clone()).bin_name(program).about(summary);
    Arguments::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

fn with_config<P: PlatformConfig>(
    about: &About,
    path: PathBuf,
    world: &mut World<'_>,
    command: impl FnOnce(&mut World<'_>, Config<P>) -> io::Result<ExitCode>,
) -> io::Result<ExitCode> {
    match config::load(about, &path, &world.environment) {
        Ok(config) => command(world, config),
        Err(report) => complain(world, &report),
    }
}

fn carry<P: PlatformConfig>(
    about: &About,
    path: PathBuf,
    world: &mut World<'_>,
    online: &dyn Online<P>,
    carry: Carry,
) -> io::Result<ExitCode> {
    with_config(about, path, world, |_, config| Ok(online.carry(config, carry)))
}

fn check_config<P>(world: &mut World<'_>, config: Config<P>) -> io::Result<ExitCode> {
    match Registration::read(&config.about, &config.appservice) {
        Ok(_) => writeln!(world.output, "ok").map(|()| ExitCode::Ok),
        Err(report) => complain(world, &report),
    }
}

fn write_registration<P>(world: &mut World<'_>, config: Config<P>) -> io::Result<ExitCode> {
    let path = &config.appservice.registration;
    let kept = match Registration::read_tokens(&config.about, path) {
        Ok(kept) => kept,
        Err(report) => return complain(world, &report),
    };
    let (tokens, which) = match kept {
        Some(mut tokens) => {
            // Those of a rotation that is over have no use any more.
            tokens.previous = tokens.previous(world.clock.now_ms()).cloned();
            (tokens, "the tokens it had")
        }
        None => (Tokens::generate(&world.clock), "new tokens"),
    };
    let registration = Registration::new(&config.appservice, tokens);
    if let Err(error) = registration.write(&config.about, path) {
        writeln!(world.errors, "{}: cannot be written: {error}", path.display())?;
        return Ok(ExitCode::Runtime);
    }
    writeln!(
        world.output,
        "Wrote {} with {which}. Restart the homeserver to make it count.",
        path.display()
    )?;
    Ok(ExitCode::Ok)
}

fn write_double_puppets<P>(world: &mut World<'_>, config: Config<P>) -> io::Result<ExitCode> {
    let folder = config.path.parent().unwrap_or(Path::new(""));
    let path = config.homeserver.double_puppets.clone();
    let path = path.unwrap_or_else(|| folder.join("double-puppets.yaml"));
    let server_name = &config.homeserver.server_name;
    match double_puppets::write(&config.about, server_name, &path, &world.clock) {
        Err(report) => return complain(world, &report),
        Ok(Err(error)) => {
            writeln!(world.errors, "{}: cannot be written: {error}", path.display())?;
            return Ok(ExitCode::Runtime);
        }
        Ok(Ok(())) => {}
    }
    let path = path.display();
    writeln!(
        world.output,
        "Wrote {path}. Give it to the homeserver like the other registration, and set `double_puppets: {path}` in the section \
         `homeserver` of every bridge that may act for your users."
    )?;
    Ok(ExitCode::Ok)
}

fn complain(world: &mut World<'_>, report: &Report) -> io::Result<ExitCode> {
    writeln!(world.errors, "{report}").map(|()| ExitCode::Config)
}

/// A terminal that is gone can be told nothing.
fn finish(outcome: io::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or(ExitCode::Runtime)
}

#[cfg(test)]
mod tests;
