//! How slowly a file may move before it is given up: whoever gives or takes it must not hold a place for ever by a byte now and then.
//!
//! Only the waiting for the other side counts, never what we do ourselves in between.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// What is asked of the other side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Standing still for so long is the end.
    pub(super) stall: Duration,
    /// How fast it goes on average is not judged before.
    pub(super) grace: Duration,
    /// So fast it must be after that.
    pub(super) bytes_per_second_min: u64,
}

/// The other side has stopped, or is as good as stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stalled;

/// One file on its way.
pub(super) struct Paced {
    pace: Pace,
    waited: Duration,
    moved_bytes: u64,
}

impl Pace {
    /// A file of a message, on a line that may be thin.
    pub(super) const FILE: Self = Self {
        stall: Duration::from_secs(60),
        grace: Duration::from_secs(120),
        bytes_per_second_min: 16 * 1024,
    };

    /// A picture of a person or chat: somebody's words wait for it.
    pub(super) const PICTURE: Self = Self {
        stall: Duration::from_secs(20),
        grace: Duration::from_secs(30),
        bytes_per_second_min: 16 * 1024,
    };

    /// Somebody out there who reads what we give out, on a telephone perhaps.
    pub(super) const READER: Self = Self {
        stall: Duration::from_secs(30),
        grace: Duration::from_secs(60),
        bytes_per_second_min: 8 * 1024,
    };

    /// A program of our own machine, which has bounds of its own.
    pub(super) const CHILD: Self =
        Self { stall: Duration::from_secs(60), grace: Duration::from_secs(60), bytes_per_second_min: 0 };

    /// Begins to measure.
    pub(super) fn begin(self) -> Paced {
        Paced { pace: self, waited: Duration::ZERO, moved_bytes: 0 }
    }
}

impl Paced {
    /// Waits for the other side, but not for ever.
    pub(super) async fn wait<T>(&mut self, other: impl Future<Output = T>) -> Result<T, Stalled> {
        let begun = Instant::now();
        let come = tokio::time::timeout(self.pace.stall, other).await.map_err(|_| Stalled);
        self.waited += begun.elapsed();
        come
    }

    /// Waits for the next piece.
    pub(super) async fn next<E>(
        &mut self,
        stream: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    ) -> Result<Option<Result<Bytes, E>>, Stalled> {
        let piece = self.wait(stream.next()).await?;
        if let Some(Ok(piece)) = &piece {
            self.moved(piece.len())?;
        }
        Ok(piece)
    }

    /// Counts what has moved, and judges.
    pub(super) fn moved(&mut self, bytes: usize) -> Result<(), Stalled> {
        self.moved_bytes += bytes as u64;
        let wanted_bytes = self.waited.as_secs() * self.pace.bytes_per_second_min;
        let is_too_slow = self.waited > self.pace.grace && self.moved_bytes < wanted_bytes;
        if is_too_slow { Err(Stalled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { stall: Duration::from_secs(60), grace: Duration::from_secs(120), bytes_per_second_min: 1_000 };

    #[test]
    fn a_drip_is_judged_after_its_grace_by_what_came_on_average() {
        for (name, waited_secs, bytes, goes_on) in [
            ("nothing yet", 0, 0, true),
            ("slow within its grace", 119, 1, true),
            ("slow after it", 121, 1, false),
            ("just too slow", 600, 599_999, false),
            ("just fast enough", 600, 600_000, true),
            ("fast at first", 700, 600_000, false),
        ] {
            let waited = Duration::from_secs(waited_secs);
            let mut paced = Paced { waited, ..PACE.begin() };
            assert_eq!(paced.moved(bytes).is_ok(), goes_on, "{name}");
        }
    }

    #[tokio::test]
    async fn standing_still_is_the_end() {
        let mut paced = Pace { stall: Duration::from_millis(10), ..PACE }.begin();
        assert_eq!(paced.wait(std::future::pending::<()>()).await, Err(Stalled));
        assert_eq!(paced.wait(std::future::ready(7)).await, Ok(7));
    }
}
