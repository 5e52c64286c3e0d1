//! Doors: whoever works on a thing is inside, and whoever changes what the thing is waits until everybody is out, and keeps them out meanwhile.
//!
//! A door is there only while somebody uses it.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock as Door};

/// When so many doors are known, those that nobody uses are forgotten.
const DOORS_MAX: usize = 1_024;

/// The doors of all things of a kind.
pub struct Doors<K>(Mutex<HashMap<K, Weak<Door<()>>>>);

/// Somebody works on a thing.
pub type Inside = OwnedRwLockReadGuard<()>;

/// Nobody works on a thing.
pub type Closed = OwnedRwLockWriteGuard<()>;

impl<K> Default for Doors<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash + Ord> Doors<K> {
    /// Goes in; waits while the door is closed. Nobody may go in twice at once: somebody may want to close the door in between.
    pub async fn enter(&self, thing: &K) -> Inside {
        self.door(thing).read_owned().await
    }

    /// Closes two doors once nobody is inside, in the same order for everybody, so that no two wait for each other.
    pub async fn close(&self, one: &K, other: &K) -> [Closed; 2] {
        let (first, second) = if one < other { (one, other) } else { (other, one) };
        [self.door(first).write_owned().await, self.door(second).write_owned().await]
    }

    fn door(&self, thing: &K) -> Arc<Door<()>> {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(door) = doors.get(thing).and_then(Weak::upgrade) {
            return door;
        }
        if doors.len() >= DOORS_MAX {
            doors.retain(|_, door| door.strong_count() > 0);
        }
        let door = Arc::new(Door::new(()));
        doors.insert(thing.clone(), Arc::downgrade(&door));
        door
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_door_closes_after_those_inside_and_crossing_closers_do_not_wait_for_each_other() {
        let doors = Doors::default();
        let inside = doors.enter(&"a").await;
        assert!(doors.close(&"b", &"a").now_or_never().is_none(), "somebody is inside");
        drop(inside);
        let closed = doors.close(&"a", &"b").now_or_never().expect("nobody is inside");
        assert!(doors.enter(&"b").now_or_never().is_none());
        assert!(doors.enter(&"c").now_or_never().is_some(), "no other door is closed");
        let mut next = Box::pin(doors.close(&"b", &"a"));
        assert!(next.as_mut().now_or_never().is_none());
        drop(closed);
        drop(next.now_or_never().expect("it is its turn"));
        assert!(doors.enter(&"a").now_or_never().is_some());
    }

    #[tokio::test]
    async fn doors_that_nobody_uses_are_forgotten() {
        let doors = Doors::default();
        let inside = doors.enter(&DOORS_MAX).await;
        for nth in 0..DOORS_MAX * 2 {
            drop(doors.enter(&nth).await);
        }
        assert!(doors.0.lock().unwrap().len() <= DOORS_MAX);
        assert!(doors.close(&DOORS_MAX, &0).now_or_never().is_none(), "a door in use is not");
        drop(inside);
    }
}
