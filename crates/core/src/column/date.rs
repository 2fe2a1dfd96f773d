//! Calendar dates from text: `YYYY-MM-DD`, or `±YYYYYY-MM-DD`.

use jiff::civil;

use super::integer::magnitude;
use super::mismatch::{EMPTY, Reason};
use super::primitive::Parse;

/// The parser of Date columns: days since 1970-01-01.
pub(super) struct DateText;

impl Parse<i32> for DateText {
    #[inline]
    fn parse(&self, text: &[u8]) -> Result<i32, Reason> {
        match split_date(text) {
            Ok((date, [])) => Ok(days(date)),
            Ok((_, _)) => Err("has more than a date: declare the column as Datetime"),
            Err(reason) => Err(why_not(text, reason)),
        }
    }
}

const NOT_A_DATE: Reason = "is not a date (YYYY-MM-DD)";
const NOT_ON_THE_CALENDAR: Reason = "is not a calendar date";

/// Takes a date off the front of a text.
#[inline]
pub(super) fn split_date(text: &[u8]) -> Result<(civil::Date, &[u8]), Reason> {
    let (year, rest) = split_year(text).ok_or(NOT_A_DATE)?;
    let [b'-', m1, m2, b'-', d1, d2, rest @ ..] = rest else {
        return Err(NOT_A_DATE);
    };
    let (Some(month), Some(day)) = (two_digits(*m1, *m2), two_digits(*d1, *d2)) else {
        return Err(NOT_A_DATE);
    };
    match civil::Date::new(year, month, day) {
        Ok(date) => Ok((date, rest)),
        Err(_) => Err(NOT_ON_THE_CALENDAR),
    }
}

#[inline]
fn split_year(text: &[u8]) -> Option<(i16, &[u8])> {
    if let Some((digits, rest)) = text.split_first_chunk::<4>()
        && let Some(year) = four_digits(*digits)
    {
        return Some((year, rest));
    }
    split_long_year(text)
}

/// A year with a sign has six digits (ISO 8601-1:2019, 4.4.1.3), and minus zero is not a year.
#[cold]
fn split_long_year(text: &[u8]) -> Option<(i16, &[u8])> {
    let (sign, rest) = text.split_first()?;
    let (digits, rest) = rest.split_first_chunk::<6>()?;
    let year = i16::try_from(magnitude(digits)?).ok()?;
    match sign {
        b'+' => Some((year, rest)),
        b'-' if year != 0 => Some((-year, rest)),
        _ => None,
    }
}

/// Days since 1970-01-01, by
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
#[inline]
pub(super) fn days(date: civil::Date) -> i32 {
    let month = i32::from(date.month());
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i32::from(date.day()) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Two bytes as a number of two digits.
#[inline]
pub(super) fn two_digits(tens: u8, ones: u8) -> Option<i8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| (tens * 10 + ones).cast_signed())
}

#[inline]
fn four_digits([a, b, c, d]: [u8; 4]) -> Option<i16> {
    Some(i16::from(two_digits(a, b)?) * 100 + i16::from(two_digits(c, d)?))
}

#[cold]
fn why_not(text: &[u8], reason: Reason) -> Reason {
    if text.is_empty() {
        EMPTY
    } else if text.len() != 8 && lexical_core::parse::<i64>(text).is_ok() {
        "is a bare number, not a date (YYYY-MM-DD): declare the column as Int64 and use pl.from_epoch"
    } else {
        reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2024-02-29", 19_782),
            ("2000-03-01", 11_017),
            ("0000-01-01", -719_528),
            ("9999-12-31", 2_932_896),
            ("+002024-01-15", 19_737),
            ("-000001-01-01", -719_893),
        ] {
            assert_eq!(DateText.parse(text.as_bytes()), Ok(days), "{text}");
        }
    }

    #[test]
    fn not_dates() {
        for (text, reason) in [
            ("", "is empty"),
            ("2024-02-31", "is not a calendar date"),
            ("2023-02-29", "is not a calendar date"),
            ("2024-13-01", "is not a calendar date"),
            ("2024-00-10", "is not a calendar date"),
            ("20240115", "is not a date (YYYY-MM-DD)"),
            ("2024-1-15", "is not a date (YYYY-MM-DD)"),
            ("15.01.2024", "is not a date (YYYY-MM-DD)"),
            ("-000000-01-01", "is not a date (YYYY-MM-DD)"),
            ("+010000-01-01", "is not a calendar date"),
            ("2024-W03-1", "is not a date (YYYY-MM-DD)"),
            (
                "86400000000",
                "is a bare number, not a date (YYYY-MM-DD): declare the column as Int64 and use pl.from_epoch",
            ),
            (
                "2024-01-15T00:00:00",
                "has more than a date: declare the column as Datetime",
            ),
            (
                "2024-01-15 ",
                "has more than a date: declare the column as Datetime",
            ),
        ] {
            assert_eq!(DateText.parse(text.as_bytes()), Err(reason), "{text}");
        }
    }
}
