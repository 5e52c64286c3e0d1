//! The tasks of a session: updates, and beside them pictures and errands. The first that ends ends the session, and says why.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use magpie_common::platform::ConnectError;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Duration, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    DOWNLOAD_BYTES_MAX, LOCAL_BYTES_MAX, Setup, api::Api, awake::Awake, brought::Brought, errands::Errands,
    faces::Faces, intake::Intake, polling::Polling, taken::Taken, webhook_url, world::World,
};
use crate::events::Reach;

/// How many people may wait for their pictures to be looked for.
const FACES_MAX: usize = 256;

/// How many commands may wait to be answered.
const ERRANDS_MAX: usize = 64;

/// How long the tasks may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// What a task says that panicked.
const STUMBLED: &str =
    "The bridge has stumbled over what Telegram told, and begins again. If this stays so, look into its log.";

/// The tasks of one session. They stop when this is dropped.
pub(super) struct Running {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Lets updates come, and what goes on beside them.
pub(super) fn start(
    setup: &Setup,
    (api, world): (&Arc<Api>, &Arc<World>),
    end: &watch::Sender<Option<ConnectError>>,
) -> Running {
    let stop = CancellationToken::new();
    let (faces_in, faces) = mpsc::channel(FACES_MAX);
    let (errands_in, errands) = mpsc::channel(ERRANDS_MAX);
    let reach = Reach {
        download_bytes_max: if setup.config.local_server { LOCAL_BYTES_MAX } else { DOWNLOAD_BYTES_MAX },
    };
    let (api, world) = (Arc::clone(api), Arc::clone(world));
    let me = world.read().me;
    let intake = Intake {
        api: Arc::clone(&api),
        world,
        sink: setup.sink.clone(),
        faces: faces_in,
        errands: errands_in,
        reach,
        awake: Awake::new(setup.clock.clone()),
        taken: Taken::default(),
    };
    let faces = Faces { api: Arc::clone(&api), sink: setup.sink.clone() }.run(faces);
    let errands = Errands { api: Arc::clone(&api), sink: setup.sink.clone() }.run(errands);
    let aside = async {
        tokio::join!(faces, errands);
        // They end after the updates, which say why.
        std::future::pending().await
    };
    let aside = spawn(aside, &stop, end);
    let updates: JoinHandle<()> = match &setup.hooks {
        None => spawn(Polling { api, intake }.run(), &stop, end),
        Some(hooks) => {
            let url = webhook_url(&setup.config, me);
            let brought = Brought::register(hooks, me, (api, intake), url);
            spawn(brought.run(), &stop, end)
        }
    };
    Running { stop, tasks: vec![updates, aside] }
}

/// Runs what ends with the reason why the session is over; a panic is one, too.
fn spawn(
    work: impl Future<Output = ConnectError> + Send + 'static,
    stop: &CancellationToken,
    end: &watch::Sender<Option<ConnectError>>,
) -> JoinHandle<()> {
    let work = AssertUnwindSafe(work).catch_unwind();
    let (work, end) = (stop.clone().run_until_cancelled_owned(work), end.clone());
    tokio::spawn(async move {
        if let Some(why) = work.await {
            end_session(&end, why.unwrap_or_else(|_| ConnectError::Transient(STUMBLED.to_owned())));
        }
    })
}

/// Ends a session for a reason; the first reason counts.
pub(super) fn end_session(end: &watch::Sender<Option<ConnectError>>, why: ConnectError) {
    end.send_if_modified(|reason| {
        let is_first = reason.is_none();
        if is_first {
            *reason = Some(why);
        }
        is_first
    });
}

impl Running {
    /// Ends them, and waits for it.
    pub(super) async fn end(&mut self) {
        self.stop.cancel();
        for mut task in self.tasks.drain(..) {
            if timeout(END_WITHIN, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_ends_the_session_with_words() {
        let (stop, end) = (CancellationToken::new(), watch::Sender::new(None));
        let stumbles = async {
            let nothing: Option<ConnectError> = std::future::ready(None).await;
            nothing.expect("this panics")
        };
        spawn(stumbles, &stop, &end).await.expect("the task itself goes on");
        assert_eq!(*end.borrow(), Some(ConnectError::Transient(STUMBLED.to_owned())));
    }
}
