//! What the ends of a line mean, in words that say what to do.

use std::time::Duration;

use magpie_common::platform::ConnectError;
use wacore::types::events::{ConnectFailureReason, Event, LoggedOut, TemporaryBan};

/// Shorter rows of digits name nobody.
const NUMBER_DIGITS_MIN: usize = 6;

/// Somebody else uses the keys of this device.
pub(super) const REPLACED: &str = "Another program runs with this bridge's keys and took the connection over. Stop it, and let only one run: two would \
    lose messages. Then write `reconnect`.";

/// The server refuses this version.
pub(super) const OUTDATED: &str = "WhatsApp no longer takes this version of the bridge. Update the bridge; nothing is lost until then, WhatsApp \
    keeps your messages for it.";

/// What the library says of a failure, without the numbers of people: it ends up in logs.
pub(super) fn told(error: &dyn std::fmt::Display) -> String {
    let words = error.to_string();
    let mut told = String::with_capacity(words.len());
    let mut digits = String::new();
    for c in words.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        // Codes and counts are shorter than any number of a person.
        told.push_str(if digits.len() < NUMBER_DIGITS_MIN { &digits } else { "…" });
        digits.clear();
        told.extend(Some(c).filter(|c| *c != '\0'));
    }
    told
}

/// Why a line ended for good, if the event says so.
pub(super) fn end(event: &Event) -> Option<ConnectError> {
    Some(match event {
        Event::LoggedOut(why) => ConnectError::BadCredentials(logged_out(why)),
        Event::TemporaryBan(ban) => ConnectError::Stopped(banned(ban)),
        Event::ClientOutdated(_) => ConnectError::BadCredentials(OUTDATED.to_owned()),
        Event::StreamReplaced(_) => ConnectError::Stopped(REPLACED.to_owned()),
        Event::ConnectFailure(failure) if failure.reason.should_reconnect() => return None,
        Event::ConnectFailure(failure) => match failure.reason {
            ConnectFailureReason::ClientOutdated | ConnectFailureReason::BadUserAgent => {
                ConnectError::BadCredentials(OUTDATED.to_owned())
            }
            ConnectFailureReason::TempBanned => ConnectError::Stopped(
                "WhatsApp has banned this account for a while. Look at your phone for the reason, wait until the ban is over, and then write \
                 `reconnect`."
                    .to_owned(),
            ),
            reason => ConnectError::BadCredentials(format!(
                "WhatsApp refused the connection ({reason:?}). Check the clock of this machine, and look for an update of the bridge."
            )),
        },
        _ => return None,
    })
}

fn logged_out(why: &LoggedOut) -> String {
    match why.reason {
        ConnectFailureReason::AccountLocked => "WhatsApp has locked this account. Your phone says why, and how to object. When it is open \
            again, sign in again: `login`."
            .to_owned(),
        _ => "The bridge is not linked to your phone any more: it was removed under Linked Devices, your phone was away for about two weeks, \
            or WhatsApp has banned the account. If WhatsApp works on your phone, sign in again: `login`. Your rooms stay."
            .to_owned(),
    }
}

fn banned(ban: &TemporaryBan) -> String {
    let left = ban.expire.to_std().unwrap_or_default();
    format!(
        "WhatsApp has banned this account for {}. Your phone says why. Do not write to strangers or to many at once; when bans repeat, the \
         account is closed for good. After that time write `reconnect`.",
        words(left)
    )
}

/// A length of time as people say it.
fn words(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60);
    match minutes {
        0..=119 => format!("{minutes} minutes"),
        120..=2_879 => format!("{} hours", minutes.div_ceil(60)),
        _ => format!("{} days", minutes.div_ceil(24 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use wacore::types::events::ConnectFailure;

    use super::*;

    #[test]
    fn no_number_of_a_person_is_told() {
        let cases = [
            ("code 463 for 4915112345@s.whatsapp.net:7", "code 463 for …@s.whatsapp.net:7"),
            ("99491512", "…"),
            ("after 60000 ms", "after 60000 ms"),
        ];
        for (error, words) in cases {
            assert_eq!(told(&error), words);
        }
    }

    #[test]
    fn what_is_refused_for_good_is_not_tried_again_at_once() {
        for code in [400, 401, 402, 405, 409, 499] {
            let failure = ConnectFailure::builder().reason(ConnectFailureReason::from(code)).build();
            let why = end(&Event::ConnectFailure(failure)).expect("it ends the session");
            let waits_for_a_person = match &why {
                ConnectError::Stopped(words) => words.contains("`reconnect`"),
                ConnectError::BadCredentials(words) => !words.contains("reconnect"),
                ConnectError::Transient(_) | ConnectError::Closed => false,
            };
            assert!(waits_for_a_person, "{code}: {why:?}");
        }
        let failure = ConnectFailure::builder().reason(ConnectFailureReason::ServiceUnavailable).build();
        assert_eq!(end(&Event::ConnectFailure(failure)), None, "the library connects again");
    }

    #[test]
    fn time_is_told_in_words() {
        let cases = [(3_600, "60 minutes"), (7_201, "3 hours"), (200_000, "3 days")];
        for (secs, words) in cases {
            assert_eq!(super::words(Duration::from_secs(secs)), words);
        }
    }
}
