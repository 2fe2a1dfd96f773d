//! Times of day from text: `HH:MM[:SS[.fraction]]`.

use super::date::two_digits;
use super::mismatch::{EMPTY, Reason};
use super::primitive::Parse;

/// The parser of Time columns: nanoseconds since midnight.
pub(super) struct TimeText;

impl Parse<i64> for TimeText {
    fn parse(&self, text: &[u8]) -> Result<i64, Reason> {
        if text.is_empty() {
            return Err(EMPTY);
        }
        let (clock, rest) = split_clock(text)?;
        if !rest.is_empty() {
            return Err(NOT_A_TIME);
        }
        if clock.fraction.digits > 9 {
            return Err("has more than 9 digits after the second");
        }
        Ok(i64::from(clock.seconds) * 1_000_000_000 + i64::from(clock.fraction.nanos))
    }
}

const NOT_A_TIME: Reason = "is not a time of day (HH:MM:SS)";
const NOT_ON_THE_CLOCK: Reason = "is not a time of day: hours go to 23, minutes and seconds to 59";

/// A time of day.
pub(super) struct Clock {
    /// Whole seconds since midnight.
    pub(super) seconds: u32,
    /// The part of a second.
    pub(super) fraction: Fraction,
}

/// The digits after a decimal point.
#[derive(Default)]
pub(super) struct Fraction {
    /// The first nine digits, as billionths.
    pub(super) nanos: u32,
    /// How many digits there are.
    pub(super) digits: usize,
    /// Whether a digit after the ninth is not zero.
    pub(super) finer: bool,
}

/// Takes a time of day off the front of a text.
#[inline]
pub(super) fn split_clock(text: &[u8]) -> Result<(Clock, &[u8]), Reason> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else {
        return Err(NOT_A_TIME);
    };
    let hour = two_digits(*h1, *h2).ok_or(NOT_A_TIME)?;
    let minute = two_digits(*m1, *m2).ok_or(NOT_A_TIME)?;
    let (second, fraction, rest) = split_second(rest)?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(why_not(second));
    }
    let seconds = i32::from(hour) * 3600 + i32::from(minute) * 60 + i32::from(second);
    let clock = Clock {
        seconds: seconds.unsigned_abs(),
        fraction,
    };
    Ok((clock, rest))
}

#[inline]
fn split_second(text: &[u8]) -> Result<(i8, Fraction, &[u8]), Reason> {
    let [b':', s1, s2, rest @ ..] = text else {
        return Ok((0, Fraction::default(), text));
    };
    let second = two_digits(*s1, *s2).ok_or(NOT_A_TIME)?;
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_fraction(rest).ok_or(NOT_A_TIME)?,
        _ => (Fraction::default(), rest),
    };
    Ok((second, fraction, rest))
}

/// Takes the digits after a decimal point off the front of a text. There must be one at least.
#[inline]
pub(super) fn split_fraction(text: &[u8]) -> Option<(Fraction, &[u8])> {
    let mut fraction = Fraction::default();
    let mut rest = text;
    while let [byte @ b'0'..=b'9', tail @ ..] = rest {
        let digit = u32::from(byte - b'0');
        if fraction.digits < 9 {
            fraction.nanos = fraction.nanos * 10 + digit;
        } else {
            fraction.finer |= digit != 0;
        }
        fraction.digits += 1;
        rest = tail;
    }
    for _ in fraction.digits..9 {
        fraction.nanos *= 10;
    }
    (fraction.digits > 0).then_some((fraction, rest))
}

#[cold]
fn why_not(second: i8) -> Reason {
    if second == 60 {
        "has a leap second (:60), which Polars cannot hold"
    } else {
        NOT_ON_THE_CLOCK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, nanos) in [
            ("00:00", 0),
            ("12:30", 45_000_000_000_000),
            ("23:59:59", 86_399_000_000_000),
            ("00:00:01.5", 1_500_000_000),
            ("00:00:00.000000001", 1),
            ("23:59:59.999999999", 86_399_999_999_999),
        ] {
            assert_eq!(TimeText.parse(text.as_bytes()), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn not_times() {
        for (text, reason) in [
            ("", EMPTY),
            ("25:99:99", NOT_ON_THE_CLOCK),
            ("24:00", NOT_ON_THE_CLOCK),
            ("12:60", NOT_ON_THE_CLOCK),
            (
                "23:59:60",
                "has a leap second (:60), which Polars cannot hold",
            ),
            ("1:30", NOT_A_TIME),
            ("12:30:", NOT_A_TIME),
            ("12:30:00.", NOT_A_TIME),
            ("12:30.5", NOT_A_TIME),
            ("12:30:00Z", NOT_A_TIME),
            ("1230", NOT_A_TIME),
            ("12:30:00,5", NOT_A_TIME),
            (
                "12:30:00.0000000000",
                "has more than 9 digits after the second",
            ),
        ] {
            assert_eq!(TimeText.parse(text.as_bytes()), Err(reason), "{text}");
        }
    }
}
