//! A batch of records while it is being filled.

use gearframe_embedded_python::{Payload, Records, Row, Span, Value};
use gearframe_server_api::{HashFields, KeyView};

/// A batch ends at so many bytes, however few records it has.
const MOST_BYTES: usize = 4 << 20;

/// Records for Python, and what is left for it to do.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Records,
    /// Some values are JSON texts.
    pub(crate) documents: bool,
    /// Bytes of the trees, which the arena does not hold.
    tree_bytes: usize,
}

impl Batch {
    pub(crate) fn new(with_value: bool) -> Self {
        let records = Records {
            with_value,
            ..Records::default()
        };
        Self {
            records,
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.rows.len()
    }

    pub(crate) fn full(&self, records: usize) -> bool {
        self.len() >= records || self.records.bytes.len() + self.tree_bytes >= MOST_BYTES
    }

    /// Adds a key whose value is known, or is not wanted.
    pub(crate) fn push(
        &mut self,
        key: &[u8],
        kind: &'static str,
        value: Option<Value>,
        bytes: usize,
    ) {
        let key = self.span(key);
        self.tree_bytes += bytes;
        let payload = value.map_or(Payload::Nothing, Payload::Tree);
        self.records.rows.push(Row { key, kind, payload });
    }

    /// Adds a hash with all its fields.
    pub(crate) fn push_hash(&mut self, key: &KeyView<'_>) {
        let name = self.span(key.name());
        let first = self.records.spans.len();
        key.all_hash_fields(|field, value| {
            let (field, value) = (self.span(field), self.span(value));
            self.records.spans.extend([field, value]);
        });
        self.push_pairs(name, first);
    }

    /// Adds a hash with some of its fields, those that it has.
    pub(crate) fn push_fields(
        &mut self,
        key: &KeyView<'_>,
        fields: &HashFields,
        names: &[Vec<u8>],
    ) {
        let name = self.span(key.name());
        let first = self.records.spans.len();
        key.hash_fields(fields, |index, value| {
            let (field, value) = (self.span(&names[index]), self.span(value));
            self.records.spans.extend([field, value]);
        });
        self.push_pairs(name, first);
    }

    fn push_pairs(&mut self, key: Span, first: usize) {
        let count = short(self.records.spans.len() - first);
        let payload = Payload::Pairs {
            first: short(first),
            count,
        };
        self.records.rows.push(Row {
            key,
            kind: "hash",
            payload,
        });
    }

    fn span(&mut self, bytes: &[u8]) -> Span {
        let start = short(self.records.bytes.len());
        self.records.bytes.extend_from_slice(bytes);
        Span {
            start,
            len: short(bytes.len()),
        }
    }
}

/// A batch ends long before 4 GiB: keys and values of that size come as trees, on their own.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
