//! Booleans from text: `true` and `false` in any case, `1` and `0`.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder};
use arrow_schema::DataType;

use super::mismatch::{EMPTY, Reason};
use super::rows::{Rows, ScalarRows};
use crate::Result;

/// Rows of a Boolean column.
pub(super) struct BooleanRows {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
    capacity: usize,
}

impl BooleanRows {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            values: BooleanBufferBuilder::new(capacity),
            nulls: NullBufferBuilder::new(capacity),
            capacity,
        }
    }
}

impl Rows for BooleanRows {
    fn arrow_type(&self) -> DataType {
        DataType::Boolean
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn push_null(&mut self) {
        self.values.append(false);
        self.nulls.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.nulls.truncate(len);
    }

    fn memory(&self) -> usize {
        self.values.len().div_ceil(8) + self.nulls.allocated_size()
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let fresh = BooleanBufferBuilder::new(self.capacity);
        let values = std::mem::replace(&mut self.values, fresh).build();
        Ok(Arc::new(BooleanArray::new(values, self.nulls.finish())))
    }
}

impl ScalarRows for BooleanRows {
    #[inline]
    fn push_text(&mut self, text: &[u8]) -> std::result::Result<(), Reason> {
        self.values.append(parse(text)?);
        self.nulls.append_non_null();
        Ok(())
    }
}

#[inline]
fn parse(text: &[u8]) -> std::result::Result<bool, Reason> {
    match text {
        b"1" => Ok(true),
        b"0" => Ok(false),
        _ if text.eq_ignore_ascii_case(b"true") => Ok(true),
        _ if text.eq_ignore_ascii_case(b"false") => Ok(false),
        b"" => Err(EMPTY),
        _ => Err("is not true, false, 1 or 0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for text in ["true", "True", "TRUE", "1"] {
            assert_eq!(parse(text.as_bytes()), Ok(true), "{text}");
        }
        for text in ["false", "False", "fALSE", "0"] {
            assert_eq!(parse(text.as_bytes()), Ok(false), "{text}");
        }
        for text in ["yes", "t", "2", "01", "true ", "on", "-1"] {
            let expected = Err("is not true, false, 1 or 0");
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(parse(b""), Err("is empty"));
    }
}
