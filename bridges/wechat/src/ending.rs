//! The end of a session: why it came, who waits for it, and the tasks that bring it about.
//!
//! A session that does nothing any more must not look alive, so each of its tasks ends it, also by a panic.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use magpie_common::platform::{ConnectError, DeliverError, Delivered};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a task may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// What a session says whose task has panicked.
const STUMBLED: &str = "The bridge has stumbled over what came from WeChat, and begins again. If this stays so, look into its log.";

/// The end of a session, and why. Clones are the same end.
pub(crate) type End = watch::Sender<Option<ConnectError>>;

/// Ends a session for a reason; the first reason counts.
pub(crate) fn end_session(end: &End, why: ConnectError) {
    end.send_if_modified(|reason| {
        let is_first = reason.is_none();
        if is_first {
            *reason = Some(why);
        }
        is_first
    });
}

/// A delivery that finds the account signed out ends the session.
pub(crate) fn end_if_signed_out(end: &End, delivered: &Result<Delivered, DeliverError>) {
    if let Err(DeliverError::LoggedOut(words)) = delivered {
        end_session(end, ConnectError::BadCredentials(words.clone()));
    }
}

/// Waits for the end, and gives its reason.
pub(crate) async fn ended(end: &End) -> ConnectError {
    match end.subscribe().wait_for(Option::is_some).await {
        Ok(why) => why.clone().unwrap_or(ConnectError::Closed),
        Err(_) => ConnectError::Closed,
    }
}

/// Runs a task until it ends, which ends the session with its reason, or until the session stops. A panic is an end, too.
pub(crate) fn spawn(
    work: impl Future<Output = ConnectError> + Send + 'static,
    stop: &CancellationToken,
    end: &End,
) -> JoinHandle<()> {
    let work = AssertUnwindSafe(work).catch_unwind();
    let (work, end) = (stop.clone().run_until_cancelled_owned(work), end.clone());
    tokio::spawn(async move {
        if let Some(why) = work.await {
            end_session(&end, why.unwrap_or_else(|_| ConnectError::Transient(STUMBLED.to_owned())));
        }
    })
}

/// Waits for a task that was told to stop; one that does not is stopped where it is.
pub(crate) async fn finish(mut task: JoinHandle<()>) {
    if timeout(END_WITHIN, &mut task).await.is_err() {
        task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_ends_the_session_with_words() {
        let (stop, end) = (CancellationToken::new(), End::new(None));
        let stumbles = async {
            let nothing: Option<ConnectError> = std::future::ready(None).await;
            nothing.expect("this panics")
        };
        spawn(stumbles, &stop, &end).await.expect("the task itself goes on");
        assert_eq!(ended(&end).await, ConnectError::Transient(STUMBLED.to_owned()));
    }

    #[tokio::test]
    async fn the_first_reason_counts_and_a_stop_is_none() {
        let (stop, end) = (CancellationToken::new(), End::new(None));
        let task = spawn(std::future::pending(), &stop, &end);
        stop.cancel();
        finish(task).await;
        assert_eq!(*end.borrow(), None);
        end_if_signed_out(&end, &Err(DeliverError::Rejected("no".to_owned())));
        assert_eq!(*end.borrow(), None);
        end_if_signed_out(&end, &Err(DeliverError::LoggedOut("out".to_owned())));
        end_session(&end, ConnectError::Closed);
        assert_eq!(ended(&end).await, ConnectError::BadCredentials("out".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_left_behind() {
        let task = tokio::spawn(std::future::pending());
        finish(task).await;
    }
}
