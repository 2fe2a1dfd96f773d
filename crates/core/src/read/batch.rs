//! Rows under construction: one growing column for each column of the result.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, NullArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;

use super::numbers::Numbers;
use super::request::{OnError, OutputColumn, Source};
use super::stats::{ReadStats, add};
use super::vector_column::{self, Vector, VectorColumn};
use crate::column::Column;
use crate::error::{BadValue, Error, ErrorKind, Result};

/// The longest part of a value that an error carries.
const SHOWN_BYTES: usize = 200;

/// A null of a wide Array has no text and is large all the same, so columns are summed up too;
/// not for each row.
const ROWS_BETWEEN_SUMS: usize = 64;

enum Slot {
    Text(Box<Column>),
    Number(Numbers),
    Vector(VectorColumn),
    Nothing,
}

/// The rows of one batch.
pub(super) struct BatchBuilder {
    outputs: Vec<OutputColumn>,
    slots: Vec<Slot>,
    schema: SchemaRef,
    on_error: OnError,
    rows: usize,
    /// Rows to leave out, ascending.
    dropped: Vec<usize>,
    nulled: u64,
    text_bytes: usize,
}

impl BatchBuilder {
    pub(super) fn new(
        outputs: &[OutputColumn],
        on_error: OnError,
        capacity: usize,
    ) -> Result<Self> {
        let mut slots = Vec::with_capacity(outputs.len());
        let mut fields = Vec::with_capacity(outputs.len());
        for output in outputs {
            let numbers = Numbers::of(&output.source, capacity);
            let (slot, dtype) = match (&output.source, numbers) {
                (Source::Nothing, _) => (Slot::Nothing, DataType::Null),
                (Source::Vector { dim }, _) => {
                    let column = VectorColumn::new(*dim)?;
                    let dtype = column.arrow_type();
                    (Slot::Vector(column), dtype)
                }
                (_, Some(numbers)) => {
                    let dtype = numbers.arrow_type();
                    (Slot::Number(numbers), dtype)
                }
                (_, None) => {
                    let column = Column::new(&output.dtype, capacity)?;
                    let dtype = column.arrow_type();
                    (Slot::Text(Box::new(column)), dtype)
                }
            };
            slots.push(slot);
            fields.push(Field::new(&output.name, dtype, true));
        }
        Ok(Self {
            outputs: outputs.to_vec(),
            slots,
            schema: Arc::new(Schema::new(fields)),
            on_error,
            rows: 0,
            dropped: Vec::new(),
            nulled: 0,
            text_bytes: 0,
        })
    }

    /// Rows that will be handed over.
    pub(super) fn rows(&self) -> usize {
        self.rows - self.dropped.len()
    }

    /// Whether there are `most_rows`, those to leave out too, or `most_bytes` of text or columns.
    #[inline]
    pub(super) fn is_full(&self, most_rows: usize, most_bytes: usize) -> bool {
        self.rows >= most_rows
            || self.text_bytes >= most_bytes
            || self.rows.is_multiple_of(ROWS_BETWEEN_SUMS) && self.memory() >= most_bytes
    }

    fn memory(&self) -> usize {
        let bytes = self.slots.iter().map(|slot| match slot {
            Slot::Text(column) => column.memory(),
            Slot::Number(numbers) => numbers.len() * size_of::<i64>(),
            Slot::Vector(column) => column.memory(),
            Slot::Nothing => 0,
        });
        bytes.sum()
    }

    /// The places of the columns that `wanted` picks.
    pub(super) fn places(&self, wanted: impl Fn(&Source) -> bool) -> Vec<usize> {
        (0..self.outputs.len())
            .filter(|&place| wanted(&self.outputs[place].source))
            .collect()
    }

