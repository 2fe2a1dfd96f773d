//! Points in time from text: `YYYY-MM-DD[T or space]HH:MM[:SS[.fraction]][Z or ±HH[:MM]]`.

use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::column_type::TimeUnit;
use super::date::{days, split_date, two_digits};
use super::mismatch::{EMPTY, Reason};
use super::primitive::Parse;
use super::time::{Clock, split_clock};
use crate::{Error, Result};

/// The parser of Datetime columns: units since 1970-01-01T00:00:00, in UTC if the column has a
/// zone.
pub(super) struct DatetimeText {
    unit: TimeUnit,
    zone: Zone,
}

/// What a text without an offset means.
enum Zone {
    /// The clock is this many seconds ahead of the one that is stored.
    Fixed(i32),
    /// The clock on the wall in a place.
    Named(TimeZone),
}

impl DatetimeText {
    /// The parser for a column in `zone`, which must be a name in the IANA database, as it writes
    /// it.
    pub(super) fn new(unit: TimeUnit, zone: Option<&str>) -> Result<Self> {
        let zone = match zone {
            None => Zone::Fixed(0),
            Some(name) => named_zone(name)?,
        };
        Ok(Self { unit, zone })
    }
}

fn named_zone(name: &str) -> Result<Zone> {
    let zone = match TimeZone::get(name) {
        Ok(zone) if !zone.is_unknown() => zone,
        _ => {
            return Err(Error::option(format!(
                "Datetime: there is no time zone {name:?}; give a name such as 'UTC' or 'Europe/Paris'"
            )));
        }
    };
    // jiff takes any case, Polars only the right one.
    if let Some(right) = zone.iana_name().filter(|right| *right != name) {
        return Err(Error::option(format!(
            "Datetime: there is no time zone {name:?}; write it {right:?}"
        )));
    }
    Ok(match zone.to_fixed_offset() {
        Ok(offset) => Zone::Fixed(offset.seconds()),
        Err(_) => Zone::Named(zone),
    })
}

impl Parse<i64> for DatetimeText {
    #[inline]
    fn parse(&self, text: &[u8]) -> std::result::Result<i64, Reason> {
        let (date, rest) = split_date(text).map_err(|reason| why_not(text, reason))?;
        let [b'T' | b' ', rest @ ..] = rest else {
            return Err(why_not(text, NOT_A_DATETIME));
        };
        let (clock, rest) = split_clock(rest)?;
        let ahead = match rest {
            [] => self.zone.ahead(date, &clock)?,
            [b'Z'] => 0,
            _ => offset(rest).ok_or_else(|| why_not(text, NOT_AN_OFFSET))?,
        };
        let seconds = i64::from(days(date)) * 86_400 + i64::from(clock.seconds) - i64::from(ahead);
        in_unit(self.unit, seconds, &clock)
    }
}

const NOT_A_DATETIME: Reason = "is not a date and time (YYYY-MM-DDTHH:MM:SS)";
const NOT_AN_OFFSET: Reason = "has something after the time that is not Z or ±HH:MM";

impl Zone {
    /// How far the clock is ahead of UTC when it shows this.
    #[inline]
    fn ahead(&self, date: civil::Date, clock: &Clock) -> std::result::Result<i32, Reason> {
        match self {
            Self::Fixed(seconds) => Ok(*seconds),
            Self::Named(zone) => ahead_in(zone, date, clock),
        }
    }
}

fn ahead_in(zone: &TimeZone, date: civil::Date, clock: &Clock) -> std::result::Result<i32, Reason> {
    const OUT_OF_RANGE: Reason = "is out of range";
    let part = |seconds: u32| i8::try_from(seconds).unwrap_or(0);
    let seconds = clock.seconds;
    let time = civil::Time::new(
        part(seconds / 3600),
        part(seconds / 60 % 60),
        part(seconds % 60),
        0,
    )
    .map_err(|_| OUT_OF_RANGE)?;
    match zone.to_ambiguous_timestamp(date.to_datetime(time)).offset() {
        AmbiguousOffset::Unambiguous { offset } => Ok(offset.seconds()),
        AmbiguousOffset::Gap { .. } => Err(
            "does not exist in this time zone: the clock was set forward over it; add an offset",
        ),
        AmbiguousOffset::Fold { .. } => {
            Err("is ambiguous in this time zone: the clock was set back over it; add an offset")
        }
    }
}

