//! Values that come by commands: of keys with many elements, and JSON.
//!
//! A key with many elements is read in pieces, one for each hold of the lock.

use gearframe_embedded_python::Value;
use gearframe_server_api::KeyKind;

use crate::walk::later::Later;
use crate::walk::pieces::{Count, Pieces, Stop};
use crate::walk::shapes::{entries, id_of, items, pair, present, set, text, zset};

/// The elements of one piece.
pub(crate) const PIECE: usize = 500;

impl Pieces<'_> {
    /// The value.
    pub(crate) fn value(&mut self, later: &Later) -> Result<Value, Stop> {
        if later.is_small() && later.kind != KeyKind::List {
            let [reply] = self.run([&later.command()])?;
            return match later.shaped(reply)? {
                Some(value) => Ok(value),
                None if later.kind == KeyKind::Stream => Ok(Value::List(Vec::new())),
                None => Err(Stop::Gone),
            };
        }
        match later.kind {
            KeyKind::Empty => Err(Stop::Gone),
            KeyKind::String => self.string(later.length),
            KeyKind::Hash => self.hash(later.length),
            KeyKind::List => self.list(),
            KeyKind::Set => Ok(set(Value::List(self.scan(b"SSCAN")?))),
            KeyKind::Zset => Ok(zset(Value::List(self.scan(b"ZSCAN")?))),
            KeyKind::Stream => self.stream(),
            KeyKind::Module => self.module(),
        }
    }

    /// All elements by the cursor of a key, twice perhaps, as the server gives them.
    fn scan(&mut self, command: &[u8]) -> Result<Vec<Value>, Stop> {
        let (mut cursor, mut found) = (b"0".to_vec(), Vec::new());
        let mut size = Count::up_to(PIECE);
        loop {
            let (count, before) = (size.elements.to_string(), self.bytes);
            let [reply] = self.run([&[command, self.key, &cursor, b"COUNT", count.as_bytes()]])?;
            size.learn(self.bytes - before);
            let [next, elements] = pair(reply)?;
            cursor = text(next);
            found.extend(items(elements));
            if cursor == b"0" {
                return Ok(found);
            }
        }
    }

    /// The entries of a stream, page by page; those that are added meanwhile may be among them.
    fn stream(&mut self) -> Result<Value, Stop> {
        let (mut from, mut found) = (b"-".to_vec(), Vec::new());
        let mut size = Count::up_to(PIECE);
        loop {
            let (count, before) = (size.elements.to_string(), self.bytes);
            let command = [b"XRANGE", self.key, &from, b"+", b"COUNT", count.as_bytes()];
            let [page] = self.run([&command])?;
            let page = entries(page)?;
            let last = page.len() < size.elements;
            if let Some(id) = page.last().and_then(id_of) {
                from = [b"(", id].concat();
            }
            found.extend(page);
            if last {
                return Ok(Value::List(found));
            }
            size.learn(self.bytes - before);
        }
    }

    /// A JSON document as text; other types of modules have no value.
    fn module(&mut self) -> Result<Value, Stop> {
        let [kind] = self.run([&[b"TYPE", self.key]])?;
        if text(kind) != b"ReJSON-RL" {
            return Ok(Value::None);
        }
        let [document] = self.run([&[b"JSON.GET", self.key]])?;
        present(document).ok_or(Stop::Gone)
    }
}
