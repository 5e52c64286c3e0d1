//! The token that we show, and the one before it while the homeserver may know only that.

use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderValue;

/// One token, or two while one takes the place of the other.
pub(super) struct Bearers {
    new: HeaderValue,
    previous: Option<HeaderValue>,
    shows_previous: AtomicBool,
}

impl Bearers {
    pub(super) fn new(new: HeaderValue, previous: Option<HeaderValue>) -> Self {
        Self { new, previous, shows_previous: AtomicBool::new(false) }
    }

    /// The one to show.
    pub(super) fn current(&self) -> &HeaderValue {
        match &self.previous {
            Some(previous) if self.shows_previous.load(Ordering::Relaxed) => previous,
            _ => &self.new,
        }
    }

    /// The homeserver does not know this one: from now on the other one is shown. Calls that were under way with it change nothing more.
    pub(super) fn refused(&self, shown: &HeaderValue) {
        let was_previous = self.previous.as_ref().is_some_and(|previous| std::ptr::eq(previous, shown));
        if self.previous.is_some() {
            let exchanged = self.shows_previous.compare_exchange(
                was_previous,
                !was_previous,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if exchanged.is_ok() {
                tracing::info!(
                    previous = !was_previous,
                    "The homeserver does not know our token; showing the other one."
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    #[test]
    fn a_refused_token_gives_way_to_the_other_once() {
        let bearers = Bearers::new(header("new"), Some(header("previous")));
        let shown = bearers.current();
        assert_eq!(shown, "new");
        bearers.refused(shown);
        assert_eq!(bearers.current(), "previous");
        bearers.refused(shown);
        assert_eq!(bearers.current(), "previous", "a late answer to the first one changes nothing");
        bearers.refused(bearers.current());
        assert_eq!(bearers.current(), "new");
    }

    #[test]
    fn a_single_token_stays() {
        let bearers = Bearers::new(header("new"), None);
        bearers.refused(bearers.current());
        assert_eq!(bearers.current(), "new");
    }
}
