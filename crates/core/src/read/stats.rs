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
    /// Keys that were read; of those with one row each, they are not counted apart.
    keys_read,
    /// Keys with nothing in the range asked for; a stream may also be gone.
    keys_empty,
    /// Members of vector sets that were gone when their vectors were fetched.
    elements_vanished,
    /// Keys that changed while they were read in pieces (`on_change="keep"`).
    keys_changed,
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
    /// HPTTL commands sent.
    hpttl,
    /// SRANDMEMBER commands sent.
    srandmember,
    /// SSCAN commands sent.
    sscan,
    /// HSCAN commands sent.
    hscan,
    /// ZSCAN commands sent.
    zscan,
    /// LRANGE commands sent.
    lrange,
    /// ZRANGE commands sent.
    zrange,
    /// XRANGE commands sent.
    xrange,
    /// XREVRANGE commands sent.
    xrevrange,
    /// JSON.GET commands sent.
    json_get,
    /// JSON.OBJKEYS commands sent to look at a sample.
    json_objkeys,
    /// TS.RANGE commands sent.
    ts_range,
    /// TS.INFO commands sent.
    ts_info,
    /// TS.QUERYINDEX commands sent.
    ts_queryindex,
    /// VRANDMEMBER commands sent.
    vrandmember,
    /// VRANGE commands sent.
    vrange,
    /// VEMB commands sent.
    vemb,
    /// LLEN, ZCARD, ZCOUNT and other commands sent that count elements.
    length,
    /// OBJECT ENCODING and OBJECT IDLETIME commands sent.
    object,
    /// MEMORY USAGE commands sent.
    memory_usage,
    /// WATCH commands sent.
    watch,
    /// HLEN and HGETALL commands sent to look at a sample.
    sample,
    /// MULTI and EXEC commands sent.
    transaction,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}
