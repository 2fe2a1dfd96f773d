//! A row under construction: where each of its values goes.

use super::batch::BatchBuilder;
use super::hashes::HashRows;
use super::request::Source;
use super::vector_column::Vector;
use crate::error::Result;
use crate::resp::tokens::Span;

/// The columns by what they are filled with.
#[derive(Debug)]
pub(super) struct Places {
    key: Vec<usize>,
    ttl: Vec<usize>,
    value: Vec<usize>,
    score: Vec<usize>,
    index: Vec<usize>,
    name: Vec<usize>,
    id: Vec<usize>,
    timestamp: Vec<usize>,
    sequence: Vec<usize>,
    type_name: Vec<usize>,
    encoding: Vec<usize>,
    memory: Vec<usize>,
    idle: Vec<usize>,
    length: Vec<usize>,
    /// The fields whose time to live is asked for, with their columns; of a row that is a field,
    /// one without a name.
    field_ttl: Vec<usize>,
    label: Vec<usize>,
    vector: Vec<usize>,
}

impl Places {
    pub(super) fn new(batch: &BatchBuilder) -> Self {
        let of = |wanted: Source| batch.places(|source| *source == wanted);
        Self {
            key: of(Source::Key),
            ttl: of(Source::Ttl),
            value: of(Source::Value),
            score: of(Source::Score),
            index: of(Source::Index),
            name: of(Source::Name),
            id: of(Source::Id),
            timestamp: of(Source::Timestamp),
            sequence: of(Source::Sequence),
            type_name: of(Source::Type),
            encoding: of(Source::Encoding),
            memory: of(Source::Memory),
            idle: of(Source::Idle),
            length: of(Source::Length),
            field_ttl: batch.places(|source| matches!(source, Source::FieldTtl { .. })),
            label: batch.places(|source| matches!(source, Source::Label { .. })),
            vector: batch.places(|source| matches!(source, Source::Vector { .. })),
        }
    }
}

/// A row under construction.
pub(super) struct Row<'r> {
    pub(super) key: &'r [u8],
    pub(super) batch: &'r mut BatchBuilder,
    pub(super) hashes: &'r mut HashRows,
    pub(super) places: &'r Places,
}

impl Row<'_> {
    /// Puts the key and its time to live, as PTTL answers it.
    #[inline]
    pub(super) fn begin(&mut self, ttl: i64) -> Result<()> {
        self.text(&self.places.key, Some(self.key))?;
        self.numbers(&self.places.ttl, (ttl >= 0).then_some(ttl));
        Ok(())
    }

    /// The value, element or member.
    #[inline]
    pub(super) fn value(&mut self, text: &[u8]) -> Result<()> {
        self.text(&self.places.value, Some(text))
    }

    #[inline]
    pub(super) fn score(&mut self, text: &[u8]) -> Result<()> {
        self.text(&self.places.score, Some(text))
    }

    #[inline]
    pub(super) fn name(&mut self, text: &[u8]) -> Result<()> {
        self.text(&self.places.name, Some(text))
    }

    /// The place in a list, or the rank.
    #[inline]
    pub(super) fn index(&mut self, index: Option<i64>) {
        self.numbers(&self.places.index, index);
    }

    /// An entry's id with its two numbers.
    #[inline]
    pub(super) fn id(&mut self, id: &[u8], milliseconds: u64, sequence: u64) -> Result<()> {
        self.text(&self.places.id, Some(id))?;
        match i64::try_from(milliseconds) {
            Ok(milliseconds) => self.numbers(&self.places.timestamp, Some(milliseconds)),
            // An id is whatever its writer wanted.
            Err(_) => self.places.timestamp.iter().try_for_each(|&place| {
                self.batch.push_misfit(
                    place,
                    self.key,
                    id,
                    "the time is beyond 64 bits with a sign",
                )
            })?,
        }
        self.numbers(&self.places.sequence, Some(sequence.cast_signed()));
        Ok(())
    }

    /// A sample's time and value.
    #[inline]
    pub(super) fn sample(&mut self, milliseconds: i64, value: &[u8]) -> Result<()> {
        self.numbers(&self.places.timestamp, Some(milliseconds));
        self.value(value)
    }

    /// The labels of a series, in the order of their columns.
    #[inline]
    pub(super) fn labels(&mut self, labels: &[Option<Vec<u8>>]) -> Result<()> {
        let mut pairs = self.places.label.iter().zip(labels);
        pairs.try_for_each(|(&place, label)| self.batch.push(place, self.key, label.as_deref()))
    }

    /// The vector of a member.
    pub(super) fn vector(&mut self, member: &[u8], found: &Vector) -> Result<()> {
        let mut places = self.places.vector.iter();
        places.try_for_each(|&place| self.batch.push_vector(place, self.key, member, found))
    }

    /// What a key is, and how it is kept.
    pub(super) fn facts(
        &mut self,
        type_name: Option<&[u8]>,
        encoding: Option<&[u8]>,
    ) -> Result<()> {
        self.text(&self.places.type_name, type_name)?;
        self.text(&self.places.encoding, encoding)
    }

    pub(super) fn fact_numbers(
        &mut self,
        memory: Option<i64>,
        idle: Option<i64>,
        length: Option<i64>,
    ) {
        self.numbers(&self.places.memory, memory);
        self.numbers(
            &self.places.idle,
            idle.map(|seconds| seconds.saturating_mul(1000)),
        );
        self.numbers(&self.places.length, length);
    }

    /// Times to live of fields, in the order of their columns, as HPTTL answers them.
    pub(super) fn field_ttls(&mut self, ttls: &[i64]) {
        for (place, ttl) in self.places.field_ttl.iter().zip(ttls) {
            self.batch.push_number(*place, (*ttl >= 0).then_some(*ttl));
        }
    }

    /// Fields and values that alternate.
    pub(super) fn pairs(&mut self, input: &[u8], pairs: &[Span]) -> Result<()> {
        self.hashes.fill_pairs(self.batch, self.key, input, pairs)
    }

    /// The values of the fields in the order in which HMGET asked for them.
    pub(super) fn field_values(&mut self, input: &[u8], values: &[Span]) -> Result<()> {
        self.hashes.fill_values(self.batch, self.key, input, values)
    }

    #[inline]
    fn text(&mut self, places: &[usize], text: Option<&[u8]>) -> Result<()> {
        places
            .iter()
            .try_for_each(|&place| self.batch.push(place, self.key, text))
    }

    #[inline]
    fn numbers(&mut self, places: &[usize], number: Option<i64>) {
        for &place in places {
            self.batch.push_number(place, number);
        }
    }
}
