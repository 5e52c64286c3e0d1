//! Fetches what was said while nobody listened.
//!
//! One page of one channel after the other, in turns, so that a long absence in one channel does not hold up the rest; a channel
//! that cannot be read just now waits alone. Pages go to the pump, which maps them like live events; what is not fetched is told
//! as a gap. `GET /channels/{id}/messages?after=`:
//! <https://discord.com/developers/docs/resources/message#get-channel-messages>.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tracing::warn;

use super::{
    api::{Api, ApiError},
    permissions::READ_MESSAGE_HISTORY,
    review::{self, Look, Review},
    world::World,
};
use crate::{
    events,
    json::{oldest_first, text},
};

/// What one request gives at most.
const PAGE_MESSAGES_MAX: usize = 100;

/// The first pause of a channel that cannot be read just now; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest pause of a channel.
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// After so many refusals in a row that name no reason we know, the channel goes on without what was missed.
const REFUSALS_MAX: u32 = 10;

/// A look at what stands in a channel is given up after so many failures.
const REVIEW_FAILURES_MAX: u32 = 2;

/// A channel with messages to fetch.
#[derive(Debug)]
pub(super) struct Missed {
    /// The channel.
    channel: String,
    /// The last message that is known.
    after: String,
    /// The last message there was when the session began; younger ones come live.
    until: u64,
    /// What was known when nobody listened any more, if what stands now is to be looked at afterwards.
    reviewed: Option<String>,
    /// How many messages that count were fetched so far.
    taken: usize,
    /// How often the page was asked for in vain.
    failures: u32,
    /// The channel waits until then.
    not_before: Option<Instant>,
}

/// A channel to be looked at.
struct Due {
    at: Look,
    /// How often that was tried in vain.
    failures: u32,
}

impl Due {
    fn new(at: Look) -> Self {
        Self { at, failures: 0 }
    }
}

/// Fetched messages of one channel, oldest first.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The channel.
    pub channel: String,
    /// The messages.
    pub messages: Vec<Value>,
    /// The last message that is known now.
    pub after: String,
    /// Nothing more comes for this channel.
    pub is_last: bool,
    /// Something is missing behind `after`.
    pub gap: Option<Gap>,
    /// From now on live events of the channel are to wait for its next page; says when they do.
    pub hold: Option<oneshot::Sender<()>>,
    /// What stands in the channel now.
    pub review: Option<Review>,
    /// Why nothing can be fetched any more, in any channel.
    pub failed: Option<String>,
}

/// Why messages are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// There are more than are fetched.
    TooMany,
    /// They cannot be read.
    Unreadable,
}

/// What recovery works with.
pub(super) struct Recovery {
    pub api: Arc<Api>,
    pub world: Arc<World>,
    /// How many messages of one channel are fetched.
    pub messages_max: usize,
}

impl Missed {
    /// Everything in a channel that is younger than `after`, and not younger than `until`.
    pub(super) fn new(channel: String, after: String, until: &str) -> Self {
        let until = until.parse().unwrap_or(u64::MAX);
        Self { channel, after, until, reviewed: None, taken: 0, failures: 0, not_before: None }
    }

    /// And then, when nothing more urgent is to be done, what stands in the channel is looked at.
    pub(super) fn reviewed(self) -> Self {
        Self { reviewed: Some(self.after.clone()), ..self }
    }

    /// Whether there is nothing to fetch, so that no live event need wait.
    pub(super) fn is_caught_up(&self) -> bool {
        self.after.parse::<u64>().is_ok_and(|after| after >= self.until)
    }

    fn look(&self, newest: u64) -> Option<Look> {
        let known = self.reviewed.clone()?;
        Some(Look { channel: self.channel.clone(), known, newest })
    }

    fn waits(&self, now: Instant) -> bool {
        self.not_before.is_some_and(|at| at > now)
    }
}

