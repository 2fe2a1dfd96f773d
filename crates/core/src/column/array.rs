//! Rows of an Array column: JSON arrays of one length.

use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::DataType;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::column::Column;
use super::json::{Cell, Fault, Step};
use super::list::item_field;
use super::rows::Rows;
use crate::{Error, ErrorKind, Result};

/// Rows of an Array column.
pub(super) struct ArrayRows {
    inner: Column,
    width: usize,
    /// The same width, as Arrow counts it.
    size: i32,
    nulls: NullBufferBuilder,
}

impl ArrayRows {
    pub(super) fn new(inner: Column, width: usize, capacity: usize) -> Result<Self> {
        let size = i32::try_from(width)
            .map_err(|_| Error::option(format!("Array: a width of {width} is above 2147483647")))?;
        Ok(Self {
            inner,
            width,
            size,
            nulls: NullBufferBuilder::new(capacity),
        })
    }

    pub(super) fn visitor<'a>(&'a mut self, fault: &'a mut Fault) -> ArrayVisitor<'a> {
        ArrayVisitor { rows: self, fault }
    }
}

impl Rows for ArrayRows {
    fn arrow_type(&self) -> DataType {
        DataType::FixedSizeList(item_field(&self.inner), self.size)
    }

    fn len(&self) -> usize {
        self.nulls.len()
    }

    fn push_null(&mut self) {
        for _ in 0..self.width {
            self.inner.push_null();
        }
        self.nulls.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.nulls.truncate(len);
        self.inner.truncate(len * self.width);
    }

    fn memory(&self) -> usize {
        self.nulls.allocated_size() + self.inner.memory()
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let len = self.len();
        let field = item_field(&self.inner);
        let inner = self.inner.finish()?;
        FixedSizeListArray::try_new_with_length(field, self.size, inner, self.nulls.finish(), len)
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|e| Error::new(ErrorKind::Data, format!("Array column: {e}")))
    }
}

/// Reads one row.
pub(super) struct ArrayVisitor<'a> {
    rows: &'a mut ArrayRows,
    fault: &'a mut Fault,
}

impl<'de> Visitor<'de> for ArrayVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_none<E>(self) -> std::result::Result<(), E> {
        self.rows.push_null();
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, parser: D) -> std::result::Result<(), D::Error> {
        parser.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<(), A::Error> {
        let Self { rows, fault } = self;
        for index in 0..rows.width {
            let cell = Cell {
                column: &mut rows.inner,
                fault,
            };
            let element = seq.next_element_seed(cell);
            if element
                .map_err(|e| fault.at(Step::Element(index), e))?
                .is_none()
            {
                return Err(fault.stop(format!("has {index} elements, not {}", rows.width)));
            }
        }
        if seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(fault.stop(format!("has more than {} elements", rows.width)));
        }
        rows.nulls.append_non_null();
        Ok(())
    }
}
