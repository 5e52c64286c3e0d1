//! What a gateway tells of by its id alone and has to hand over: at once, or a while later. What it never hands over is told to the account's
//! owner, as nobody knows whose room it belongs to.

use std::{
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use magpie_common::{
    clock::TimestampMs,
    message::{RemoteEvent, SessionState},
    platform::{ConnectError, DeliverError, NotStored},
};
use tonic::Status;

use super::Intake;
use crate::wechaty::verdict::{Fate, connect_verdict, fate, name};

/// So often is the gateway asked at first, and the pause between.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Later on it is asked when something happens, not more often than this, and given up after so long.
const AGAIN_AFTER_MS: i64 = 5 * 1000;
const GIVEN_UP_AFTER_MS: i64 = 5 * 60 * 1000;

/// More is not waited for.
const WAITING_MAX: usize = 256;

/// What waits.
#[derive(Default)]
pub(in crate::wechaty::session) struct Waiting {
    all: Mutex<Vec<Late>>,
    /// The owner was warned, and the login shows it.
    is_warned: AtomicBool,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Vec<Late>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is to be handed over.
pub(super) struct Late {
    sort: Sort,
    id: String,
    /// Since when it waits, and when it is asked for again; nothing for the first time.
    waits: Option<(TimestampMs, TimestampMs)>,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Message,
    Friendship,
    Invitation,
}

impl Sort {
    fn words(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Friendship => "friend request",
            Self::Invitation => "invitation to a group",
        }
    }
}

/// Why something was not taken in.
pub(super) enum NotTaken {
    /// It cannot be stored.
    NotStored(NotStored),
    /// The gateway did not hand it over.
    NotTold(Status),
}

impl From<NotStored> for NotTaken {
    fn from(error: NotStored) -> Self {
        Self::NotStored(error)
    }
}

impl From<Status> for NotTaken {
    fn from(status: Status) -> Self {
        Self::NotTold(status)
    }
}

/// What follows from an answer that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The line is over: the rooms say then that something may be missing.
    End,
    /// It is asked for again at once.
    Again,
    /// It waits.
    Wait,
}

impl Next {
    fn of(status: &Status, attempts_left: u32) -> Self {
        match fate(status) {
            Fate::NotGone(DeliverError::Retry { .. } | DeliverError::LoggedOut(_)) => Self::End,
            Fate::Unclear if attempts_left == 0 => Self::End,
            Fate::NotGone(
                DeliverError::Unsupported(_) | DeliverError::Rejected(_) | DeliverError::Uncertain(_),
            ) => Self::Wait,
            Fate::Refused if attempts_left == 0 => Self::Wait,
            Fate::Refused | Fate::Unclear => Self::Again,
        }
    }
}

impl Intake {
    /// Takes in something that the gateway has told of.
    pub(super) async fn ask_for(&self, sort: Sort, id: String) -> Result<(), ConnectError> {
        self.ask(Late { sort, id, waits: None }).await
    }

    /// Asks again for what waits and is due.
    pub(super) async fn ask_again(&self) -> Result<(), ConnectError> {
        let now_ms = self.world.clock.now_ms();
        let is_due = |late: &mut Late| late.waits.is_none_or(|(_, next_ms)| next_ms <= now_ms);
        let due: Vec<Late> = self.waiting.lock().extract_if(.., is_due).collect();
        for late in due {
            self.ask(late).await?;
        }
        Ok(())
    }

    /// The gateway lives, and what was to be told is told.
    pub(super) async fn is_well(&self) {
        if self.waiting.is_warned.swap(false, Ordering::Relaxed) {
            self.report(SessionState::Connected).await;
        }
    }

    async fn ask(&self, late: Late) -> Result<(), ConnectError> {
        let mut attempts_left = if late.waits.is_none() { ATTEMPTS } else { 1 };
        loop {
            let taken = match late.sort {
                Sort::Message => self.message(late.id.clone()).await,
                Sort::Friendship => self.friendship(&late.id).await,
                Sort::Invitation => self.invited(&late.id).await,
            };
            let status = match taken {
                Ok(()) => return Ok(()),
                Err(NotTaken::NotStored(error)) => return Err(error.into()),
                Err(NotTaken::NotTold(status)) => status,
            };
            attempts_left -= 1;
            match Next::of(&status, attempts_left) {
                Next::End => return Err(connect_verdict(&status)),
                Next::Again => tokio::time::sleep(PAUSE).await,
                Next::Wait => return Ok(self.wait(late, &status).await?),
            }
        }
    }

    /// Keeps it for later, unless it was waited for long enough.
    async fn wait(&self, late: Late, status: &Status) -> Result<(), NotStored> {
        let now_ms = self.world.clock.now_ms();
        let Late { sort, id, waits } = late;
        let since_ms = waits.map_or(now_ms, |(since_ms, _)| since_ms);
        let is_kept = {
            let mut waiting = self.waiting.lock();
            let is_kept = waiting.len() < WAITING_MAX && now_ms.saturating_sub(since_ms) < GIVEN_UP_AFTER_MS;
            if is_kept {
                let waits = Some((since_ms, now_ms.saturating_add(AGAIN_AFTER_MS)));
                waiting.push(Late { sort, id: id.clone(), waits });
            }
            is_kept
        };
        if is_kept {
            return Ok(());
        }
        let what = sort.words();
        self.waiting.is_warned.store(true, Ordering::Relaxed);
        let reason = format!(
            "The WeChat gateway tells of a new {what} and does not hand it over. Look on your phone."
        );
        self.report(SessionState::Warned { reason }).await;
        self.unknown(None, format!("{what} that the gateway could not hand over: {}", name(status)), id).await
    }

    async fn report(&self, state: SessionState) {
        drop(self.world.sink.push(RemoteEvent::StateChanged(state)).await);
    }
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use super::*;

    #[test]
    fn what_is_not_handed_over_waits_and_a_broken_line_ends() {
        let mut unheard = Status::unavailable("");
        unheard.set_source(Arc::new(tonic::ConnectError(io::Error::other("refused").into())));
        for (status, attempts_left, next) in [
            (Status::unknown("Error: not yet"), 2, Next::Again),
            (Status::unknown("Error: not yet"), 0, Next::Wait),
            (Status::not_found(""), 0, Next::Wait),
            (Status::unimplemented(""), 2, Next::Wait),
            (Status::out_of_range(""), 2, Next::Wait),
            (Status::unavailable(""), 1, Next::Again),
            (Status::unavailable(""), 0, Next::End),
            (Status::deadline_exceeded(""), 0, Next::End),
            (Status::unauthenticated(""), 2, Next::End),
            (unheard, 2, Next::End),
        ] {
            assert_eq!(Next::of(&status, attempts_left), next, "{status:?}");
        }
    }
}
