//! What the rows of every kind of column can do.

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::mismatch::Reason;
use crate::Result;

/// Rows that grow at the end, and become an Arrow array.
pub(super) trait Rows {
    /// The type of the arrays that [`Rows::finish`] returns.
    fn arrow_type(&self) -> DataType;

    /// The number of rows.
    fn len(&self) -> usize;

    /// Adds a null.
    fn push_null(&mut self);

    /// Forgets the rows after the first `len`: takes back what a broken JSON value has added.
    fn truncate(&mut self, len: usize);

    /// The bytes that the rows hold.
    fn memory(&self) -> usize;

    /// Takes the rows out, and leaves none.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// Rows of which each is read from one text.
pub(super) trait ScalarRows: Rows + Send {
    /// Adds the value that `text` writes, or nothing.
    fn push_text(&mut self, text: &[u8]) -> std::result::Result<(), Reason>;
}
