//! The end of a session. Whatever begins it, the line is closed in order and its memory is fenced off before the next session may begin:
//! two clients on the same keys would lose messages.

use std::{pin::Pin, sync::Arc};

use magpie_common::platform::ConnectError;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Duration, timeout},
};
use tokio_util::sync::CancellationToken;
use whatsapp_rust::bot::BotHandle;

use super::{undecrypted::Undecrypted, unread, world::World};
use crate::linked::store::Kept;

/// How long the line may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(15);

/// Why a session is over; the first reason counts. Clones share it.
#[derive(Clone)]
pub(super) struct End(watch::Sender<Option<ConnectError>>);

impl Default for End {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl End {
    pub(super) fn because(&self, why: ConnectError) {
        self.0.send_if_modified(|reason| {
            let is_first = reason.is_none();
            if is_first {
                *reason = Some(why);
            }
            is_first
        });
    }

    /// Whether there is a reason by now.
    pub(super) fn is_near(&self) -> bool {
        self.0.borrow().is_some()
    }

    pub(super) async fn reason(&self) -> ConnectError {
        let mut reason = self.0.subscribe();
        match reason.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some(why)) => why,
            _ => ConnectError::Closed,
        }
    }
}

/// What runs while a session does.
pub(super) trait Line: Send + 'static {
    /// Resolves when it runs no more, whoever stopped it.
    fn over(&mut self) -> impl Future<Output = ()> + Send;
    /// Stops it in order.
    fn shut_down(self) -> impl Future<Output = ()> + Send;
}

impl Line for BotHandle {
    fn over(&mut self) -> impl Future<Output = ()> + Send {
        Pin::new(self)
    }

    fn shut_down(self) -> impl Future<Output = ()> + Send {
        self.shutdown()
    }
}

/// What a session leaves behind.
pub(super) struct Remains {
    pub(super) end: End,
    pub(super) world: Arc<World>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) undecrypted: Undecrypted,
}

/// Waits for the end of a session and puts everything away. Dropping it ends the session too, without waiting.
pub(super) struct Ending {
    end: End,
    store: Kept,
    away: CancellationToken,
}

impl Ending {
    /// Begins to wait, in a task of its own: whoever waits along may stop waiting at any time.
    pub(super) fn awaits(line: impl Line, remains: Remains) -> Self {
        let (end, store) = (remains.end.clone(), remains.world.store.clone());
        let away = CancellationToken::new();
        let done = away.clone().drop_guard();
        tokio::spawn(async move {
            put_away(line, remains).await;
            drop(done);
        });
        Self { end, store, away }
    }

    /// Why the session is over, once everything is put away.
    pub(super) async fn over(&self) -> ConnectError {
        let why = self.end.reason().await;
        self.away.cancelled().await;
        why
    }

    /// Ends the session.
    pub(super) async fn close(&self) {
        self.end.because(ConnectError::Closed);
        self.away.cancelled().await;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Nobody waited for the end, so the next session may begin at once.
        if !self.away.is_cancelled() {
            self.store.retire();
        }
        self.end.because(ConnectError::Closed);
    }
}

async fn put_away(mut line: impl Line, remains: Remains) {
    let Remains { end, world, stop, tasks, undecrypted } = remains;
    tokio::select! {
        biased;
        _ = end.reason() => {}
        () = line.over() => {
            let words = "The line to WhatsApp ended by itself. The bridge begins anew.";
            end.because(ConnectError::Transient(words.to_owned()));
        }
    }
    // It keeps what it has on its hands, then nothing of it counts any more.
    let _ = timeout(CLOSE_WITHIN, line.shut_down()).await;
    world.store.retire();
    stop.cancel();
    for mut task in tasks {
        if timeout(CLOSE_WITHIN, &mut task).await.is_err() {
            task.abort();
        }
    }
    undecrypted.ended().await;
    unread::write(&world).await;
}

#[cfg(test)]
mod tests;
