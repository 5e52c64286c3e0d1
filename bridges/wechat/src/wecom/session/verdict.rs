//! From WeCom's code to what becomes of a message, with words for the person who wrote it.
//!
//! Codes: <https://developer.work.weixin.qq.com/document/path/90313>.

use std::time::Duration;

use magpie_common::platform::{ConnectError, DeliverError};

use crate::api::{ApiError, BUSY, Refusal};

/// Too much was asked.
const TOO_OFTEN: i64 = 45_009;

/// WeCom lets the app ask again after so long.
const PAUSE_OFTEN: Duration = Duration::from_secs(60);

/// A talk with a customer is not in the hands of the program.
pub(super) const NOT_OURS: i64 = 95_018;

/// Nothing may go until the customer writes: too many went, or too much time.
pub(super) const NOTHING_LEFT: [i64; 2] = [95_001, 95_002];

/// This machine is not trusted.
const BAD_ADDRESS: i64 = 60_020;

/// There is no such member.
pub(super) const NO_MEMBER: [i64; 2] = [40_003, 60_111];

/// What refused credentials mean, and what to do.
const BAD_ACCOUNT: &str = "WeCom does not take the CorpID, the AgentId and the Secret. Look them up in WeCom's console, then sign in again or put \
    them into the configuration.";

/// The account, or this machine, is not let in.
const NOT_LET_IN: [i64; 8] = [40_001, 40_013, 40_014, 40_056, 40_091, 41_004, 42_001, BAD_ADDRESS];

/// Codes that are final, with words.
const FINAL: [(i64, &str); 18] = [
    (BUSY, "WeCom was too busy to take it, three times. Send it again later."),
    (
        81_013,
        "WeCom knows no such member, or the app is not shown to them. Whoever runs WeCom's console can change that.",
    ),
    (40_003, "WeCom knows no such member."),
    (60_111, "WeCom knows no such member."),
    (40_004, "WeCom does not take this kind of file."),
    (40_005, "WeCom does not take this kind of file."),
    (40_006, "WeCom does not take a file of this size."),
    (40_007, "WeCom does not know the file any more."),
    (40_058, "WeCom does not understand what the bridge has sent. Please report this."),
    (45_002, "The text is too long for WeCom."),
    (48_002, "WeCom does not let this app do that. Look into its rights in WeCom's console."),
    (60_011, "WeCom does not let this app see that member. Look into its rights in WeCom's console."),
    (40_096, "WeCom knows no such customer."),
    (95_001, "WeCom lets only five messages go until the customer writes again. Wait until they do."),
    (
        95_002,
        "WeCom lets nothing be sent more than 48 hours after the customer wrote. Wait until they write.",
    ),
    (95_013, "The conversation with the customer was ended. Wait until the customer writes again."),
    (95_017, "Customer service does not let programs in. Whoever runs WeCom's console can change that."),
    (
        NOT_OURS,
        "WeCom lets nothing be sent from here now: the customer waits for a member of staff, talks to one, or the conversation was ended.",
    ),
];

/// The verdict on a request that would have had an effect.
pub(super) fn verdict(error: ApiError) -> DeliverError {
    match error {
        ApiError::NotSent(why) => {
            DeliverError::Retry { after: None, reason: format!("WeCom could not be reached: {why}.") }
        }
        ApiError::Unclear(why) => DeliverError::Uncertain(format!(
            "WeCom did not confirm it, so the message may have arrived or not: {why}. Look there before you repeat it."
        )),
        ApiError::Refused(refusal) => refused(&refusal),
    }
}

/// The verdict on a request that may be repeated: it changes nothing, or the same again.
pub(super) fn verdict_on_question(error: ApiError) -> DeliverError {
    match error {
        ApiError::Unclear(why) => {
            DeliverError::Retry { after: None, reason: format!("WeCom did not answer: {why}.") }
        }
        error => verdict(error),
    }
}

