//! Trying again to connect, with pauses that grow and are random, so that many clients spread out.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use super::cancel::Cancel;
use super::failure::{Failure, Outcome, with_hint};
use super::options::ConnectOptions;
use crate::{Error, ErrorKind, Result};

/// Makes attempts until one succeeds, one fails for good, or `retries` are used up.
pub(super) fn with_retries<T>(
    options: &ConnectOptions,
    cancel: &Cancel,
    mut attempt: impl FnMut() -> Outcome<T>,
) -> Result<T> {
    let start = Instant::now();
    let mut made: u32 = 0;
    loop {
        let outcome = cancel.ask().and_then(|()| attempt());
        made = made.saturating_add(1);
        let failure = match outcome {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        if !failure.again || made > options.retries {
            return Err(give_up(failure, &options.label(), made, start.elapsed()));
        }
        let pause = cancel.sleep(jitter(longest_pause(options, made)));
        pause.map_err(|stop| stop.into_error(&options.label()))?;
    }
}

fn give_up(failure: Failure, label: &str, made: u32, took: Duration) -> Error {
    let mut message = format!("cannot connect to {label}: {}", failure.reason);
    if made > 1 {
        message += &format!(", after {made} attempts in {:.1} s", took.as_secs_f64());
    }
    if failure.kind == ErrorKind::Cancelled {
        return failure.into_error(label);
    }
    Error::new(failure.kind, with_hint(message, &failure.hint))
}

fn longest_pause(options: &ConnectOptions, made: u32) -> Duration {
    let factor = 1u64.checked_shl(made.saturating_sub(1)).unwrap_or(u64::MAX);
    let pause = options.backoff_ms.saturating_mul(factor);
    Duration::from_millis(pause.min(options.max_backoff_ms))
}

/// Anything from nothing to the whole ("full jitter").
fn jitter(longest: Duration) -> Duration {
    // The seed of the standard hasher is random enough for a pause, and needs no crate.
    let random = RandomState::new().build_hasher().finish() >> 11;
    longest.mul_f64(random as f64 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let options = super::super::tests::options_to("127.0.0.1", 1);
        let longest = |made| longest_pause(&options, made).as_millis();
        assert_eq!([1, 2, 3, 99].map(longest), [10, 20, 40, 50]);
    }

    #[test]
    fn jitter_stays_below_and_varies() {
        let longest = Duration::from_secs(1);
        let pauses: Vec<_> = (0..50).map(|_| jitter(longest)).collect();
        assert!(pauses.iter().all(|pause| *pause <= longest));
        assert!(pauses.iter().any(|pause| *pause < longest / 2));
        assert!(pauses.iter().any(|pause| *pause > longest / 2));
    }
}
