//! The doctor's look at the machine: room on the disks, and where files lie while they are moved.

use std::path::{Path, PathBuf};

use super::Report;
use crate::{
    config::{Config, DatabaseUrl},
    platform::Finding,
};

/// Less room than this beside the database is soon none.
const DATABASE_BYTES_MIN: u64 = 256 << 20;
/// As many files are on their way at once.
const FILES_AT_ONCE: u64 = 4;
/// Two voice messages that are converted.
const SPEECH_BYTES: u64 = 128 << 20;

/// Looks at every folder that the bridge fills.
pub(super) fn examine<C>(config: &Config<C>, report: &mut Report) {
    if let DatabaseUrl::Sqlite(file) = &config.database.url {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
        report.tell(&room("disk of the database", &folder, DATABASE_BYTES_MIN));
    }
    report.tell(&media(config));
}

fn media<C>(config: &Config<C>) -> Finding {
    let check = "disk for files";
    let folder = config.media_folder();
    if !folder.exists() {
        return Finding::good(check, format!("{} is made at the start", folder.display()));
    }
    // A file without a name: nothing is left of it.
    if let Err(error) = tempfile::tempfile_in(&folder) {
        let remedy = format!(
            "Let the bridge's user write to {}, or choose another folder with `bridge.media_folder`.",
            folder.display()
        );
        return Finding::fault(check, format!("no file can lie there: {error}"), remedy);
    }
    room(
        check,
        &folder,
        config.bridge.media_bytes_max.saturating_mul(FILES_AT_ONCE).saturating_add(SPEECH_BYTES),
    )
}

/// Whether a folder's disk has so much room for us.
fn room(check: &'static str, folder: &Path, bytes_min: u64) -> Finding {
    let place = folder.display();
    match rustix::fs::statvfs(folder) {
        // Another check names what is wrong with the folder.
        Err(error) => Finding::good(check, format!("{place} cannot be measured: {error}")),
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let free_mib = free >> 20;
            if free >= bytes_min {
                return Finding::good(check, format!("{free_mib} MiB are free at {place}"));
            }
            let problem =
                format!("only {free_mib} MiB are free at {place}, and {} may be needed", bytes_min >> 20);
            Finding::fault(check, problem, "Free some space, or move the folder to a larger disk.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_a_fault_with_words() {
        let folder = tempfile::tempdir().unwrap();
        assert!(room("disk", folder.path(), 0).result.is_ok());
        let fault = room("disk", folder.path(), u64::MAX).result.unwrap_err();
        assert!(fault.problem.contains("MiB are free at"), "{}", fault.problem);
        assert!(room("disk", &folder.path().join("none"), 1).result.is_ok(), "another check is about that");
    }
}
