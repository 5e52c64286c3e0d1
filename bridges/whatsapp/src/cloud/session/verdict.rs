//! From WhatsApp's error to what becomes of a message, with words for the person who wrote it.
//!
//! Codes: <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes>. What is decided by a code holds for
//! an answer and for a status that comes later.

use std::time::Duration;

use magpie_common::platform::{ConnectError, DeliverError};

use super::api::{ApiError, Refusal};

/// What a refused token means, and what to do.
pub(crate) const BAD_TOKEN: &str = "WhatsApp does not take the access token. Make a permanent one for a system user in Meta's business settings, \
    then sign in again or put it into `platform.cloud_access_token`.";

/// What another app's secret means, and what to do.
pub(crate) const BAD_SECRET: &str = "The app secret is not that of the app to which the access token belongs, so nothing that people write would be taken. \
    Copy it anew from the app's dashboard (App settings, Basic).";

/// What a shut window means, and what to do.
pub(super) const SHUT: &str = "WhatsApp lets a business write only within 24 hours after the person wrote last. Wait until they write, or send \
    a template with the command `template`.";

/// How long WhatsApp wants us to wait when it does not say: for the whole number, for one person, after trouble of its own.
const PAUSE_ALL: Duration = Duration::from_secs(2);
const PAUSE_PERSON: Duration = Duration::from_secs(6);
const PAUSE_ACCOUNT: Duration = Duration::from_secs(60);

/// What codes mean for a person. Those that are no more than a pause in an answer are final in a status, which comes too late to try again.
const WORDS: [(i64, &str); 27] = [
    (190, BAD_TOKEN),
    (130_429, "Too many messages went out from this number at once. Send it again."),
    (131_056, "Too many messages went to this person at once. Wait a little, and send it again."),
    (
        131_048,
        "WhatsApp lets this number send less for now, because people have blocked or reported it. Send it again later, and look into Meta's business manager.",
    ),
    (131_000, "WhatsApp had trouble of its own. Send it again."),
    (131_016, "WhatsApp had trouble of its own. Send it again."),
    (4, "This app has asked WhatsApp too often for now. Send it again later."),
    (80_007, "This business account has asked WhatsApp too often for now. Send it again later."),
    (131_047, SHUT),
    (
        131_026,
        "The person cannot get it: they are not on WhatsApp, have an old version of it, or have blocked this number.",
    ),
    (131_049, "WhatsApp holds back advertising to this person for now. Try again in some days, not sooner."),
    (131_051, "WhatsApp does not take this kind of message."),
    (131_052, "WhatsApp could not fetch the file."),
    (
        131_053,
        "WhatsApp does not take the file: its type, its size or its inside is not one of those it knows.",
    ),
    (131_031, "WhatsApp has locked the business account. Look into Meta's business manager."),
    (
        368,
        "WhatsApp has blocked the business account for a while, because it broke the rules. Look into Meta's business manager.",
    ),
    (131_021, "A number cannot write to itself."),
    (
        131_030,
        "The person is not on the list of those to whom a test number may write. Add them in the app's dashboard.",
    ),
    (131_042, "WhatsApp wants a way to be paid first. Look into Meta's business manager."),
    (131_045, "The number is not registered for the Cloud API. Register it in the app's dashboard."),
    (133_010, "The number is not registered for the Cloud API. Register it in the app's dashboard."),
    (132_000, "The template wants another number of values than were given."),
    (132_001, "There is no approved template of that name in that language."),
    (132_005, "With these values, the template becomes too long."),
    (132_012, "A value does not fit its place in the template."),
    (132_015, "The template is paused, because people did not like it."),
    (
        132_016,
        "The template is switched off, because people did not like it. Make another one in Meta's business manager.",
    ),
];

/// What an error means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// It is final.
    Final,
    /// Later it can go; wait so long, for whom.
    Later(Pause),
    /// The token is no good.
    SignedOut,
}

/// For whom to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// Messages of the whole number.
    All(Duration),
    /// Messages to one person.
    Person(Duration),
}

/// What a refusal means.
pub(super) fn weight(refusal: &Refusal) -> Weight {
    if refusal.is_bad_token() {
        return Weight::SignedOut;
    }
    match refusal.code {
        131_056 => Weight::Later(Pause::Person(PAUSE_PERSON)),
        130_429 => Weight::Later(Pause::All(PAUSE_ALL)),
        // Of the app, of a user, of a page, of any call, of the account; too much that people took for spam; of a portfolio.
        4 | 17 | 32 | 613 | 80_007 | 131_048 | 131_064 => Weight::Later(Pause::All(PAUSE_ACCOUNT)),
        1 | 2 | 131_000 | 131_016 | 131_057 | 133_004 => Weight::Later(Pause::Person(PAUSE_PERSON)),
        0 if refusal.status == 429 => Weight::Later(Pause::All(PAUSE_ALL)),
        _ if refusal.status == 429 => Weight::Later(Pause::All(PAUSE_ACCOUNT)),
        _ => Weight::Final,
    }
}

