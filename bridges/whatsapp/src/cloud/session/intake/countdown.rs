//! Lets time pass: rooms whose 24 hours are running out, or are over, say so in their topic, and so do those where they begin anew.

use std::{convert::Infallible, time::Duration};

use magpie_common::{
    ids::RemoteUserId,
    message::{ChatChange, RemoteEvent},
    platform::{ConnectError, NotStored},
};
use tokio::time::{MissedTickBehavior, interval};

use super::{Intake, Tickets};
use crate::cloud::{
    place,
    session::{
        people::chat_info,
        window::{Phase, next_ms},
    },
};

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Intake {
    /// Runs as long as the session does; gives the reason when something could not be stored.
    pub(in crate::cloud::session) async fn count_down(&self) -> ConnectError {
        let Err(error) = self.follow_time().await;
        ConnectError::from(error)
    }

    async fn follow_time(&self) -> Result<Infallible, NotStored> {
        // What changed while nobody looked.
        for seen in self.sink.chats().await? {
            if let Some(person) = place::person(&self.number, &seen.chat).filter(|_| !seen.gone) {
                self.waiting.add(&person, self.clock.now_ms());
            }
        }
        let mut next = interval(LOOK_EVERY);
        next.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            next.tick().await;
            for person in self.waiting.take(self.clock.now_ms()) {
                let _order = self.order.lock().await;
                self.should_be_open().await?;
                let mut tickets = Tickets::new();
                self.show_window(&person, &mut tickets).await.map_err(|error| self.not_stored(error))?;
                self.stored(tickets).await?;
            }
        }
    }

    /// Lets the room say how much time is left, where it says something else, and looks again when that changes.
    pub(super) async fn show_window(
        &self,
        person: &RemoteUserId,
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let now_ms = self.clock.now_ms();
        let met = self.people.met(person).await?;
        let Some(until_ms) = met.open_until_ms() else { return Ok(()) };
        if let Some(next_ms) = next_ms(until_ms, now_ms) {
            self.waiting.add(person, next_ms);
        }
        let phase = Phase::of(Some(until_ms), now_ms);
        if met.shown == phase {
            return Ok(());
        }
        let cursor = self.people.show(person, phase).await?;
        let change = ChatChange::Info(Box::new(chat_info(person, phase)));
        let chat = place::chat(&self.number, person);
        self.push(RemoteEvent::ChatChanged { chat, change }, Some(cursor), tickets).await;
        Ok(())
    }
}
