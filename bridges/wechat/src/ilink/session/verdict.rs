//! From WeChat's number to what becomes of a message, with words for the person who wrote it.

use std::time::Duration;

use magpie_common::platform::{ConnectError, DeliverError};

use crate::ilink::api::{ApiError, Refusal, STALE};

/// What a token that is no good any more means, and what to do.
pub(super) const SIGNED_OUT: &str =
    "WeChat does not take the bot's sign-in any more. Scan a new code with your phone: `login ilink`.";

/// What it means that WeChat names no way to answer, and what to do.
pub(super) const CONTEXT_GONE: &str = "WeChat lets the bot write no more just now: its last message from your phone is too old, or was answered \
    too often. Write to the bot on your phone, then send this again.";

/// The same before anybody ever wrote to the bot.
pub(super) const NOBODY_WROTE: &str =
    "Nobody has written to the bot yet. Write to it on your phone, then send this again.";

/// What to do once a bot has answered as often as it may.
pub(super) const USED_UP: &str = "WeChat lets the bot answer a message from your phone only about ten times, and that is used up. Write to the \
    bot on your phone, then send this again.";

/// What to do once the last message is too old.
pub(super) const TOO_OLD: &str = "WeChat lets the bot write only within 24 hours after a message from your phone. Write to the bot on your \
    phone, then send this again.";

/// No way to answer is known.
pub(super) const NO_CONTEXT: i64 = -2;

/// WeChat has trouble of its own. In its other APIs that means that nothing was done; of this one nobody has said so.
const TROUBLE: i64 = -1;

/// How long to wait then.
const PAUSE: Duration = Duration::from_secs(5);

/// The verdict on a request that would have had an effect.
pub(super) fn verdict(error: ApiError) -> DeliverError {
    match error {
        ApiError::NotSent(why) => {
            DeliverError::Retry { after: None, reason: format!("WeChat could not be reached: {why}.") }
        }
        ApiError::Busy => DeliverError::Retry { after: Some(PAUSE), reason: "WeChat is busy.".to_owned() },
        ApiError::Refused(refusal) if refusal.code != TROUBLE => refused(&refusal),
        error @ (ApiError::TimedOut | ApiError::Unclear(_) | ApiError::Refused(_)) => {
            DeliverError::Uncertain(format!(
                "WeChat did not confirm it, so the message may have arrived or not: {error}. Look on your phone before you repeat it."
            ))
        }
    }
}

/// The verdict on a request that may be repeated: it changes nothing, or the same again.
pub(super) fn verdict_on_question(error: ApiError) -> DeliverError {
    match error {
        ApiError::Refused(refusal) if refusal.code != TROUBLE => refused(&refusal),
        error @ (ApiError::TimedOut | ApiError::Unclear(_) | ApiError::Refused(_)) => {
            let reason = format!("WeChat does not answer as it should: {error}.");
            DeliverError::Retry { after: Some(PAUSE), reason }
        }
        error @ (ApiError::NotSent(_) | ApiError::Busy) => verdict(error),
    }
}

fn refused(refusal: &Refusal) -> DeliverError {
    match refusal.code {
        STALE => DeliverError::LoggedOut(SIGNED_OUT.to_owned()),
        NO_CONTEXT => DeliverError::Rejected(CONTEXT_GONE.to_owned()),
        _ => DeliverError::Rejected(format!("WeChat refuses it: {refusal}.")),
    }
}

/// What a failed request means for the session, or for one that is to come up.
pub(super) fn connect_verdict(error: &ApiError) -> ConnectError {
    if error.is_stale() {
        return ConnectError::BadCredentials(SIGNED_OUT.to_owned());
    }
    ConnectError::Transient(format!("WeChat does not answer as it should: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i64) -> ApiError {
        ApiError::Refused(Refusal { code, message: "their words".to_owned() })
    }

    #[test]
    fn numbers_become_verdicts() {
        assert_eq!(verdict(answer(STALE)), DeliverError::LoggedOut(SIGNED_OUT.to_owned()));
        assert_eq!(verdict(answer(NO_CONTEXT)), DeliverError::Rejected(CONTEXT_GONE.to_owned()));
        assert!(matches!(verdict(answer(7)), DeliverError::Rejected(words) if words.contains("their words")));
        let busy = verdict(ApiError::Busy);
        assert!(matches!(busy, DeliverError::Retry { after: Some(after), .. } if after == PAUSE));
        assert_eq!(connect_verdict(&answer(STALE)), ConnectError::BadCredentials(SIGNED_OUT.to_owned()));
        assert!(
            matches!(connect_verdict(&answer(NO_CONTEXT)), ConnectError::Transient(_)),
            "it is no wrong sign-in"
        );
    }

    #[test]
    fn doubt_stays_doubt_unless_repeating_changes_nothing() {
        for error in [ApiError::TimedOut, ApiError::Unclear("cut".to_owned()), answer(TROUBLE)] {
            assert!(matches!(verdict(error), DeliverError::Uncertain(_)));
        }
        for error in [
            ApiError::TimedOut,
            ApiError::Unclear("cut".to_owned()),
            answer(TROUBLE),
            ApiError::NotSent("no".to_owned()),
        ] {
            assert!(matches!(verdict_on_question(error), DeliverError::Retry { .. }));
        }
        assert!(matches!(verdict(ApiError::NotSent("no".to_owned())), DeliverError::Retry { .. }));
    }
}
