//! The values of an Arrow array as text: what a person would write, and `column` reads back.

use arrow_array::cast::AsArray;
use arrow_array::types as t;
use arrow_array::{
    Array, BinaryArray, BinaryViewArray, BooleanArray, LargeBinaryArray, LargeStringArray,
    StringArray, StringViewArray,
};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, TimeUnit};

use super::json::{self, Nested, NotFinite};
use super::temporal;
use crate::{Error, Result};

/// Why a value cannot be written; follows the name of its column in a sentence.
pub(super) type Reason = &'static str;

/// An array whose values are written as text.
#[derive(Debug)]
pub(super) struct Text {
    nulls: Option<NullBuffer>,
    pub(super) values: Values,
}

/// The values by type; a value under a null is not looked at.
#[derive(Debug)]
pub(super) enum Values {
    /// Null and nothing else.
    Null,
    Boolean(BooleanArray),
    Int8(ScalarBuffer<i8>),
    Int16(ScalarBuffer<i16>),
    Int32(ScalarBuffer<i32>),
    Int64(ScalarBuffer<i64>),
    UInt8(ScalarBuffer<u8>),
    UInt16(ScalarBuffer<u16>),
    UInt32(ScalarBuffer<u32>),
    UInt64(ScalarBuffer<u64>),
    Float32(ScalarBuffer<f32>),
    Float64(ScalarBuffer<f64>),
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    Utf8View(StringViewArray),
    Binary(BinaryArray),
    LargeBinary(LargeBinaryArray),
    BinaryView(BinaryViewArray),
    Date(ScalarBuffer<i32>),
    /// In nanoseconds.
    Time(ScalarBuffer<i64>),
    Datetime {
        values: ScalarBuffer<i64>,
        per_second: i64,
        is_instant: bool,
    },
    Duration {
        values: ScalarBuffer<i64>,
        per_second: i64,
    },
    Decimal {
        values: ScalarBuffer<i128>,
        scale: usize,
    },
    /// Categorical and Enum: the place of each row's value.
    Dictionary {
        places: Vec<usize>,
        values: Box<Text>,
    },
    Nested(Nested),
}

impl Text {
    /// Looks at an array once, so that its values need no look at its type.
    pub(super) fn new(array: &dyn Array) -> Result<Self> {
        Ok(Self {
            nulls: array.nulls().cloned(),
            values: values(array)?,
        })
    }

    pub(super) fn has_nulls(&self) -> bool {
        let below = match &self.values {
            Values::Null => true,
            Values::Dictionary { values, .. } => values.has_nulls(),
            _ => false,
        };
        below || self.nulls.as_ref().is_some_and(|n| n.null_count() > 0)
    }

    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return true;
        }
        match &self.values {
            Values::Null => true,
            Values::Dictionary { places, values } => values.is_null(places[row]),
            _ => false,
        }
    }

    /// The text of a value that is kept as text.
    #[inline]
    pub(super) fn kept(&self, row: usize) -> Option<&[u8]> {
        Some(match &self.values {
            Values::Utf8View(values) => values.value(row).as_bytes(),
            Values::Utf8(values) => values.value(row).as_bytes(),
            Values::LargeUtf8(values) => values.value(row).as_bytes(),
            Values::BinaryView(values) => values.value(row),
            Values::Binary(values) => values.value(row),
            Values::LargeBinary(values) => values.value(row),
            Values::Dictionary { places, values } => return values.kept(places[row]),
            _ => return None,
        })
    }

    /// Appends the text of a value that is not null.
    #[inline]
    pub(super) fn append(&self, row: usize, out: &mut Vec<u8>) -> std::result::Result<(), Reason> {
        match &self.values {
            Values::Int64(values) => integer(out, values[row]),
            Values::Int32(values) => integer(out, values[row]),
            Values::Int16(values) => integer(out, values[row]),
            Values::Int8(values) => integer(out, values[row]),
            Values::UInt64(values) => integer(out, values[row]),
            Values::UInt32(values) => integer(out, values[row]),
            Values::UInt16(values) => integer(out, values[row]),
            Values::UInt8(values) => integer(out, values[row]),
            Values::Float64(values) => float(out, values[row]),
            Values::Float32(values) => single(out, values[row]),
            Values::Boolean(values) => out.extend_from_slice(truth(values.value(row))),
            Values::Date(values) => temporal::date(out, i64::from(values[row]))?,
            Values::Time(values) => temporal::time(out, values[row])?,
            Values::Datetime {
                values,
                per_second,
                is_instant,
            } => temporal::datetime(out, values[row], *per_second, *is_instant)?,
            Values::Duration { values, per_second } => {
                temporal::duration(out, values[row], *per_second);
            }
            Values::Decimal { values, scale } => decimal(out, values[row], *scale),
            Values::Dictionary { places, values } => values.append(places[row], out)?,
            Values::Nested(nested) => json::nested(nested, row, out, NotFinite::Named)?,
            Values::Null => {}
            _ => out.extend_from_slice(self.kept(row).unwrap_or_default()),
        }
        Ok(())
    }
}

