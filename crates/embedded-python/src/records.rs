//! A batch of keys as a list of dicts, as fast as the C API allows.
//!
//! What pays (`examples/records.rs` measures it): copies of a dict with the right keys are cheaper than new ones, since
//! the copy of a table is one memcpy and no table grows. So the outer dict is a copy of one made once per call, and the
//! value of a hash is a copy of the last hash that had the same fields in the same order. The outer keys are interned,
//! so that code that says `record['key']` finds them by address. Names of fields are not: 3.12 never frees a str that was
//! interned, and a server may have any number of names. The garbage collector is off meanwhile.
//!
//! What does not pay: to remember short values, so that equal ones share a str. With one value in three repeated, the
//! looking up cost a tenth more than the making.

use crate::capi::{Gil, Raised, Ref};
use crate::to_python::{bulk, key, object};
use crate::value::{Payload, Records, Row, Span};

/// The list of records.
pub(crate) fn list<'py>(gil: Gil<'py>, records: &Records) -> Result<Ref<'py>, Raised> {
    let _off = gil.without_collection();
    let mut builder = Builder::new(gil, records)?;
    gil.list(records.rows.len(), |i| builder.record(&records.rows[i]))
}

struct Builder<'a, 'py> {
    gil: Gil<'py>,
    arena: Arena<'a, 'py>,
    key: Ref<'py>,
    value: Ref<'py>,
    /// A record with everything but its key and its value, for each type that was met.
    outlines: Vec<(&'static str, Ref<'py>)>,
    /// Hashes by the names of their fields.
    shapes: [Option<Shape<'py>>; SHAPES],
    /// Where the last one is.
    last: usize,
    /// The names of fields that were met.
    names: [Option<(Span, Ref<'py>)>; NAMES],
}

const SHAPES: usize = 128;
const NAMES: usize = 256;

/// A hash that was made, to be copied for one with the same fields.
struct Shape<'py> {
    names: Vec<(Span, Ref<'py>)>,
    made: Ref<'py>,
}

impl<'a, 'py> Builder<'a, 'py> {
    fn new(gil: Gil<'py>, records: &'a Records) -> Result<Self, Raised> {
        let (key, value) = (gil.interned(c"key")?, gil.interned(c"value")?);
        Ok(Builder {
            gil,
            arena: Arena { gil, records },
            key,
            value,
            outlines: Vec::new(),
            shapes: [const { None }; SHAPES],
            last: 0,
            names: [const { None }; NAMES],
        })
    }

    fn record(&mut self, row: &Row) -> Result<Ref<'py>, Raised> {
        let gil = self.gil;
        let record = gil.copy_of_dict(self.outline(row.kind)?)?;
        let name = key(gil, self.arena.bytes(row.key)?)?;
        gil.set_item(&record, &self.key, &name)?;
        if self.arena.records.with_value {
            let value = self.payload(&row.payload)?;
            gil.set_item(&record, &self.value, &value)?;
        }
        Ok(record)
    }

    fn outline(&mut self, kind: &'static str) -> Result<&Ref<'py>, Raised> {
        let with_value = self.arena.records.with_value;
        let known = self
            .outlines
            .iter()
            .position(|(known, _)| !with_value || *known == kind);
        let at = match known {
            Some(at) => at,
            None => {
                let made = self.new_outline(kind)?;
                self.outlines.push((kind, made));
                self.outlines.len() - 1
            }
        };
        Ok(&self.outlines[at].1)
    }

    fn new_outline(&self, kind: &str) -> Result<Ref<'py>, Raised> {
        let gil = self.gil;
        let (outline, none) = (gil.dict()?, gil.none());
        gil.set_item(&outline, &self.key, &none)?;
        if self.arena.records.with_value {
            gil.set_item(&outline, &self.value, &none)?;
            gil.set_item(&outline, &gil.interned(c"type")?, &gil.text(kind)?)?;
        }
        gil.set_item(&outline, &gil.interned(c"event")?, &none)?;
        Ok(outline)
    }

    fn payload(&mut self, payload: &Payload) -> Result<Ref<'py>, Raised> {
        let (gil, arena) = (self.gil, self.arena);
        match payload {
            Payload::Nothing => Ok(gil.none()),
            Payload::Text(span) => bulk(gil, arena.bytes(*span)?),
            Payload::Pairs { first, count } => self.hash(arena.spans(*first, *count)?),
            Payload::Items { first, count } => {
                let spans = arena.spans(*first, *count)?;
                gil.list(spans.len(), |i| bulk(gil, arena.bytes(spans[i])?))
            }
            Payload::Members { first, count } => arena.members(*first, *count),
            Payload::Scored {
                first,
                count,
                first_score,
            } => arena.scored(*first, *count, *first_score),
            Payload::Tree(value) => object(gil, value, 0),
        }
    }

    fn hash(&mut self, spans: &[Span]) -> Result<Ref<'py>, Raised> {
        let arena = self.arena;
        if !arena.fits(self.shapes[self.last].as_ref(), spans) {
            self.last = arena.mark_of_all(spans)? % SHAPES;
        }
        let known = self.shapes[self.last].take();
        let (made, shape) = match known {
            Some(shape) if arena.fits(Some(&shape), spans) => (self.copied(&shape, spans)?, shape),
            _ => self.new_hash(spans)?,
        };
        self.shapes[self.last] = Some(shape);
        Ok(made)
    }

