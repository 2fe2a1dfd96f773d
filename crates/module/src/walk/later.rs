//! Keys whose values are read after the step of the scan: all but small hashes.
//!
//! The server changes the encoding of a short string when a module looks at it in place, so those
//! come by commands. Small values are read many in one hold of the lock.

use std::collections::VecDeque;
use std::time::Instant;

use gearframe_embedded_python::Value;
use gearframe_server_api::KeyKind;

use crate::resp;
use crate::walk::batch::Batch;
use crate::walk::collections::PIECE;
use crate::walk::elements::Elements;
use crate::walk::pieces::{PIECE_BYTES, Pieces, Stop, TRIES};
use crate::walk::reader::{HOLD, Reader};
use crate::walk::rights::Rights;
use crate::walk::shapes::{items, present};

/// The strings of one MGET; their bytes together are those of a piece.
const STRINGS: usize = 200;

/// A key whose value is still to be read.
pub(crate) struct Later {
    pub(crate) key: Vec<u8>,
    pub(crate) kind: KeyKind,
    pub(crate) length: usize,
    /// Its elements are few, but so long that it is read in pieces.
    pub(crate) large: bool,
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
        later.kind == KeyKind::String && bytes <= PIECE_BYTES
    };
    later.iter().take(STRINGS).take_while(fits).count()
}

fn read_strings(reader: &Reader, strings: Vec<Later>, batch: &mut Batch) -> Result<(), String> {
    let names = strings.iter().map(|later| later.key.as_slice());
    let command: Vec<&[u8]> = std::iter::once(b"MGET".as_slice()).chain(names).collect();
    let reply = reader.hold(|lock| Rights::open(lock, reader.caller())?.session().run(&command));
    // A user who may not run MGET has his error from GET.
    let values = reply.and_then(|bytes| resp::read(&bytes)).map(items);
    let mut values = values.unwrap_or_default().into_iter();
    for later in strings {
        match values.next() {
            Some(Value::Bulk(text)) => batch.push_text(&later.key, &text),
            // Gone, or of another type by now.
            _ => read(reader, later, batch)?,
        }
    }
    Ok(())
}

/// What came of reading a small key in a hold with others.
enum Small {
    Reply(Result<Vec<u8>, String>),
    Elements(Elements),
    /// It is not small, or is not there as it was.
    Pieces,
    /// With the server's error.
    Refused(Option<String>),
}

/// Reads keys with few elements, until the time of one hold is over.
fn read_small(
    reader: &Reader,
    later: &mut VecDeque<Later>,
    small: usize,
    batch: &mut Batch,
) -> Result<(), String> {
    let found = reader.hold(|lock| {
        let end = Instant::now() + HOLD;
        let rights = Rights::open(lock, reader.caller())?;
        let mut found = Vec::new();
        for later in later.iter().take(small) {
            let one = later.read(&rights);
            let large = matches!(one, Small::Pieces);
            found.push(one);
            // One large value at a time: behind it the batch may be full.
            if large || Instant::now() >= end {
                break;
            }
        }
        Ok::<_, String>(found)
    })?;
    for (mut later, one) in later.drain(..found.len()).zip(found) {
        match one {
            Small::Reply(reply) => push_reply(reader, later, &reply?, batch)?,
            Small::Elements(found) => {
                let bytes = found.size();
                batch.push(&later.key, later.kind.name(), Some(found.value()), bytes);
            }
            Small::Refused(Some(text)) => return Err(text),
            Small::Refused(None) => read(reader, later, batch)?,
            Small::Pieces => {
                later.large = true;
                read(reader, later, batch)?;
            }
        }
    }
    Ok(())
}

fn push_reply(
    reader: &Reader,
    later: Later,
    bytes: &[u8],
    batch: &mut Batch,
) -> Result<(), String> {
    let value = match resp::read(bytes) {
        Err(text) if text.starts_with("WRONGTYPE") => None,
        outcome => present(outcome?),
    };
    if let Some(value) = value {
        batch.push(&later.key, later.kind.name(), Some(value), bytes.len());
        return Ok(());
    }
    // Gone, or of another type.
    read(reader, later, batch)
}

impl Later {
    /// Whether it is read at once, by its number of elements.
    pub(crate) fn is_small(&self) -> bool {
        match self.kind {
            _ if self.large => false,
            KeyKind::String => self.length <= PIECE_BYTES,
            KeyKind::List | KeyKind::Set | KeyKind::Zset => self.length <= 2 * PIECE,
            KeyKind::Stream => self.length <= PIECE,
            KeyKind::Hash | KeyKind::Empty | KeyKind::Module => false,
        }
    }

    /// Reads it, in a hold with others.
    fn read(&self, rights: &Rights<'_>) -> Small {
        let command = self.command();
        if self.kind == KeyKind::String {
            return Small::Reply(rights.session().run(&command));
        }
        if !rights.may_run(&command) {
            let reply = rights.session().run(&command);
            return Small::Refused(reply.and_then(|bytes| resp::read(&bytes)).err());
        }
        let opened = rights.session().key(&self.key);
        let key = opened.view();
        let same = key.kind() == self.kind;
        let found = same.then(|| Elements::all_of(key)).flatten();
        found.map_or(Small::Pieces, Small::Elements)
    }

    /// A command that reads it: the user must be allowed to run it.
    fn command(&self) -> Vec<&[u8]> {
        let key = self.key.as_slice();
        match self.kind {
            KeyKind::List => vec![b"LRANGE", key, b"0", b"-1"],
            KeyKind::Set => vec![b"SMEMBERS", key],
            KeyKind::Zset => vec![b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
            KeyKind::Stream => vec![b"XRANGE", key, b"-", b"+"],
            _ => vec![b"GET", key],
        }
    }
}

/// Reads the value of a key into the batch. A key that is gone by now gives no record; one that
/// has become another type is read as that.
fn read(reader: &Reader, mut later: Later, batch: &mut Batch) -> Result<(), String> {
    for _ in 0..TRIES {
        let mut pieces = Pieces::new(reader, &later);
        let (value, bytes) = (pieces.value(&later), pieces.bytes);
        match value {
            Ok(value) => {
                batch.documents |= later.kind == KeyKind::Module && value != Value::None;
                batch.push(&later.key, later.kind.name(), Some(value), bytes);
                return Ok(());
            }
            Err(Stop::Gone) => return Ok(()),
            Err(Stop::Failed(text)) => return Err(text),
            Err(Stop::Became(kind, length)) => {
                later = Later {
                    kind,
                    length,
                    large: false,
                    ..later
                }
            }
        }
    }
    Err(restless("the type of the key", &later.key, "TYPE"))
}

/// What changes too fast to be read.
pub(crate) fn restless(what: &str, key: &[u8], command: &str) -> String {
    let key = String::from_utf8_lossy(key);
    format!(
        "{what} {key:?} changes while it is read; stop its writers, or read it with execute('{command}', ...)"
    )
}
