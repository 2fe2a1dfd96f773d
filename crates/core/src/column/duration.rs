//! Durations from text: ISO 8601 with weeks, days, hours, minutes and seconds, such as `P1DT2H` and
//! `-PT1.5S`.

use super::column_type::TimeUnit;
use super::integer::{magnitude, split_sign};
use super::mismatch::{EMPTY, Reason};
use super::primitive::Parse;
use super::time::split_fraction;

/// The parser of Duration columns.
pub(super) struct DurationText {
    pub(super) unit: TimeUnit,
}

impl Parse<i64> for DurationText {
    fn parse(&self, text: &[u8]) -> Result<i64, Reason> {
        let (negative, rest) = split_sign(text);
        let nanos = match rest {
            [b'P', parts @ ..] => nanos_of(parts)?,
            _ => return Err(why_not(text)),
        };
        let step = match self.unit {
            TimeUnit::Ms => 1_000_000,
            TimeUnit::Us => 1_000,
            TimeUnit::Ns => 1,
        };
        if nanos % step != 0 {
            return Err(TOO_FINE);
        }
        let count = nanos / step;
        let signed = if negative { -count } else { count };
        i64::try_from(signed).map_err(|_| OUT_OF_RANGE)
    }
}

const NOT_A_DURATION: Reason = "is not an ISO 8601 duration, such as PT1.5S or P1DT2H";
const TOO_FINE: Reason = "has a finer fraction of a second than the unit of the column";
const OUT_OF_RANGE: Reason = "is out of range";

/// The designators in the order they must come, with the seconds of each.
const DATE_PART: [(u8, i128); 2] = [(b'W', 604_800), (b'D', 86_400)];
const TIME_PART: [(u8, i128); 3] = [(b'H', 3_600), (b'M', 60), (b'S', 1)];

fn nanos_of(parts: &[u8]) -> Result<i128, Reason> {
    let (dates, times) = match parts.iter().position(|byte| *byte == b'T') {
        Some(at) => (parts.get(..at), parts.get(at + 1..)),
        None => (Some(parts), None),
    };
    let dates = dates.unwrap_or(b"");
    if dates.iter().any(|byte| matches!(byte, b'Y' | b'M')) {
        return Err(
            "has years or months, which have no fixed length: write weeks, days or smaller",
        );
    }
    if times.unwrap_or(dates).is_empty() {
        return Err(NOT_A_DURATION);
    }
    let dates = sum(dates, &DATE_PART, false)?;
    let times = sum(times.unwrap_or(b""), &TIME_PART, true)?;
    Ok(dates + times)
}

/// The nanoseconds of numbers with designators. Only the last may have a fraction.
fn sum(text: &[u8], designators: &[(u8, i128)], fractions: bool) -> Result<i128, Reason> {
    let mut nanos = 0i128;
    let mut designators = designators.iter();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| !byte.is_ascii_digit());
        let (digits, tail) = rest
            .split_at_checked(end.unwrap_or(0))
            .ok_or(NOT_A_DURATION)?;
        let (fraction, tail) = match tail {
            [b'.', tail @ ..] if fractions => split_fraction(tail).ok_or(NOT_A_DURATION)?,
            _ => (Default::default(), tail),
        };
        let (designator, tail) = tail.split_first().ok_or(NOT_A_DURATION)?;
        let (_, seconds) = designators
            .find(|(letter, _)| letter == designator)
            .ok_or(NOT_A_DURATION)?;
        if fraction.digits > 0 && !tail.is_empty() {
            return Err(NOT_A_DURATION);
        }
        if fraction.finer {
            return Err(TOO_FINE);
        }
        if digits.is_empty() {
            return Err(NOT_A_DURATION);
        }
        let whole = magnitude(digits).ok_or(OUT_OF_RANGE)?;
        // 2^64 weeks in nanoseconds have 113 bits.
        nanos += (i128::from(whole) * 1_000_000_000 + i128::from(fraction.nanos)) * seconds;
        rest = tail;
    }
    Ok(nanos)
}

#[cold]
fn why_not(text: &[u8]) -> Reason {
    if text.is_empty() {
        EMPTY
    } else if lexical_core::parse::<f64>(text).is_ok() {
        "is a bare number, not an ISO 8601 duration: declare the column as Int64 and cast it to Duration"
    } else {
        NOT_A_DURATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("PT0S", 0),
            ("PT1.5S", 1_500),
            ("P1DT2H", 93_600_000),
            ("-PT5M", -300_000),
            ("+PT5M", 300_000),
            ("P1W", 604_800_000),
            ("P1W1D", 691_200_000),
            ("PT1H30M0.250S", 5_400_250),
            ("PT1.5H", 5_400_000),
            ("PT100H", 360_000_000),
            ("PT1.00000000000S", 1_000),
        ] {
            let parser = DurationText { unit: TimeUnit::Ms };
            assert_eq!(parser.parse(text.as_bytes()), Ok(millis), "{text}");
        }
    }

    #[test]
    fn not_durations() {
        for (text, reason) in [
            ("", EMPTY),
            ("P", NOT_A_DURATION),
            ("PT", NOT_A_DURATION),
            ("P1DT", NOT_A_DURATION),
            ("1H", NOT_A_DURATION),
            ("P1H", NOT_A_DURATION),
            ("PT1D", NOT_A_DURATION),
            ("PT5", NOT_A_DURATION),
            ("PTS", NOT_A_DURATION),
            ("PT.5S", NOT_A_DURATION),
            ("PT1.S", NOT_A_DURATION),
            ("PT-5M", NOT_A_DURATION),
            ("PT1M1H", NOT_A_DURATION),
            ("PT1S1S", NOT_A_DURATION),
            ("PT1.5H1M", NOT_A_DURATION),
            ("P1.5D", NOT_A_DURATION),
            ("pt1s", NOT_A_DURATION),
            ("PT1S ", NOT_A_DURATION),
            ("1:30:00", NOT_A_DURATION),
            ("PT0.0001S", TOO_FINE),
            ("PT0.0000000001S", TOO_FINE),
            ("P99999999999999999999W", OUT_OF_RANGE),
            ("P9999999999999999999W", OUT_OF_RANGE),
            (
                "P1Y",
                "has years or months, which have no fixed length: write weeks, days or smaller",
            ),
            (
                "P1M",
                "has years or months, which have no fixed length: write weeks, days or smaller",
            ),
            (
                "3600",
                "is a bare number, not an ISO 8601 duration: declare the column as Int64 and cast it to Duration",
            ),
        ] {
            let parser = DurationText { unit: TimeUnit::Ms };
            assert_eq!(parser.parse(text.as_bytes()), Err(reason), "{text}");
        }
    }
}
