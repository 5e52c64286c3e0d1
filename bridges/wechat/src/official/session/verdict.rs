//! From WeChat's code to what becomes of a message, with words for the person who wrote it.
//!
//! Codes: <https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html>.

use std::time::Duration;

use magpie_common::platform::{ConnectError, DeliverError};

use crate::api::{ApiError, Refusal};

/// What refused credentials mean, and what to do.
pub(super) const BAD_ACCOUNT: &str = "WeChat does not take the AppID and the AppSecret. Look them up in WeChat's console, then sign in again or put \
    them into the configuration.";

/// What a shut window means, and what to do.
pub(super) const SHUT: &str = "WeChat lets an Official Account write only within 48 hours after the person wrote last. Wait until they write.";

/// What a used-up window means.
const USED_UP: &str = "WeChat lets an Official Account answer only five times after a person wrote, and three times after they pressed something. \
    Wait until the person writes again.";

/// How long to wait after trouble of WeChat's own.
const PAUSE: Duration = Duration::from_secs(5);

/// How long to wait where a day's calls are used up.
const PAUSE_DAY: Duration = Duration::from_secs(30 * 60);

/// How long to wait where too much was asked in a minute.
const PAUSE_MINUTE: Duration = Duration::from_secs(60);

/// WeChat's code for a window that is shut.
pub(super) const SHUT_CODE: i64 = 45_015;

/// WeChat's code for one that is used up.
pub(super) const USED_UP_CODE: i64 = 45_047;

/// WeChat's code for an openid that is nobody's.
pub(super) const NOBODY_CODE: i64 = 40_003;

/// How long to wait where a token is not taken that was given a moment ago.
const PAUSE_TOKEN: Duration = Duration::from_secs(30);

/// Codes that are final, with words.
const FINAL: [(i64, &str); 14] = [
    (SHUT_CODE, SHUT),
    (USED_UP_CODE, USED_UP),
    (NOBODY_CODE, "WeChat knows no such follower of this account."),
    (43_004, "The person does not follow the account, so it cannot write to them."),
    (43_019, "The person has blocked the account."),
    (40_004, "WeChat does not take this kind of file."),
    (40_006, "WeChat does not take a file of this size."),
    (40_007, "WeChat does not know the file any more."),
    (40_037, "WeChat knows no such template of this account."),
    (45_002, "The text is too long for WeChat."),
    (
        47_003,
        "WeChat does not let a value stand in its place: each place of a template takes only words or numbers of its sort.",
    ),
    (
        48_001,
        "WeChat does not let this account write: it must be verified first. Look into WeChat's console.",
    ),
    (50_002, "WeChat has limited the account. Look into WeChat's console."),
    (87_014, "WeChat does not let the content pass."),
];

/// The account, or this machine, is not let in.
const NOT_LET_IN: [i64; 7] = [40_001, 40_013, 40_014, 40_125, 40_164, 41_004, 42_001];

/// The verdict on a request that would have had an effect.
pub(super) fn verdict(error: ApiError) -> DeliverError {
    match error {
        ApiError::NotSent(why) => {
            DeliverError::Retry { after: None, reason: format!("WeChat could not be reached: {why}.") }
        }
        ApiError::Unclear(why) => DeliverError::Uncertain(format!(
            "WeChat did not confirm it, so the message may have arrived or not: {why}. Look there before you repeat it."
        )),
        ApiError::BadToken(refusal) => DeliverError::Retry {
            after: Some(PAUSE_TOKEN),
            reason: format!("WeChat gives the bridge a token and does not take it: {refusal}."),
        },
        ApiError::Refused(refusal) => refused(&refusal),
    }
}

/// The verdict on a request that may be repeated: it changes nothing, or the same again.
pub(super) fn verdict_on_question(error: ApiError) -> DeliverError {
    match error {
        ApiError::Unclear(why) => {
            DeliverError::Retry { after: None, reason: format!("WeChat did not answer: {why}.") }
        }
        error => verdict(error),
    }
}

