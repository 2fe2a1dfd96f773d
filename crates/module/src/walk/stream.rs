//! Streams, which are read in place: each hold ends when it has read enough bytes.

use gearframe_embedded_python::Value;
use gearframe_server_api::{KeyView, StreamId, StreamPart};

use crate::walk::collections::PIECE;
use crate::walk::in_place::MANY_BYTES;
use crate::walk::pieces::{PIECE_BYTES, Pieces, Stop};
use crate::walk::texts::Texts;

/// Entries of a stream: ids, how many texts stood before each, and the texts of their fields.
pub(crate) struct Entries {
    begins: Vec<(StreamId, usize)>,
    texts: Texts,
}

impl Entries {
    /// All of a stream with few entries; `None` if they are too much for one hold.
    pub(crate) fn all_of(key: &KeyView<'_>) -> Option<Self> {
        let mut entries = Self {
            begins: Vec::new(),
            texts: Texts::some(2 * key.length()),
        };
        entries.fill(key, None, None, MANY_BYTES);
        (entries.begins.len() == key.length()).then_some(entries)
    }

    /// Reads entries until there are enough of them.
    fn fill(
        &mut self,
        key: &KeyView<'_>,
        behind: Option<StreamId>,
        up_to: Option<StreamId>,
        bytes: usize,
    ) {
        key.entries(behind, up_to, |part| match part {
            StreamPart::Entry(_) if self.begins.len() >= PIECE || self.texts.bytes() >= bytes => {
                false
            }
            StreamPart::Entry(id) => {
                self.begins.push((id, self.texts.len()));
                true
            }
            StreamPart::Field(field, value) => {
                self.texts.push(field);
                self.texts.push(value);
                true
            }
        });
    }

    fn clear(&mut self) {
        self.begins.clear();
        self.texts.clear();
    }

    pub(crate) fn size(&self) -> usize {
        self.texts.size() + self.begins.len() * Texts::EACH
    }

    /// The entries as records have them.
    pub(crate) fn values(&self) -> Vec<Value> {
        let ends = self.begins.iter().skip(1).map(|(_, begin)| *begin);
        let ends = ends.chain(std::iter::once(self.texts.len()));
        let mut fields = self.texts.pairs();
        let each = self.begins.iter().zip(ends);
        each.map(|((id, begin), end)| {
            let fields = fields.by_ref().take((end - begin) / 2).collect();
            let id = format!("{}-{}", id.ms, id.seq).into_bytes();
            Value::Dict(vec![
                (Value::Text("id".into()), Value::Bulk(id)),
                (Value::Text("value".into()), Value::Dict(fields)),
            ])
        })
        .collect()
    }
}

impl Pieces<'_> {
    /// The entries of a stream, page by page, up to the one that is the last at the start: who
    /// writes faster than this reads does not keep it for ever.
    pub(crate) fn stream(&mut self) -> Result<Value, Stop> {
        let name = self.key;
        let right: &[&[u8]] = &[b"XRANGE", name, b"-", b"+", b"COUNT", b"1"];
        let (mut behind, mut up_to, mut found) = (None, None, Vec::new());
        let mut page = Entries {
            begins: Vec::new(),
            texts: Texts::touched(2 * PIECE_BYTES),
        };
        loop {
            page.clear();
            self.look(Some(right), |key, _| {
                up_to = up_to.or_else(|| key.view().last_entry());
                page.fill(key.view(), behind, up_to, PIECE_BYTES);
            })?;
            let Some((last, _)) = page.begins.last() else {
                return Ok(Value::List(found));
            };
            behind = Some(*last);
            self.bytes += page.size();
            found.extend(page.values());
            if behind >= up_to {
                return Ok(Value::List(found));
            }
        }
    }
}