fn values(array: &dyn Array) -> Result<Values> {
    use DataType as D;
    macro_rules! numbers {
        ($type:ty) => {
            array.as_primitive::<$type>().values().clone()
        };
    }
    Ok(match array.data_type() {
        D::Null => Values::Null,
        D::Boolean => Values::Boolean(array.as_boolean().clone()),
        D::Int8 => Values::Int8(numbers!(t::Int8Type)),
        D::Int16 => Values::Int16(numbers!(t::Int16Type)),
        D::Int32 => Values::Int32(numbers!(t::Int32Type)),
        D::Int64 => Values::Int64(numbers!(t::Int64Type)),
        D::UInt8 => Values::UInt8(numbers!(t::UInt8Type)),
        D::UInt16 => Values::UInt16(numbers!(t::UInt16Type)),
        D::UInt32 => Values::UInt32(numbers!(t::UInt32Type)),
        D::UInt64 => Values::UInt64(numbers!(t::UInt64Type)),
        D::Float32 => Values::Float32(numbers!(t::Float32Type)),
        D::Float64 => Values::Float64(numbers!(t::Float64Type)),
        D::Utf8 => Values::Utf8(array.as_string().clone()),
        D::LargeUtf8 => Values::LargeUtf8(array.as_string().clone()),
        D::Utf8View => Values::Utf8View(array.as_string_view().clone()),
        D::Binary => Values::Binary(array.as_binary().clone()),
        D::LargeBinary => Values::LargeBinary(array.as_binary().clone()),
        D::BinaryView => Values::BinaryView(array.as_binary_view().clone()),
        D::Date32 => Values::Date(numbers!(t::Date32Type)),
        D::Time64(TimeUnit::Nanosecond) => Values::Time(numbers!(t::Time64NanosecondType)),
        D::Timestamp(unit, zone) => Values::Datetime {
            values: match unit {
                TimeUnit::Second => numbers!(t::TimestampSecondType),
                TimeUnit::Millisecond => numbers!(t::TimestampMillisecondType),
                TimeUnit::Microsecond => numbers!(t::TimestampMicrosecondType),
                TimeUnit::Nanosecond => numbers!(t::TimestampNanosecondType),
            },
            per_second: per_second(*unit),
            is_instant: zone.is_some(),
        },
        D::Duration(unit) => Values::Duration {
            values: match unit {
                TimeUnit::Second => numbers!(t::DurationSecondType),
                TimeUnit::Millisecond => numbers!(t::DurationMillisecondType),
                TimeUnit::Microsecond => numbers!(t::DurationMicrosecondType),
                TimeUnit::Nanosecond => numbers!(t::DurationNanosecondType),
            },
            per_second: per_second(*unit),
        },
        D::Decimal128(_, scale) if *scale >= 0 => Values::Decimal {
            values: numbers!(t::Decimal128Type),
            scale: usize::from(scale.unsigned_abs()),
        },
        D::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            Values::Dictionary {
                // Of no values there is no place, not even for nulls.
                places: match dictionary.values().is_empty() {
                    true => vec![0; dictionary.len()],
                    false => dictionary.normalized_keys(),
                },
                values: Box::new(Text::new(dictionary.values())?),
            }
        }
        D::List(_) | D::LargeList(_) | D::FixedSizeList(_, _) | D::Struct(_) => {
            Values::Nested(Nested::new(array)?)
        }
        other => {
            return Err(Error::option(format!(
                "the Arrow type {other} cannot be written; cast the column"
            )));
        }
    })
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

