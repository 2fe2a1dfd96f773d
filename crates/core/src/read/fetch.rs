//! What has been asked of the server and not been answered yet, and how much to ask for next.

use std::time::{Duration, Instant};

use super::facts::Facts;
use super::plan::Values;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::KeyPage;
use crate::net::Cancel;

/// Names of fields and their values, in the same order.
#[derive(Debug, Default)]
pub(super) struct FieldNames {
    pub(super) names: KeyPage,
    pub(super) values: KeyPage,
}

impl FieldNames {
    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        self.names.push(name);
        self.values.push(value);
    }
}

/// A reply, or a run of replies, that the server owes; in the order in which it was asked for.
#[derive(Debug)]
pub(super) enum Owed {
    /// One page of a SCAN.
    Scan,
    /// TYPE, PTTL and values of these keys, as far as the plan asks for them.
    Page {
        keys: KeyPage,
        /// How the values were asked for.
        values: Values,
        /// How many elements of each.
        window: usize,
    },
    /// The times to live of these fields, whose rows are made then.
    FieldTtls {
        key: Vec<u8>,
        /// The key's own.
        ttl: i64,
        fields: FieldNames,
    },
    /// The lengths of keys of which all else is known.
    Lengths { keys: KeyPage, facts: Facts },
    /// A second look at keys whose first answer did not tell whether they exist.
    SecondLook(KeyPage),
}

impl Owed {
    /// Whether it is a page of keys to be fetched.
    pub(super) fn is_page(&self) -> bool {
        matches!(self, Self::Page { .. })
    }

    /// How many keys it may turn into rows.
    pub(super) fn keys(&self) -> u64 {
        match self {
            Self::Page { keys, .. } | Self::SecondLook(keys) => keys.len() as u64,
            Self::FieldTtls { fields, .. } => fields.names.len() as u64,
            Self::Lengths { facts, .. } => facts.len() as u64,
            Self::Scan => 0,
        }
    }
}

/// How many keys to fetch at once: few to begin with, then as many as fit into a number of bytes.
#[derive(Debug)]
pub(super) struct PageSize {
    most_keys: usize,
    most_bytes: u64,
    keys: usize,
}

/// The first page is small: it may be all that is wanted, and its replies tell their size.
const FIRST_PAGE: usize = 64;
const GROWTH: usize = 4;

impl PageSize {
    pub(super) fn new(most_keys: usize, most_bytes: usize) -> Self {
        Self {
            most_keys,
            most_bytes: most_bytes as u64,
            keys: FIRST_PAGE.min(most_keys),
        }
    }

    pub(super) fn keys(&self) -> usize {
        self.keys
    }

    /// Learns from a page of `keys` keys that took `bytes` bytes.
    pub(super) fn learn(&mut self, keys: usize, bytes: u64) {
        let fitting = self.most_bytes * (keys.max(1) as u64) / bytes.max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        self.keys = fitting
            .min(self.keys.saturating_mul(GROWTH))
            .clamp(1, self.most_keys);
    }
}

/// Longer than any program runs, and short enough to be added to a time.
const LONGEST_PAUSE: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Spreads keys over time: `keys_per_second` at most, by pausing before keys are asked for.
#[derive(Debug)]
pub(super) struct Throttle {
    keys_per_second: Option<f64>,
    next: Instant,
}

impl Throttle {
    pub(super) fn new(keys_per_second: Option<f64>) -> Self {
        Self {
            keys_per_second,
            next: Instant::now(),
        }
    }

    /// The most keys to ask for at once, so that the pauses stay near a tenth of a second.
    pub(super) fn most_at_once(&self) -> usize {
        match self.keys_per_second {
            Some(rate) => ((rate / 10.0).ceil().max(1.0)) as usize,
            None => usize::MAX,
        }
    }

    /// Waits until `keys` more keys may be asked for.
    ///
    /// `meanwhile` is called while it waits.
    pub(super) fn wait(
        &mut self,
        keys: usize,
        cancel: &Cancel,
        meanwhile: impl Fn(),
    ) -> Result<()> {
        let Some(rate) = self.keys_per_second else {
            return Ok(());
        };
        loop {
            meanwhile();
            if cancel.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "the scan was stopped"));
            }
            let left = self.next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        // A rate near zero is a pause that no clock can hold.
        let pause = Duration::try_from_secs_f64(keys as f64 / rate).unwrap_or(LONGEST_PAUSE);
        self.next = self.next.max(Instant::now()) + pause.min(LONGEST_PAUSE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_grow_to_what_fits() {
        let mut size = PageSize::new(1000, 1_000_000);
        assert_eq!(size.keys(), 64);
        size.learn(64, 64 * 100);
        assert_eq!(size.keys(), 256);
        size.learn(256, 256 * 100);
        size.learn(1000, 1000 * 100);
        assert_eq!(size.keys(), 1000);
        size.learn(1000, 1000 * 100_000);
        assert_eq!(size.keys(), 10);
        size.learn(10, 10 * 100_000_000);
        assert_eq!(size.keys(), 1);
    }

    #[test]
    fn no_rate_is_too_small() {
        for rate in [f64::MIN_POSITIVE, 1e-12, 1.0, f64::MAX] {
            let mut throttle = Throttle::new(Some(rate));
            assert_eq!(throttle.wait(usize::MAX, &Cancel::new(), || ()), Ok(()));
            assert!(throttle.most_at_once() > 0);
        }
    }
}
