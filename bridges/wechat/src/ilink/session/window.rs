//! How a room shows what the bot may still answer there: in its topic, in steps, so that whoever keeps talking changes little.

use std::{convert::Infallible, sync::Arc, time::Duration};

use magpie_common::{
    clock::{Clock, TimestampMs},
    ids::RemoteUserId,
    message::{ChatChange, ChatInfo, ChatKind, RemoteEvent},
    platform::{ConnectError, EventSink, NotStored},
};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};

use super::contexts::Contexts;
use crate::{ids, ilink::NAME};

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

const HOUR_MS: i64 = 60 * 60 * 1000;

/// What a topic says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Nobody knows when the person wrote last.
    #[default]
    Unknown,
    /// So many messages may go, and so long.
    Open(Left, Time),
    /// Nothing may go.
    Shut,
}

/// How many messages may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Left {
    /// Four or more.
    Several,
    /// Two or three.
    Few,
    /// One.
    One,
}

/// How long they may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Time {
    /// Two hours or more.
    Day,
    /// Less than two hours.
    Hours,
}

impl Phase {
    /// The phase of a context with so many answers left, that ends then.
    pub fn of(left: u32, until_ms: TimestampMs, now_ms: TimestampMs) -> Self {
        let left = match left {
            0 => return Self::Shut,
            1 => Left::One,
            2 | 3 => Left::Few,
            _ => Left::Several,
        };
        match until_ms.saturating_sub(now_ms) {
            ..=0 => Self::Shut,
            left_ms if left_ms < 2 * HOUR_MS => Self::Open(left, Time::Hours),
            _ => Self::Open(left, Time::Day),
        }
    }

    /// The topic of the room.
    pub fn topic(self) -> Option<String> {
        let (left, time) = match self {
            Self::Unknown => return None,
            Self::Shut => {
                let words = "WeChat takes no messages here until somebody writes to the bot on the phone.";
                return Some(words.to_owned());
            }
            Self::Open(left, time) => (left, time),
        };
        let left = match left {
            Left::Several => "several messages",
            Left::Few => "only two or three more messages",
            Left::One => "only one more message",
        };
        let time = match time {
            Time::Day => "within 24 hours after the last one from the phone",
            Time::Hours => "for less than 2 hours more, unless one comes from the phone",
        };
        Some(format!("WeChat takes {left} here {time}."))
    }
}

/// What is known of the chat with somebody.
pub(super) fn chat_info(person: RemoteUserId, phase: Phase) -> ChatInfo {
    let mut info = ChatInfo::new(ChatKind::Direct, None);
    info.with = Some(person);
    info.private = true;
    info.topic = phase.topic();
    info
}

/// Lets time pass, and counts: rooms in which more or less may be written than their topic says get another one.
pub(super) struct Window {
    pub(super) bot_id: String,
    pub(super) clock: Clock,
    pub(super) sink: EventSink,
    pub(super) contexts: Arc<Contexts>,
}

impl Window {
    /// Runs until something cannot be stored, and says why.
    pub(super) async fn run(self) -> ConnectError {
        match self.follow().await {
            Ok(never) => match never {},
            Err(error) => error.into(),
        }
    }

    async fn follow(&self) -> Result<Infallible, NotStored> {
        // What changed while nobody looked.
        for seen in self.sink.chats().await?.into_iter().filter(|seen| !seen.gone) {
            if let Some(user) = ids::native(seen.chat.as_str(), NAME, &self.bot_id) {
                self.contexts.of(user).await?;
            }
        }
        let mut next = interval(LOOK_EVERY);
        next.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            next.tick().await;
            for user in self.contexts.shown_wrongly(self.clock.now_ms()) {
                self.show(&user).await?;
            }
        }
    }

    /// Lets the room say how much may be written; returns when that is stored.
    async fn show(&self, user: &str) -> Result<(), NotStored> {
        let Some(person) = ids::user(NAME, &self.bot_id, user) else { return Ok(()) };
        let now_ms = self.clock.now_ms();
        let ticket = {
            let _order = self.contexts.order().await;
            let phase = self.contexts.of(user).await?.phase(now_ms);
            let changed = self.contexts.changed(user, |context| context.shown = phase);
            let Some(cursor) = changed.await? else { return Ok(()) };
            let chat = ids::direct(&person);
            let change = ChatChange::Info(Box::new(chat_info(person, phase)));
            self.sink.push_with_cursor(RemoteEvent::ChatChanged { chat, change }, cursor).await
        };
        ticket.stored().await
    }
}

#[cfg(test)]
mod tests {
    use magpie_common::{ids::LoginId, testkit::platform_suite::Recorder};

    use super::*;

    const UNTIL_MS: i64 = 1_790_000_000_000;

    #[test]
    fn a_window_says_less_and_less_until_it_is_shut() {
        for (left, left_ms, phase, words) in [
            (
                10,
                24 * HOUR_MS,
                Phase::Open(Left::Several, Time::Day),
                "several messages here within 24 hours",
            ),
            (4, 2 * HOUR_MS, Phase::Open(Left::Several, Time::Day), "several messages"),
            (
                3,
                2 * HOUR_MS - 1,
                Phase::Open(Left::Few, Time::Hours),
                "two or three more messages here for less",
            ),
            (1, 1, Phase::Open(Left::One, Time::Hours), "one more message here"),
            (0, HOUR_MS, Phase::Shut, "no messages here"),
            (9, 0, Phase::Shut, "until somebody writes"),
            (9, -HOUR_MS, Phase::Shut, "no messages here"),
        ] {
            let found = Phase::of(left, UNTIL_MS, UNTIL_MS - left_ms);
            assert_eq!(found, phase, "{left} {left_ms}");
            let topic = found.topic().expect("it says something");
            assert!(topic.contains(words), "{topic}");
        }
        assert_eq!(Phase::default().topic(), None);
    }

    #[tokio::test]
    async fn a_room_is_told_once_what_may_be_written() {
        let recorder = Recorder::default();
        let sink = EventSink::new(LoginId::new("ilink-b@im.bot"), Arc::new(recorder.clone()));
        let contexts = Arc::new(Contexts::new(sink.clone()));
        let clock = Clock::fixed(UNTIL_MS, 0);
        let window = Window {
            bot_id: "b@im.bot".to_owned(),
            clock: clock.clone(),
            sink,
            contexts: Arc::clone(&contexts),
        };
        assert_eq!(contexts.shown_wrongly(UNTIL_MS), Vec::<String>::new());
        contexts
            .note("o9@im.wechat", |context| context.renew("token", UNTIL_MS))
            .await
            .expect("it is stored");
        for _ in 0..2 {
            for user in contexts.shown_wrongly(clock.now_ms()) {
                window.show(&user).await.expect("it is stored");
            }
        }
        let events = recorder.events();
        let [told] = events.as_slice() else { panic!("it is told once: {events:?}") };
        let RemoteEvent::ChatChanged { chat, change: ChatChange::Info(info) } = &told.event else {
            panic!("another event: {told:?}")
        };
        assert_eq!(chat.as_str(), "ilink/b@im.bot/o9@im.wechat");
        assert!(info.topic.as_deref().is_some_and(|topic| topic.contains("several messages")));
        clock.advance_ms(24 * HOUR_MS);
        assert_eq!(
            contexts.shown_wrongly(clock.now_ms()),
            ["o9@im.wechat"],
            "time changes what may be written"
        );
    }
}
