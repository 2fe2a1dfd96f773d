//! JSON values in List, Array and Struct columns, and columns as a whole.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, LargeListArray};

use super::{Column, ColumnType};
use crate::ErrorKind;

type Anything = Box<dyn std::error::Error>;

fn column(ty: &str) -> Result<Column, Anything> {
    let ty: ColumnType = serde_json::from_str(ty)?;
    Ok(Column::new(&ty, 16)?)
}

/// Adds a value; the reason if it does not fit.
fn push(column: &mut Column, text: &str) -> Result<(), String> {
    column.push_text(text.as_bytes()).map_err(|m| m.reason)
}

const INT_LIST: &str = r#"{"kind":"list","inner":{"kind":"int64"}}"#;
const POINT: &str = r#"{"kind":"struct","fields":[
    {"name":"x","dtype":{"kind":"float64"}},
    {"name":"tags","dtype":{"kind":"list","inner":{"kind":"string"}}}]}"#;

#[test]
fn lists() -> Result<(), Anything> {
    let mut column = column(INT_LIST)?;
    for text in ["[1,2,3]", " [ ] ", "null", "[4, null]"] {
        push(&mut column, text)?;
    }
    column.push_null();
    assert_eq!(column.len(), 5);
    assert!(column.memory() > 0);
    let expected = LargeListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), Some(2), Some(3)]),
        Some(vec![]),
        None,
        Some(vec![Some(4), None]),
        None,
    ]);
    let array = column.finish()?;
    assert_eq!(
        array.as_list::<i64>().iter().collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    assert_eq!(array.data_type(), &column.arrow_type());
    assert_eq!((column.len(), column.memory()), (0, 0));
    Ok(())
}

#[test]
fn a_broken_list_leaves_nothing() -> Result<(), Anything> {
    let mut column = column(INT_LIST)?;
    push(&mut column, "[1]")?;
    for (text, reason) in [
        ("", "is empty"),
        (
            "[7,8",
            "is not JSON: EOF while parsing a list at line 1 column 4",
        ),
        (
            "[7,8] x",
            "is not JSON: trailing characters at line 1 column 7",
        ),
        ("[7,1.0]", "at $[1]: has a fractional part (for Int64)"),
        (
            "[7,1e2]",
            "at $[1]: is written with an exponent, not as an integer (for Int64)",
        ),
        (
            "[7,\"8\"]",
            "at $[1]: is a JSON string, where Int64 takes a JSON number",
        ),
        (
            "[7,true]",
            "at $[1]: is a JSON boolean, where Int64 takes a JSON number",
        ),
        (
            "[7,[8]]",
            "at $[1]: is a JSON array, where Int64 takes a JSON number",
        ),
        (
            "[7,{}]",
            "at $[1]: is a JSON object, where Int64 takes a JSON number",
        ),
        (
            "[9223372036854775808]",
            "at $[0]: is out of range (-9223372036854775808 to 9223372036854775807) (for Int64)",
        ),
        (
            "5",
            "at $: is a JSON number, where a JSON array is expected",
        ),
        (
            "{}",
            "at $: is a JSON object, where a JSON array is expected",
        ),
    ] {
        assert_eq!(push(&mut column, text), Err(reason.to_owned()), "{text}");
        assert_eq!(column.len(), 1, "{text}");
    }
    push(&mut column, "[2]")?;
    let array = column.finish()?;
    let inner = array.as_list::<i64>().values().clone();
    assert_eq!(inner.as_primitive::<Int64Type>().values(), &[1, 2]);
    Ok(())
}

#[test]
fn structs() -> Result<(), Anything> {
    let mut column = column(POINT)?;
    for text in [
        r#"{"x":1.5,"tags":["a","b\n\u00e9"]}"#,
        r#"{"tags":null,"other":{"x":[1]}}"#,
        "null",
        r#"{"tags":[],"x":"NaN"}"#,
    ] {
        push(&mut column, text)?;
    }
    let array = column.finish()?;
    let array = array.as_struct();
    assert_eq!(array.len(), 4);
    assert!(array.is_null(2));
    let x = array.column(0).as_primitive::<Float64Type>();
    assert_eq!(
        (x.value(0), x.is_null(1), x.value(3).is_nan()),
        (1.5, true, true)
    );
    let tags = array.column(1).as_list::<i64>();
    let first = tags.value(0);
    let texts: Vec<_> = first.as_string_view().iter().collect();
    assert_eq!(texts, [Some("a"), Some("b\né")]);
    assert!(tags.is_null(1) && tags.is_null(2) && tags.value(3).is_empty());
    Ok(())
}

