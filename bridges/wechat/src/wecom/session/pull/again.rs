//! Service accounts whose pull has failed, each with a time of its own at which it is tried again: none of them keeps the others waiting.

use std::{collections::BTreeMap, time::Duration};

use magpie_common::config::Secret;
use tokio::time::{Instant, sleep_until};

use super::Pulls;

/// How long to wait before a failed pull is tried again, at first and at last.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// Those that wait.
#[derive(Default)]
pub(super) struct Again(BTreeMap<String, Failed>);

struct Failed {
    at: Instant,
    pause: Duration,
    token: Option<Secret>,
}

impl Again {
    /// It has failed, and is tried again after a pause that doubles each time.
    pub fn put(&mut self, kf: String, token: Option<Secret>) {
        let pause = self.0.get(&kf).map_or(PAUSE_MIN, |before| (before.pause * 2).min(PAUSE_MAX));
        self.0.insert(kf, Failed { at: Instant::now() + pause, pause, token });
    }

    /// It waits no longer.
    pub fn remove(&mut self, kf: &str) {
        self.0.remove(kf);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next one to pull: of which there is something new, or whose time has come.
    pub async fn next(&self, pulls: &Pulls) -> (String, Option<Secret>) {
        let Some((due, failed)) = self.0.iter().min_by_key(|(_, failed)| failed.at) else {
            return pulls.next().await;
        };
        tokio::select! {
            (kf, token) = pulls.next() => {
                let known = self.0.get(&kf).and_then(|failed| failed.token.clone());
                (kf, token.or(known))
            }
            () = sleep_until(failed.at) => (due.clone(), failed.token.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_keeps_no_other_waiting_and_comes_again_in_its_time() {
        let (pulls, mut again) = (Pulls::default(), Again::default());
        again.put("a".to_owned(), Some(Secret::new("old")));
        let began = Instant::now();
        assert!(pulls.ask("b", None));
        assert_eq!(again.next(&pulls).await.0, "b");
        assert_eq!(began.elapsed(), Duration::ZERO, "it has waited for another one");
        for pause in [2, 4, 8] {
            let began = Instant::now();
            let (kf, token) = again.next(&pulls).await;
            assert_eq!((kf.as_str(), token.expect("it is kept").expose()), ("a", "old"));
            // The clock of a test goes on in whole milliseconds.
            assert_eq!(began.elapsed().as_secs(), pause);
            again.put(kf, Some(Secret::new("old")));
        }
        // Whom WeCom calls about is tried at once, by what it tells.
        let began = Instant::now();
        assert!(pulls.ask("a", Some(Secret::new("new"))));
        let (kf, token) = again.next(&pulls).await;
        assert_eq!((kf.as_str(), token.expect("it is told").expose()), ("a", "new"));
        assert_eq!(began.elapsed(), Duration::ZERO);
        again.remove("a");
        assert!(again.is_empty());
    }
}
