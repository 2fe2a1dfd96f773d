//! The name of a type as Polars prints it, for messages.

use std::fmt;

use super::column_type::{ColumnType, TimeUnit};

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ms => "ms",
            Self::Us => "us",
            Self::Ns => "ns",
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enum { categories } => {
                f.write_str("Enum(categories=[")?;
                separated(f, categories, |f, name| write!(f, "{}", Quoted(name)))?;
                f.write_str("])")
            }
            Self::Datetime { unit, zone: None } => {
                write!(f, "Datetime(time_unit='{unit}', time_zone=None)")
            }
            Self::Datetime {
                unit,
                zone: Some(zone),
            } => write!(
                f,
                "Datetime(time_unit='{unit}', time_zone={})",
                Quoted(zone)
            ),
            Self::Duration { unit } => write!(f, "Duration(time_unit='{unit}')"),
            Self::Decimal { precision, scale } => {
                write!(f, "Decimal(precision={precision}, scale={scale})")
            }
            Self::List { inner } => write!(f, "List({inner})"),
            Self::Array { inner, width } => fmt_array(f, inner, *width),
            Self::Struct { fields } => {
                f.write_str("Struct({")?;
                separated(f, fields, |f, field| {
                    write!(f, "{}: {}", Quoted(&field.name), field.dtype)
                })?;
                f.write_str("})")
            }
            // The variants without parameters are named as Polars names them.
            plain => write!(f, "{plain:?}"),
        }
    }
}

/// Polars prints an Array of Arrays as one Array with a shape.
fn fmt_array(f: &mut fmt::Formatter<'_>, inner: &ColumnType, width: usize) -> fmt::Result {
    let mut shape = vec![width];
    let mut leaf = inner;
    while let ColumnType::Array { inner, width } = leaf {
        shape.push(*width);
        leaf = inner;
    }
    write!(f, "Array({leaf}, shape=(")?;
    separated(f, &shape, |f, width| write!(f, "{width}"))?;
    f.write_str(if shape.len() == 1 { ",))" } else { "))" })
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    one: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        one(f, item)?;
    }
    Ok(())
}

/// A string as Python writes it.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.0.replace('\\', "\\\\");
        if escaped.contains('\'') && !escaped.contains('"') {
            write!(f, "\"{escaped}\"")
        } else {
            write!(f, "'{}'", escaped.replace('\'', "\\'"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (json, name) in [
            (r#"{"kind":"int64"}"#, "Int64"),
            (r#"{"kind":"uint128"}"#, "UInt128"),
            (
                r#"{"kind":"datetime","unit":"us","zone":"UTC"}"#,
                "Datetime(time_unit='us', time_zone='UTC')",
            ),
            (
                r#"{"kind":"datetime","unit":"ms","zone":null}"#,
                "Datetime(time_unit='ms', time_zone=None)",
            ),
            (
                r#"{"kind":"duration","unit":"ns"}"#,
                "Duration(time_unit='ns')",
            ),
            (
                r#"{"kind":"decimal","precision":10,"scale":2}"#,
                "Decimal(precision=10, scale=2)",
            ),
            (
                r#"{"kind":"enum","categories":["a","it's"]}"#,
                r#"Enum(categories=['a', "it's"])"#,
            ),
            (
                r#"{"kind":"array","width":2,"inner":{"kind":"array","width":3,"inner":{"kind":"int8"}}}"#,
                "Array(Int8, shape=(2, 3))",
            ),
            (
                r#"{"kind":"array","width":2,"inner":{"kind":"string"}}"#,
                "Array(String, shape=(2,))",
            ),
            (
                r#"{"kind":"struct","fields":[{"name":"a","dtype":{"kind":"list","inner":{"kind":"date"}}}]}"#,
                "Struct({'a': List(Date)})",
            ),
        ] {
            let ty: Result<ColumnType, _> = serde_json::from_str(json);
            assert_eq!(ty.map(|ty| ty.to_string()).ok().as_deref(), Some(name));
        }
    }
}
