//! Values that come by commands: strings, lists, sets, sorted sets, streams, JSON and long hashes.
//!
//! The server changes the encoding of a short string when a module looks at it in place, and has
//! no cheap way to the rest; its own commands do neither harm nor bad. A key with many elements is
//! read in pieces, one for each hold of the lock.

use gearframe_embedded_python::Value;
use gearframe_server_api::KeyKind;

use crate::calls::Session;
use crate::resp;
use crate::walk::batch::Batch;
use crate::walk::reader::Reader;

/// The elements of one piece.
const PIECE: usize = 500;

/// How often a list that changes its length while it is read is begun anew.
const TRIES: usize = 8;

/// A key whose value is still to be read.
pub(crate) struct Later {
    pub(crate) key: Vec<u8>,
    pub(crate) kind: KeyKind,
    pub(crate) length: usize,
}

/// Reads the value of a key into the batch. A key that is gone by now gives no record; one that
/// has become another type is read as that.
pub(crate) fn read(reader: &Reader, later: Later, batch: &mut Batch) -> Result<(), String> {
    let mut pieces = Pieces {
        reader,
        key: &later.key,
        bytes: 0,
    };
    let value = match pieces.value(later.kind, later.length) {
        Err(text) if text.starts_with("WRONGTYPE") => return again(reader, later, batch),
        outcome => outcome?,
    };
    let Some(value) = value else { return Ok(()) };
    batch.documents |= later.kind == KeyKind::Module && value != Value::None;
    batch.push(&later.key, later.kind.name(), Some(value), pieces.bytes);
    Ok(())
}

fn again(reader: &Reader, later: Later, batch: &mut Batch) -> Result<(), String> {
    let (kind, length) = reader.hold(|lock| {
        let opened = lock
            .select_db(reader.caller().db)
            .then(|| lock.open(&later.key));
        opened.map_or((KeyKind::Empty, 0), |key| {
            (key.view().kind(), key.view().length())
        })
    });
    if kind == KeyKind::Empty || reader.stopped() {
        return Ok(());
    }
    read(
        reader,
        Later {
            kind,
            length,
            ..later
        },
        batch,
    )
}

struct Pieces<'a> {
    reader: &'a Reader,
    key: &'a [u8],
    bytes: usize,
}

