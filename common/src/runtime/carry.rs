//! The commands `export` and `import`: a bridge's whole state as a file, for backups, moves and another database.

use super::{
    cli::{Carry, ExitCode},
    parts::store_settings,
};
use crate::{
    appservice::registration::Registration,
    config::Config,
    store::{self, ArchiveError, Carried, Owner, STANDARD, StoreError},
};

/// Carries the state over and tells how much it was.
pub(super) async fn carry<C>(config: Config<C>, carry: Carry) -> ExitCode {
    let registration = match Registration::read(&config.about, &config.appservice) {
        Ok(registration) => registration,
        Err(report) => {
            eprintln!("{report}");
            return ExitCode::Config;
        }
    };
    let settings = store_settings(&config.database, registration.tokens.key());
    let owner = Owner {
        bridge: config.about.id.to_owned(),
        bot: registration.names.bot().to_string(),
        ghost_prefix: registration.names.prefix().to_owned(),
    };
    let (carried, done) = match &carry {
        Carry::Export(file) => {
            let done = format!("Wrote {}", file.display());
            (store::export(&settings, &owner, file).await, done)
        }
        Carry::Import(file) => {
            let done = format!("Made the database from {}", file.display());
            (store::import(&settings, &owner, file).await, done)
        }
    };
    match carried {
        Ok(carried) => {
            let told = format!("{done}.\n{}", account(&carried));
            match carry == Carry::Export(STANDARD.into()) {
                true => eprintln!("{told}"),
                false => println!("{told}"),
            }
            ExitCode::Ok
        }
        Err(error) => {
            let (Carry::Export(file) | Carry::Import(file)) = &carry;
            eprintln!("{}: {error}.", file.display());
            exit_code(&error)
        }
    }
}

/// How many rows each table has, to be held against those of the other side.
fn account(carried: &Carried) -> String {
    let line = |(table, rows): &(&str, u64)| format!("{rows:>10} {table}");
    carried.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn exit_code(error: &ArchiveError) -> ExitCode {
    match error {
        ArchiveError::Store(StoreError::Held) => ExitCode::Locked,
        ArchiveError::Store(_)
        | ArchiveError::Nothing
        | ArchiveError::Older
        | ArchiveError::Newer
        | ArchiveError::NotEmpty => ExitCode::Database,
        ArchiveError::OtherOwner { .. } | ArchiveError::OtherKey => ExitCode::Config,
        ArchiveError::File(_) | ArchiveError::Foreign | ArchiveError::Damaged(_) => ExitCode::Runtime,
    }
}
