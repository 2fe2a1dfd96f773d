//! Rows of text or bytes, as Arrow's views: short values stand in the row itself, long ones in
//! shared blocks.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::GenericByteViewBuilder;
use arrow_array::types::ByteViewType;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::BooleanBufferBuilder;
use arrow_schema::DataType;

use super::mismatch::Reason;
use super::rows::{Rows, ScalarRows};
use super::text_rule::TextRule;
use crate::{Error, ErrorKind, Result};

/// The longest value that stands in its row.
const INLINE: usize = 12;

/// Rows of text or bytes that follow the rule `R`.
pub(super) struct TextRows<R: TextRule> {
    rule: R,
    builder: GenericByteViewBuilder<R::View>,
    /// Rows in the builder that were taken back: it cannot shrink, so they are left out at the end.
    dropped: Vec<Range<usize>>,
    dropped_len: usize,
    /// The bytes of the values that are too long to stand in their row.
    long_bytes: usize,
    capacity: usize,
}

impl<R: TextRule> TextRows<R> {
    pub(super) fn new(rule: R, capacity: usize) -> Self {
        Self {
            rule,
            builder: new_builder(capacity),
            dropped: Vec::new(),
            dropped_len: 0,
            long_bytes: 0,
            capacity,
        }
    }
}

/// Few large blocks for a large batch, and no megabyte for three rows.
fn new_builder<V: ByteViewType + ?Sized>(capacity: usize) -> GenericByteViewBuilder<V> {
    let guess = u32::try_from(capacity.saturating_mul(32)).unwrap_or(u32::MAX);
    let block = guess.clamp(8 << 10, 1 << 20);
    GenericByteViewBuilder::with_capacity(capacity).with_fixed_block_size(block)
}

impl<R: TextRule> Rows for TextRows<R> {
    fn arrow_type(&self) -> DataType {
        R::View::DATA_TYPE
    }

    fn len(&self) -> usize {
        self.builder_len() - self.dropped_len
    }

    fn push_null(&mut self) {
        self.builder.append_null();
    }

    fn truncate(&mut self, len: usize) {
        let excess = self.len().saturating_sub(len);
        if excess == 0 {
            return;
        }
        let end = self.builder_len();
        let start = end - excess;
        match self.dropped.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.dropped.push(start..end),
        }
        self.dropped_len += excess;
    }

    fn memory(&self) -> usize {
        self.builder_len() * size_of::<u128>() + self.long_bytes
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let fresh = new_builder(self.capacity);
        let array = std::mem::replace(&mut self.builder, fresh).finish();
        let dropped = std::mem::take(&mut self.dropped);
        self.dropped_len = 0;
        self.long_bytes = 0;
        if dropped.is_empty() {
            return Ok(Arc::new(array));
        }
        arrow_select::filter::filter(&array, &all_but(&dropped, array.len()))
            .map_err(|e| Error::new(ErrorKind::Data, format!("text column: {e}")))
    }
}

impl<R: TextRule> TextRows<R> {
    #[inline]
    fn builder_len(&self) -> usize {
        arrow_array::builder::ArrayBuilder::len(&self.builder)
    }
}

impl<R: TextRule + Send> ScalarRows for TextRows<R> {
    #[inline]
    fn push_text(&mut self, text: &[u8]) -> std::result::Result<(), Reason> {
        self.rule.append(text, &mut self.builder)?;
        if text.len() > INLINE {
            self.long_bytes += text.len();
        }
        Ok(())
    }
}

/// A mask that is false in the ranges, which are in order.
fn all_but(dropped: &[Range<usize>], len: usize) -> BooleanArray {
    let mut mask = BooleanBufferBuilder::new(len);
    for range in dropped {
        mask.append_n(range.start - mask.len(), true);
        mask.append_n(range.len(), false);
    }
    mask.append_n(len - mask.len(), true);
    BooleanArray::new(mask.finish(), None)
}

#[cfg(test)]
mod tests {
    use arrow_array::StringViewArray;
    use arrow_array::cast::AsArray;

    use super::super::text_rule::Utf8;
    use super::*;

    #[test]
    fn rows_taken_back_are_left_out() -> Result<()> {
        let mut rows = TextRows::new(Utf8, 4);
        let long = "a value too long to stand in its row";
        for text in ["a", "gone", "gone too"] {
            assert_eq!(rows.push_text(text.as_bytes()), Ok(()));
        }
        rows.truncate(1);
        assert_eq!(rows.push_text(b"gone as well"), Ok(()));
        rows.truncate(1);
        assert_eq!(rows.push_text(long.as_bytes()), Ok(()));
        rows.push_null();
        assert_eq!(rows.len(), 3);
        let expected = StringViewArray::from(vec![Some("a"), Some(long), None]);
        assert_eq!(rows.finish()?.as_string_view(), &expected);
        assert_eq!(rows.len(), 0);
        assert_eq!(rows.memory(), 0);
        Ok(())
    }
}
