//! Floating-point numbers from text: decimal and exponent forms, `nan` and `inf`, correctly
//! rounded.

use super::mismatch::{EMPTY, Reason};
use super::primitive::Parse;

/// The parser of Float32 and Float64 columns.
pub(super) struct FloatText;

impl Parse<f64> for FloatText {
    #[inline]
    fn parse(&self, text: &[u8]) -> Result<f64, Reason> {
        match lexical_core::parse::<f64>(text) {
            Ok(number) if number.is_finite() || is_word(text) => Ok(number),
            Ok(_) => Err("is out of range: the largest Float64 is about 1.8e308"),
            Err(_) => Err(why_not(text)),
        }
    }
}

impl Parse<f32> for FloatText {
    #[inline]
    fn parse(&self, text: &[u8]) -> Result<f32, Reason> {
        match lexical_core::parse::<f32>(text) {
            Ok(number) if number.is_finite() || is_word(text) => Ok(number),
            Ok(_) => Err("is out of range: the largest Float32 is about 3.4e38"),
            Err(_) => Err(why_not(text)),
        }
    }
}

/// True for `nan` and `inf`: what is infinite without saying so has overflowed.
fn is_word(text: &[u8]) -> bool {
    !text.iter().any(u8::is_ascii_digit)
}

#[cold]
fn why_not(text: &[u8]) -> Reason {
    if text.is_empty() {
        EMPTY
    } else {
        "is not a number"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats() {
        for (text, number) in [
            ("0", 0.0f64),
            ("1.5", 1.5),
            ("-1.5e3", -1500.0),
            ("+2E-2", 0.02),
            (".5", 0.5),
            ("5.", 5.0),
            ("0.1", 0.1),
            ("1.7976931348623157e308", f64::MAX),
            ("5e-324", 5e-324),
            ("1e-400", 0.0),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("+INF", f64::INFINITY),
        ] {
            assert_eq!(FloatText.parse(text.as_bytes()), Ok(number), "{text}");
        }
        for text in ["nan", "NaN", "-nan", "+NAN"] {
            let number: Result<f64, Reason> = FloatText.parse(text.as_bytes());
            assert!(number.is_ok_and(f64::is_nan), "{text}");
        }
    }

    #[test]
    fn not_floats() {
        for text in [
            "", " 1", "1 ", "1,5", "1e", "e5", ".", "-", "1_0", "0x1p3", "nan(1)", "infinit",
            "1.5f", "--1",
        ] {
            let number: Result<f64, Reason> = FloatText.parse(text.as_bytes());
            assert!(number.is_err(), "{text}: {number:?}");
        }
    }

    #[test]
    fn overflow_is_not_infinity() {
        let double: Result<f64, Reason> = FloatText.parse(b"-1e400");
        assert!(double.is_err());
        let single: Result<f32, Reason> = FloatText.parse(b"1e39");
        assert!(single.is_err());
        // Halfway between two singles, and a little more: rounding twice would go down.
        assert_eq!(
            FloatText.parse(b"1.00000005960464477540"),
            Ok(1.000_000_1f32)
        );
    }
}