impl Pieces<'_> {
    /// Runs a command in a hold of its own.
    fn run(&mut self, command: &[&[u8]]) -> Result<Value, String> {
        let caller = self.reader.caller();
        let bytes = self
            .reader
            .hold(|lock| Session::open(lock, caller)?.run(command))?;
        self.bytes += bytes.len();
        resp::read(&bytes)
    }

    /// The value, or `None` for a key that is gone.
    fn value(&mut self, kind: KeyKind, length: usize) -> Result<Option<Value>, String> {
        let few = length <= 2 * PIECE;
        let key = self.key;
        match kind {
            KeyKind::Empty => Ok(None),
            KeyKind::String => Ok(present(self.run(&[b"GET", key])?)),
            KeyKind::List if few => Ok(filled(self.run(&[b"LRANGE", key, b"0", b"-1"])?)),
            KeyKind::List => self.list(),
            KeyKind::Set if few => Ok(filled(self.run(&[b"SMEMBERS", key])?).map(set)),
            KeyKind::Set => Ok(Some(set(Value::List(self.scan(b"SSCAN")?)))),
            KeyKind::Hash if few => Ok(filled(self.run(&[b"HGETALL", key])?).map(dict)),
            KeyKind::Hash => Ok(Some(dict(Value::List(self.scan(b"HSCAN")?)))),
            KeyKind::Zset if few => {
                Ok(filled(self.run(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"])?).map(zset))
            }
            KeyKind::Zset => Ok(Some(zset(Value::List(self.scan(b"ZSCAN")?)))),
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

    /// A long list in windows. Who pushes or pops meanwhile moves its elements, so the length must
    /// stay what it was; a list that never stands still is an error, not a wrong value.
    fn list(&mut self) -> Result<Option<Value>, String> {
        for _ in 0..TRIES {
            let length = self.run(&[b"LLEN", self.key])?;
            if let Some(found) = self.windows(&length)? {
                return Ok(filled(Value::List(found)));
            }
        }
        let key = String::from_utf8_lossy(self.key);
        Err(format!(
            "the list {key:?} changes while it is read; stop its writers, or read it with execute('LRANGE', ...)"
        ))
    }

    fn windows(&mut self, length: &Value) -> Result<Option<Vec<Value>>, String> {
        let mut found = Vec::new();
        loop {
            let (start, end) = (
                found.len().to_string(),
                (found.len() + 2 * PIECE - 1).to_string(),
            );
            let piece =
                items(self.run(&[b"LRANGE", self.key, start.as_bytes(), end.as_bytes()])?);
            let last = piece.len() < 2 * PIECE;
            found.extend(piece);
            if self.run(&[b"LLEN", self.key])? != *length && !self.reader.stopped() {
                return Ok(None);
            }
            if last || self.reader.stopped() {
                return Ok(Some(found));
            }
        }
    }

    /// The entries of a stream, page by page; those that are added meanwhile may be among them.
    fn stream(&mut self) -> Result<Value, String> {
        let (mut from, mut entries) = (b"-".to_vec(), Vec::new());
        loop {
            let count = PIECE.to_string();
            let page =
                items(self.run(&[b"XRANGE", self.key, &from, b"+", b"COUNT", count.as_bytes()])?);
            let last = page.len() < PIECE;
            for entry in page {
                let [id, fields] = pair(entry)?;
                let id = text(id);
                from = [b"(", id.as_slice()].concat();
                entries.push(Value::Dict(vec![
                    (Value::Text("id".into()), Value::Bulk(id)),
                    (Value::Text("value".into()), dict(fields)),
                ]));
            }
            if last || self.reader.stopped() {
                return Ok(Value::List(entries));
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

fn present(value: Value) -> Option<Value> {
    (value != Value::None).then_some(value)
}

/// A collection without elements does not exist.
fn filled(value: Value) -> Option<Value> {
    match &value {
        Value::List(items) if items.is_empty() => None,
        Value::None => None,
        _ => Some(value),
    }
}

fn items(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        _ => Vec::new(),
    }
}

fn pair(value: Value) -> Result<[Value; 2], String> {
    items(value)
        .try_into()
        .map_err(|_| "ERR the reply of the server has another shape".to_owned())
}

fn text(value: Value) -> Vec<u8> {
    match value {
        Value::Bulk(bytes) => bytes,
        _ => Vec::new(),
    }
}

fn hashable(value: Value) -> Value {
    match value {
        Value::Bulk(bytes) => Value::Key(bytes),
        other => other,
    }
}

fn set(value: Value) -> Value {
    Value::Set(items(value).into_iter().map(hashable).collect())
}

fn pairs(value: Value) -> Vec<(Value, Value)> {
    let mut rest = items(value).into_iter();
    std::iter::from_fn(|| Some((hashable(rest.next()?), rest.next()?))).collect()
}

fn dict(value: Value) -> Value {
    Value::Dict(pairs(value))
}

/// Members with their scores, in the order of the server: by score, then by the member's bytes.
fn zset(value: Value) -> Value {
    let mut scored: Vec<(Vec<u8>, f64)> = pairs(value)
        .into_iter()
        .map(|(member, score)| {
            let number = String::from_utf8_lossy(&text(score))
                .parse()
                .unwrap_or(f64::NAN);
            let member = if let Value::Key(bytes) = member {
                bytes
            } else {
                Vec::new()
            };
            (member, number)
        })
        .collect();
    scored.sort_by(|one, other| one.1.total_cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
    Value::Dict(
        scored
            .into_iter()
            .map(|(member, score)| (Value::Key(member), Value::Float(score)))
            .collect(),
    )
}
