//! What a read has done so far, counted while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counters shared between the thread that reads and those that look on.
        #[derive(Debug, Default)]
        pub struct ReadStats { $($(#[$doc])* pub $name: AtomicU64),+ }

        /// The counters at one moment.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct StatsSnapshot { $($(#[$doc])* pub $name: u64),+ }

        impl ReadStats {
            /// The counters now.
            pub fn snapshot(&self) -> StatsSnapshot {
                StatsSnapshot { $($name: self.$name.load(Ordering::Relaxed)),+ }
            }
        }

        impl StatsSnapshot {
            /// Name and value of each counter.
            pub fn items(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

counters! {
    /// Distinct keys that SCAN returned or the caller named.
    keys_seen,
    /// Keys that SCAN returned again, and that were left out the second time.
    keys_repeated,
    /// Keys that were gone when they were fetched.
    keys_vanished,
    /// Keys that hold another type.
    keys_of_other_type,
    /// Rows handed over.
    rows,
    /// Rows left out because a value did not fit (`on_error="skip"`).
    rows_skipped,
    /// Values made null because they did not fit (`on_error="null"`).
    values_nulled,
    /// Bytes received.
    bytes_read,
    /// Bytes sent.
    bytes_written,
    /// Record batches handed over.
    batches,
    /// SCAN commands sent.
    scan,
    /// HMGET commands sent.
    hmget,
    /// HGETALL commands sent.
    hgetall,
    /// MGET commands sent.
    mget,
    /// PTTL commands sent.
    pttl,
    /// TYPE commands sent.
    key_type,
    /// HLEN and HKEYS commands sent to look at a sample.
    sample,
    /// MULTI and EXEC commands sent to tell a hash without the fields from none.
    transaction,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}
