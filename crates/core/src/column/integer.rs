//! Whole numbers from text: an optional sign, then decimal digits, within the range of the type.

use super::mismatch::{EMPTY, Reason};
use super::primitive::Parse;

/// The parser of every integer column of up to 64 bits.
pub(super) struct IntegerText;

/// An integer type of a column.
pub(super) trait Integer: Sized {
    /// The reason for a number outside of the type.
    const OUT_OF_RANGE: Reason;

    /// The number with this sign and magnitude, if the type has it.
    fn from_parts(negative: bool, magnitude: u64) -> Option<Self>;
}

macro_rules! signed {
    ($($t:ty, $range:literal;)*) => {$(
        impl Integer for $t {
            const OUT_OF_RANGE: Reason = concat!("is out of range (", $range, ")");

            #[inline]
            fn from_parts(negative: bool, magnitude: u64) -> Option<Self> {
                let number = if negative {
                    0i64.checked_sub_unsigned(magnitude)?
                } else {
                    i64::try_from(magnitude).ok()?
                };
                Self::try_from(number).ok()
            }
        }
    )*};
}

macro_rules! unsigned {
    ($($t:ty, $range:literal;)*) => {$(
        impl Integer for $t {
            const OUT_OF_RANGE: Reason = concat!("is out of range (", $range, ")");

            #[inline]
            fn from_parts(negative: bool, magnitude: u64) -> Option<Self> {
                if negative && magnitude != 0 {
                    return None;
                }
                Self::try_from(magnitude).ok()
            }
        }
    )*};
}

signed! {
    i8, "-128 to 127";
    i16, "-32768 to 32767";
    i32, "-2147483648 to 2147483647";
    i64, "-9223372036854775808 to 9223372036854775807";
}

unsigned! {
    u8, "0 to 255";
    u16, "0 to 65535";
    u32, "0 to 4294967295";
    u64, "0 to 18446744073709551615";
}

impl<N: Integer> Parse<N> for IntegerText {
    #[inline]
    fn parse(&self, text: &[u8]) -> Result<N, Reason> {
        let (negative, digits) = split_sign(text);
        match magnitude(digits) {
            Some(magnitude) => N::from_parts(negative, magnitude).ok_or(N::OUT_OF_RANGE),
            None => Err(why_not(text, N::OUT_OF_RANGE)),
        }
    }
}

/// The number of an Int128 column.
pub(super) fn parse_i128(text: &[u8]) -> Result<i128, Reason> {
    const OUT_OF_RANGE: Reason = "is out of range (-2^127 to 2^127 - 1)";
    let (negative, digits) = split_sign(text);
    let Some(magnitude) = magnitude_128(digits) else {
        return Err(why_not(text, OUT_OF_RANGE));
    };
    if negative {
        0i128.checked_sub_unsigned(magnitude).ok_or(OUT_OF_RANGE)
    } else {
        i128::try_from(magnitude).map_err(|_| OUT_OF_RANGE)
    }
}

/// The number of a UInt128 column.
pub(super) fn parse_u128(text: &[u8]) -> Result<u128, Reason> {
    const OUT_OF_RANGE: Reason = "is out of range (0 to 2^128 - 1)";
    let (negative, digits) = split_sign(text);
    match magnitude_128(digits) {
        Some(magnitude) if !negative || magnitude == 0 => Ok(magnitude),
        Some(_) => Err(OUT_OF_RANGE),
        None => Err(why_not(text, OUT_OF_RANGE)),
    }
}

/// Takes `+` or `-` off the front. True if it is `-`.
#[inline]
pub(super) fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    }
}

/// The number that decimal digits write, if they are that and fit.
#[inline]
pub(super) fn magnitude(digits: &[u8]) -> Option<u64> {
    // Nineteen digits fit a u64 whatever they are, so that no step has to look for overflow.
    if digits.is_empty() || digits.len() > 19 {
        return u64::try_from(magnitude_128(digits)?).ok();
    }
    let mut number = 0u64;
    let mut rest = digits;
    while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
        number = number
            .wrapping_mul(100_000_000)
            .wrapping_add(eight_digits(*chunk)?);
        rest = tail;
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    Some(number)
}

