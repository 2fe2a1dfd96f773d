//! Keys that were written or not, each counted once, however often its rows come.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;

use crate::keys::SeenKeys;
use crate::write::stats::{WriteStats, add};
use crate::write::tally::Tally;

/// The outcome as it grows.
pub(super) struct KeyTally<'a> {
    tally: &'a mut Tally,
    stats: &'a WriteStats,
    failed: HashSet<Vec<u8>>,
    /// The keys that were written, where one may come again.
    written: Option<SeenKeys>,
}

impl<'a> KeyTally<'a> {
    pub(super) fn new(tally: &'a mut Tally, stats: &'a WriteStats, is_scattered: bool) -> Self {
        Self {
            tally,
            stats,
            failed: HashSet::new(),
            written: is_scattered.then(SeenKeys::default),
        }
    }

    /// All elements of a run of rows were written.
    pub(super) fn written(&mut self, key: &[u8], elements: usize) {
        add(&self.stats.elements, elements);
        let is_new = self.written.as_mut().is_none_or(|keys| keys.insert(key));
        if is_new && !self.failed.contains(key) {
            self.tally.written(1);
        }
    }

    /// Of elements that were added to a key that failed.
    pub(super) fn added(&mut self, elements: usize) {
        add(&self.stats.elements, elements);
    }

    /// A key was not written, or not in full. Its first reason is kept.
    pub(super) fn failed(&mut self, key: &[u8], reason: impl Into<String>) {
        if !self.failed.insert(key.to_vec()) {
            return;
        }
        if self.written.as_mut().is_some_and(|keys| !keys.insert(key)) {
            // Counted when an earlier part of it went well.
            self.tally.outcome.written -= 1;
            self.stats.written.fetch_sub(1, Relaxed);
        }
        self.tally.failed(key.to_vec(), reason);
    }
}
