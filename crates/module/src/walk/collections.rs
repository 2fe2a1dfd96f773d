//! Values that come by many commands: of keys with many elements, and JSON.
//!
//! A key with many elements is read in pieces, one for each hold of the lock.

use gearframe_embedded_python::Value;
use gearframe_server_api::KeyKind;

use crate::calls::Session;
use crate::resp;
use crate::walk::later::Later;
use crate::walk::reader::Reader;
use crate::walk::shapes::{dict, entries, filled, id_of, items, pair, present, set, text, zset};

/// The elements of one piece.
pub(crate) const PIECE: usize = 500;

/// How often a list that changes its length while it is read is begun anew.
const TRIES: usize = 8;

/// A list that never stands still is read in one hold if it has no more elements than this: that
/// is what LRANGE costs the server whoever sends it, about a millisecond.
const AT_ONCE: usize = 10_000;

/// A key that is read piece by piece.
pub(crate) struct Pieces<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) key: &'a [u8],
    /// Of all replies so far.
    pub(crate) bytes: usize,
}

impl Pieces<'_> {
    /// Runs a command in a hold of its own.
    fn run(&mut self, command: &[&[u8]]) -> Result<Value, String> {
        let [value] = self.run_together([command])?;
        Ok(value)
    }

    /// Runs commands in one hold: nothing changes between them.
    fn run_together<const N: usize>(
        &mut self,
        commands: [&[&[u8]]; N],
    ) -> Result<[Value; N], String> {
        let caller = self.reader.caller();
        let replies = self.reader.hold(|lock| {
            let session = Session::open(lock, caller)?;
            Ok::<_, String>(commands.map(|command| session.run(command)))
        })?;
        let mut values = [const { Value::None }; N];
        for (value, reply) in values.iter_mut().zip(replies) {
            let bytes = reply?;
            self.bytes += bytes.len();
            *value = resp::read(&bytes)?;
        }
        Ok(values)
    }

    /// The value, or `None` for a key that is gone.
    pub(crate) fn value(&mut self, later: &Later) -> Result<Option<Value>, String> {
        if later.is_small() {
            return later.shaped(self.run(&later.command())?);
        }
        match later.kind {
            KeyKind::Empty => Ok(None),
            KeyKind::String => Ok(present(self.run(&[b"GET", self.key])?)),
            KeyKind::List => self.list(),
            KeyKind::Set => Ok(filled(Value::List(self.scan(b"SSCAN")?)).map(set)),
            KeyKind::Hash => Ok(filled(Value::List(self.scan(b"HSCAN")?)).map(dict)),
            KeyKind::Zset => Ok(filled(Value::List(self.scan(b"ZSCAN")?)).map(zset)),
            KeyKind::Stream => self.stream().map(Some),
            KeyKind::Module => self.module(),
        }
    }

    /// All elements by the cursor of a key, twice perhaps, as the server gives them.
    fn scan(&mut self, command: &[u8]) -> Result<Vec<Value>, String> {
        let (mut cursor, mut found) = (b"0".to_vec(), Vec::new());
        loop {
            let count = PIECE.to_string();
            let reply = self.run(&[command, self.key, &cursor, b"COUNT", count.as_bytes()])?;
            let [next, elements] = pair(reply)?;
            cursor = text(next);
            found.extend(items(elements));
            if cursor == b"0" || self.reader.stopped() {
                return Ok(found);
            }
        }
    }

    /// A long list in windows. Who pushes or pops meanwhile moves its elements, so the length and
    /// both ends must stay what they were (a capped list keeps its length while it moves); a long
    /// list that never stands still is an error, not a wrong value.
    fn list(&mut self) -> Result<Option<Value>, String> {
        for _ in 0..TRIES {
            if let Some(found) = self.windows()? {
                return Ok(filled(Value::List(found)));
            }
        }
        let end = (AT_ONCE - 1).to_string();
        let [all, length] = self.run_together([
            &[b"LRANGE", self.key, b"0", end.as_bytes()],
            &[b"LLEN", self.key],
        ])?;
        let all = items(all);
        if length == Value::Int(all.len() as i64) {
            return Ok(filled(Value::List(all)));
        }
        let key = String::from_utf8_lossy(self.key);
        Err(format!(
            "the list {key:?} changes while it is read; stop its writers, or read it with execute('LRANGE', ...)"
        ))
    }

    fn windows(&mut self) -> Result<Option<Vec<Value>>, String> {
        let (mut found, mut known) = (Vec::new(), None);
        loop {
            let (start, end) = (
                found.len().to_string(),
                (found.len() + 2 * PIECE - 1).to_string(),
            );
            let [piece, length, first, tail] = self.run_together([
                &[b"LRANGE", self.key, start.as_bytes(), end.as_bytes()],
                &[b"LLEN", self.key],
                &[b"LRANGE", self.key, b"0", b"0"],
                &[b"LRANGE", self.key, b"-1", b"-1"],
            ])?;
            let now = (length, first, tail);
            if *known.get_or_insert_with(|| now.clone()) != now && !self.reader.stopped() {
                return Ok(None);
            }
            let piece = items(piece);
            let last = piece.len() < 2 * PIECE;
            found.extend(piece);
            if last || self.reader.stopped() {
                return Ok(Some(found));
            }
        }
    }

    /// The entries of a stream, page by page; those that are added meanwhile may be among them.
    fn stream(&mut self) -> Result<Value, String> {
        let (mut from, mut found) = (b"-".to_vec(), Vec::new());
        loop {
            let count = PIECE.to_string();
            let command = [b"XRANGE", self.key, &from, b"+", b"COUNT", count.as_bytes()];
            let page = entries(self.run(&command)?)?;
            let last = page.len() < PIECE;
            if let Some(id) = page.last().and_then(id_of) {
                from = [b"(", id].concat();
            }
            found.extend(page);
            if last || self.reader.stopped() {
                return Ok(Value::List(found));
            }
        }
    }

    /// A JSON document as text; other types of modules have no value.
    fn module(&mut self) -> Result<Option<Value>, String> {
        match text(self.run(&[b"TYPE", self.key])?).as_slice() {
            b"none" => Ok(None),
            b"ReJSON-RL" => Ok(present(self.run(&[b"JSON.GET", self.key])?)),
            _ => Ok(Some(Value::None)),
        }
    }
}