fn refused(refusal: &Refusal) -> DeliverError {
    match refusal.code {
        TOO_OFTEN => DeliverError::Retry {
            after: Some(PAUSE_OFTEN),
            reason: "The app has used up what it may ask of WeCom for now.".to_owned(),
        },
        code if NOT_LET_IN.contains(&code) => DeliverError::LoggedOut(not_let_in(refusal)),
        code => {
            let known = FINAL.iter().find(|(known, _)| *known == code).map(|(_, words)| (*words).to_owned());
            DeliverError::Rejected(known.unwrap_or_else(|| format!("WeCom refuses it: {refusal}.")))
        }
    }
}

/// What a failed request means for the session that is to come up.
pub(super) fn connect_verdict(error: &ApiError) -> ConnectError {
    match error {
        ApiError::Refused(refusal) if !matches!(refusal.code, BUSY | TOO_OFTEN) => {
            ConnectError::BadCredentials(words(error))
        }
        _ => ConnectError::Transient(words(error)),
    }
}

/// Whether asking again later helps, where nothing was to be changed.
pub(super) fn is_passing(error: &ApiError) -> bool {
    match error {
        ApiError::NotSent(_) | ApiError::Unclear(_) => true,
        ApiError::Refused(refusal) => matches!(refusal.code, BUSY | TOO_OFTEN),
    }
}

/// Whether the account itself is not let in any more.
pub(super) fn is_shut_out(error: &ApiError) -> bool {
    error.code().is_some_and(|code| NOT_LET_IN.contains(&code))
}

/// An error outside of any message, in words.
pub(in crate::wecom) fn words(error: &ApiError) -> String {
    match error {
        ApiError::Refused(refusal) if NOT_LET_IN.contains(&refusal.code) => not_let_in(refusal),
        error => format!("WeCom does not answer as it should: {error}."),
    }
}

fn not_let_in(refusal: &Refusal) -> String {
    match refusal.code {
        BAD_ADDRESS => format!(
            "WeCom does not trust this machine's address. Add it to the trusted IPs of the app in WeCom's console. WeCom says: {}",
            refusal.message
        ),
        _ => BAD_ACCOUNT.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i64) -> ApiError {
        ApiError::Refused(Refusal { code, message: "their words".to_owned() })
    }

    #[test]
    fn codes_become_verdicts() {
        for (code, part) in [
            (BUSY, "three times"),
            (81_013, "not shown to them"),
            (NOT_OURS, "member of staff"),
            (40_004, "kind of file"),
            (99_999, "their words"),
        ] {
            match verdict(answer(code)) {
                DeliverError::Rejected(words) => assert!(words.contains(part), "{code}: {words}"),
                other => panic!("{code}: {other:?}"),
            }
        }
        let found = verdict(answer(TOO_OFTEN));
        assert!(
            matches!(&found, DeliverError::Retry { after: Some(after), .. } if *after == PAUSE_OFTEN),
            "{found:?}"
        );
        for code in NOT_LET_IN {
            assert!(matches!(verdict(answer(code)), DeliverError::LoggedOut(_)), "{code}");
            assert!(matches!(connect_verdict(&answer(code)), ConnectError::BadCredentials(_)), "{code}");
            assert!(is_shut_out(&answer(code)) && !is_passing(&answer(code)), "{code}");
        }
        assert!(words(&answer(BAD_ADDRESS)).contains("trusted IPs"));
    }

    #[test]
    fn doubt_stays_doubt_unless_repeating_changes_nothing() {
        let cut = || ApiError::Unclear("cut".to_owned());
        assert!(matches!(verdict(cut()), DeliverError::Uncertain(_)));
        assert!(matches!(verdict_on_question(cut()), DeliverError::Retry { .. }));
        assert!(matches!(verdict(ApiError::NotSent("no".to_owned())), DeliverError::Retry { .. }));
        assert!(is_passing(&cut()));
    }
}
