//! A column of vectors of one length: Array(Float32).

use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::{DataType, Field, FieldRef};

use super::batch::quoted;
use crate::error::{BadValue, Error, ErrorKind, Result};

/// A vector as it came: its first numbers, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Vector {
    numbers: Vec<f32>,
    len: usize,
}

impl Vector {
    /// Begins another vector.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.len = 0;
    }

    /// Adds a number; those after the first `most` are only counted.
    #[inline]
    pub(super) fn push(&mut self, number: f32, most: usize) {
        if self.len < most {
            self.numbers.push(number);
        }
        self.len += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// A growing column of vectors.
#[derive(Debug)]
pub(super) struct VectorColumn {
    values: Vec<f32>,
    nulls: NullBufferBuilder,
    dim: usize,
    /// The same, as Arrow counts it.
    size: i32,
}

impl VectorColumn {
    pub(super) fn new(dim: usize) -> Result<Self> {
        let size = i32::try_from(dim)
            .map_err(|_| Error::option(format!("a dim of {dim} is above 2147483647")))?;
        Ok(Self {
            values: Vec::new(),
            nulls: NullBufferBuilder::new(0),
            dim,
            size,
        })
    }

    pub(super) fn arrow_type(&self) -> DataType {
        DataType::FixedSizeList(item(), self.size)
    }

    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    pub(super) fn memory(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }

    /// Adds a vector; of one with another length, the dtype that it does not fit.
    pub(super) fn push(&mut self, vector: &Vector) -> std::result::Result<(), String> {
        if vector.len != self.dim {
            return Err(format!("Array(Float32, {})", self.dim));
        }
        self.values.extend_from_slice(&vector.numbers);
        self.nulls.append_non_null();
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        self.values.resize(self.values.len() + self.dim, 0.0);
        self.nulls.append_null();
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        let values: ArrayRef = Arc::new(Float32Array::from(std::mem::take(&mut self.values)));
        let len = self.nulls.len();
        let nulls = self.nulls.finish();
        FixedSizeListArray::try_new_with_length(item(), self.size, values, nulls, len)
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|error| Error::protocol(format!("vectors do not make a column: {error}")))
    }
}

fn item() -> FieldRef {
    Arc::new(Field::new("item", DataType::Float32, true))
}

/// The error for a member whose vector has another length.
pub(super) fn misfit(key: &[u8], member: &[u8], dtype: &str, reason: &str) -> Error {
    Error {
        kind: ErrorKind::Data,
        message: format!(
            "the vector of member {} of key {} is not {dtype}: {reason}; give the dim that VDIM \
             answers, or choose on_error=\"null\" or \"skip\"",
            quoted(member),
            quoted(key)
        ),
        bad_value: Some(Box::new(BadValue {
            key: key.to_vec(),
            field: None,
            value: member.to_vec(),
            dtype: dtype.to_owned(),
        })),
    }
}
