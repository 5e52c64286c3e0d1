//! The line on which a gateway tells what happens: opened in the order that it wants, and given up when nothing comes any more.
//!
//! Nothing is kept by a gateway while nobody listens. So the line is opened before the gateway is told to start, and whatever happened between
//! two lines is lost, which the session says in the rooms.

use std::{pin::pin, time::Duration};

use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use super::{
    gateway::{Gateway, call},
    happening::{self, Happening},
    wire::{Event, Nothing},
};

/// How long the first sign of life may take. Some gateways give none.
const FIRST_WITHIN: Duration = Duration::from_secs(5);

/// How long a gateway may take to start.
const START_WITHIN: Duration = Duration::from_secs(30);

/// So often is a line tried that another one is in the way of, and the pause between.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Without a sign of life for so long, the gateway is asked for one; without any for as long again, the line is dead. Many gateways give none
/// by themselves, and one whose line was mixed up with an older one stays quiet for ever.
const QUIET_MAX: Duration = Duration::from_secs(30);

/// How long it may take to ask for one.
const DING_WITHIN: Duration = Duration::from_secs(10);

/// An open line.
pub(super) struct Line {
    gateway: Gateway,
    events: Streaming<Event>,
    /// What was heard while the gateway started.
    first: Option<Happening>,
}

impl Line {
    /// `Event`, the first sign of life, `Start`. A line of our own that has just ended may still be in the way for a moment.
    pub async fn open(gateway: &Gateway) -> Result<Self, Status> {
        for _ in 1..ATTEMPTS {
            match Self::try_open(gateway).await {
                Err(status) if status.code() == Code::AlreadyExists => tokio::time::sleep(PAUSE).await,
                opened => return opened,
            }
        }
        Self::try_open(gateway).await
    }

    async fn try_open(gateway: &Gateway) -> Result<Self, Status> {
        let mut opening = pin!(gateway.events());
        // A gateway that gives no sign of life answers nothing at all until something happens, so it must start first.
        let Ok(opened) = timeout(FIRST_WITHIN, &mut opening).await else {
            start(gateway).await?;
            return Ok(Self { gateway: gateway.clone(), events: opening.await?, first: None });
        };
        let mut events = opened?;
        let first = match timeout(FIRST_WITHIN, events.message()).await {
            Ok(heard) => Some(told(heard)?),
            Err(_) => None,
        };
        start(gateway).await?;
        Ok(Self { gateway: gateway.clone(), events, first })
    }

    /// What happens next.
    ///
    /// # Errors
    /// When the line is over, or was quiet for too long.
    pub async fn next(&mut self) -> Result<Happening, Status> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        if let Ok(heard) = timeout(QUIET_MAX, self.events.message()).await {
            return told(heard);
        }
        let asked = self.gateway.ask_within::<_, Nothing>(call::DING, Nothing {}, DING_WITHIN).await;
        if let Err(status) = asked
            && status.code() != Code::Unknown
        {
            return Err(status);
        }
        match timeout(QUIET_MAX, self.events.message()).await {
            Ok(heard) => told(heard),
            Err(_) => Err(Status::deadline_exceeded("no sign of life")),
        }
    }
}

/// What was heard on a line.
fn told(heard: Result<Option<Event>, Status>) -> Result<Happening, Status> {
    match heard? {
        Some(event) => Ok(happening::read(&event)),
        None => Err(Status::unavailable("the line has ended")),
    }
}

/// `Start`. It may have started before, or not be able to just now: what it tells next decides.
async fn start(gateway: &Gateway) -> Result<(), Status> {
    match gateway.ask_within::<_, Nothing>(call::START, Nothing {}, START_WITHIN).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::Unknown => Ok(()),
        Err(status) => Err(status),
    }
}
