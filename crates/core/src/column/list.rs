//! Rows of a List column, from JSON arrays.

use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, LargeListArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef};
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::column::Column;
use super::json::{Cell, Fault, Step};
use super::rows::Rows;
use crate::{Error, ErrorKind, Result};

/// The name of the elements' field, as Polars has it.
const ITEM: &str = "item";

/// The field of the elements of a List or Array.
pub(super) fn item_field(inner: &Column) -> FieldRef {
    Arc::new(Field::new(ITEM, inner.arrow_type(), true))
}

/// Rows of a List column.
pub(super) struct ListRows {
    inner: Column,
    /// Where each row ends in `inner`; the start of the first row stands before.
    offsets: Vec<i64>,
    nulls: NullBufferBuilder,
    capacity: usize,
}

impl ListRows {
    pub(super) fn new(inner: Column, capacity: usize) -> Self {
        Self {
            inner,
            offsets: first_offset(capacity),
            nulls: NullBufferBuilder::new(capacity),
            capacity,
        }
    }

    pub(super) fn visitor<'a>(&'a mut self, fault: &'a mut Fault) -> ListVisitor<'a> {
        ListVisitor { rows: self, fault }
    }

    /// Makes a row of what was added to `inner` since the last row.
    fn end_row(&mut self) {
        // A length never exceeds isize::MAX.
        self.offsets.push(self.inner.len().cast_signed() as i64);
    }
}

fn first_offset(capacity: usize) -> Vec<i64> {
    let mut offsets = Vec::with_capacity(capacity.saturating_add(1));
    offsets.push(0);
    offsets
}

impl Rows for ListRows {
    fn arrow_type(&self) -> DataType {
        DataType::LargeList(item_field(&self.inner))
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn push_null(&mut self) {
        self.end_row();
        self.nulls.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.nulls.truncate(len);
        let end = self.offsets.last().copied().unwrap_or(0);
        self.inner.truncate(usize::try_from(end).unwrap_or(0));
    }

    fn memory(&self) -> usize {
        self.len() * size_of::<i64>() + self.nulls.allocated_size() + self.inner.memory()
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let offsets = std::mem::replace(&mut self.offsets, first_offset(self.capacity));
        let field = item_field(&self.inner);
        let inner = self.inner.finish()?;
        let offsets = OffsetBuffer::new(offsets.into());
        LargeListArray::try_new(field, offsets, inner, self.nulls.finish())
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|e| Error::new(ErrorKind::Data, format!("List column: {e}")))
    }
}

/// Reads one row.
pub(super) struct ListVisitor<'a> {
    rows: &'a mut ListRows,
    fault: &'a mut Fault,
}

impl<'de> Visitor<'de> for ListVisitor<'_> {
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
        for index in 0.. {
            let cell = Cell {
                column: &mut rows.inner,
                fault,
            };
            let element = seq.next_element_seed(cell);
            if element
                .map_err(|e| fault.at(Step::Element(index), e))?
                .is_none()
            {
                break;
            }
        }
        rows.end_row();
        rows.nulls.append_non_null();
        Ok(())
    }
}
