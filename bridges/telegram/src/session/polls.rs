//! Polls of ours: Telegram tells of a vote by the poll's id alone, so where each stands is remembered, also over a restart.
//!
//! People may vote before Telegram has answered that the poll is there. So a vote in a poll that is not known waits for those that are under
//! way; it is not taken in before.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    platform::{Cursor, Delivered, EventSink, NotStored},
};
use tokio::{
    sync::watch,
    time::{Duration, timeout},
};
use tracing::warn;

use super::world::{Known, World};
use crate::place::Spot;

/// For how long a vote may wait for its poll: longer than an answer of Telegram takes.
const UNDER_WAY_MAX: Duration = Duration::from_secs(45);

/// A poll that is on its way to Telegram, until this is dropped.
pub(super) struct UnderWay<'a>(&'a watch::Sender<usize>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|polls| *polls = polls.saturating_sub(1));
    }
}

impl World {
    /// From now on votes may come for a poll whose place is not known yet.
    pub(super) fn poll_under_way(&self) -> UnderWay<'_> {
        self.polls_under_way.send_modify(|polls| *polls += 1);
        UnderWay(&self.polls_under_way)
    }

    /// Remembers where a poll stands that was just opened.
    pub(super) async fn keep_poll(&self, sink: &EventSink, chat: &RemoteChatId, delivered: &Delivered) {
        let Some(message) = delivered.ids.first() else { return };
        let Some(poll) = self.read().poll_at(chat, message) else { return };
        let place = Cursor { key: key(&poll), value: format!("{chat} {message}") };
        if let Err(error) = sink.remember(place).await {
            warn!(%error, "After a restart, votes in a poll will not be known.");
        }
    }

    /// Finds where a poll stands, of this session or one before it.
    pub(super) async fn find_poll(&self, sink: &EventSink, poll: &str) -> Result<(), NotStored> {
        if poll.is_empty() || self.read().polls.contains(poll) {
            return Ok(());
        }
        if let Some(place) = sink.remembered(&key(poll)).await? {
            self.write().learn_poll(poll, &place);
            return Ok(());
        }
        let mut under_way = self.polls_under_way.subscribe();
        let stands = under_way.wait_for(|polls| *polls == 0 || self.read().polls.contains(poll));
        // Whoever waits here in vain was told of a poll that nobody knows.
        let _ = timeout(UNDER_WAY_MAX, stands).await.is_ok();
        Ok(())
    }
}

impl Known {
    /// The poll in a message of ours.
    fn poll_at(&self, chat: &RemoteChatId, message: &RemoteMessageId) -> Option<String> {
        let spot = self.own_spot(chat)?;
        let place = (spot, spot.number(message)?);
        self.polls.iter().find(|(_, known)| **known == place).map(|(poll, _)| poll.clone())
    }

    fn learn_poll(&mut self, poll: &str, place: &str) {
        let Some((chat, message)) = place.split_once(' ') else { return };
        let Some(spot) = Spot::parse(&RemoteChatId::new(chat)) else { return };
        if let Some(number) = spot.number(&RemoteMessageId::new(message)) {
            self.polls.put(poll.to_owned(), (spot, number));
        }
    }
}

fn key(poll: &str) -> String {
    format!("poll/{poll}")
}