#[test]
fn a_broken_struct_leaves_nothing() -> Result<(), Anything> {
    let mut column = column(POINT)?;
    for (text, reason) in [
        (r#"{"x":1,"x":2}"#, r#"at $: has the member "x" twice"#),
        (
            r#"{"tags":["kept","kept too",3]}"#,
            "at $.tags[2]: is a JSON number, where String takes a JSON string",
        ),
        (
            r#"{"x":"inf"}"#,
            r#"at $.x: is a JSON string, where Float64 takes a JSON number, "NaN", "Infinity" or "-Infinity""#,
        ),
        (
            r#"{"x":1e400}"#,
            "at $.x: is out of range: the largest Float64 is about 1.8e308 (for Float64)",
        ),
        (
            r#"{"tags":{}}"#,
            "at $.tags: is a JSON object, where a JSON array is expected",
        ),
        (
            "[1]",
            "at $: is a JSON array, where a JSON object is expected",
        ),
        (
            "5",
            "at $: is a JSON number, where a JSON object is expected",
        ),
        (
            r#""x""#,
            "at $: is a JSON string, where a JSON object is expected",
        ),
        (
            r#"{"tags":["\ud800"]}"#,
            "at $.tags[0]: is not a valid JSON string",
        ),
    ] {
        assert_eq!(push(&mut column, text), Err(reason.to_owned()), "{text}");
        assert_eq!(column.len(), 0, "{text}");
    }
    push(&mut column, r#"{"tags":["only"]}"#)?;
    let array = column.finish()?;
    let tags = array.as_struct().column(1).as_list::<i64>().value(0);
    assert_eq!(
        tags.as_string_view().iter().collect::<Vec<_>>(),
        [Some("only")]
    );
    Ok(())
}

#[test]
fn arrays() -> Result<(), Anything> {
    let mut column = column(r#"{"kind":"array","width":2,"inner":{"kind":"int64"}}"#)?;
    push(&mut column, "[1,2]")?;
    for (text, reason) in [
        ("[1]", "at $: has 1 elements, not 2"),
        ("[1,2,3]", "at $: has more than 2 elements"),
        (
            "[1,\"2\"]",
            "at $[1]: is a JSON string, where Int64 takes a JSON number",
        ),
    ] {
        assert_eq!(push(&mut column, text), Err(reason.to_owned()), "{text}");
    }
    push(&mut column, "null")?;
    push(&mut column, "[null,4]")?;
    let expected = FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(
        [
            Some(vec![Some(1), Some(2)]),
            None,
            Some(vec![None, Some(4)]),
        ],
        2,
    );
    let array = column.finish()?;
    let rows: Vec<Option<ArrayRef>> = array.as_fixed_size_list().iter().collect();
    assert_eq!(rows, expected.iter().collect::<Vec<_>>());
    Ok(())
}

#[test]
fn leaves_of_every_kind() -> Result<(), Anything> {
    for (leaf, good, bad) in [
        (r#"{"kind":"uint8"}"#, "255", "256"),
        (
            r#"{"kind":"int128"}"#,
            "-170141183460469231731687303715884105728",
            "1.5",
        ),
        (r#"{"kind":"float32"}"#, "1.5e3", "1e39"),
        (r#"{"kind":"boolean"}"#, "true", "1"),
        (r#"{"kind":"binary"}"#, r#""\u0000""#, "0"),
        (r#"{"kind":"categorical"}"#, r#""a""#, "true"),
        (r#"{"kind":"enum","categories":["a"]}"#, r#""a""#, r#""b""#),
        (r#"{"kind":"date"}"#, r#""2024-01-15""#, "19737"),
        (r#"{"kind":"time"}"#, r#""10:30""#, r#""24:00""#),
        (
            r#"{"kind":"datetime","unit":"us","zone":"UTC"}"#,
            r#""2024-01-15T10:30Z""#,
            r#""2024-01-15""#,
        ),
        (r#"{"kind":"duration","unit":"ms"}"#, r#""PT1S""#, "1000"),
        (
            r#"{"kind":"decimal","precision":5,"scale":2}"#,
            "1.25",
            "1e2",
        ),
        (
            r#"{"kind":"decimal","precision":5,"scale":2}"#,
            r#""1.25""#,
            "true",
        ),
    ] {
        let mut column = column(&format!(r#"{{"kind":"list","inner":{leaf}}}"#))?;
        assert_eq!(
            push(&mut column, &format!("[{good},null]")),
            Ok(()),
            "{leaf}"
        );
        assert!(push(&mut column, &format!("[{bad}]")).is_err(), "{leaf}");
        let array = column.finish()?;
        assert_eq!(array.as_list::<i64>().values().len(), 2, "{leaf}");
    }
    Ok(())
}

#[test]
fn nothing_inside() -> Result<(), Anything> {
    let mut array = column(r#"{"kind":"array","width":0,"inner":{"kind":"string"}}"#)?;
    let mut object = column(r#"{"kind":"struct","fields":[]}"#)?;
    for (array_text, object_text) in [("[]", "{}"), ("null", "null"), ("[]", r#"{"a":1}"#)] {
        push(&mut array, array_text)?;
        push(&mut object, object_text)?;
    }
    assert!(push(&mut array, "[1]").is_err());
    let (array, object) = (array.finish()?, object.finish()?);
    assert_eq!((array.len(), array.is_null(1)), (3, true));
    assert_eq!((object.len(), object.is_null(1)), (3, true));
    Ok(())
}

#[test]
fn columns_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Column>();
}

#[test]
fn depth_is_bounded() -> Result<(), Anything> {
    let mut column = column(INT_LIST)?;
    let deep = "[".repeat(100_000);
    assert!(push(&mut column, &deep).is_err());
    assert_eq!(column.len(), 0);
    Ok(())
}

#[test]
fn wide_integers_are_canonical_text() -> Result<(), Anything> {
    let mut column = column(r#"{"kind":"int128"}"#)?;
    for text in ["-007", "+5", "-0"] {
        push(&mut column, text)?;
    }
    let array = column.finish()?;
    let texts: Vec<_> = array.as_string_view().iter().flatten().collect();
    assert_eq!(texts, ["-7", "5", "0"]);
    Ok(())
}

#[test]
fn a_mismatch_names_the_type() -> Result<(), Anything> {
    let mut column = column(r#"{"kind":"datetime","unit":"us","zone":"UTC"}"#)?;
    let mismatch = column.push_text(b"soon").err().ok_or("accepted")?;
    assert_eq!(mismatch.dtype, "Datetime(time_unit='us', time_zone='UTC')");
    assert_eq!(mismatch.reason, "is not a date (YYYY-MM-DD)");
    Ok(())
}

#[test]
fn text_is_utf8_and_binary_is_not() -> Result<(), Anything> {
    let mut text = column(r#"{"kind":"string"}"#)?;
    let mismatch = text.push_text(b"\xff").err().ok_or("accepted")?;
    assert_eq!(
        mismatch.reason,
        "is not valid UTF-8; declare the column as Binary"
    );
    push(&mut text, "")?;
    let mut binary = column(r#"{"kind":"binary"}"#)?;
    assert!(binary.push_text(b"\xff").is_ok());
    assert_eq!((text.len(), binary.len()), (1, 1));
    Ok(())
}

#[test]
fn impossible_types_are_option_errors() -> Result<(), Anything> {
    for ty in [
        r#"{"kind":"datetime","unit":"us","zone":"Mars/Olympus"}"#,
        r#"{"kind":"list","inner":{"kind":"decimal","precision":50,"scale":0}}"#,
        r#"{"kind":"struct","fields":[{"name":"a","dtype":{"kind":"date"}},{"name":"a","dtype":{"kind":"date"}}]}"#,
        r#"{"kind":"array","width":3000000000,"inner":{"kind":"date"}}"#,
    ] {
        let ty: ColumnType = serde_json::from_str(ty)?;
        let kind = Column::new(&ty, 1).err().map(|e| e.kind);
        assert_eq!(kind, Some(ErrorKind::Option), "{ty}");
    }
    Ok(())
}
