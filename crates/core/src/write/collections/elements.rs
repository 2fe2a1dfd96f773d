//! Rows as elements: their arguments, and why one cannot be an element.

use super::batch::{Batch, Field};
use super::chunk::Chunk;
use super::request::{Collection, CollectionRequest};
use crate::resp::encode;
use crate::write::commands::Refusal;
use crate::write::text::Values;

/// Encodes elements. Holds the bytes of one value, whose length comes before it.
#[derive(Debug, Default)]
pub(super) struct Elements {
    value: Vec<u8>,
}

impl Elements {
    /// Appends a row to a chunk; leaves the chunk as it was if that cannot be.
    #[inline]
    pub(super) fn push(
        &mut self,
        chunk: &mut Chunk,
        request: &CollectionRequest,
        batch: &Batch,
        row: usize,
    ) -> Result<(), Refusal> {
        let before = chunk.body.len();
        let pushed = match (request.kind, batch.fields.as_slice()) {
            (Collection::Sets | Collection::Lists, [value]) => self.value(chunk, value, row),
            (Collection::Zsets, [member, score]) => {
                self.number(chunk, score, row).and_then(|one| {
                    let other = self.value(chunk, member, row)?;
                    Ok(one + other)
                })
            }
            (Collection::Timeseries, [at, value]) => self.value(chunk, at, row).and_then(|one| {
                let other = self.number(chunk, value, row)?;
                Ok(one + other)
            }),
            (Collection::Streams, fields) => self.entry(chunk, batch.id.as_ref(), fields, row),
            _ => Err("there is no column with values".to_owned()),
        };
        match pushed {
            Ok(words) => chunk.close_element(request.kind, words),
            Err(reason) => {
                chunk.body.truncate(before);
                return Err(reason);
            }
        }
        Ok(())
    }

    /// `id field value …` with the fields that are not null.
    fn entry(
        &mut self,
        chunk: &mut Chunk,
        id: Option<&Field>,
        fields: &[Field],
        row: usize,
    ) -> Result<usize, Refusal> {
        let mut words = match id {
            Some(id) if id.text.is_null(row) => return Err("an id is null".to_owned()),
            Some(id) => self.value(chunk, id, row)?,
            None => {
                encode::bulk(&mut chunk.body, b"*");
                1
            }
        };
        for field in fields.iter().filter(|field| !field.text.is_null(row)) {
            chunk.body.extend_from_slice(&field.head);
            words += 1 + self.value(chunk, field, row)?;
        }
        if words == 1 {
            return Err("a row has nulls only: Redis has no entry without fields".to_owned());
        }
        Ok(words)
    }

    /// A number that the server keeps as a double.
    fn number(&mut self, chunk: &mut Chunk, field: &Field, row: usize) -> Result<usize, Refusal> {
        if !field.text.is_null(row)
            && let Some(problem) = not_a_double(&field.text.values, row)
        {
            return Err(format!("a value of column {:?} {problem}", field.name));
        }
        self.value(chunk, field, row)
    }

    #[inline]
    fn value(&mut self, chunk: &mut Chunk, field: &Field, row: usize) -> Result<usize, Refusal> {
        if field.text.is_null(row) {
            let name = &field.name;
            return Err(format!("column {name:?} has a null: Redis has none"));
        }
        if let Some(kept) = field.text.kept(row) {
            encode::bulk(&mut chunk.body, kept);
            return Ok(1);
        }
        self.value.clear();
        field
            .text
            .append(row, &mut self.value)
            .map_err(|reason| format!("a value of column {:?} {reason}", field.name))?;
        encode::bulk(&mut chunk.body, &self.value);
        Ok(1)
    }
}

fn not_a_double(values: &Values, row: usize) -> Option<String> {
    let whole = match values {
        Values::Float64(values) if values[row].is_nan() => return Some("is NaN".to_owned()),
        Values::Float32(values) if values[row].is_nan() => return Some("is NaN".to_owned()),
        Values::Int64(values) => i128::from(values[row]),
        Values::UInt64(values) => i128::from(values[row]),
        _ => return None,
    };
    // The server would round it in silence.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there and back is the question"
    )]
    #[expect(clippy::cast_precision_loss, reason = "there and back is the question")]
    let there_and_back = whole as f64 as i128;
    (there_and_back != whole).then(|| format!("is {whole}, which a double does not hold exactly"))
}