    fn copied(&self, shape: &Shape<'py>, spans: &[Span]) -> Result<Ref<'py>, Raised> {
        let gil = self.gil;
        let hash = gil.copy_of_dict(&shape.made)?;
        for ((_, name), pair) in shape.names.iter().zip(spans.chunks_exact(2)) {
            gil.set_item(&hash, name, &bulk(gil, self.arena.bytes(pair[1])?)?)?;
        }
        Ok(hash)
    }

    fn new_hash(&mut self, spans: &[Span]) -> Result<(Ref<'py>, Shape<'py>), Raised> {
        let gil = self.gil;
        let hash = gil.dict()?;
        let mut names = Vec::with_capacity(spans.len() / 2);
        for pair in spans.chunks_exact(2) {
            let name = self.name(pair[0])?;
            gil.set_item(&hash, &name, &bulk(gil, self.arena.bytes(pair[1])?)?)?;
            names.push((pair[0], name));
        }
        let made = hash.clone();
        Ok((hash, Shape { names, made }))
    }

    /// A field's name: the one that was made before, whose own hash is known already, if it is remembered.
    fn name(&mut self, span: Span) -> Result<Ref<'py>, Raised> {
        let bytes = self.arena.bytes(span)?;
        let slot = mark(bytes) % NAMES;
        if let Some((known, name)) = &self.names[slot]
            && self.arena.bytes(*known)? == bytes
        {
            return Ok(name.clone());
        }
        let name = key(self.gil, bytes)?;
        self.names[slot] = Some((span, name.clone()));
        Ok(name)
    }
}

/// A number for a text, by which tables find it; equal numbers are followed by a comparison.
fn mark(bytes: &[u8]) -> usize {
    let ends = |a: u8, b: u8| usize::from(a) << 8 | usize::from(b);
    let (first, last) = (bytes.first_chunk::<2>(), bytes.last_chunk::<2>());
    let mixed = first.map_or(0, |[a, b]| ends(*a, *b)) * 31
        + last.map_or(bytes.len(), |[a, b]| ends(*a, *b));
    (mixed + bytes.len()).wrapping_mul(0x9E37_79B1) >> 12
}

/// The batch's bytes. A span that points outside of them is an error, not a crash.
#[derive(Clone, Copy)]
struct Arena<'a, 'py> {
    gil: Gil<'py>,
    records: &'a Records,
}

impl<'a, 'py> Arena<'a, 'py> {
    fn bytes(self, span: Span) -> Result<&'a [u8], Raised> {
        match self.get(span) {
            Some(bytes) => Ok(bytes),
            None => self.part(&self.records.bytes, span.start as usize, span.len as usize),
        }
    }

    fn get(self, span: Span) -> Option<&'a [u8]> {
        let start = span.start as usize;
        self.records
            .bytes
            .get(start..start.checked_add(span.len as usize)?)
    }

    fn spans(self, first: u32, count: u32) -> Result<&'a [Span], Raised> {
        self.part(&self.records.spans, first as usize, count as usize)
    }

    fn part<T>(self, all: &'a [T], start: usize, len: usize) -> Result<&'a [T], Raised> {
        let part = start.checked_add(len).and_then(|end| all.get(start..end));
        part.ok_or_else(|| {
            let size = all.len();
            self.gil.runtime_error(&format!(
                "a record of the host points at {len} from {start} of {size}"
            ))
        })
    }

    fn fits(self, shape: Option<&Shape<'py>>, spans: &[Span]) -> bool {
        let same = |a: Span, b: Span| {
            a.len == b.len && matches!((self.get(a), self.get(b)), (Some(a), Some(b)) if a == b)
        };
        let all_same = |names: &[(Span, Ref<'py>)]| {
            names.len() == spans.len() / 2
                && names
                    .iter()
                    .zip(spans.chunks_exact(2))
                    .all(|((name, _), pair)| same(*name, pair[0]))
        };
        shape.is_some_and(|shape| all_same(&shape.names))
    }

    fn mark_of_all(self, spans: &[Span]) -> Result<usize, Raised> {
        let mut all = spans.len();
        for pair in spans.chunks_exact(2) {
            all = all
                .wrapping_mul(31)
                .wrapping_add(mark(self.bytes(pair[0])?));
        }
        Ok(all)
    }

    fn members(self, first: u32, count: u32) -> Result<Ref<'py>, Raised> {
        let set = self.gil.set()?;
        for span in self.spans(first, count)? {
            self.gil.add(&set, &key(self.gil, self.bytes(*span)?)?)?;
        }
        Ok(set)
    }

    fn scored(self, first: u32, count: u32, first_score: u32) -> Result<Ref<'py>, Raised> {
        let gil = self.gil;
        let scores = self.part(&self.records.scores, first_score as usize, count as usize)?;
        let dict = gil.dict()?;
        for (span, score) in self.spans(first, count)?.iter().zip(scores) {
            gil.set_item(&dict, &key(gil, self.bytes(*span)?)?, &gil.float(*score)?)?;
        }
        Ok(dict)
    }
}
