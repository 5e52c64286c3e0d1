//! Looks now and then whether the account is still good, and lets time pass in the rooms.

use std::{sync::Arc, time::Duration};

use magpie_common::platform::ConnectError;
use serde_json::Value;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    End,
    api::{Api, ApiError},
    end_session,
    intake::Intake,
    number_path,
    verdict::connect_verdict,
};

/// How often WhatsApp is asked whether the account is still good. An app may ask 200 times an hour for everything
/// (<https://developers.facebook.com/docs/graph-api/overview/rate-limiting>).
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
    pub fn start(api: Arc<Api>, intake: &Arc<Intake>, end: &End) -> Self {
        let stop = CancellationToken::new();
        let intake = Arc::clone(intake);
        let work = async move {
            let path = number_path(&intake.number);
            tokio::select! {
                why = look(|| api.get(&path)) => why,
                why = intake.count_down() => why,
            }
        };
        let (work, end) = (stop.clone().run_until_cancelled_owned(work), end.clone());
        let task = tokio::spawn(async move {
            if let Some(why) = work.await {
                end_session(&end, why);
            }
        });
        Self { stop, task: Some(task) }
    }

    pub async fn end(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // It ends with its next wait, and a panic in it is told by the runtime.
            let _ = task.await;
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Runs until the token is refused, or nobody answers.
async fn look<F: Future<Output = Result<Value, ApiError>>>(ask: impl Fn() -> F) -> ConnectError {
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
            Err(error) if error.is_bad_token() || matches!(error, ApiError::NotSent(_)) => {
                return connect_verdict(&error);
            }
            // Whatever else went wrong may be over by the next look, and a number that is locked still hears.
            Err(_) | Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::timeout;

    use super::*;
    use crate::cloud::session::api::Refusal;

    fn refused(status: u16, code: i64) -> ApiError {
        ApiError::Refused(Refusal { status, code, ..Refusal::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn looking_is_rare_and_ends_a_session_for_a_refused_token_only() {
        const HOUR: Duration = Duration::from_secs(3600);
        for (status, code) in
            [(429, 4), (400, 17), (400, 32), (400, 613), (403, 131_031), (403, 368), (500, 2)]
        {
            let asked = Cell::new(0);
            let ask = || {
                asked.set(asked.get() + 1);
                std::future::ready(Err(refused(status, code)))
            };
            assert!(timeout(HOUR, look(ask)).await.is_err(), "{code} has ended the session");
            assert!((6..=15).contains(&asked.get()), "asked {} times in an hour", asked.get());
        }
        let ended = async |error: fn() -> ApiError| look(|| std::future::ready(Err(error()))).await;
        assert!(matches!(ended(|| refused(401, 190)).await, ConnectError::BadCredentials(_)));
        let away = || ApiError::NotSent("nobody listens".to_owned());
        assert!(matches!(ended(away).await, ConnectError::Transient(_)));
    }
}
