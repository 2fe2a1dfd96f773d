//! What holds for any bytes and any value.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use proptest::prelude::*;

use super::{Column, ColumnType};

/// A type of every kind, nested ones among them.
const TYPES: [&str; 27] = [
    r#"{"kind":"int8"}"#,
    r#"{"kind":"int16"}"#,
    r#"{"kind":"int32"}"#,
    r#"{"kind":"int64"}"#,
    r#"{"kind":"int128"}"#,
    r#"{"kind":"uint8"}"#,
    r#"{"kind":"uint16"}"#,
    r#"{"kind":"uint32"}"#,
    r#"{"kind":"uint64"}"#,
    r#"{"kind":"uint128"}"#,
    r#"{"kind":"float32"}"#,
    r#"{"kind":"float64"}"#,
    r#"{"kind":"boolean"}"#,
    r#"{"kind":"string"}"#,
    r#"{"kind":"binary"}"#,
    r#"{"kind":"categorical"}"#,
    r#"{"kind":"enum","categories":["a","b"]}"#,
    r#"{"kind":"date"}"#,
    r#"{"kind":"time"}"#,
    r#"{"kind":"datetime","unit":"ns","zone":null}"#,
    r#"{"kind":"datetime","unit":"us","zone":"Europe/Paris"}"#,
    r#"{"kind":"duration","unit":"ms"}"#,
    r#"{"kind":"decimal","precision":38,"scale":10}"#,
    r#"{"kind":"list","inner":{"kind":"string"}}"#,
    r#"{"kind":"list","inner":{"kind":"list","inner":{"kind":"float64"}}}"#,
    r#"{"kind":"array","width":2,"inner":{"kind":"boolean"}}"#,
    r#"{"kind":"struct","fields":[{"name":"a","dtype":{"kind":"int64"}},{"name":"b","dtype":{"kind":"list","inner":{"kind":"string"}}}]}"#,
];

fn column(ty: &str) -> Result<Column, TestCaseError> {
    let ty: ColumnType =
        serde_json::from_str(ty).map_err(|e| TestCaseError::fail(e.to_string()))?;
    Column::new(&ty, 8).map_err(|e| TestCaseError::fail(e.message))
}

/// The column after one value, which must fit.
fn column_of(ty: &str, text: &str) -> Result<arrow_array::ArrayRef, TestCaseError> {
    let mut column = column(ty)?;
    column
        .push_text(text.as_bytes())
        .map_err(|m| TestCaseError::fail(format!("{text:?} {}", m.reason)))?;
    column.finish().map_err(|e| TestCaseError::fail(e.message))
}

/// Every value of a batch fits or leaves nothing, and the array has as many rows as fitted.
fn check_batch(ty: &str, batch: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let mut column = column(ty)?;
    let mut rows = 0;
    for text in batch {
        if column.push_text(text).is_ok() {
            rows += 1;
        }
        prop_assert_eq!(column.len(), rows, "{}: {:?}", ty, text);
    }
    let array = column
        .finish()
        .map_err(|e| TestCaseError::fail(e.message))?;
    prop_assert_eq!(array.len(), rows);
    prop_assert_eq!(array.data_type(), &column.arrow_type());
    prop_assert_eq!((column.len(), column.memory()), (0, 0));
    Ok(())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..24),
        // Near misses: what numbers, times, durations and JSON are made of.
        "[-+0-9.eE:TZPDHMS ]{0,32}".prop_map(String::into_bytes),
        r#"[\[\]{}",:abnult\\0-9. ]{0,32}"#.prop_map(String::into_bytes),
        r#"(\[("a"|"long enough for a block"|1|null|true|\["b"\]|\[1\])(,("a"|2|null|false)){0,3}\]|\{"a":(1|"x"|null),"b":\["s","t"(,3)?\]\})"#
            .prop_map(String::into_bytes),
        "-?[0-9]{4,6}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{1,12})?)?(Z|[-+][0-2][0-9]:[0-6][0-9])?"
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn no_bytes_break_a_column(batch in prop::collection::vec(bytes(), 0..16)) {
        for ty in TYPES {
            check_batch(ty, &batch)?;
        }
    }

    #[test]
    fn integers_round_trip(number: i64) {
        let array = column_of(TYPES[3], &number.to_string())?;
        prop_assert_eq!(array.as_primitive::<Int64Type>().value(0), number);
    }

    #[test]
    fn integers_are_those_of_the_standard_library(text in "[-+]?[0-9]{0,21}[.e ]?") {
        let accepted = column_of(TYPES[3], &text).ok().map(|a| a.as_primitive::<Int64Type>().value(0));
        prop_assert_eq!(accepted, text.parse::<i64>().ok());
    }

    #[test]
    fn floats_round_trip(bits: u64) {
        let number = f64::from_bits(bits);
        let array = column_of(TYPES[11], &number.to_string())?;
        let back = array.as_primitive::<Float64Type>().value(0);
        prop_assert!(back.to_bits() == bits || (back.is_nan() && number.is_nan()));
    }

    #[test]
    fn decimals_round_trip(number in -(10i128.pow(38) - 1)..10i128.pow(38)) {
        let sign = if number < 0 { "-" } else { "" };
        let (whole, part) = (number.abs() / 10_000_000_000, number.abs() % 10_000_000_000);
        let array = column_of(TYPES[22], &format!("{sign}{whole}.{part:010}"))?;
        prop_assert_eq!(array.as_primitive::<Decimal128Type>().value(0), number);
    }

    #[test]
    fn dates_round_trip(days in -4_371_587i32..=2_932_896) {
        let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
        let array = column_of(TYPES[17], &date.to_string())?;
        prop_assert_eq!(array.as_primitive::<Date32Type>().value(0), days);
    }

    #[test]
    fn datetimes_round_trip(micros in -60_000_000_000_000_000i64..=250_000_000_000_000_000) {
        let instant = jiff::Timestamp::from_microsecond(micros)
            .map_err(|e| TestCaseError::fail(e.to_string()))?;
        let array = column_of(TYPES[20], &instant.to_string())?;
        prop_assert_eq!(array.as_primitive::<TimestampMicrosecondType>().value(0), micros);
        let ms = r#"{"kind":"datetime","unit":"us","zone":"UTC"}"#;
        let array = column_of(ms, instant.to_string().trim_end_matches('Z'))?;
        prop_assert_eq!(array.as_primitive::<TimestampMicrosecondType>().value(0), micros);
    }
}