fn refused(refusal: &Refusal) -> DeliverError {
    match refusal.code {
        -1 => DeliverError::Retry { after: Some(PAUSE), reason: "WeChat is busy.".to_owned() },
        45_009 => DeliverError::Retry {
            after: Some(PAUSE_DAY),
            reason: "The account has used up what it may ask of WeChat today.".to_owned(),
        },
        45_011 => DeliverError::Retry {
            after: Some(PAUSE_MINUTE),
            reason: "The account asks WeChat for too much at once.".to_owned(),
        },
        code if NOT_LET_IN.contains(&code) => DeliverError::LoggedOut(not_let_in(refusal)),
        code => {
            let known = FINAL.iter().find(|(known, _)| *known == code).map(|(_, words)| (*words).to_owned());
            DeliverError::Rejected(known.unwrap_or_else(|| format!("WeChat refuses it: {refusal}.")))
        }
    }
}

/// What a failed request means for the session that is to come up.
pub(super) fn connect_verdict(error: &ApiError) -> ConnectError {
    match error {
        ApiError::Refused(_) if !error.asks_for_pause() => ConnectError::BadCredentials(words(error)),
        _ => ConnectError::Transient(words(error)),
    }
}

/// Whether the account is let in, as far as this error tells.
pub(super) fn is_let_in(error: &ApiError) -> bool {
    !error.code().is_some_and(|code| NOT_LET_IN.contains(&code))
}

/// An error outside of any message, in words.
pub(in crate::official) fn words(error: &ApiError) -> String {
    match error {
        ApiError::Refused(refusal) if NOT_LET_IN.contains(&refusal.code) => not_let_in(refusal),
        error => format!("WeChat does not answer as it should: {error}."),
    }
}

fn not_let_in(refusal: &Refusal) -> String {
    match refusal.code {
        40_164 => format!(
            "WeChat does not know this machine's address. Add it to the IP whitelist in WeChat's console. WeChat says: {}",
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
            (45_015, "48 hours"),
            (45_047, "five times"),
            (43_004, "does not follow"),
            (48_001, "verified"),
            (40_003, "no such follower"),
            (99_999, "their words"),
        ] {
            match verdict(answer(code)) {
                DeliverError::Rejected(words) => assert!(words.contains(part), "{code}: {words}"),
                other => panic!("{code}: {other:?}"),
            }
        }
        for (code, pause) in [(-1, PAUSE), (45_009, PAUSE_DAY), (45_011, PAUSE_MINUTE)] {
            let found = verdict(answer(code));
            assert!(
                matches!(found, DeliverError::Retry { after: Some(after), .. } if after == pause),
                "{code}"
            );
            assert!(matches!(connect_verdict(&answer(code)), ConnectError::Transient(_)), "{code}");
        }
        for code in NOT_LET_IN {
            assert!(matches!(verdict(answer(code)), DeliverError::LoggedOut(_)), "{code}");
            assert!(matches!(connect_verdict(&answer(code)), ConnectError::BadCredentials(_)), "{code}");
        }
        assert!(words(&answer(40_164)).contains("IP whitelist"));
    }

    #[test]
    fn doubt_stays_doubt_unless_repeating_changes_nothing() {
        let cut = || ApiError::Unclear("cut".to_owned());
        assert!(matches!(verdict(cut()), DeliverError::Uncertain(_)));
        assert!(matches!(verdict_on_question(cut()), DeliverError::Retry { .. }));
        assert!(matches!(verdict(ApiError::NotSent("no".to_owned())), DeliverError::Retry { .. }));
    }

    #[test]
    fn a_fresh_token_that_is_not_taken_tells_nothing_of_the_account() {
        for code in [40_001, 40_014, 42_001] {
            let found = verdict(answer(code).with_fresh_token());
            assert!(
                matches!(found, DeliverError::Retry { after: Some(after), .. } if after == PAUSE_TOKEN),
                "{code}"
            );
        }
        assert!(matches!(verdict(answer(40_125).with_fresh_token()), DeliverError::LoggedOut(_)));
    }
}
