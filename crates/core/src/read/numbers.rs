//! Columns of numbers that the protocol gives as numbers: times, places, times to live.

use std::sync::Arc;

use arrow_array::builder::Int64Builder;
use arrow_array::{Array, ArrayRef, make_array};
use arrow_schema::{DataType, TimeUnit};

use super::request::Source;
use crate::error::{Error, Result};

/// A growing column of 64-bit numbers of one type.
#[derive(Debug)]
pub(super) struct Numbers {
    values: Int64Builder,
    dtype: DataType,
}

impl Numbers {
    /// The column for a source, if that gives numbers.
    pub(super) fn of(source: &Source, capacity: usize) -> Option<Self> {
        let dtype = match source {
            Source::Ttl | Source::FieldTtl { .. } | Source::Idle => {
                DataType::Duration(TimeUnit::Millisecond)
            }
            Source::Index | Source::Sequence | Source::Memory | Source::Length => DataType::UInt64,
            Source::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, None),
            _ => return None,
        };
        let values = Int64Builder::with_capacity(capacity);
        Some(Self { values, dtype })
    }

    pub(super) fn arrow_type(&self) -> DataType {
        self.dtype.clone()
    }

    pub(super) fn len(&self) -> usize {
        arrow_array::builder::ArrayBuilder::len(&self.values)
    }

    /// Adds a number; of unsigned types, its bits.
    #[inline]
    pub(super) fn push(&mut self, number: Option<i64>) {
        self.values.append_option(number);
    }

    /// Takes the numbers as an array of their type, whose layout is the same.
    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        let data = self.values.finish().into_data().into_builder();
        let data = data.data_type(self.dtype.clone()).build();
        data.map(make_array)
            .map_err(|error| Error::protocol(format!("numbers do not make a column: {error}")))
            .map(|array| Arc::clone(&array))
    }
}
