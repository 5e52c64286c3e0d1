//! How often somebody may come: one bucket for each person, and one for each place from which wrong secrets come.
//!
//! Memory is bounded: whoever was away for longest is forgotten first.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::{NonZeroU32, NonZeroUsize},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use lru::LruCache;
use ruma::{OwnedUserId, UserId};

use super::refusal::Refusal;

/// So many seconds' worth of requests may come at once: a page asks for several things when it opens.
const BURST_SECONDS: u32 = 5;

/// A place may show so many tokens a minute that are not known to be right, all at once.
const UNKNOWN_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("it is not zero");

/// So many people, and so many places, are remembered.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// Both sorts of buckets.
pub(super) struct Rates {
    people: Buckets<OwnedUserId>,
    places: Buckets<IpAddr>,
}

impl Rates {
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let burst = per_second.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
        let people = Buckets::new(Quota::per_second(per_second).allow_burst(burst), MonotonicClock);
        let places = Buckets::new(Quota::per_minute(UNKNOWN_PER_MINUTE), MonotonicClock);
        Self { people, places }
    }

    /// Counts a request that is made for somebody.
    pub(super) fn count(&self, person: &UserId) -> Result<(), Refusal> {
        self.people.take(person.to_owned()).map_err(Refusal::too_many)
    }

    /// Counts a token from somewhere that is not known to be right.
    pub(super) fn count_unknown(&self, place: IpAddr) -> Result<(), Refusal> {
        self.places.take(network_of(place)).map_err(Refusal::too_many)
    }
}

/// One machine has as many IPv6 addresses as it likes, but one network.
fn network_of(place: IpAddr) -> IpAddr {
    match place.to_canonical() {
        IpAddr::V4(place) => IpAddr::V4(place),
        IpAddr::V6(place) => IpAddr::V6(Ipv6Addr::from_bits(place.to_bits() >> 64 << 64)),
    }
}

type Bucket<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

struct Buckets<K, C: Clock + Clone = MonotonicClock> {
    quota: Quota,
    clock: C,
    all: Mutex<LruCache<K, Bucket<C>>>,
}

impl<K: Hash + Eq, C: Clock + Clone> Buckets<K, C> {
    fn new(quota: Quota, clock: C) -> Self {
        // Grows as it fills.
        let mut all = LruCache::unbounded();
        all.resize(REMEMBERED_MAX);
        Self { quota, clock, all: Mutex::new(all) }
    }

    /// Takes one, or says how long to wait.
    fn take(&self, key: K) -> Result<(), Duration> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || RateLimiter::direct_with_clock(self.quota, self.clock.clone());
        let bucket = all.get_or_insert(key, new);
        bucket.check().map_err(|not| not.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use http::StatusCode;
    use ruma::user_id;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again_for_each_alone() {
        let clock = FakeRelativeClock::default();
        let two = NonZeroU32::new(2).unwrap();
        let buckets = Buckets::new(Quota::per_second(two), clock.clone());
        assert_eq!(buckets.take("alice"), Ok(()));
        assert_eq!(buckets.take("alice"), Ok(()));
        assert_eq!(buckets.take("alice"), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take("bob"), Ok(()));
        clock.advance(Duration::from_millis(500));
        assert_eq!(buckets.take("alice"), Ok(()));
        assert!(buckets.take("alice").is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let buckets = Buckets::new(Quota::per_second(NonZeroU32::MIN), FakeRelativeClock::default());
        for number in 0..REMEMBERED_MAX.get() + 10 {
            assert_eq!(buckets.take(number), Ok(()));
        }
        assert_eq!(buckets.all.lock().unwrap().len(), REMEMBERED_MAX.get());
    }

    #[test]
    fn people_and_places_are_refused_with_a_pause() {
        let rates = Rates::new(NonZeroU32::MIN);
        let alice = user_id!("@alice:example.org");
        let refused = |refusal: Refusal| (refusal.status, refusal.retry_after.is_some());
        for _ in 0..BURST_SECONDS {
            rates.count(alice).unwrap();
        }
        assert_eq!(refused(rates.count(alice).unwrap_err()), (StatusCode::TOO_MANY_REQUESTS, true));
        let here: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..UNKNOWN_PER_MINUTE.get() {
            rates.count_unknown(here).unwrap();
        }
        let (neighbor, stranger) = ("2001:db8::2".parse().unwrap(), "2001:db8:1::1".parse().unwrap());
        assert_eq!(
            refused(rates.count_unknown(neighbor).unwrap_err()),
            (StatusCode::TOO_MANY_REQUESTS, true)
        );
        rates.count_unknown(stranger).unwrap();
        assert_eq!(network_of("::ffff:10.0.0.1".parse().unwrap()), "10.0.0.1".parse::<IpAddr>().unwrap());
    }
}
