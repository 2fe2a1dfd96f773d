//! A value that does not fit its column.

/// Why a value does not fit its column. The caller knows the key and the value, and adds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The column's type as Polars prints it, such as `Int64` or
    /// `Datetime(time_unit='us', time_zone='UTC')`.
    pub dtype: String,
    /// What is wrong with the value, to be read after it: `has a fractional part`.
    pub reason: String,
}

/// A reason that needs no allocation: the parsers of single values have a fixed set of them.
pub(super) type Reason = &'static str;

/// The reason for an empty text, in every column that holds something else than text.
pub(super) const EMPTY: Reason = "is empty";
