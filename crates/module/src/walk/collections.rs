//! Values that come by commands: of keys with many elements, and JSON.
//!
//! A key with many elements is read in pieces, one for each hold of the lock.

use gearframe_embedded_python::Value;
use gearframe_server_api::KeyKind;

use crate::walk::later::{Later, restless};
use crate::walk::pieces::{Count, Pieces, Stop, TRIES};
use crate::walk::shapes::{entries, id_of, items, pair, present, set, text, zset};

/// The elements of one piece.
pub(crate) const PIECE: usize = 500;

/// A list that never stands still is read in one hold if it has no more elements than this: that
/// is what LRANGE costs the server whoever sends it, about a millisecond.
const AT_ONCE: usize = 10_000;

/// And if these take no more than this, about, by what was seen of them.
const AT_ONCE_BYTES: usize = 1 << 20;

impl Pieces<'_> {
    /// The value.
    pub(crate) fn value(&mut self, later: &Later) -> Result<Value, Stop> {
        if later.is_small() {
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

    /// A long list in windows. Who pushes or pops meanwhile moves its elements, so the length and
    /// both ends must stay what they were (a capped list keeps its length while it moves); a long
    /// list that never stands still is an error, not a wrong value.
    fn list(&mut self) -> Result<Value, Stop> {
        let mut elements = 0;
        for _ in 0..TRIES {
            if let Some(found) = self.windows(&mut elements)? {
                return Ok(Value::List(found));
            }
        }
        let each = (self.bytes / elements.max(1)).max(1);
        let most = AT_ONCE.min(AT_ONCE_BYTES / each);
        let end = most.saturating_sub(1).to_string();
        let [all, length] = self.run([
            &[b"LRANGE", self.key, b"0", end.as_bytes()],
            &[b"LLEN", self.key],
        ])?;
        let all = items(all);
        if length == Value::Int(all.len() as i64) {
            return Ok(Value::List(all));
        }
        Err(restless("the list", self.key, "LRANGE").into())
    }

    /// The list, if it stood still; `elements` counts what was read.
    fn windows(&mut self, elements: &mut usize) -> Result<Option<Vec<Value>>, Stop> {
        let (mut found, mut known) = (Vec::new(), None);
        let mut size = Count::up_to(2 * PIECE);
        loop {
            let (start, end, before) = (
                found.len().to_string(),
                (found.len() + size.elements - 1).to_string(),
                self.bytes,
            );
            let [piece, length, first, tail] = self.run([
                &[b"LRANGE", self.key, start.as_bytes(), end.as_bytes()],
                &[b"LLEN", self.key],
                &[b"LRANGE", self.key, b"0", b"0"],
                &[b"LRANGE", self.key, b"-1", b"-1"],
            ])?;
            let piece = items(piece);
            *elements += piece.len();
            let now = (length, first, tail);
            if *known.get_or_insert_with(|| now.clone()) != now {
                return Ok(None);
            }
            let last = piece.len() < size.elements;
            found.extend(piece);
            if last {
                return Ok(Some(found));
            }
            size.learn(self.bytes - before);
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
