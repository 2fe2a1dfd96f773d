//! The type of a column, as the Python side names it.

use serde::Deserialize;

/// The unit of a Datetime or Duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

/// One field of a Struct.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StructField {
    /// The field's name.
    pub name: String,
    /// The field's type.
    pub dtype: ColumnType,
}

/// What a column holds. Read from JSON as `gearframe.schema` writes it, such as
/// `{"kind": "datetime", "unit": "us", "zone": "UTC"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(missing_docs, reason = "the variants are Polars' own dtype names")]
pub enum ColumnType {
    Int8,
    Int16,
    Int32,
    Int64,
    Int128,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    UInt128,
    Float32,
    Float64,
    Boolean,
    String,
    Binary,
    Categorical,
    Enum {
        categories: Vec<String>,
    },
    Date,
    Time,
    Datetime {
        unit: TimeUnit,
        zone: Option<String>,
    },
    Duration {
        unit: TimeUnit,
    },
    Decimal {
        precision: u8,
        scale: i8,
    },
    List {
        inner: Box<ColumnType>,
    },
    Array {
        inner: Box<ColumnType>,
        width: usize,
    },
    Struct {
        fields: Vec<StructField>,
    },
}
