//! The phone behind the account: when it is away for about two weeks, WhatsApp signs its linked devices out
//! (<https://faq.whatsapp.com/378279804439436>). People are warned in time.
//!
//! Nobody tells whether the phone is there. It is seen when it does something: when it writes, reads, or takes what another device has written.
//! When it has done nothing of that for a day it is asked a question that it confirms to have got.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use magpie_common::{
    clock::{Clock, TimestampMs},
    message::{RemoteEvent, SessionState},
    platform::{EventSink, Keeping, Kept as Row, NotStored, Vault},
};
use tokio::time::{Duration, timeout};
use tracing::{debug, info, warn};
use wacore::types::message::MessageSource;
use whatsapp_rust::Client;

use super::world::World;

const SHELF: &str = "phone_seen";
const KEY: &str = "phone";

/// It is noted no oftener.
const NOTE_EVERY_MS: i64 = 60 * 60 * 1_000;
/// After so long without a sign, and no oftener, it is asked for one.
const ASK_EVERY_MS: i64 = DAY_MS;
/// A question that is not sent by then is asked another time.
const ASK_WITHIN: Duration = Duration::from_secs(60);
/// No message is older than this, so nothing comes with the answer.
const OLDEST_MS: i64 = 1;
/// So often is looked how long it has been away.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// From this day on people are warned.
const WARN_FROM_DAYS: i64 = 10;
/// About when WhatsApp signs linked devices out.
const SIGNED_OUT_AFTER_DAYS: i64 = 14;

/// When the phone was seen.
pub(super) struct Phone {
    clock: Clock,
    vault: Vault,
    seen_ms: AtomicI64,
    /// When it was asked for a sign.
    asked_ms: AtomicI64,
    /// Of how many days people were warned; 0 for none.
    warned_days: AtomicI64,
}

impl Phone {
    /// Reads when it was seen. An account without that was linked just now, which takes a phone.
    pub(super) async fn load(clock: Clock, vault: Vault) -> Result<Self, NotStored> {
        let known = vault.all(SHELF).await?.into_iter().find(|row| row.key == KEY).map(|row| row.mark);
        let seen_ms = AtomicI64::new(known.unwrap_or_default());
        let (asked_ms, warned_days) = (AtomicI64::new(0), AtomicI64::new(0));
        let phone = Self { clock, vault, seen_ms, asked_ms, warned_days };
        if known.is_none() {
            phone.seen().await;
        }
        Ok(phone)
    }

    /// It has done something.
    pub(super) async fn seen(&self) {
        let now_ms = self.clock.now_ms();
        if now_ms - self.seen_ms.load(Ordering::Relaxed) < NOTE_EVERY_MS {
            return;
        }
        self.seen_ms.store(now_ms, Ordering::Relaxed);
        let row = Row { key: KEY.to_owned(), mark: now_ms, value: Vec::new() };
        let kept = self.vault.keep(vec![Keeping::Put { shelf: SHELF.to_owned(), row }]).await;
        if let Err(error) = kept {
            warn!(%error, "That the phone is there could not be stored.");
        }
    }

    /// How the account is, as far as that hangs on the phone; what is told now needs no telling again.
    pub(super) fn state(&self) -> SessionState {
        let days = days_away(self.seen_ms.load(Ordering::Relaxed), self.clock.now_ms());
        self.warned_days.store(days, Ordering::Relaxed);
        if days == 0 { SessionState::Connected } else { SessionState::Warned { reason: words(days) } }
    }

    /// The same, if it is news.
    fn news(&self) -> Option<SessionState> {
        let before = self.warned_days.load(Ordering::Relaxed);
        let state = self.state();
        (self.warned_days.load(Ordering::Relaxed) != before).then_some(state)
    }
}

impl Phone {
    /// Whether it is time to ask it for a sign; it is asked then.
    fn is_to_be_asked(&self) -> bool {
        let now_ms = self.clock.now_ms();
        let last_ms = self.seen_ms.load(Ordering::Relaxed).max(self.asked_ms.load(Ordering::Relaxed));
        let is_due = now_ms.saturating_sub(last_ms) >= ASK_EVERY_MS;
        if is_due {
            self.asked_ms.store(now_ms, Ordering::Relaxed);
        }
        is_due
    }
}

