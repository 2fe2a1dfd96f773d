//! What to read: plain data, made by `gearframe.io` and read from JSON.

use serde::Deserialize;

use crate::column::ColumnType;

/// The type of key that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Hashes: one row a key, one column a field.
    Hashes,
    /// Strings: one row a key, one value.
    Strings,
}

impl Kind {
    /// The name that TYPE answers with, and that SCAN's TYPE option takes.
    pub fn type_name(self) -> &'static [u8] {
        match self {
            Self::Hashes => b"hash",
            Self::Strings => b"string",
        }
    }
}

/// What to do with a value that does not fit its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Stop with an error that names key, field, value and type.
    Raise,
    /// Put a null in its place, and count it.
    Null,
    /// Leave the row out, and count it.
    Skip,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum Source {
    /// The key itself.
    Key,
    /// Its remaining time to live, in milliseconds.
    Ttl,
    /// A field of a hash.
    Field {
        /// The field's name.
        field: String,
    },
    /// The value of a string.
    Value,
    /// Nothing: rows are counted only.
    Nothing,
}

/// One column of the result.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// Where its values come from.
    pub source: Source,
    /// Its type; for `Nothing` and `Ttl` it is not looked at.
    pub dtype: ColumnType,
}

/// Which keys to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those that match a glob pattern, found by SCAN.
    Pattern(Vec<u8>),
    /// These, without a SCAN. A key that stands here twice is read once.
    Keys(Vec<Vec<u8>>),
}

/// A whole read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReadRequest {
    /// The type of key.
    pub kind: Kind,
    /// The columns, in the order of the result.
    pub columns: Vec<OutputColumn>,
    /// Stop after so many rows.
    pub limit: Option<u64>,
    /// What to do with values that do not fit.
    pub on_error: OnError,
    /// The most rows in a batch.
    pub batch_rows: usize,
    /// The most bytes of values in a batch; one row may be larger.
    pub batch_bytes: usize,
    /// COUNT of SCAN: buckets looked at in one call.
    pub scan_count: usize,
    /// The most keys fetched in one pipeline.
    pub pipeline_keys: usize,
    /// The most keys a second; none for no limit.
    pub throttle: Option<f64>,
}

impl ReadRequest {
    /// The names of the fields that the columns come from.
    pub fn fields(&self) -> Vec<&str> {
        self.columns
            .iter()
            .filter_map(|column| match &column.source {
                Source::Field { field } => Some(field.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Whether any column comes from `source`.
    pub fn wants(&self, source: &Source) -> bool {
        self.columns.iter().any(|column| column.source == *source)
    }
}
