//! Which keys were written, and why others were not.

use std::sync::Arc;

use super::stats::{WriteStats, add};
use crate::Error;

/// What became of a write.
#[derive(Debug, Default)]
pub struct WriteOutcome {
    /// How many keys were written.
    pub written: u64,
    /// For how many there was nothing to write.
    pub skipped: u64,
    /// The others, each with the reason.
    pub failures: Vec<(Vec<u8>, String)>,
    /// What ended the write before its end.
    pub error: Option<Error>,
}

/// The outcome as it grows.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) outcome: WriteOutcome,
    stats: Arc<WriteStats>,
}

impl Tally {
    pub(super) fn new(stats: Arc<WriteStats>) -> Self {
        Self {
            outcome: WriteOutcome::default(),
            stats,
        }
    }

    pub(super) fn written(&mut self, keys: usize) {
        self.outcome.written += keys as u64;
        add(&self.stats.written, keys);
    }

    pub(super) fn skipped(&mut self) {
        self.outcome.skipped += 1;
        add(&self.stats.skipped, 1);
    }

    pub(super) fn failed(&mut self, key: Vec<u8>, reason: impl Into<String>) {
        self.outcome.failures.push((key, reason.into()));
        add(&self.stats.failed, 1);
    }
}