    /// Puts a value into a column of the row under construction.
    #[inline]
    pub(super) fn push(&mut self, place: usize, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let Slot::Text(column) = &mut self.slots[place] else {
            return Ok(());
        };
        let Some(value) = value else {
            column.push_null();
            return Ok(());
        };
        self.text_bytes += value.len();
        match column.push_text(value) {
            Ok(()) => Ok(()),
            Err(mismatch) => {
                column.push_null();
                self.misfit(place, key, value, &mismatch.dtype, &mismatch.reason)
            }
        }
    }

    /// Puts a JSON value, of which the text is well-formed, into a column of the row under
    /// construction.
    #[inline]
    pub(super) fn push_json(&mut self, place: usize, key: &[u8], value: &str) -> Result<()> {
        let Slot::Text(column) = &mut self.slots[place] else {
            return Ok(());
        };
        self.text_bytes += value.len();
        match column.push_json(value) {
            Ok(()) => Ok(()),
            Err(mismatch) => {
                column.push_null();
                let (dtype, reason) = (&mismatch.dtype, &mismatch.reason);
                self.misfit(place, key, value.as_bytes(), dtype, reason)
            }
        }
    }

    /// Puts a null where a key has no such part, or a number is too large, as for a value that
    /// does not fit.
    #[cold]
    pub(super) fn push_misfit(
        &mut self,
        place: usize,
        key: &[u8],
        value: &[u8],
        reason: &str,
    ) -> Result<()> {
        match &mut self.slots[place] {
            Slot::Text(column) => column.push_null(),
            Slot::Number(numbers) => numbers.push(None),
            Slot::Vector(vectors) => vectors.push_null(),
            Slot::Nothing => {}
        }
        let dtype = self.outputs[place].dtype.to_string();
        self.misfit(place, key, value, &dtype, reason)
    }

    /// Puts the vector of a member into a column of the row under construction.
    pub(super) fn push_vector(
        &mut self,
        place: usize,
        key: &[u8],
        member: &[u8],
        found: &Vector,
    ) -> Result<()> {
        let Slot::Vector(column) = &mut self.slots[place] else {
            return Ok(());
        };
        match column.push(found) {
            Ok(()) => Ok(()),
            Err(dtype) => {
                column.push_null();
                let reason = format!("it has {} numbers", found.len());
                self.misfit(place, key, member, &dtype, &reason)
            }
        }
    }

    /// What becomes of a value that does not fit, and is null by now.
    #[cold]
    fn misfit(
        &mut self,
        place: usize,
        key: &[u8],
        value: &[u8],
        dtype: &str,
        reason: &str,
    ) -> Result<()> {
        match self.on_error {
            OnError::Raise => {
                let output = &self.outputs[place];
                return Err(bad_value(output, key, value, dtype, reason));
            }
            OnError::Null => self.nulled += 1,
            OnError::Skip => {
                if self.dropped.last() != Some(&self.rows) {
                    self.dropped.push(self.rows);
                }
            }
        }
        Ok(())
    }

    /// Puts a number into a column of numbers of the row under construction.
    #[inline]
    pub(super) fn push_number(&mut self, place: usize, number: Option<i64>) {
        if let Slot::Number(numbers) = &mut self.slots[place] {
            numbers.push(number);
        }
    }

    /// Ends a row: a column that got nothing gets a null.
    #[inline]
    pub(super) fn end_row(&mut self) {
        self.rows += 1;
        for slot in &mut self.slots {
            match slot {
                Slot::Text(column) if column.len() < self.rows => column.push_null(),
                Slot::Number(numbers) if numbers.len() < self.rows => numbers.push(None),
                Slot::Vector(column) if column.len() < self.rows => column.push_null(),
                _ => {}
            }
        }
    }

    /// Whether a column has its value for the row under construction.
    pub(super) fn has_value(&self, place: usize) -> bool {
        match &self.slots[place] {
            Slot::Text(column) => column.len() > self.rows,
            Slot::Number(_) | Slot::Vector(_) | Slot::Nothing => true,
        }
    }

