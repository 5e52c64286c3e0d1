//! Looks now and then whether the account is still good, and lets time pass in the rooms.

use std::{sync::Arc, time::Duration};

use magpie_common::platform::ConnectError;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    intake::Intake,
    verdict::{connect_verdict, is_let_in},
};
use crate::{
    api::{Api, ApiError},
    ending::{End, finish, spawn},
};

/// How often WeChat is asked whether the account is still good.
const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);

/// The first time it is asked sooner: what was good a moment ago may have been made for trying it out.
const LOOK_FIRST: Duration = Duration::from_secs(20);

/// Where nobody answers, it is asked once more so soon.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The task of one session.
pub(super) struct Watching {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Watching {
    /// Starts it. The session ends with what it finds.
    pub fn start(api: Arc<Api>, intake: &Arc<Intake>, end: &End) -> Self {
        let stop = CancellationToken::new();
        let intake = Arc::clone(intake);
        let work = async move {
            tokio::select! {
                why = look(|| api.look()) => why,
                why = intake.count_down() => why,
            }
        };
        let task = spawn(work, &stop, end);
        Self { stop, task: Some(task) }
    }

    /// Ends it, and waits for that.
    pub async fn end(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            finish(task).await;
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Runs until the account is refused, or nobody answers. People go on being heard then, since WeChat calls us.
async fn look<F: Future<Output = Result<(), ApiError>>>(ask: impl Fn() -> F) -> ConnectError {
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
            Err(error) if !is_let_in(&error) || matches!(error, ApiError::NotSent(_)) => {
                return connect_verdict(&error);
            }
            // What WeChat refuses for another reason, such as too many calls, may be over by the next look.
            Err(_) | Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::timeout;

    use super::*;
    use crate::api::Refusal;

    fn refused(code: i64) -> ApiError {
        ApiError::Refused(Refusal { code, message: String::new() })
    }

    #[tokio::test(start_paused = true)]
    async fn looking_is_rare_and_only_a_refused_account_or_an_absent_network_ends_a_session() {
        const HOUR: Duration = Duration::from_secs(3600);
        let errors: [fn() -> ApiError; 2] = [|| refused(-1), || refused(45_009)];
        for error in errors {
            let asked = Cell::new(0);
            let ask = || {
                asked.set(asked.get() + 1);
                std::future::ready(Err(error()))
            };
            assert!(timeout(HOUR, look(ask)).await.is_err(), "{:?} has ended the session", error());
            assert!((6..=15).contains(&asked.get()), "asked {} times in an hour", asked.get());
        }
        for code in [40_001, 40_125, 40_164] {
            let why = look(|| std::future::ready(Err(refused(code)))).await;
            assert!(matches!(why, ConnectError::BadCredentials(_)), "{code}: {why:?}");
        }
        let why = look(|| std::future::ready(Err(ApiError::NotSent("nobody listens".to_owned())))).await;
        assert!(matches!(why, ConnectError::Transient(_)), "{why:?}");
    }
}
