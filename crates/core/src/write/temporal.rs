//! Dates, times and durations as ISO 8601 text, in the forms that `column` reads back.

use super::text::Reason;

const SECONDS_A_DAY: i64 = 86_400;
const NANOS_A_SECOND: i64 = 1_000_000_000;
const OUT_OF_RANGE: Reason = "lies outside of the years -9999 to 9999";

/// Appends `YYYY-MM-DD`; years before 0 as `-YYYYYY`.
pub(super) fn date(out: &mut Vec<u8>, days: i64) -> Result<(), Reason> {
    let (year, month, day) = civil(days);
    match year {
        0..=9999 => four(out, year),
        -9999..0 => {
            out.extend_from_slice(b"-00");
            four(out, -year);
        }
        _ => return Err(OUT_OF_RANGE),
    }
    out.push(b'-');
    two(out, month);
    out.push(b'-');
    two(out, day);
    Ok(())
}

/// Appends `HH:MM:SS`, and a fraction if there is one.
pub(super) fn time(out: &mut Vec<u8>, nanos: i64) -> Result<(), Reason> {
    if !(0..SECONDS_A_DAY * NANOS_A_SECOND).contains(&nanos) {
        return Err("is not a time of day");
    }
    clock(out, nanos / NANOS_A_SECOND, nanos % NANOS_A_SECOND);
    Ok(())
}

/// Appends `YYYY-MM-DDTHH:MM:SS` with a fraction if there is one; `Z` after an instant.
pub(super) fn datetime(
    out: &mut Vec<u8>,
    value: i64,
    per_second: i64,
    is_instant: bool,
) -> Result<(), Reason> {
    let seconds = value.div_euclid(per_second);
    let nanos = value.rem_euclid(per_second) * (NANOS_A_SECOND / per_second);
    date(out, seconds.div_euclid(SECONDS_A_DAY))?;
    out.push(b'T');
    clock(out, seconds.rem_euclid(SECONDS_A_DAY), nanos);
    if is_instant {
        out.push(b'Z');
    }
    Ok(())
}

/// Appends `PT…H…M…S`, without the parts that are zero.
pub(super) fn duration(out: &mut Vec<u8>, value: i64, per_second: i64) {
    let mut digits = itoa::Buffer::new();
    let per_second = per_second.unsigned_abs();
    let magnitude = value.unsigned_abs();
    let (seconds, part) = (magnitude / per_second, magnitude % per_second);
    let nanos = part * (NANOS_A_SECOND.unsigned_abs() / per_second);
    out.extend_from_slice(if value < 0 { b"-PT" } else { b"PT" });
    for (amount, letter) in [(seconds / 3600, b'H'), (seconds / 60 % 60, b'M')] {
        if amount > 0 {
            out.extend_from_slice(digits.format(amount).as_bytes());
            out.push(letter);
        }
    }
    if !seconds.is_multiple_of(60) || nanos > 0 || magnitude == 0 {
        out.extend_from_slice(digits.format(seconds % 60).as_bytes());
        fraction(out, nanos.cast_signed());
        out.push(b'S');
    }
}

fn clock(out: &mut Vec<u8>, seconds: i64, nanos: i64) {
    two(out, seconds / 3600);
    out.push(b':');
    two(out, seconds / 60 % 60);
    out.push(b':');
    two(out, seconds % 60);
    fraction(out, nanos);
}

/// As many digits as it takes, and nothing for a whole second.
fn fraction(out: &mut Vec<u8>, nanos: i64) {
    if nanos == 0 {
        return;
    }
    out.push(b'.');
    let mut step = NANOS_A_SECOND;
    let mut rest = nanos;
    while rest > 0 {
        step /= 10;
        out.push(digit(rest / step));
        rest %= step;
    }
}

fn two(out: &mut Vec<u8>, number: i64) {
    out.push(digit(number / 10));
    out.push(digit(number));
}

fn four(out: &mut Vec<u8>, number: i64) {
    two(out, number / 100);
    two(out, number);
}

fn digit(number: i64) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

/// Year, month and day, by
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>) -> Result<(), Reason>) -> Result<String, Reason> {
        let mut out = Vec::new();
        write(&mut out).map(|()| String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn dates() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (19_782, "2024-02-29"),
            (-719_528, "0000-01-01"),
            (-719_893, "-000001-01-01"),
            (2_932_896, "9999-12-31"),
            (-4_371_587, "-009999-01-01"),
        ] {
            assert_eq!(text(|out| date(out, days)).as_deref(), Ok(expected));
        }
        for days in [2_932_897, -4_371_588, i64::from(i32::MAX)] {
            assert_eq!(text(|out| date(out, days)), Err(OUT_OF_RANGE));
        }
    }

    #[test]
    fn times() {
        for (nanos, expected) in [
            (0, "00:00:00"),
            (45_000_500_000_000, "12:30:00.5"),
            (86_399_999_999_999, "23:59:59.999999999"),
            (1, "00:00:00.000000001"),
        ] {
            assert_eq!(text(|out| time(out, nanos)).as_deref(), Ok(expected));
        }
        assert!(text(|out| time(out, -1)).is_err());
        assert!(text(|out| time(out, 86_400_000_000_000)).is_err());
    }

    #[test]
    fn datetimes() {
        for (value, per_second, is_instant, expected) in [
            (0, 1_000, false, "1970-01-01T00:00:00"),
            (-1, 1_000, false, "1969-12-31T23:59:59.999"),
            (
                1_704_132_000_000_001,
                1_000_000,
                true,
                "2024-01-01T18:00:00.000001Z",
            ),
            (
                i64::MIN,
                NANOS_A_SECOND,
                false,
                "1677-09-21T00:12:43.145224192",
            ),
        ] {
            let written = text(|out| datetime(out, value, per_second, is_instant));
            assert_eq!(written.as_deref(), Ok(expected));
        }
        assert!(text(|out| datetime(out, i64::MAX, 1_000, false)).is_err());
    }

    #[test]
    fn durations() {
        for (value, per_second, expected) in [
            (0, 1_000, "PT0S"),
            (1_500, 1_000, "PT1.5S"),
            (-300_000, 1_000, "-PT5M"),
            (93_600_000, 1_000, "PT26H"),
            (5_400_250, 1_000, "PT1H30M0.25S"),
            (i64::MIN, NANOS_A_SECOND, "-PT2562047H47M16.854775808S"),
        ] {
            let mut out = Vec::new();
            duration(&mut out, value, per_second);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
