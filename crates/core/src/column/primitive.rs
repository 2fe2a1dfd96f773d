//! Rows of fixed size: numbers, dates, times.

use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::DataType;

use super::mismatch::Reason;
use super::rows::{Rows, ScalarRows};
use crate::Result;

/// How a text becomes a value of a fixed size.
pub(super) trait Parse<N> {
    /// The value, or what is wrong with the text.
    fn parse(&self, text: &[u8]) -> std::result::Result<N, Reason>;
}

/// Rows of one primitive Arrow type `T`, read by the parser `P`.
pub(super) struct Primitive<T: ArrowPrimitiveType, P> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
    capacity: usize,
    data_type: DataType,
    parser: P,
}

impl<T: ArrowPrimitiveType, P> Primitive<T, P> {
    /// No rows, of Arrow's own type for `T`.
    pub(super) fn new(parser: P, capacity: usize) -> Self {
        Self::with_type(parser, capacity, T::DATA_TYPE)
    }

    /// No rows, of a type with parameters: a zone, a precision.
    pub(super) fn with_type(parser: P, capacity: usize, data_type: DataType) -> Self {
        Self {
            values: Vec::with_capacity(capacity),
            nulls: NullBufferBuilder::new(capacity),
            capacity,
            data_type,
            parser,
        }
    }
}

impl<T: ArrowPrimitiveType, P> Rows for Primitive<T, P> {
    fn arrow_type(&self) -> DataType {
        self.data_type.clone()
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn push_null(&mut self) {
        self.values.push(T::Native::default());
        self.nulls.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.nulls.truncate(len);
    }

    fn memory(&self) -> usize {
        size_of_val(self.values.as_slice()) + self.nulls.allocated_size()
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(self.capacity));
        let array = PrimitiveArray::<T>::new(values.into(), self.nulls.finish());
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }
}

impl<T: ArrowPrimitiveType, P: Parse<T::Native> + Send> ScalarRows for Primitive<T, P> {
    #[inline]
    fn push_text(&mut self, text: &[u8]) -> std::result::Result<(), Reason> {
        let value = self.parser.parse(text)?;
        self.values.push(value);
        self.nulls.append_non_null();
        Ok(())
    }
}