#[cold]
fn magnitude_128(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u128, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(u128::from(digit))
    })
}

/// Eight digits at once: <https://johnnylee-sde.github.io/Fast-numeric-string-to-int/>.
#[inline]
fn eight_digits(chunk: [u8; 8]) -> Option<u64> {
    let text = u64::from_le_bytes(chunk);
    let above = text.wrapping_add(0x4646_4646_4646_4646);
    let below = text.wrapping_sub(0x3030_3030_3030_3030);
    if (above | below) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let ones = text & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones.wrapping_mul(10 * 256 + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 * 65_536 + 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 * 4_294_967_296 + 1) >> 32)
}

/// The reason for a text of which the digits are not a number of the widest type.
#[cold]
fn why_not(text: &[u8], out_of_range: Reason) -> Reason {
    let (_, digits) = split_sign(text);
    if text.is_empty() {
        EMPTY
    } else if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        out_of_range
    } else if !digits.iter().any(u8::is_ascii_digit) || lexical_core::parse::<f64>(text).is_err() {
        "is not an integer"
    } else if digits.contains(&b'.') {
        "has a fractional part"
    } else {
        "is written with an exponent, not as an integer"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        for (text, number) in [
            ("0", 0i64),
            ("-0", 0),
            ("+7", 7),
            ("00012", 12),
            ("12345678", 12_345_678),
            ("-123456789", -123_456_789),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("0000000000000000000000000000000000000000000005", 5),
        ] {
            assert_eq!(IntegerText.parse(text.as_bytes()), Ok(number), "{text}");
        }
    }

    #[test]
    fn not_integers() {
        for (text, reason) in [
            ("", "is empty"),
            ("-", "is not an integer"),
            ("+-1", "is not an integer"),
            (" 1", "is not an integer"),
            ("1 ", "is not an integer"),
            ("1_000", "is not an integer"),
            ("0x1f", "is not an integer"),
            ("1234567a", "is not an integer"),
            ("1234567:", "is not an integer"),
            ("1234567/", "is not an integer"),
            ("nan", "is not an integer"),
            ("1.9", "has a fractional part"),
            ("1.0", "has a fractional part"),
            ("1e3", "is written with an exponent, not as an integer"),
            ("128", "is out of range (-128 to 127)"),
            ("-129", "is out of range (-128 to 127)"),
            (
                "99999999999999999999999999",
                "is out of range (-128 to 127)",
            ),
            (
                "9999999999999999999999999999999999999999999999",
                "is out of range (-128 to 127)",
            ),
        ] {
            let parsed: Result<i8, Reason> = IntegerText.parse(text.as_bytes());
            assert_eq!(parsed, Err(reason), "{text}");
        }
    }

    #[test]
    fn unsigned_has_no_negatives() {
        assert_eq!(IntegerText.parse(b"-0"), Ok(0u64));
        assert_eq!(IntegerText.parse(b"18446744073709551615"), Ok(u64::MAX));
        let negative: Result<u8, Reason> = IntegerText.parse(b"-1");
        assert_eq!(negative, Err("is out of range (0 to 255)"));
        let large: Result<u64, Reason> = IntegerText.parse(b"18446744073709551616");
        assert_eq!(large, Err("is out of range (0 to 18446744073709551615)"));
    }

    #[test]
    fn wide_integers() {
        let least = "-170141183460469231731687303715884105728";
        assert_eq!(parse_i128(least.as_bytes()), Ok(i128::MIN));
        assert!(parse_i128(b"170141183460469231731687303715884105728").is_err());
        let most = "340282366920938463463374607431768211455";
        assert_eq!(parse_u128(most.as_bytes()), Ok(u128::MAX));
        assert!(parse_u128(b"340282366920938463463374607431768211456").is_err());
        assert_eq!(parse_u128(b"-1"), Err("is out of range (0 to 2^128 - 1)"));
        assert_eq!(parse_i128(b"1.5"), Err("has a fractional part"));
    }
}
