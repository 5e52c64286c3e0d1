//! Why a request has no answer that helps, and whether it was performed.

/// The token has ended, or another one has taken its place.
const TOKEN_ENDED: [i64; 3] = [40_001, 40_014, 42_001];

/// The platform is too busy to look at a request.
pub(crate) const BUSY: i64 = -1;

/// The same, and that too much was asked: in all, or in a minute.
const PAUSES: [i64; 3] = [BUSY, 45_009, 45_011];

/// What is said of an answer that is not read to its end.
pub(super) const TOO_LONG: &str = "the answer is too long";

/// Why a request has no answer that helps.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Surely not performed: no connection came about.
    #[error("WeChat could not be reached: {0}")]
    NotSent(String),
    /// Maybe performed: the connection ended before the answer, or it is none.
    #[error("the connection to WeChat ended before the answer: {0}")]
    Unclear(String),
    /// Not performed: WeChat says no.
    #[error("WeChat refuses: {0}")]
    Refused(Refusal),
    /// Not performed: WeChat has given a token a moment ago and does not take it, which tells nothing of the account.
    #[error("WeChat gives a token that it does not take: {0}")]
    BadToken(Refusal),
}

/// WeChat's no.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{} (code {code})", if message.is_empty() { "no reason given" } else { message })]
pub(crate) struct Refusal {
    /// WeChat's code. By it alone is decided what happens.
    pub code: i64,
    /// What it says.
    pub message: String,
}

impl ApiError {
    /// WeChat's code, where it gave one.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::NotSent(_) | Self::Unclear(_) | Self::BadToken(_) => None,
        }
    }

    /// Whether the platform wants to be asked again later.
    pub fn asks_for_pause(&self) -> bool {
        self.code().is_some_and(|code| PAUSES.contains(&code))
    }

    /// Whether there was an answer, and more of it than is read.
    pub fn is_too_long(&self) -> bool {
        matches!(self, Self::Unclear(why) if why == TOO_LONG)
    }

    /// Whether the token had ended, or another one has taken its place.
    pub fn is_ended_token(&self) -> bool {
        self.code().is_some_and(|code| TOKEN_ENDED.contains(&code))
    }

    /// What it means where the token was given a moment ago.
    pub fn with_fresh_token(self) -> Self {
        match self {
            Self::Refused(refusal) if TOKEN_ENDED.contains(&refusal.code) => Self::BadToken(refusal),
            other => other,
        }
    }
}

/// The address bears the token, so it is never told.
pub(super) fn transport_error(error: reqwest::Error) -> ApiError {
    let before_write = error.is_connect() || error.is_builder();
    let words = reason(&error.without_url());
    if before_write { ApiError::NotSent(words) } else { ApiError::Unclear(words) }
}

/// The innermost reason, which says the most.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_a_limit_asks_for_a_pause() {
        for (code, expected) in [(-1, true), (45_009, true), (45_011, true), (45_047, false), (40_001, false)]
        {
            let error = ApiError::Refused(Refusal { code, message: String::new() });
            assert_eq!(error.asks_for_pause(), expected, "{code}");
        }
        assert!(!ApiError::NotSent("away".to_owned()).asks_for_pause());
    }
}