/// Asks the phone for what was said to ourselves before there was anything: it says that it has got the question.
async fn ask(world: &World, client: &Arc<Client>) {
    let Some(own) = &world.own.phone else { return };
    let asked = timeout(ASK_WITHIN, client.fetch_message_history(own, "0", true, OLDEST_MS, 1)).await;
    if !matches!(asked, Ok(Ok(_))) {
        debug!("The phone could not be asked whether it is there.");
    }
}

/// Looks after the phone, for ever.
pub(super) async fn watch(world: Arc<World>, client: Arc<Client>, sink: EventSink) {
    loop {
        // While the line is down, that is what is told.
        if client.is_connected()
            && let Some(state) = world.phone.news()
        {
            info!("It has changed for how long the phone was not seen.");
            let _ = sink.push(RemoteEvent::StateChanged(state)).await.stored().await;
        }
        if client.is_connected() && world.phone.is_to_be_asked() {
            ask(&world, &client).await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether something was done by the phone itself, which is the first of the account's devices.
pub(super) fn is_by_phone(world: &World, source: &MessageSource) -> bool {
    source.sender.device == 0 && world.own.is(&source.sender)
}

/// For how many days the phone was not seen, if that is worth a warning; 0 otherwise.
fn days_away(seen_ms: TimestampMs, now_ms: TimestampMs) -> i64 {
    let days = now_ms.saturating_sub(seen_ms) / DAY_MS;
    if days < WARN_FROM_DAYS { 0 } else { days.min(SIGNED_OUT_AFTER_DAYS) }
}

fn words(days: i64) -> String {
    let so_long =
        if days < SIGNED_OUT_AFTER_DAYS { format!("{days} days") } else { format!("{days} days or more") };
    format!(
        "the bridge has seen nothing of the phone for {so_long}. When a phone is away for about {SIGNED_OUT_AFTER_DAYS} days, WhatsApp \
         signs its linked devices out, this bridge among them. Open WhatsApp on the phone while it is online."
    )
}

#[cfg(test)]
mod tests {
    use magpie_common::{ids::LoginId, testkit::platform_suite::Recorder};

    use super::*;

    #[test]
    fn a_phone_that_is_away_is_warned_of_from_the_tenth_day() {
        for (days, expected) in [(0, 0), (9, 0), (10, 10), (13, 13), (14, 14), (400, 14)] {
            assert_eq!(days_away(5, 5 + days * DAY_MS), expected, "{days}");
        }
        assert_eq!(days_away(0, 10 * DAY_MS - 1), 0);
        assert_eq!(days_away(i64::MAX, 0), 0, "a clock may be wrong");
        assert!(words(10).contains("for 10 days.") && words(14).contains("for 14 days or more."));
    }

    async fn phone(recorder: &Recorder, now_ms: TimestampMs) -> Phone {
        let vault = EventSink::new(LoginId::new("linked-1"), Arc::new(recorder.clone())).vault();
        Phone::load(Clock::fixed(now_ms, 1), vault).await.expect("it loads")
    }

    #[tokio::test]
    async fn a_phone_that_does_nothing_is_asked_once_a_day() {
        let recorder = Recorder::default();
        let linked = phone(&recorder, 5 * DAY_MS).await;
        assert!(!linked.is_to_be_asked(), "it was seen just now");
        let later = phone(&recorder, 6 * DAY_MS).await;
        assert!(later.is_to_be_asked());
        assert!(!later.is_to_be_asked(), "it was asked already");
        later.seen().await;
        assert!(!phone(&recorder, 7 * DAY_MS - 1).await.is_to_be_asked());
    }

    #[tokio::test]
    async fn when_the_phone_was_seen_outlives_the_session() {
        let recorder = Recorder::default();
        let linked = phone(&recorder, DAY_MS).await;
        assert_eq!((linked.news(), linked.state()), (None, SessionState::Connected));
        let later = phone(&recorder, 12 * DAY_MS).await;
        let warned = SessionState::Warned { reason: words(11) };
        assert_eq!(later.news(), Some(warned.clone()));
        assert_eq!(
            (later.news(), later.state()),
            (None, warned),
            "it is told once, and asked for it is told again"
        );
        later.seen().await;
        assert_eq!(later.news(), Some(SessionState::Connected));
        assert_eq!(phone(&recorder, 21 * DAY_MS).await.news(), None, "nine days are no news");
        assert!(phone(&recorder, 22 * DAY_MS).await.news().is_some());
    }
}