/// The seconds of `±HH` or `±HH:MM`.
fn offset(text: &[u8]) -> Option<i32> {
    let (sign, hour, minute) = match text {
        [sign, h1, h2] => (sign, two_digits(*h1, *h2)?, 0),
        [sign, h1, h2, b':', m1, m2] => (sign, two_digits(*h1, *h2)?, two_digits(*m1, *m2)?),
        _ => return None,
    };
    if hour > 23 || minute > 59 {
        return None;
    }
    let seconds = i32::from(hour) * 3600 + i32::from(minute) * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

#[inline]
fn in_unit(unit: TimeUnit, seconds: i64, clock: &Clock) -> std::result::Result<i64, Reason> {
    let nanos = i64::from(clock.fraction.nanos);
    let (scale, step) = match unit {
        TimeUnit::Ms => (1_000, 1_000_000),
        TimeUnit::Us => (1_000_000, 1_000),
        TimeUnit::Ns => (1_000_000_000, 1),
    };
    if clock.fraction.finer || nanos % step != 0 {
        return Err("has a finer fraction of a second than the unit of the column");
    }
    // In 128 bits: before 1970 the seconds alone may lie below the range while the sum is in it.
    let total = i128::from(seconds) * scale + i128::from(nanos / step);
    i64::try_from(total).map_err(|_| "is out of range: Datetime in ns goes from 1677 to 2262")
}

#[cold]
fn why_not(text: &[u8], reason: Reason) -> Reason {
    if text.is_empty() {
        EMPTY
    } else if lexical_core::parse::<f64>(text).is_ok() {
        "is a bare number, not a date and time: declare the column as Int64 and use pl.from_epoch"
    } else if matches!(split_date(text), Ok((_, []))) {
        "is a date without a time of day: declare the column as Date"
    } else if text.ends_with(b"]") {
        "has a time zone in brackets: write the offset alone (Z or ±HH:MM)"
    } else {
        reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(unit: TimeUnit, zone: Option<&str>, text: &str) -> std::result::Result<i64, String> {
        let parser = DatetimeText::new(unit, zone).map_err(|e| e.message)?;
        parser.parse(text.as_bytes()).map_err(str::to_owned)
    }

    #[test]
    fn naive() {
        for (text, millis) in [
            ("1970-01-01T00:00", 0),
            ("1970-01-01 00:00:01.5", 1_500),
            ("1969-12-31T23:59:59.999", -1),
            ("2024-01-01T23:00:00+05:00", 1_704_132_000_000),
            ("2024-01-01T18:00:00Z", 1_704_132_000_000),
            ("2024-01-01T18:00:00", 1_704_132_000_000),
            ("2024-01-01T12:30:00-05:30", 1_704_132_000_000),
            ("2024-01-01T17:00:00-01", 1_704_132_000_000),
            (
                "2024-01-01T18:00:00.00000000000000-00:00",
                1_704_132_000_000,
            ),
            ("+002024-01-01T18:00:00", 1_704_132_000_000),
        ] {
            assert_eq!(parse(TimeUnit::Ms, None, text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn zoned() {
        let paris = Some("Europe/Paris");
        for (text, millis) in [
            ("2024-01-01T19:00:00", 1_704_132_000_000),
            ("2024-01-01T18:00:00Z", 1_704_132_000_000),
            ("2024-07-01T02:00:00", 1_719_792_000_000),
            ("2024-10-27T02:30:00+01:00", 1_729_992_600_000),
            ("2024-10-27T02:30:00+02:00", 1_729_989_000_000),
        ] {
            assert_eq!(parse(TimeUnit::Ms, paris, text), Ok(millis), "{text}");
        }
        assert_eq!(
            parse(TimeUnit::Us, Some("UTC"), "2024-01-01T18:00:00.000001"),
            Ok(1_704_132_000_000_001)
        );
    }

    #[test]
    fn clock_changes() {
        let paris = Some("Europe/Paris");
        assert_eq!(
            parse(TimeUnit::Ms, paris, "2024-03-31T02:30:00"),
            Err(
                "does not exist in this time zone: the clock was set forward over it; add an offset"
                    .to_owned()
            )
        );
        assert_eq!(
            parse(TimeUnit::Ms, paris, "2024-10-27T02:30:00"),
            Err(
                "is ambiguous in this time zone: the clock was set back over it; add an offset"
                    .to_owned()
            )
        );
    }

    #[test]
    fn units() {
        for (unit, text, value) in [
            (TimeUnit::Ns, "1970-01-01T00:00:00.000000001", 1),
            (TimeUnit::Us, "1970-01-01T00:00:00.000001000", 1),
            (TimeUnit::Ms, "1970-01-01T00:00:00.001", 1),
            (TimeUnit::Ns, "2262-04-11T23:47:16.854775807", i64::MAX),
            (TimeUnit::Ns, "1677-09-21T00:12:43.145224192", i64::MIN),
            (
                TimeUnit::Us,
                "9999-12-31T23:59:59.999999",
                253_402_300_799_999_999,
            ),
        ] {
            assert_eq!(parse(unit, None, text), Ok(value), "{text}");
        }
        for (unit, text) in [
            (TimeUnit::Ms, "1970-01-01T00:00:00.0001"),
            (TimeUnit::Us, "1970-01-01T00:00:00.0000001"),
            (TimeUnit::Ns, "1970-01-01T00:00:00.0000000001"),
            (TimeUnit::Ns, "2262-04-11T23:47:16.854775808"),
            (TimeUnit::Ns, "1677-09-21T00:12:43.145224191"),
        ] {
            assert!(parse(unit, None, text).is_err(), "{text}");
        }
    }

    #[test]
    fn not_datetimes() {
        for (text, reason) in [
            ("", "is empty"),
            (
                "1704132000",
                "is a bare number, not a date and time: declare the column as Int64 and use pl.from_epoch",
            ),
            (
                "2024-01-15",
                "is a date without a time of day: declare the column as Date",
            ),
            (
                "2024-01-15T10:00:00+01:00[Europe/Paris]",
                "has a time zone in brackets: write the offset alone (Z or ±HH:MM)",
            ),
            (
                "2024-06-30T23:59:60Z",
                "has a leap second (:60), which Polars cannot hold",
            ),
            ("2024-02-31T00:00:00", "is not a calendar date"),
            ("2024-01-15t10:00:00", NOT_A_DATETIME),
            ("2024-01-15T10:00:00z", NOT_AN_OFFSET),
            ("2024-01-15T10:00:00+0100", NOT_AN_OFFSET),
            ("2024-01-15T10:00:00+24:00", NOT_AN_OFFSET),
            ("2024-01-15T10:00:00 +01:00", NOT_AN_OFFSET),
            ("2024-01-15T10:00:00 ", NOT_AN_OFFSET),
            ("2024-01-15T10", "is not a time of day (HH:MM:SS)"),
        ] {
            let expected = Err(reason.to_owned());
            assert_eq!(parse(TimeUnit::Us, None, text), expected, "{text}");
        }
    }

    #[test]
    fn unknown_zones() {
        for zone in ["", "Mars/Olympus", "europe/paris", "Etc/Unknown"] {
            assert!(
                parse(TimeUnit::Us, Some(zone), "2024-01-15T10:00").is_err(),
                "{zone}"
            );
        }
    }
}
