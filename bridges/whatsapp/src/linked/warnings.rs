//! What the library warns of. It writes to a log of another kind than ours, which nobody would read; from there its warnings go into ours,
//! without the numbers of people.

use log::{Level, LevelFilter, Log, Metadata, Record};
use tracing::{error, warn};

use super::verdict::told;

/// How the names of the library's parts begin.
const LIBRARY: [&str; 2] = ["whatsapp_rust", "wacore"];
/// A warning is a sentence; what is longer shows what was received.
const CHARS_MAX: usize = 300;

struct Warnings;

impl Log for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn && LIBRARY.iter().any(|name| metadata.target().starts_with(name))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let (part, words) = (record.target(), words(record));
        match record.level() {
            Level::Error => error!(part, "The WhatsApp library reports an error: {words}"),
            _ => warn!(part, "The WhatsApp library warns: {words}"),
        }
    }

    fn flush(&self) {}
}

/// Begins to pass them on, for the whole process. Where somebody else listens already, they have them.
pub(super) fn pass_on() {
    if log::set_logger(&Warnings).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

fn words(record: &Record<'_>) -> String {
    let clean = told(record.args()).replace(char::is_control, " ");
    match clean.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_warnings_of_the_library_are_passed_on() {
        for (target, level, expected) in [
            ("whatsapp_rust::client", Level::Warn, true),
            ("wacore::store", Level::Error, true),
            ("whatsapp_rust::client", Level::Info, false),
            ("hyper::client", Level::Error, false),
        ] {
            let metadata = Metadata::builder().target(target).level(level).build();
            assert_eq!(Warnings.enabled(&metadata), expected, "{target} {level}");
        }
    }

    #[test]
    fn a_warning_names_nobody_and_is_one_short_line() {
        let long = "x".repeat(CHARS_MAX * 2);
        for (told, expected) in [
            ("no session for 4915112345@s.whatsapp.net", "no session for …@s.whatsapp.net".to_owned()),
            ("one\nline", "one line".to_owned()),
            (long.as_str(), format!("{}…", "x".repeat(CHARS_MAX))),
        ] {
            let record = |args| words(&Record::builder().args(args).build());
            assert_eq!(record(format_args!("{told}")), expected);
        }
    }
}
