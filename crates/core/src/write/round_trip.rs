//! What is written is what `column` reads: of every type, arrays to text to arrays.

use arrow_array::{Array, ArrayRef};
use proptest::prelude::*;

use super::text::Text;
use crate::column::{Column, ColumnType};

type Anything = Box<dyn std::error::Error>;

fn column(ty: &str) -> Result<Column, Anything> {
    let ty: ColumnType = serde_json::from_str(ty)?;
    Ok(Column::new(&ty, 16)?)
}

fn push(column: &mut Column, text: &[u8]) -> Result<(), Anything> {
    let pushed = column.push_text(text);
    pushed.map_err(|m| format!("{:?}: {}", String::from_utf8_lossy(text), m.reason).into())
}

fn written(array: &ArrayRef) -> Result<Vec<Option<Vec<u8>>>, Anything> {
    let text = Text::new(array)?;
    let value = |row| {
        let mut out = Vec::new();
        text.append(row, &mut out).map(|()| out)
    };
    let rows = 0..array.len();
    let rows = rows.map(|row| (!text.is_null(row)).then(|| value(row)).transpose());
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Arrays of `texts`, and the arrays of what is written of them.
fn twice(ty: &str, texts: &[&str]) -> Result<(ArrayRef, ArrayRef), Anything> {
    let mut column = column(ty)?;
    for text in texts {
        push(&mut column, text.as_bytes())?;
    }
    column.push_null();
    let first = column.finish()?;
    for text in written(&first)? {
        match text {
            Some(text) => push(&mut column, &text)?,
            None => column.push_null(),
        }
    }
    Ok((first, column.finish()?))
}

const CASES: &[(&str, &[&str])] = &[
    (r#"{"kind":"int8"}"#, &["-128", "127"]),
    (r#"{"kind":"int16"}"#, &["-32768", "32767"]),
    (r#"{"kind":"int32"}"#, &["-2147483648", "0"]),
    (r#"{"kind":"int64"}"#, &["-9223372036854775808", "7"]),
    (
        r#"{"kind":"int128"}"#,
        &["-170141183460469231731687303715884105728"],
    ),
    (r#"{"kind":"uint8"}"#, &["255"]),
    (r#"{"kind":"uint16"}"#, &["65535"]),
    (r#"{"kind":"uint32"}"#, &["4294967295"]),
    (r#"{"kind":"uint64"}"#, &["18446744073709551615"]),
    (
        r#"{"kind":"float32"}"#,
        &["0.1", "-inf", "3.4028235e38", "-0.0"],
    ),
    (r#"{"kind":"float64"}"#, &["0.1", "inf", "5e-324", "1e300"]),
    (r#"{"kind":"boolean"}"#, &["true", "false"]),
    (
        r#"{"kind":"string"}"#,
        &["", "é\n\0", "longer than twelve bytes"],
    ),
    (r#"{"kind":"binary"}"#, &["", "x"]),
    (r#"{"kind":"categorical"}"#, &["red"]),
    (r#"{"kind":"date"}"#, &["2024-02-29", "-009999-01-01"]),
    (r#"{"kind":"time"}"#, &["00:00:00", "23:59:59.999999999"]),
    (
        r#"{"kind":"datetime","unit":"ns","zone":null}"#,
        &["1969-12-31T23:59:59.999999999"],
    ),
    (
        r#"{"kind":"datetime","unit":"ms","zone":"Europe/Paris"}"#,
        &["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"],
    ),
    (
        r#"{"kind":"duration","unit":"us"}"#,
        &["PT0S", "-P10DT0.000001S"],
    ),
    (
        r#"{"kind":"decimal","precision":38,"scale":10}"#,
        &["-0.0000000001", "9999999999999999999999999999.9999999999"],
    ),
    (
        r#"{"kind":"list","inner":{"kind":"list","inner":{"kind":"float64"}}}"#,
        &[
            r#"[[1.5,null],[],null,["NaN","-Infinity","Infinity"]]"#,
            "[]",
        ],
    ),
    (
        r#"{"kind":"array","width":2,"inner":{"kind":"boolean"}}"#,
        &["[true,null]", "[false,false]"],
    ),
    (
        r#"{"kind":"struct","fields":[{"name":"a \"b\"","dtype":{"kind":"date"}},{"name":"c","dtype":{"kind":"list","inner":{"kind":"string"}}}]}"#,
        &[
            r#"{"a \"b\"":"2024-02-29","c":["x\"\\\n\u0001",""]}"#,
            r#"{"c":null}"#,
        ],
    ),
    (
        r#"{"kind":"list","inner":{"kind":"decimal","precision":5,"scale":2}}"#,
        &["[1.50,-0.01]"],
    ),
    (
        r#"{"kind":"list","inner":{"kind":"datetime","unit":"us","zone":"UTC"}}"#,
        &[r#"["2024-01-01T00:00:00.5Z"]"#],
    ),
    (
        r#"{"kind":"list","inner":{"kind":"duration","unit":"ms"}}"#,
        &[r#"["PT1.5S",null]"#],
    ),
];

#[test]
fn every_type_comes_back() -> Result<(), Anything> {
    for (ty, texts) in CASES {
        let (first, second) = twice(ty, texts).map_err(|e| format!("{ty}: {e}"))?;
        if ty.contains("float") {
            // NaN is not equal to itself.
            assert_eq!(format!("{first:?}"), format!("{second:?}"), "{ty}");
        } else {
            assert_eq!(&first, &second, "{ty}");
        }
    }
    Ok(())
}

#[test]
fn a_slice_is_written_as_a_slice() -> Result<(), Anything> {
    for (ty, texts) in CASES {
        let (whole, _) = twice(ty, texts)?;
        let slice = whole.slice(1, whole.len() - 1);
        assert_eq!(written(&slice)?, written(&whole)?[1..], "{ty}");
    }
    Ok(())
}

/// Reads what is written of an array.
fn back(ty: &str, array: &ArrayRef) -> Result<ArrayRef, TestCaseError> {
    let fail = |e: Anything| TestCaseError::fail(e.to_string());
    let mut column = column(ty).map_err(fail)?;
    for text in written(array).map_err(fail)?.iter().flatten() {
        push(&mut column, text).map_err(fail)?;
    }
    column.finish().map_err(|e| TestCaseError::fail(e.message))
}

proptest! {
    #[test]
    fn any_double_comes_back(bits: Vec<u64>) {
        use arrow_array::{Float64Array, cast::AsArray, types::Float64Type};
        let numbers: Vec<f64> = bits.iter().map(|b| f64::from_bits(*b)).filter(|n| !n.is_nan()).collect();
        let array: ArrayRef = std::sync::Arc::new(Float64Array::from(numbers.clone()));
        let back = back(r#"{"kind":"float64"}"#, &array)?;
        let same = back.as_primitive::<Float64Type>().values().iter().zip(&numbers).all(|(a, b)| a.to_bits() == b.to_bits());
        prop_assert!(same);
    }

    #[test]
    fn any_single_comes_back(bits: Vec<u32>) {
        use arrow_array::{Float32Array, cast::AsArray, types::Float32Type};
        let numbers: Vec<f32> = bits.iter().map(|b| f32::from_bits(*b)).filter(|n| !n.is_nan()).collect();
        let array: ArrayRef = std::sync::Arc::new(Float32Array::from(numbers.clone()));
        let back = back(r#"{"kind":"float32"}"#, &array)?;
        let same = back.as_primitive::<Float32Type>().values().iter().zip(&numbers).all(|(a, b)| a.to_bits() == b.to_bits());
        prop_assert!(same);
    }

    #[test]
    fn any_moment_comes_back(values: Vec<i64>) {
        use arrow_array::{DurationNanosecondArray, TimestampNanosecondArray};
        let array: ArrayRef = std::sync::Arc::new(TimestampNanosecondArray::from(values.clone()));
        prop_assert_eq!(&back(r#"{"kind":"datetime","unit":"ns","zone":null}"#, &array)?, &array);
        let array: ArrayRef = std::sync::Arc::new(DurationNanosecondArray::from(values));
        prop_assert_eq!(&back(r#"{"kind":"duration","unit":"ns"}"#, &array)?, &array);
    }

    #[test]
    fn any_text_comes_back_out_of_json(texts: Vec<Option<String>>) {
        let mut rows = arrow_array::builder::LargeListBuilder::new(arrow_array::builder::StringViewBuilder::new());
        rows.append_value(texts);
        let array: ArrayRef = std::sync::Arc::new(rows.finish());
        let back = back(r#"{"kind":"list","inner":{"kind":"string"}}"#, &array)?;
        prop_assert_eq!(format!("{back:?}"), format!("{array:?}"));
    }
}
