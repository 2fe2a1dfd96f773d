//! How much memory Python has taken, known without the GIL.
//!
//! Counted where CPython asks the system: the arenas of its small objects, and the blocks of its raw domain, where all
//! blocks over 512 bytes come from. What extension modules take by themselves is not in it; nor are the large blocks
//! where PYTHONMALLOC or the development mode is set, for which CPython puts its own functions in the place of these.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes that Python has taken from the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All that was ever taken.
    pub total: u64,
    /// The most that was held at once.
    pub peak: u64,
    /// What is held now.
    pub current: u64,
}

static TOTAL: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);
static CURRENT: AtomicU64 = AtomicU64::new(0);

/// What Python holds, all zero unless [`crate::Settings::count_memory`] was set. Needs no GIL and takes no lock.
///
/// Other threads count meanwhile, the three one after the other: what is read never shows less as the peak than is held.
pub fn memory() -> Memory {
    let current = CURRENT.load(Relaxed);
    let peak = PEAK.load(Relaxed).max(current);
    Memory {
        total: TOTAL.load(Relaxed).max(peak),
        peak,
        current,
    }
}

pub(crate) fn taken(bytes: usize) {
    let bytes = bytes as u64;
    TOTAL.fetch_add(bytes, Relaxed);
    let now = CURRENT.fetch_add(bytes, Relaxed) + bytes;
    // Most calls are under the peak: a read of a shared line is cheaper than a write to it.
    if now > PEAK.load(Relaxed) {
        PEAK.fetch_max(now, Relaxed);
    }
}

/// Saturates: blocks that were taken before counting began are given back too.
pub(crate) fn given_back(bytes: usize) {
    let less = |now: u64| Some(now.saturating_sub(bytes as u64));
    let _ = CURRENT.fetch_update(Relaxed, Relaxed, less);
}
