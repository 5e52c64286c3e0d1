//! A memory of so many things, the newest: it takes room for those that are there, and not for all that may come.

use std::hash::Hash;

use lru::LruCache;

/// The newest things by their keys. Whatever is looked at or changed becomes new.
pub(super) struct Newest<K: Hash + Eq, V> {
    things: LruCache<K, V>,
    count_max: usize,
}

impl<K: Hash + Eq, V> Newest<K, V> {
    /// Keeps at most so many.
    pub fn new(count_max: usize) -> Self {
        Self { things: LruCache::unbounded(), count_max }
    }

    /// Keeps one, and forgets the oldest where there are too many.
    pub fn put(&mut self, key: K, thing: V) {
        self.things.put(key, thing);
        if self.things.len() > self.count_max {
            self.things.pop_lru();
        }
    }

    /// One of them.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        self.things.get(key)
    }

    /// One of them, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.things.get_mut(key)
    }

    /// Whether it is there, which makes nothing new.
    pub fn contains(&self, key: &K) -> bool {
        self.things.contains(key)
    }

    /// Forgets one.
    pub fn forget(&mut self, key: &K) {
        self.things.pop(key);
    }

    /// All, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.things.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut newest = Newest::new(2);
        newest.put("a", 1);
        newest.put("b", 2);
        assert_eq!(newest.get(&"a"), Some(&1));
        newest.put("c", 3);
        assert_eq!(newest.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["c", "a"]);
        newest.forget(&"c");
        assert!(!newest.contains(&"c") && newest.contains(&"a"));
    }
}
