//! A batch of records while it is being filled.

use gearframe_core::keys::SeenKeys;
use gearframe_embedded_python::{Payload, Records, Row, Span, Value};
use gearframe_server_api::{HashFields, KeyKind, KeyView, ScanCursor};

use crate::walk::in_place::{MANY_BYTES, PLACES};

/// A batch ends at so many bytes, however few records it has.
const MOST_BYTES: usize = 1 << 20;

/// What its arena can hold: places in it have 32 bits.
const MOST_ARENA: usize = if cfg!(test) { 100 } else { u32::MAX as usize };

/// Records for Python, and what is left for it to do.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Records,
    /// Some values are JSON texts.
    pub(crate) documents: bool,
    /// Bytes of the trees, which the arena does not hold.
    tree_bytes: usize,
    /// Something did not fit into the arena.
    too_large: bool,
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
        self.len() >= records || self.size() >= MOST_BYTES
    }

    /// The bytes of its records.
    pub(crate) fn size(&self) -> usize {
        self.records.bytes.len() + self.tree_bytes
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

    /// Adds a string.
    pub(crate) fn push_text(&mut self, key: &[u8], text: &[u8]) {
        let (key, text) = (self.span(key), self.span(text));
        self.records.rows.push(Row {
            key,
            kind: KeyKind::String.name(),
            payload: Payload::Text(text),
        });
    }

    /// Drops those of the records behind the first `checked` whose keys were met before.
    pub(crate) fn drop_met(&mut self, checked: usize, seen: &mut SeenKeys) {
        let records = &self.records;
        let name = |row: &Row| {
            let start = row.key.start as usize;
            records.bytes.get(start..start + row.key.len as usize)
        };
        let keys = records.rows[checked..].iter();
        let fresh = seen.insert_all(keys.map(|row| name(row).unwrap_or_default()));
        if fresh.contains(&false) {
            let mut fresh = std::iter::repeat_n(true, checked).chain(fresh);
            self.records.rows.retain(|_| fresh.next().unwrap_or(true));
        }
    }

    /// Adds a hash with all its fields. Nothing, and `false`, if it is too large for one hold.
    pub(crate) fn push_hash(&mut self, key: &KeyView<'_>) -> bool {
        let (start, first) = (self.records.bytes.len(), self.records.spans.len());
        let (name, cursor) = (self.span(key.name()), ScanCursor::new());
        let mut places = 0;
        while key.scan_fields(&cursor, |field, value| {
            let (field, value) = (self.span(field), self.span(value));
            self.records.spans.extend([field, value]);
        }) {
            places += 1;
            if self.records.bytes.len() - start >= MANY_BYTES || places >= PLACES {
                self.records.bytes.truncate(start);
                self.records.spans.truncate(first);
                return false;
            }
        }
        self.push_pairs(name, first);
        true
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
        let start = self.records.bytes.len();
        if bytes.len() > MOST_ARENA.saturating_sub(start) {
            self.too_large = true;
            return Span { start: 0, len: 0 };
        }
        self.records.bytes.extend_from_slice(bytes);
        Span {
            start: short(start),
            len: short(bytes.len()),
        }
    }

    /// Fails if the batch is not what was put into it: a batch ends at [`MOST_BYTES`], but one hash
    /// has many values, each of any size.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.too_large {
            return Err("the values of a key have more than 4 GiB, which is more than a batch can hold; read its parts with execute('HGET', ...)".into());
        }
        Ok(())
    }
}

/// Places in an arena that ends at [`MOST_ARENA`].
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_an_error_and_not_another_value() {
        let mut batch = Batch::new(true);
        batch.push_text(b"key", &[b'x'; 97]);
        assert_eq!(batch.check(), Ok(()));
        batch.push_text(b"", b"y");
        assert!(batch.check().is_err());
        assert_eq!(batch.records.bytes.len(), 100);
    }
}
