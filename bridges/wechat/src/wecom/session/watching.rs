//! Looks now and then whether WeCom still takes the account.

use std::time::Duration;

use magpie_common::platform::ConnectError;
use tokio::time::sleep;

use super::verdict::{connect_verdict, is_shut_out};
use crate::api::ApiError;

/// How often WeCom is asked.
const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);

/// The first time it is asked sooner: what was good a moment ago may have been made for trying it out.
const LOOK_FIRST: Duration = Duration::from_secs(15);

/// Where nobody answers, it is asked once more so soon.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Runs until the account is refused, or nobody answers.
pub(super) async fn look<F: Future<Output = Result<(), ApiError>>>(ask: impl Fn() -> F) -> ConnectError {
    let mut pause = LOOK_FIRST;
    loop {
        sleep(pause).await;
        pause = LOOK_EVERY;
        let mut found = ask().await;
        if matches!(found, Err(ApiError::NotSent(_))) {
            sleep(LOOK_AGAIN).await;
            found = ask().await;
        }
        match found {
            Err(error) if is_shut_out(&error) || matches!(error, ApiError::NotSent(_)) => {
                return connect_verdict(&error);
            }
            // What WeCom refuses for another reason, such as too many calls, may be over by the next look.
            Err(_) | Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::api::Refusal;

    fn refused(code: i64) -> ApiError {
        ApiError::Refused(Refusal { code, message: String::new() })
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_refused_account_or_an_absent_network_ends_a_session() {
        const HOUR: Duration = Duration::from_secs(3600);
        for code in [-1, 45_009, 60_011] {
            let looked = look(|| std::future::ready(Err(refused(code))));
            assert!(timeout(HOUR, looked).await.is_err(), "{code} has ended the session");
        }
        let why = look(|| std::future::ready(Err(refused(40_001)))).await;
        assert!(matches!(why, ConnectError::BadCredentials(_)), "{why:?}");
        let why = look(|| std::future::ready(Err(ApiError::NotSent("nobody listens".to_owned())))).await;
        assert!(matches!(why, ConnectError::Transient(_)), "{why:?}");
    }
}
