//! One reply to HMGET or HGETALL becomes one row.

use std::collections::HashMap;

use super::batch::BatchBuilder;
use super::request::{OutputColumn, Source};
use crate::error::{Error, Result};
use crate::resp::tokens::Span;

/// Which column each field goes to.
#[derive(Debug)]
pub(super) struct HashRows {
    /// Field names and the places of their columns, in the order HMGET asks for them.
    fields: Vec<(Vec<u8>, usize)>,
    /// Field name to its index in `fields`.
    index: HashMap<Vec<u8>, usize>,
    /// The place that the n-th field of the last HGETALL reply went to. Hashes that were written
    /// alike keep their fields in the same order, so the next reply is most often the same.
    last_order: Vec<Option<usize>>,
}

impl HashRows {
    pub(super) fn new(columns: &[OutputColumn]) -> Self {
        let fields: Vec<(Vec<u8>, usize)> = columns
            .iter()
            .enumerate()
            .filter_map(|(place, column)| match &column.source {
                Source::Field { field } => Some((field.clone().into_bytes(), place)),
                _ => None,
            })
            .collect();
        let index = fields
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (name.clone(), index))
            .collect();
        Self {
            fields,
            index,
            last_order: Vec::new(),
        }
    }

    /// How many fields have a column.
    pub(super) fn fields(&self) -> usize {
        self.fields.len()
    }

    /// Checks that an HMGET reply has a value for each field.
    pub(super) fn expect_values(&self, count: usize) -> Result<()> {
        if count == self.fields.len() {
            return Ok(());
        }
        let fields = self.fields.len();
        Err(Error::protocol(format!(
            "HMGET of {fields} fields was answered with {count} values"
        )))
    }

    /// Fills a row from the values of an HMGET reply.
    pub(super) fn fill_values(
        &self,
        batch: &mut BatchBuilder,
        key: &[u8],
        input: &[u8],
        values: &[Span],
    ) -> Result<()> {
        self.expect_values(values.len())?;
        for ((_, place), span) in self.fields.iter().zip(values) {
            batch.push(*place, key, span.of(input))?;
        }
        Ok(())
    }

    /// Fills a row from the fields and values of an HGETALL reply, in whatever order they come.
    pub(super) fn fill_pairs(
        &mut self,
        batch: &mut BatchBuilder,
        key: &[u8],
        input: &[u8],
        pairs: &[Span],
    ) -> Result<()> {
        if pairs.len() % 2 == 1 {
            return Err(Error::protocol(
                "HGETALL was answered with a field that has no value",
            ));
        }
        self.last_order
            .resize(self.last_order.len().max(pairs.len() / 2), None);
        // From the end: an entry of a stream may have a field twice, and the last one counts.
        for (position, pair) in pairs.chunks_exact(2).enumerate().rev() {
            let (Some(name), Some(value)) = (pair[0].of(input), pair[1].of(input)) else {
                return Err(Error::protocol(
                    "HGETALL was answered with a null, which no hash holds",
                ));
            };
            if let Some(place) = self.column_of(position, name)
                && !batch.has_value(place)
            {
                batch.push(place, key, Some(value))?;
            }
        }
        Ok(())
    }

    #[inline]
    fn column_of(&mut self, position: usize, name: &[u8]) -> Option<usize> {
        if let Some(index) = self.last_order[position]
            && self.fields[index].0 == name
        {
            return Some(self.fields[index].1);
        }
        let index = *self.index.get(name)?;
        self.last_order[position] = Some(index);
        Some(self.fields[index].1)
    }
}
