//! Decimals from text: an optional sign, digits, an optional fraction. Nothing is rounded.

use super::integer::split_sign;
use super::mismatch::{EMPTY, Reason};
use super::primitive::Parse;
use crate::{Error, Result};

/// The parser of Decimal columns: the number times ten to the power of the scale.
#[derive(Debug)]
pub(super) struct DecimalText {
    precision: usize,
    scale: usize,
}

impl DecimalText {
    /// The parser for `Decimal(precision, scale)`, which must be a type that Arrow has in 128 bits.
    pub(super) fn new(precision: u8, scale: i8) -> Result<Self> {
        match u8::try_from(scale) {
            Ok(scale) if (1..=38).contains(&precision) && scale <= precision => Ok(Self {
                precision: usize::from(precision),
                scale: usize::from(scale),
            }),
            _ => Err(Error::option(format!(
                "Decimal({precision}, {scale}): the precision must be 1 to 38, the scale 0 to the precision"
            ))),
        }
    }
}

impl Parse<i128> for DecimalText {
    fn parse(&self, text: &[u8]) -> std::result::Result<i128, Reason> {
        let (negative, number) = split_sign(text);
        let (whole, fraction) = split_point(number).ok_or_else(|| why_not(text))?;
        let zeros = whole.iter().take_while(|digit| **digit == b'0').count();
        let whole = whole.get(zeros..).unwrap_or(whole);
        if fraction.len() > self.scale {
            return Err("has more decimal places than the scale of the column");
        }
        if whole.len() + self.scale > self.precision {
            return Err("has more digits than the precision of the column");
        }
        // At most 38 digits are left, which fit whatever they are.
        let padding = std::iter::repeat_n(&b'0', self.scale - fraction.len());
        let magnitude = whole
            .iter()
            .chain(fraction)
            .chain(padding)
            .fold(0i128, |number, digit| {
                number * 10 + i128::from(digit - b'0')
            });
        Ok(if negative { -magnitude } else { magnitude })
    }
}

/// The digits before the point, and those after it without zeros at the end.
fn split_point(number: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = number.iter().position(|byte| !byte.is_ascii_digit());
    let (whole, rest) = number.split_at_checked(end.unwrap_or(number.len()))?;
    let fraction = match rest {
        [] => rest,
        [b'.', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            digits
        }
        _ => return None,
    };
    let zeros = fraction
        .iter()
        .rev()
        .take_while(|digit| **digit == b'0')
        .count();
    let fraction = fraction.get(..fraction.len() - zeros)?;
    (!whole.is_empty()).then_some((whole, fraction))
}

#[cold]
fn why_not(text: &[u8]) -> Reason {
    if text.is_empty() {
        EMPTY
    } else {
        "is not a decimal number (digits, and a point between them)"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(precision: u8, scale: i8, text: &str) -> std::result::Result<i128, String> {
        let parser = DecimalText::new(precision, scale).map_err(|e| e.message)?;
        parser.parse(text.as_bytes()).map_err(str::to_owned)
    }

    #[test]
    fn decimals() {
        for (text, number) in [
            ("0", 0),
            ("-0.00", 0),
            ("12.34", 1_234),
            ("-12.3", -1_230),
            ("+7", 700),
            ("000123.4500", 12_345),
            ("999.99", 99_999),
        ] {
            assert_eq!(parse(5, 2, text), Ok(number), "{text}");
        }
        let widest = "99999999999999999999999999999999999999";
        assert_eq!(parse(38, 0, widest), Ok(10i128.pow(38) - 1));
        assert_eq!(parse(2, 2, "0.25"), Ok(25));
    }

    #[test]
    fn not_decimals() {
        for (text, reason) in [
            ("", "is empty"),
            ("1000", "has more digits than the precision of the column"),
            (
                "1.234",
                "has more decimal places than the scale of the column",
            ),
            (
                "1e2",
                "is not a decimal number (digits, and a point between them)",
            ),
            (
                "1.",
                "is not a decimal number (digits, and a point between them)",
            ),
            (
                ".5",
                "is not a decimal number (digits, and a point between them)",
            ),
            (
                "-",
                "is not a decimal number (digits, and a point between them)",
            ),
            (
                "1.2.3",
                "is not a decimal number (digits, and a point between them)",
            ),
            (
                "nan",
                "is not a decimal number (digits, and a point between them)",
            ),
            (
                "1,5",
                "is not a decimal number (digits, and a point between them)",
            ),
        ] {
            assert_eq!(parse(5, 2, text), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn impossible_types() {
        for (precision, scale) in [(0, 0), (39, 0), (5, 6), (5, -1)] {
            assert!(DecimalText::new(precision, scale).is_err());
        }
    }
}