impl Recovery {
    /// Runs until nobody reads its pages.
    pub(super) async fn run(self, mut missed: mpsc::Receiver<Missed>, pages: mpsc::Sender<Page>) {
        let mut turns: VecDeque<Missed> = VecDeque::new();
        let mut due: VecDeque<Due> = VecDeque::new();
        loop {
            while let Ok(next) = missed.try_recv() {
                turns.push_back(next);
            }
            let now = Instant::now();
            let ready = turns.iter().position(|turn| !turn.waits(now));
            let Some(turn) = ready.and_then(|at| turns.remove(at)) else {
                // What was missed goes before what has changed.
                if !due.is_empty() {
                    match self.review(&mut due, &pages).await {
                        true => continue,
                        false => return,
                    }
                }
                let earliest = turns.iter().filter_map(|turn| turn.not_before).min();
                tokio::select! {
                    next = missed.recv() => match next {
                        Some(next) => turns.push_back(next),
                        None => return,
                    },
                    () = sleep_until(earliest.unwrap_or(now)), if earliest.is_some() => {}
                }
                continue;
            };
            if turn.is_caught_up() {
                due.extend(turn.look(turn.until).map(Due::new));
                continue;
            }
            let page = match self.fetch(&turn).await {
                Ok(page) => page,
                Err(error) => {
                    turns.push_back(put_off(turn, &error));
                    continue;
                }
            };
            if page.is_last && page.failed.is_none() {
                let until = Some(turn.until).filter(|until| *until != u64::MAX).unwrap_or_default();
                due.extend(turn.look(page.after.parse().unwrap_or(until).max(until)).map(Due::new));
            } else if page.failed.is_none() {
                let taken =
                    turn.taken + page.messages.iter().filter(|it| self.counts(it, turn.until)).count();
                let after = page.after.clone();
                turns.push_back(Missed { after, taken, failures: 0, not_before: None, ..turn });
            }
            if pages.send(page).await.is_err() {
                return;
            }
        }
    }

    /// Looks at what stands in a channel while its live events wait. False when nobody reads pages any more.
    async fn review(&self, due: &mut VecDeque<Due>, pages: &mpsc::Sender<Page>) -> bool {
        let Some(Due { at, failures }) = due.pop_front() else { return true };
        let may_read = {
            let known = self.world.read();
            known.shows(&at.channel) && known.own_permissions(&at.channel) & READ_MESSAGE_HISTORY != 0
        };
        if !may_read {
            return true;
        }
        let (hold, held) = oneshot::channel();
        let page = || Page { channel: at.channel.clone(), ..Page::default() };
        if pages.send(Page { hold: Some(hold), ..page() }).await.is_err() || held.await.is_err() {
            return false;
        }
        let me = self.world.read().me.clone();
        let review = match review::look(&self.api, &me, &at).await {
            Ok(review) => review,
            Err(error) => {
                warn!(channel = at.channel, %error, failures, "It could not be looked at what stands in a channel.");
                if failures < REVIEW_FAILURES_MAX && !matches!(error, ApiError::Refused(_)) {
                    due.push_back(Due { at: at.clone(), failures: failures + 1 });
                }
                None
            }
        };
        pages.send(Page { is_last: true, review, ..page() }).await.is_ok()
    }

    /// One page, or why it may be asked for again.
    async fn fetch(&self, turn: &Missed) -> Result<Page, ApiError> {
        let (channel, after) = (turn.channel.clone(), turn.after.clone());
        let page = Page { channel, after, is_last: true, ..Page::default() };
        let unreadable = |page| Ok(Page { gap: Some(Gap::Unreadable), ..page });
        // Without the right, Discord answers as if there were nothing.
        if self.world.read().own_permissions(&turn.channel) & READ_MESSAGE_HISTORY == 0 {
            warn!(
                channel = turn.channel,
                "Read Message History is lacking; missed messages are not fetched."
            );
            return unreadable(page);
        }
        let path =
            format!("/channels/{}/messages?after={}&limit={PAGE_MESSAGES_MAX}", turn.channel, turn.after);
        match self.api.get(&path).await {
            Ok(answer) => Ok(self.page(page, oldest_first(answer), turn)),
            Err(error) if error.is_bad_token() => {
                Ok(Page { failed: Some(format!("Missed messages could not be fetched: {error}")), ..page })
            }
            Err(error) if error.is_not_found() => {
                warn!(channel = turn.channel, %error, "Missed messages of a channel cannot be read.");
                unreadable(page)
            }
            Err(error @ ApiError::Refused(_)) if turn.failures >= REFUSALS_MAX => {
                warn!(channel = turn.channel, %error, "Missed messages stay refused; the channel goes on.");
                unreadable(page)
            }
            Err(error) => Err(error),
        }
    }

