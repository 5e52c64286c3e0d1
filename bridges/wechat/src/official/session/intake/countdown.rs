//! Lets time pass, and counts: rooms in which more or less may be written than their topic says get another one.

use std::{convert::Infallible, time::Duration};

use magpie_common::{
    clock::TimestampMs,
    ids::RemoteChatId,
    message::{ChatChange, RemoteEvent},
    platform::{ConnectError, NotStored, Ticket},
};
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use super::Intake;
use crate::{
    ids,
    official::{NAME, session::people::Met},
    window::chat_info,
};

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Intake {
    /// Runs as long as the session does; gives the reason when something could not be stored.
    pub(in crate::official::session) async fn count_down(&self) -> ConnectError {
        let Err(error) = self.follow_time().await;
        ConnectError::from(error)
    }

    async fn follow_time(&self) -> Result<Infallible, NotStored> {
        // What changed while nobody looked.
        for seen in self.sink.chats().await?.into_iter().filter(|seen| !seen.gone) {
            if let Some(openid) = ids::native(seen.chat.as_str(), NAME, &self.app_id) {
                self.show(openid).await?;
            }
        }
        let mut next = interval(LOOK_EVERY);
        next.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            next.tick().await;
            for openid in self.people.shown_wrongly(self.clock.now_ms()) {
                self.show(&openid).await?;
            }
        }
    }

    async fn show(&self, openid: &str) -> Result<(), NotStored> {
        let ticket = {
            let _order = self.order.lock().await;
            self.should_be_open().await?;
            self.show_window(openid).await?
        };
        match ticket {
            Some(ticket) => ticket.stored().await,
            None => Ok(()),
        }
    }

    /// Something that was sent changes what may still be. It is only a count; WeChat has its own.
    pub(in crate::official::session) async fn count(
        &self,
        openid: &str,
        change: impl FnOnce(&mut Met, TimestampMs),
    ) {
        let now_ms = self.clock.now_ms();
        let counted = async {
            if let Some(cursor) = self.people.note(openid, |met| change(met, now_ms)).await? {
                self.sink.remember(cursor).await?;
            }
            self.show(openid).await
        };
        if let Err(error) = counted.await {
            debug!(%error, "What may still be written was not counted.");
        }
    }

    /// Lets the room say how much may be written, where it says something else.
    pub(super) async fn show_window(&self, openid: &str) -> Result<Option<Ticket>, NotStored> {
        let Some(person) = ids::user(NAME, &self.app_id, openid) else { return Ok(None) };
        let phase = self.people.met(openid).await?.phase(self.clock.now_ms());
        let Some(cursor) = self.people.note(openid, |met| met.shown = phase).await? else { return Ok(None) };
        let chat: RemoteChatId = ids::direct(&person);
        let change = ChatChange::Info(Box::new(chat_info(&person, phase)));
        Ok(Some(self.sink.push_with_cursor(RemoteEvent::ChatChanged { chat, change }, cursor).await))
    }
}