    /// Takes the rows as a record batch and counts them.
    pub(super) fn finish(&mut self, stats: &ReadStats) -> Result<RecordBatch> {
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.slots.len());
        for slot in &mut self.slots {
            arrays.push(match slot {
                Slot::Text(column) => column.finish()?,
                Slot::Number(numbers) => numbers.finish()?,
                Slot::Vector(column) => column.finish()?,
                Slot::Nothing => Arc::new(NullArray::new(self.rows)),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let mut batch =
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(
                |error| Error::protocol(format!("columns do not fit together: {error}")),
            )?;
        if !self.dropped.is_empty() {
            batch = filter_record_batch(&batch, &self.kept())
                .map_err(|error| Error::protocol(format!("rows cannot be left out: {error}")))?;
        }
        add(&stats.rows, batch.num_rows() as u64);
        add(&stats.rows_skipped, self.dropped.len() as u64);
        add(&stats.values_nulled, self.nulled);
        add(&stats.batches, u64::from(batch.num_rows() > 0));
        self.rows = 0;
        self.nulled = 0;
        self.text_bytes = 0;
        self.dropped.clear();
        Ok(batch)
    }

    fn kept(&self) -> BooleanArray {
        let mut dropped = self.dropped.iter().peekable();
        (0..self.rows)
            .map(|row| Some(dropped.next_if(|&&next| next == row).is_none()))
            .collect()
    }
}

fn bad_value(output: &OutputColumn, key: &[u8], value: &[u8], dtype: &str, reason: &str) -> Error {
    let shown = beginning(value);
    if let Source::Vector { .. } = output.source {
        return vector_column::misfit(key, shown, dtype, reason);
    }
    let (place, field) = match &output.source {
        Source::Field { field } => (
            format!("field {field:?} of key {}", quoted(key)),
            Some(field.clone()),
        ),
        Source::Key => (format!("the name of key {}", quoted(key)), None),
        Source::KeyPart { .. } => (
            format!("column {:?} out of key {}", output.name, quoted(key)),
            Some(output.name.clone()),
        ),
        Source::Path { path, .. } => (
            format!(
                "path {path:?} of key {} (column {:?})",
                quoted(key),
                output.name
            ),
            Some(output.name.clone()),
        ),
        Source::Name => (format!("the name of a field of key {}", quoted(key)), None),
        Source::Label { label } => (
            format!("label {label:?} of key {}", quoted(key)),
            Some(label.clone()),
        ),
        _ => (format!("a value of key {}", quoted(key)), None),
    };
    let advice = match output.source {
        Source::Key => "read keys as bytes with key_dtype=pl.Binary",
        Source::Name => "read names as bytes with field_dtype=pl.Binary",
        _ => "declare another dtype, or choose on_error=\"null\" or \"skip\"",
    };
    Error {
        kind: ErrorKind::Data,
        message: format!(
            "{place} is {}, which is not {dtype}: {reason}; {advice}",
            match output.source {
                // JSON has its own quotes and escapes.
                Source::Path { .. } => String::from_utf8_lossy(shown).into_owned(),
                _ => quoted(shown),
            }
        ),
        bad_value: Some(Box::new(BadValue {
            key: key.to_vec(),
            field,
            value: shown.to_vec(),
            dtype: dtype.to_owned(),
        })),
    }
}

/// The first bytes of a value; of a text, not a part of a character.
fn beginning(value: &[u8]) -> &[u8] {
    let cut = &value[..value.len().min(SHOWN_BYTES)];
    match std::str::from_utf8(cut) {
        // No length: the end came in the middle of a character.
        Err(error) if cut.len() < value.len() && error.error_len().is_none() => {
            &cut[..error.valid_up_to()]
        }
        _ => cut,
    }
}

/// Bytes for a message: as text where they are text, else with `\x` escapes.
pub(super) fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("b\"{}\"", bytes.escape_ascii()),
    }
}
