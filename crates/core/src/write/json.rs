//! Lists, arrays and structs as JSON text.
//!
//! Binary inside of them is taken for JSON already: 128-bit integers come as their digits so, for
//! Arrow has no type for them. Real binary is refused before it comes here.

use arrow_array::cast::AsArray;
use arrow_array::{Array, FixedSizeListArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;

use super::text::{Reason, Text, Values};
use crate::{Error, Result};

/// An array of values that hold others.
#[derive(Debug)]
pub(super) enum Nested {
    List(OffsetBuffer<i32>, Box<Text>),
    LargeList(OffsetBuffer<i64>, Box<Text>),
    Array(FixedSizeListArray, Box<Text>),
    /// Each field with `"name":` before its value.
    Struct(Vec<(Vec<u8>, Text)>),
}

impl Nested {
    pub(super) fn new(array: &dyn Array) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Self::List(list.offsets().clone(), inner(list.values())?)
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                Self::LargeList(list.offsets().clone(), inner(list.values())?)
            }
            DataType::FixedSizeList(_, _) => {
                let list = array.as_fixed_size_list();
                Self::Array(list.clone(), inner(list.values())?)
            }
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                let field = columns.map(|(field, column)| {
                    let mut head = Vec::new();
                    member(&mut head, field.name());
                    Ok((head, Text::new(column)?))
                });
                Self::Struct(field.collect::<Result<_>>()?)
            }
            other => {
                return Err(Error::option(format!(
                    "the Arrow type {other} is not nested"
                )));
            }
        })
    }
}

fn inner(array: &dyn Array) -> Result<Box<Text>> {
    Text::new(array).map(Box::new)
}

/// What becomes of NaN and the infinities, which JSON has no numbers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotFinite {
    /// The names in quotes that most parsers of this extension take.
    Named,
    /// They cannot be written.
    Refused,
}

/// Appends `"name":`.
pub(super) fn member(out: &mut Vec<u8>, name: &str) {
    string(out, name.as_bytes());
    out.push(b':');
}

/// Appends a value that is not null.
pub(super) fn nested(
    nested: &Nested,
    row: usize,
    out: &mut Vec<u8>,
    rule: NotFinite,
) -> std::result::Result<(), Reason> {
    match nested {
        Nested::List(offsets, text) => {
            let place = |at: usize| usize::try_from(offsets[at]).unwrap_or(0);
            list(text, place(row)..place(row + 1), out, rule)
        }
        Nested::LargeList(offsets, text) => {
            let place = |at: usize| usize::try_from(offsets[at]).unwrap_or(0);
            list(text, place(row)..place(row + 1), out, rule)
        }
        Nested::Array(array, text) => {
            let width = usize::try_from(array.value_length()).unwrap_or(0);
            let start = usize::try_from(array.value_offset(row)).unwrap_or(0);
            list(text, start..start + width, out, rule)
        }
        Nested::Struct(fields) => {
            out.push(b'{');
            for (index, (head, text)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(head);
                value(text, row, out, rule)?;
            }
            out.push(b'}');
            Ok(())
        }
    }
}

fn list(
    text: &Text,
    rows: std::ops::Range<usize>,
    out: &mut Vec<u8>,
    rule: NotFinite,
) -> std::result::Result<(), Reason> {
    out.push(b'[');
    let first = rows.start;
    for row in rows {
        if row > first {
            out.push(b',');
        }
        value(text, row, out, rule)?;
    }
    out.push(b']');
    Ok(())
}

/// Appends a value or `null`.
pub(super) fn value(
    text: &Text,
    row: usize,
    out: &mut Vec<u8>,
    rule: NotFinite,
) -> std::result::Result<(), Reason> {
    if text.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match &text.values {
        Values::Float64(values) if !values[row].is_finite() => {
            not_finite(out, values[row], rule)?;
        }
        Values::Float32(values) if !values[row].is_finite() => {
            not_finite(out, f64::from(values[row]), rule)?;
        }
        Values::Utf8(_) | Values::LargeUtf8(_) | Values::Utf8View(_) => {
            string(out, text.kept(row).unwrap_or_default());
        }
        Values::Dictionary { places, values } => {
            return value(values, places[row], out, rule);
        }
        Values::Date(_) | Values::Time(_) | Values::Datetime { .. } | Values::Duration { .. } => {
            out.push(b'"');
            text.append(row, out)?;
            out.push(b'"');
        }
        Values::Nested(inner) => nested(inner, row, out, rule)?,
        _ => text.append(row, out)?,
    }
    Ok(())
}

fn not_finite(out: &mut Vec<u8>, number: f64, rule: NotFinite) -> std::result::Result<(), Reason> {
    if rule == NotFinite::Refused {
        return Err("is NaN or infinite, and JSON has no such number");
    }
    out.extend_from_slice(if number.is_nan() {
        b"\"NaN\""
    } else if number > 0.0 {
        b"\"Infinity\""
    } else {
        b"\"-Infinity\""
    });
    Ok(())
}

/// Appends a text in quotes; only what RFC 8259, section 7 demands is escaped.
fn string(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut clean = 0;
    for (at, byte) in text.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text[clean..at]);
        clean = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&text[clean..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain é", r#""plain é""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\n\r\t\0\u{1f}\u{7f}", "\"\\n\\r\\t\\u0000\\u001f\u{7f}\""),
        ] {
            let mut out = Vec::new();
            string(&mut out, text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
