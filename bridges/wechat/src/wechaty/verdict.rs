//! What the answers of a gateway mean. Judged by their codes alone: the words are those of a foreign program, and may hold anything.

use std::error::Error;

use magpie_common::platform::{ConnectError, DeliverError, PlatformError};
use tonic::{Code, Status};

use super::gateway::NoGateway;

/// Somebody else listens.
pub(super) const TAKEN: &str = "Another program listens to this WeChat gateway, which has only one listener. If it is another bridge, stop it \
    there or here; this bridge leaves it alone and looks again from time to time.";

const REFUSED: &str = "The WeChat gateway does not take the token. Look what it was started with, and sign in again: `login wechaty`.";

/// Nobody is signed in at the gateway.
pub(super) const SIGNED_OUT: &str = "WeChat has signed the account out of the gateway. Sign in again, with the phone at hand: `login wechaty`.";

/// What becomes of something that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It surely did not go.
    NotGone(DeliverError),
    /// The gateway says that it did not work; most often it did not.
    Refused,
    /// It may have gone.
    Unclear,
}

/// Why a session does not come up, or has ended.
pub(super) fn connect_verdict(status: &Status) -> ConnectError {
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => ConnectError::BadCredentials(REFUSED.to_owned()),
        Code::AlreadyExists => ConnectError::Transient(TAKEN.to_owned()),
        _ => ConnectError::Transient(format!(
            "The line to the WeChat gateway broke off ({}). Look whether it runs.",
            name(status)
        )),
    }
}

/// The same for a connection that was never there.
pub(super) fn no_gateway(error: NoGateway) -> ConnectError {
    match error {
        NoGateway::Settings(words) => ConnectError::BadCredentials(words),
        NoGateway::Away(words) => ConnectError::Transient(words),
    }
}

/// What became of something that was sent and not answered with success.
pub(super) fn fate(status: &Status) -> Fate {
    match status.code() {
        _ if was_unheard(status) => Fate::NotGone(DeliverError::Retry {
            after: None,
            reason: "The WeChat gateway could not be reached.".to_owned(),
        }),
        Code::Unauthenticated | Code::PermissionDenied => {
            Fate::NotGone(DeliverError::LoggedOut(REFUSED.to_owned()))
        }
        Code::Unimplemented => Fate::NotGone(DeliverError::Unsupported(
            "The WeChat gateway cannot do this. A newer one may.".to_owned(),
        )),
        Code::InvalidArgument | Code::ResourceExhausted | Code::OutOfRange | Code::FailedPrecondition => {
            Fate::NotGone(DeliverError::Rejected(format!(
                "The WeChat gateway does not take it ({}).",
                name(status)
            )))
        }
        // The gateway answers so whatever goes wrong inside of it; without an answer of its own the words are the library's.
        Code::Unknown if status.source().is_none() => Fate::Refused,
        Code::NotFound | Code::AlreadyExists => Fate::Refused,
        Code::Ok
        | Code::Unknown
        | Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Fate::Unclear,
    }
}

/// What a question that changes nothing could not be answered for.
pub(super) fn not_answered(what: &str, status: &Status) -> PlatformError {
    PlatformError(format!("{what} ({}).", name(status)))
}

/// A failed question as the verdict on a delivery: nothing was done, so another attempt is harmless.
pub(super) fn question_verdict(status: &Status) -> DeliverError {
    match fate(status) {
        Fate::NotGone(error) => error,
        Fate::Refused | Fate::Unclear => DeliverError::Retry {
            after: None,
            reason: format!("The WeChat gateway does not answer as it should ({}).", name(status)),
        },
    }
}

/// What an answer is called.
pub(super) fn name(status: &Status) -> &'static str {
    status.code().description()
}

/// Whether there was nobody to hear it.
fn was_unheard(status: &Status) -> bool {
    let mut source = status.source();
    while let Some(error) = source {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use super::*;

    #[test]
    fn nothing_that_may_have_gone_is_sent_again() {
        for code in
            [Code::Unavailable, Code::Cancelled, Code::DeadlineExceeded, Code::Internal, Code::Aborted]
        {
            assert_eq!(fate(&Status::new(code, "")), Fate::Unclear, "{code:?}");
        }
        assert_eq!(fate(&Status::unknown("Error: at stack")), Fate::Refused);
        let mut cut = Status::unknown("transport error");
        cut.set_source(Arc::new(io::Error::other("reset")));
        assert_eq!(fate(&cut), Fate::Unclear);
        let mut unheard = Status::unavailable("");
        unheard.set_source(Arc::new(tonic::ConnectError(io::Error::other("refused").into())));
        assert!(matches!(fate(&unheard), Fate::NotGone(DeliverError::Retry { .. })));
        assert!(matches!(fate(&Status::unauthenticated("")), Fate::NotGone(DeliverError::LoggedOut(_))));
    }

    #[test]
    fn another_listener_is_left_alone() {
        assert_eq!(
            connect_verdict(&Status::already_exists("twice")),
            ConnectError::Transient(TAKEN.to_owned())
        );
        assert!(matches!(connect_verdict(&Status::unauthenticated("")), ConnectError::BadCredentials(_)));
    }
}