#[inline]
fn integer(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[inline]
fn float(out: &mut Vec<u8>, number: f64) {
    if !number.is_finite() {
        return out.extend_from_slice(not_finite(number));
    }
    let mut digits = [0; lexical_core::BUFFER_SIZE];
    out.extend_from_slice(lexical_core::write(number, &mut digits));
}

/// Not by way of a double: the shortest text of a single is shorter.
#[inline]
fn single(out: &mut Vec<u8>, number: f32) {
    if !number.is_finite() {
        return out.extend_from_slice(not_finite(f64::from(number)));
    }
    let mut digits = [0; lexical_core::BUFFER_SIZE];
    out.extend_from_slice(lexical_core::write(number, &mut digits));
}

fn not_finite(number: f64) -> &'static [u8] {
    if number.is_nan() {
        b"nan"
    } else if number > 0.0 {
        b"inf"
    } else {
        b"-inf"
    }
}

fn truth(value: bool) -> &'static [u8] {
    if value { b"true" } else { b"false" }
}

fn decimal(out: &mut Vec<u8>, number: i128, scale: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number.unsigned_abs()).as_bytes();
    if number < 0 {
        out.push(b'-');
    }
    let (whole, part) = digits.split_at(digits.len().saturating_sub(scale));
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
    if scale > 0 {
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', scale - part.len()));
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::UInt8Type;
    use arrow_array::{
        ArrayRef, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int64Array,
        NullArray, UInt64Array,
    };

    use super::*;

    type Anything = Box<dyn std::error::Error>;

    fn texts(array: ArrayRef) -> std::result::Result<Vec<Option<String>>, Anything> {
        let text = Text::new(&array)?;
        let mut found = Vec::new();
        for row in 0..array.len() {
            let mut out = Vec::new();
            found.push(match text.is_null(row) {
                true => None,
                false => {
                    text.append(row, &mut out)?;
                    Some(String::from_utf8(out)?)
                }
            });
        }
        Ok(found)
    }

    fn check(array: ArrayRef, expected: &[&str]) -> std::result::Result<(), Anything> {
        let expected: Vec<_> = expected
            .iter()
            .map(|text| (*text != "null").then(|| (*text).to_owned()))
            .collect();
        assert_eq!(texts(array)?, expected);
        Ok(())
    }

    #[test]
    fn numbers() -> std::result::Result<(), Anything> {
        check(
            Arc::new(Int64Array::from(vec![Some(0), None, Some(i64::MIN)])),
            &["0", "null", "-9223372036854775808"],
        )?;
        check(
            Arc::new(UInt64Array::from(vec![u64::MAX])),
            &["18446744073709551615"],
        )?;
        let floats = vec![1.0, -0.0, 0.1, 1e300, 5e-324, f64::NAN, f64::INFINITY];
        check(
            Arc::new(Float64Array::from(floats)),
            &["1.0", "-0.0", "0.1", "1.0e300", "5.0e-324", "nan", "inf"],
        )?;
        check(
            Arc::new(Float32Array::from(vec![0.1, f32::NEG_INFINITY])),
            &["0.1", "-inf"],
        )
    }

    #[test]
    fn decimals() -> std::result::Result<(), Anything> {
        let decimals = Decimal128Array::from(vec![0, 5, -5, 12_345, -100]);
        check(
            Arc::new(decimals.clone().with_precision_and_scale(10, 2)?),
            &["0.00", "0.05", "-0.05", "123.45", "-1.00"],
        )?;
        check(
            Arc::new(decimals.with_precision_and_scale(10, 0)?),
            &["0", "5", "-5", "12345", "-100"],
        )
    }

    #[test]
    fn dictionaries() -> std::result::Result<(), Anything> {
        let colors: DictionaryArray<UInt8Type> =
            [Some("red"), None, Some("red")].into_iter().collect();
        check(Arc::new(colors), &["red", "null", "red"])?;
        let nothing: DictionaryArray<UInt8Type> = [None::<&str>, None].into_iter().collect();
        check(Arc::new(nothing), &["null", "null"])?;
        check(Arc::new(NullArray::new(1)), &["null"])
    }
}
