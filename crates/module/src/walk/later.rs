//! Keys whose values come by commands: strings, lists, sets, sorted sets, streams, JSON, long hashes.
//!
//! The server changes the encoding of a short string when a module looks at it in place, and has
//! no cheap way to the rest; its own commands do neither harm nor bad. Small values are read many
//! in one hold of the lock.

use std::collections::VecDeque;
use std::time::Instant;

use gearframe_embedded_python::Value;
use gearframe_server_api::KeyKind;

use crate::calls::Session;
use crate::resp;
use crate::walk::batch::Batch;
use crate::walk::collections::{PIECE, Pieces};
use crate::walk::reader::{HOLD, Reader};
use crate::walk::shapes::{dict, entries, filled, items, present, set, zset};

/// The strings of one MGET, and their bytes together, unless it is one longer string.
const STRINGS: usize = 200;
const STRING_BYTES: usize = 128 << 10;

/// A key whose value is still to be read.
pub(crate) struct Later {
    pub(crate) key: Vec<u8>,
    pub(crate) kind: KeyKind,
    pub(crate) length: usize,
}

/// Reads the values of the first keys into the batch, in as many holds as they need: one for many
/// small values, many for one with many elements. There is at least one key.
pub(crate) fn read_some(
    reader: &Reader,
    later: &mut VecDeque<Later>,
    batch: &mut Batch,
) -> Result<(), String> {
    let strings = strings_at_once(later);
    if strings > 1 {
        return read_strings(reader, later.drain(..strings).collect(), batch);
    }
    let small = later.iter().take_while(|later| later.is_small()).count();
    if small == 0 {
        return later
            .pop_front()
            .map_or(Ok(()), |later| read(reader, later, batch));
    }
    read_small(reader, later, small, batch)
}

/// How many of the first keys are strings that one MGET may read.
fn strings_at_once(later: &VecDeque<Later>) -> usize {
    let mut bytes = 0;
    let fits = |later: &&Later| {
        bytes += later.length;
        later.kind == KeyKind::String && bytes <= STRING_BYTES
    };
    later.iter().take(STRINGS).take_while(fits).count()
}

fn read_strings(reader: &Reader, strings: Vec<Later>, batch: &mut Batch) -> Result<(), String> {
    let names = strings.iter().map(|later| later.key.as_slice());
    let command: Vec<&[u8]> = std::iter::once(b"MGET".as_slice()).chain(names).collect();
    let reply = reader.hold(|lock| Session::open(lock, reader.caller())?.run(&command));
    // A user who may not run MGET has his error from GET.
    let values = reply.and_then(|bytes| resp::read(&bytes)).map(items);
    let mut values = values.unwrap_or_default().into_iter();
    for later in strings {
        match values.next() {
            Some(Value::Bulk(text)) => batch.push_text(&later.key, &text),
            // Gone, or of another type by now.
            _ => again(reader, later, batch)?,
        }
    }
    Ok(())
}

/// Runs the commands of keys with few elements, until the time of one hold is over.
fn read_small(
    reader: &Reader,
    later: &mut VecDeque<Later>,
    small: usize,
    batch: &mut Batch,
) -> Result<(), String> {
    let replies = reader.hold(|lock| {
        let end = Instant::now() + HOLD;
        let session = Session::open(lock, reader.caller())?;
        let mut replies = Vec::new();
        for later in later.iter().take(small) {
            replies.push(session.run(&later.command()));
            if Instant::now() >= end {
                break;
            }
        }
        Ok::<_, String>(replies)
    })?;
    for (later, reply) in later.drain(..replies.len()).zip(replies) {
        let bytes = reply?;
        match resp::read(&bytes) {
            Err(text) if text.starts_with("WRONGTYPE") => again(reader, later, batch)?,
            outcome => {
                if let Some(value) = later.shaped(outcome?)? {
                    batch.push(&later.key, later.kind.name(), Some(value), bytes.len());
                }
            }
        }
    }
    Ok(())
}

impl Later {
    /// Whether one short command reads it.
    pub(crate) fn is_small(&self) -> bool {
        match self.kind {
            KeyKind::String => self.length <= STRING_BYTES,
            KeyKind::List | KeyKind::Set | KeyKind::Hash | KeyKind::Zset => {
                self.length <= 2 * PIECE
            }
            KeyKind::Stream => self.length <= PIECE,
            KeyKind::Empty | KeyKind::Module => false,
        }
    }

    /// The command that reads all of it.
    pub(crate) fn command(&self) -> Vec<&[u8]> {
        let key = self.key.as_slice();
        match self.kind {
            KeyKind::List => vec![b"LRANGE", key, b"0", b"-1"],
            KeyKind::Set => vec![b"SMEMBERS", key],
            KeyKind::Hash => vec![b"HGETALL", key],
            KeyKind::Zset => vec![b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
            KeyKind::Stream => vec![b"XRANGE", key, b"-", b"+"],
            KeyKind::String | KeyKind::Empty | KeyKind::Module => vec![b"GET", key],
        }
    }

    /// What the reply to its command is to Python; `None` for a key that is gone.
    pub(crate) fn shaped(&self, reply: Value) -> Result<Option<Value>, String> {
        Ok(match self.kind {
            KeyKind::List => filled(reply),
            KeyKind::Set => filled(reply).map(set),
            KeyKind::Hash => filled(reply).map(dict),
            KeyKind::Zset => filled(reply).map(zset),
            KeyKind::Stream => Some(Value::List(entries(reply)?)),
            KeyKind::String | KeyKind::Empty | KeyKind::Module => present(reply),
        })
    }
}

/// Reads the value of a key into the batch. A key that is gone by now gives no record; one that
/// has become another type is read as that.
fn read(reader: &Reader, later: Later, batch: &mut Batch) -> Result<(), String> {
    let mut pieces = Pieces {
        reader,
        key: &later.key,
        bytes: 0,
    };
    let value = match pieces.value(&later) {
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