/// The words for a refusal that is final.
pub(super) fn refused(refusal: &Refusal) -> String {
    let known = WORDS.iter().find(|(code, _)| *code == refusal.code).map(|(_, words)| (*words).to_owned());
    known.unwrap_or_else(|| format!("WhatsApp refuses it: {refusal}."))
}

/// The verdict on a request that would have had an effect.
pub(super) fn verdict(error: ApiError) -> DeliverError {
    match error {
        ApiError::NotSent(why) => {
            DeliverError::Retry { after: None, reason: format!("WhatsApp could not be reached: {why}.") }
        }
        ApiError::Limited(wait) => {
            DeliverError::Retry { after: Some(wait), reason: "WhatsApp asks for a pause.".to_owned() }
        }
        ApiError::Unclear(why) => DeliverError::Uncertain(format!(
            "WhatsApp did not confirm it, so the message may have arrived or not: {why}. Look there before you repeat it."
        )),
        ApiError::Refused(refusal) => match weight(&refusal) {
            Weight::Final => DeliverError::Rejected(refused(&refusal)),
            Weight::SignedOut => DeliverError::LoggedOut(BAD_TOKEN.to_owned()),
            Weight::Later(Pause::All(wait) | Pause::Person(wait)) => DeliverError::Retry {
                after: Some(wait),
                reason: format!("WhatsApp cannot take it now: {refusal}."),
            },
        },
    }
}

/// The verdict on a request that changes nothing when it is repeated: whatever went wrong, it may be asked again.
pub(super) fn verdict_on_question(error: ApiError) -> DeliverError {
    match error {
        ApiError::Unclear(reason) => DeliverError::Retry { after: None, reason },
        other => verdict(other),
    }
}

/// What a failed request means for the session that is to come up, or for one that lives.
pub(super) fn connect_verdict(error: &ApiError) -> ConnectError {
    match error {
        error if error.is_bad_token() => ConnectError::BadCredentials(BAD_TOKEN.to_owned()),
        ApiError::Refused(refusal) if weight(refusal) == Weight::Final => {
            ConnectError::BadCredentials(words(error))
        }
        _ => ConnectError::Transient(words(error)),
    }
}

/// An error outside of any message, in words.
pub(crate) fn words(error: &ApiError) -> String {
    match error {
        error if error.is_bad_token() => BAD_TOKEN.to_owned(),
        error if error.is_bad_secret() => BAD_SECRET.to_owned(),
        error if error.is_not_found() => "WhatsApp knows no such phone number id, or the access token may not use it. Look it up in the app's \
            dashboard (WhatsApp, API Setup), and give the system user rights to the account."
            .to_owned(),
        error => format!("WhatsApp does not answer as it should: {error}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: i64) -> ApiError {
        ApiError::Refused(Refusal { status, code, message: "Their words".to_owned(), details: String::new() })
    }

    #[test]
    fn codes_become_verdicts() {
        for (code, part) in [
            (131_047, "24 hours"),
            (131_026, "blocked this number"),
            (131_051, "kind of message"),
            (131_049, "advertising"),
            (131_052, "could not fetch the file"),
            (131_053, "does not take the file"),
            (131_031, "locked"),
            (368, "blocked the business account"),
            (132_016, "switched off"),
            (132_001, "no approved template"),
            (999, "Their words"),
        ] {
            match verdict(answer(400, code)) {
                DeliverError::Rejected(words) => assert!(words.contains(part), "{code}: {words}"),
                other => panic!("{code}: {other:?}"),
            }
        }
        for (status, code, seconds) in [
            (429, 130_429, 2),
            (429, 131_056, 6),
            (500, 131_000, 6),
            (503, 131_016, 6),
            (429, 4, 60),
            (429, 80_007, 60),
            (429, 131_048, 60),
            (400, 17, 60),
            (400, 32, 60),
            (400, 613, 60),
            (429, 5, 60),
            (429, 0, 2),
        ] {
            let after = Some(Duration::from_secs(seconds));
            assert!(
                matches!(verdict(answer(status, code)), DeliverError::Retry { after: found, .. } if found == after),
                "{code}"
            );
        }
        for code in [190, 104] {
            assert!(matches!(verdict(answer(401, code)), DeliverError::LoggedOut(_)), "{code}");
            assert!(matches!(connect_verdict(&answer(401, code)), ConnectError::BadCredentials(_)), "{code}");
        }
    }

    #[test]
    fn every_code_has_words_for_a_status_that_comes_too_late() {
        for (code, words) in WORDS {
            let refusal = Refusal { code, ..Refusal::default() };
            assert_eq!(refused(&refusal), words);
            assert!(words.ends_with('.'), "{code}");
        }
        let codes: std::collections::HashSet<i64> = WORDS.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), WORDS.len());
    }

    #[test]
    fn doubt_stays_doubt_unless_repeating_changes_nothing() {
        let cut = || ApiError::Unclear("cut".to_owned());
        assert!(matches!(verdict(cut()), DeliverError::Uncertain(_)));
        assert!(matches!(verdict_on_question(cut()), DeliverError::Retry { .. }));
        assert!(matches!(connect_verdict(&cut()), ConnectError::Transient(_)));
    }
}