    /// The page with the messages that there is room for.
    fn page(&self, page: Page, mut messages: Vec<Value>, turn: &Missed) -> Page {
        let is_whole = messages.len() < PAGE_MESSAGES_MAX;
        let room = self.messages_max.saturating_sub(turn.taken);
        let counted = messages.iter().enumerate().filter(|(_, message)| self.counts(message, turn.until));
        let first_beyond = counted.map(|(at, _)| at).nth(room);
        messages.truncate(first_beyond.unwrap_or(messages.len()));
        let after = messages.last().map_or(page.after, |message| text(&message["id"]));
        let gap = first_beyond.map(|_| Gap::TooMany);
        Page { messages, after, is_last: is_whole || gap.is_some(), gap, ..page }
    }

    /// What we wrote ourselves does not come back, and what comes live anyway was not missed.
    fn counts(&self, message: &Value, until: u64) -> bool {
        let id: u64 = text(&message["id"]).parse().unwrap_or_default();
        id <= until && !events::is_ours(message, &self.world.read())
    }
}

fn put_off(turn: Missed, error: &ApiError) -> Missed {
    let wait = match error {
        ApiError::Limited(wait) => *wait,
        _ => pause(turn.failures),
    };
    warn!(channel = turn.channel, %error, ?wait, "Missed messages of a channel cannot be fetched now; it waits.");
    let failures = if matches!(error, ApiError::Limited(_)) { turn.failures } else { turn.failures + 1 };
    Missed { failures, not_before: Some(Instant::now() + wait), ..turn }
}

fn pause(failures: u32) -> Duration {
    PAUSE_MIN.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use magpie_common::config::Secret;
    use serde_json::json;

    use super::*;

    fn recovery(messages_max: usize) -> Recovery {
        let api = Arc::new(Api::new("http://127.0.0.1:9", Secret::new("token")).unwrap());
        let world = Arc::new(World::default());
        world.write().me = "1".to_owned();
        Recovery { api, world, messages_max }
    }

    fn messages(authors: &[u64]) -> Vec<Value> {
        (11..).zip(authors).map(|(id, author)| json!({"id": id, "author": {"id": author}})).collect()
    }

    #[test]
    fn exactly_as_many_as_are_fetched_are_no_gap_and_our_own_do_not_count() {
        let page = |max, taken, authors: &[u64]| {
            let start = Page { after: "10".to_owned(), ..Page::default() };
            let turn = Missed { taken, ..Missed::new("3".to_owned(), "10".to_owned(), "200") };
            let page = recovery(max).page(start, messages(authors), &turn);
            (page.messages.len(), page.after, page.is_last, page.gap)
        };
        assert_eq!(page(2, 0, &[7, 7]), (2, "12".to_owned(), true, None));
        assert_eq!(page(2, 0, &[7, 1, 1, 7, 1]), (5, "15".to_owned(), true, None));
        assert_eq!(page(2, 0, &[7, 1, 7, 1, 7]), (4, "14".to_owned(), true, Some(Gap::TooMany)));
        assert_eq!(page(2, 2, &[]), (0, "10".to_owned(), true, None));
        assert_eq!(page(2, 2, &[7]), (0, "10".to_owned(), true, Some(Gap::TooMany)));
        assert_eq!(page(100, 0, &[7; 100]), (100, "110".to_owned(), false, None));
        assert_eq!(page(0, 0, &[1; 100]), (100, "110".to_owned(), false, None));
    }

    #[test]
    fn what_comes_live_anyway_is_no_gap() {
        let turn = Missed::new("3".to_owned(), "10".to_owned(), "12");
        let page = recovery(2).page(Page::default(), messages(&[7, 7, 7]), &turn);
        assert_eq!((page.messages.len(), page.gap), (3, None));
    }

    #[test]
    fn the_pauses_of_a_channel_grow_to_a_bound() {
        assert_eq!(pause(0), PAUSE_MIN);
        assert_eq!(pause(2), PAUSE_MIN * 4);
        assert_eq!(pause(u32::MAX), PAUSE_MAX);
    }
}
