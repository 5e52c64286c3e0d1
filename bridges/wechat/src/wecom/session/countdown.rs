//! Lets time pass, and counts, where customers are answered: rooms in which more or less may be written than their topic says get another one.

use std::{convert::Infallible, sync::Arc, time::Duration};

use magpie_common::{
    clock::{Clock, TimestampMs},
    ids::RemoteMessageId,
    message::{ChatChange, ChatInfo, RemoteEvent},
    platform::{ConnectError, EventSink, NotStored, Ticket},
};
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{MissedTickBehavior, interval},
};
use tracing::debug;

use super::{notes::Notes, window::Window};
use crate::{
    wecom::place::{Names, Place, Service},
    window::chat_info,
};

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often customers may be answered, as it was counted, and as their rooms show it.
pub(super) struct Countdown {
    names: Names,
    sink: EventSink,
    clock: Clock,
    windows: Notes<Window>,
    /// One topic after the other, so that the last one is the newest. True when nothing is pushed any more.
    is_shut: AsyncMutex<bool>,
}

impl Countdown {
    pub fn new(names: Names, sink: EventSink, clock: Clock) -> Self {
        let windows = Notes::new("window", sink.clone());
        Self { names, sink, clock, windows, is_shut: AsyncMutex::default() }
    }

    /// What is known of a talk.
    pub async fn read(&self, service: &Service) -> Result<Window, NotStored> {
        self.windows.read(&talk(service)).await
    }

    /// The same from memory alone.
    pub fn cached(&self, service: &Service) -> Option<Window> {
        self.windows.cached(&talk(service))
    }

    /// The customer wrote. Told again, it changes nothing.
    pub async fn opened(
        &self,
        service: &Service,
        (at_ms, by): (TimestampMs, &RemoteMessageId),
    ) -> Result<(), NotStored> {
        self.change(service, |window| window.opens(at_ms, by)).await
    }

    /// Something that was sent changes what may still be. It is only a count; WeCom has its own.
    pub async fn count(&self, service: &Service, change: impl FnOnce(&mut Window)) {
        let counted = async {
            self.change(service, change).await?;
            self.show(service).await
        };
        if let Err(error) = counted.await {
            debug!(%error, "What may still be written was not counted.");
        }
    }

    async fn change(&self, service: &Service, change: impl FnOnce(&mut Window)) -> Result<(), NotStored> {
        match self.windows.change(&talk(service), change).await? {
            ((), Some(cursor)) => self.sink.remember(cursor).await,
            ((), None) => Ok(()),
        }
    }

    /// Lets the room say how much may be written, where it says something else.
    pub async fn show(&self, service: &Service) -> Result<(), NotStored> {
        let pushed = {
            let is_shut = self.is_shut.lock().await;
            if *is_shut { None } else { self.push(service).await? }
        };
        match pushed {
            Some(ticket) => ticket.stored().await,
            None => Ok(()),
        }
    }

    async fn push(&self, service: &Service) -> Result<Option<Ticket>, NotStored> {
        let Some(chat) = self.names.chat(&Place::Customer(service.clone())) else { return Ok(None) };
        let phase = self.read(service).await?.phase(self.clock.now_ms());
        let ((), cursor) = self.windows.change(&talk(service), |window| window.shown = phase).await?;
        let (Some(cursor), Some(info)) = (cursor, self.looks(service).await?) else { return Ok(None) };
        let change = ChatChange::Info(Box::new(info));
        Ok(Some(self.sink.push_with_cursor(RemoteEvent::ChatChanged { chat, change }, cursor).await))
    }

    /// What a talk looks like.
    pub async fn looks(&self, service: &Service) -> Result<Option<ChatInfo>, NotStored> {
        let Some(customer) = self.names.customer(&service.external) else { return Ok(None) };
        let phase = self.read(service).await?.phase(self.clock.now_ms());
        Ok(Some(chat_info(&customer, phase)))
    }

    /// Nothing is pushed after this.
    pub async fn shut(&self) {
        *self.is_shut.lock().await = true;
    }

    /// Runs as long as the session does; gives the reason when something could not be stored.
    pub async fn run(self: Arc<Self>) -> ConnectError {
        let Err(error) = self.follow_time().await;
        ConnectError::from(error)
    }

    async fn follow_time(&self) -> Result<Infallible, NotStored> {
        // What changed while nobody looked.
        for seen in self.sink.chats().await?.into_iter().filter(|seen| !seen.gone) {
            if let Some(Place::Customer(service)) = self.names.place(&seen.chat) {
                self.show(&service).await?;
            }
        }
        let mut next = interval(LOOK_EVERY);
        next.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            next.tick().await;
            let now_ms = self.clock.now_ms();
            for talk in self.windows.those(|window| window.shown != window.phase(now_ms)) {
                if let Some((kf, external)) = talk.split_once('/') {
                    self.show(&Service { kf: kf.to_owned(), external: external.to_owned() }).await?;
                }
            }
        }
    }
}

/// Under which name a talk is remembered. No id has a stroke in it.
fn talk(service: &Service) -> String {
    format!("{}/{}", service.kf, service.external)
}
