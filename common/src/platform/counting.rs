//! What a bridge counts of its network, in words that all bridges share. No label ever names a room or a person.

use std::{sync::LazyLock, time::Duration};

use prometheus::{Counter, IntCounterVec, register_counter, register_int_counter_vec};

static REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_network_requests_total", "Requests to the network over HTTP, by outcome.");
    register_int_counter_vec!(name, help, &["outcome"]).expect("the name is unique")
});
static WAITS: LazyLock<Counter> = LazyLock::new(|| {
    let (name, help) = (
        "magpie_network_wait_seconds_total",
        "Pauses that the network has asked for, or that keep within its limits.",
    );
    register_counter!(name, help).expect("the name is unique")
});
static ENCRYPTED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) =
        ("magpie_encrypted_messages_total", "Messages that were encrypted from end to end, by outcome.");
    register_int_counter_vec!(name, help, &["direction", "outcome"]).expect("the name is unique")
});
static KEYS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_encryption_keys_total", "One-time keys, by what became of them.");
    register_int_counter_vec!(name, help, &["outcome"]).expect("the name is unique")
});

/// How a request to the network went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The network did it.
    Ok,
    /// The network says no.
    Refused,
    /// The network asks for a pause.
    Limited,
    /// There was no answer, or none that makes sense.
    Failed,
}

/// What became of a message that was encrypted from end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encrypted {
    /// From the network, and read.
    Read,
    /// From the network, and not to be read yet: it is asked for again.
    NotRead,
    /// From the network, and read after all.
    ReadLate,
    /// From Matrix, and written for the devices of those who get it.
    Written,
    /// From Matrix, and refused: this version holds no keys of Matrix.
    Refused,
}

/// What became of one-time keys, by which others begin to write to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneTimeKeys {
    /// They were made, to be given out.
    Made,
    /// Somebody has used them up.
    Used,
}

impl Answered {
    const ALL: [Self; 4] = [Self::Ok, Self::Refused, Self::Limited, Self::Failed];

    fn label(self) -> [&'static str; 1] {
        match self {
            Self::Ok => ["ok"],
            Self::Refused => ["refused"],
            Self::Limited => ["limited"],
            Self::Failed => ["failed"],
        }
    }
}

impl Encrypted {
    const ALL: [Self; 5] = [Self::Read, Self::NotRead, Self::ReadLate, Self::Written, Self::Refused];

    fn labels(self) -> [&'static str; 2] {
        match self {
            Self::Read => ["from_remote", "read"],
            Self::NotRead => ["from_remote", "unread"],
            Self::ReadLate => ["from_remote", "read_late"],
            Self::Written => ["from_matrix", "written"],
            Self::Refused => ["from_matrix", "refused"],
        }
    }
}

impl OneTimeKeys {
    const ALL: [Self; 2] = [Self::Made, Self::Used];

    fn label(self) -> [&'static str; 1] {
        match self {
            Self::Made => ["made"],
            Self::Used => ["used"],
        }
    }
}

/// Counts how a request to the network went, and gives its outcome back. `answered` says what an error is.
///
/// # Errors
/// That of the request.
pub fn counted<T, E>(outcome: Result<T, E>, answered: impl FnOnce(&E) -> Answered) -> Result<T, E> {
    count_request(outcome.as_ref().map_or_else(answered, |_| Answered::Ok));
    outcome
}

fn count_request(answered: Answered) {
    REQUESTS.with_label_values(&answered.label()).inc();
}

/// The network makes us wait, or we wait to keep within its limits.
pub fn count_wait(wait: Duration) {
    WAITS.inc_by(wait.as_secs_f64());
}

/// Something was encrypted from end to end.
pub fn count_encrypted(encrypted: Encrypted) {
    ENCRYPTED.with_label_values(&encrypted.labels()).inc();
}

/// One-time keys were made, or used up.
pub fn count_keys(keys: OneTimeKeys, count: usize) {
    KEYS.with_label_values(&keys.label()).inc_by(count as u64);
}

/// Lets all of it stand at zero.
pub(crate) fn begin_counting() {
    WAITS.inc_by(0.0);
    Answered::ALL.iter().for_each(|it| REQUESTS.with_label_values(&it.label()).inc_by(0));
    Encrypted::ALL.iter().for_each(|it| ENCRYPTED.with_label_values(&it.labels()).inc_by(0));
    OneTimeKeys::ALL.iter().for_each(|it| KEYS.with_label_values(&it.label()).inc_by(0));
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    /// The line of a counter, without its value.
    fn line(name: &str, labels: &[(&str, &str)]) -> String {
        let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        format!("{}{{{}}}", ["magpie", name].join("_"), labels.join(","))
    }

    /// What stands there in this process, in which other tests count, too.
    fn value(line: &str) -> Option<f64> {
        let text = TextEncoder::new().encode_to_string(&prometheus::gather()).unwrap();
        let value = text.lines().find_map(|told| told.strip_prefix(line)?.strip_prefix(' '));
        value.map(|value| value.parse().unwrap())
    }

    #[test]
    fn each_outcome_has_a_counter_of_its_own_that_stands_from_the_start() {
        begin_counting();
        let request = |outcome| line("network_requests_total", &[("outcome", outcome)]);
        let encrypted = |direction, outcome| {
            line("encrypted_messages_total", &[("direction", direction), ("outcome", outcome)])
        };
        let keys = |outcome| line("encryption_keys_total", &[("outcome", outcome)]);
        let table: [(String, fn()); 12] = [
            (request("ok"), || count_request(Answered::Ok)),
            (request("refused"), || count_request(Answered::Refused)),
            (request("limited"), || count_request(Answered::Limited)),
            (request("failed"), || count_request(Answered::Failed)),
            (encrypted("from_remote", "read"), || count_encrypted(Encrypted::Read)),
            (encrypted("from_remote", "unread"), || count_encrypted(Encrypted::NotRead)),
            (encrypted("from_remote", "read_late"), || count_encrypted(Encrypted::ReadLate)),
            (encrypted("from_matrix", "written"), || count_encrypted(Encrypted::Written)),
            (encrypted("from_matrix", "refused"), || count_encrypted(Encrypted::Refused)),
            (keys("made"), || count_keys(OneTimeKeys::Made, 3)),
            (keys("used"), || count_keys(OneTimeKeys::Used, 1)),
            (["magpie", "network_wait_seconds_total"].join("_"), || count_wait(Duration::from_millis(2_500))),
        ];
        for (line, count) in table {
            let before = value(&line).unwrap_or_else(|| panic!("{line} is not there from the start"));
            count();
            let after = value(&line).unwrap();
            assert!(after > before, "{line}: {before}, then {after}");
        }
    }
}
