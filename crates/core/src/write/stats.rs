//! What a write has done so far, counted while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counters shared between the thread that writes and those that look on.
        #[derive(Debug, Default)]
        pub struct WriteStats { $($(#[$doc])* pub $name: AtomicU64),+ }

        /// The counters at one moment.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct WriteSnapshot { $($(#[$doc])* pub $name: u64),+ }

        impl WriteStats {
            /// The counters now.
            pub fn snapshot(&self) -> WriteSnapshot {
                WriteSnapshot { $($name: self.$name.load(Ordering::Relaxed)),+ }
            }
        }

        impl WriteSnapshot {
            /// Name and value of each counter.
            pub fn items(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

counters! {
    /// Keys written.
    written,
    /// Keys for which there was nothing to write.
    skipped,
    /// Keys that were not written, or not in full.
    failed,
    /// Bytes received.
    bytes_read,
    /// Bytes sent.
    bytes_written,
    /// MULTI and EXEC commands sent.
    transaction,
    /// DEL commands sent.
    del,
    /// HSET commands sent.
    hset,
    /// HSETEX commands sent.
    hsetex,
    /// HPEXPIRE commands sent.
    hpexpire,
    /// SET commands sent.
    set,
    /// APPEND commands sent.
    append,
    /// JSON.SET commands sent.
    json_set,
    /// JSON.MERGE commands sent.
    json_merge,
    /// PEXPIRE commands sent.
    pexpire,
    /// EXISTS commands sent.
    exists,
    /// WATCH and UNWATCH commands sent.
    watch,
    /// Elements written: of sets, lists, zsets, streams and time series.
    elements,
    /// UNLINK commands sent.
    unlink,
    /// RENAME and RENAMENX commands sent.
    rename,
    /// PERSIST commands sent.
    persist,
    /// EVAL commands sent.
    eval,
    /// SADD commands sent.
    sadd,
    /// RPUSH commands sent.
    rpush,
    /// ZADD commands sent.
    zadd,
    /// XADD commands sent.
    xadd,
    /// TS.CREATE commands sent.
    ts_create,
    /// TS.MADD commands sent.
    ts_madd,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}
