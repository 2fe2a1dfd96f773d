//! The value of one key, each kind in its way; JSON comes by a command.
//!
//! A key with many elements is read in pieces, one for each hold of the lock.

use gearframe_embedded_python::Value;
use gearframe_server_api::KeyKind;

use crate::walk::later::Later;
use crate::walk::pieces::{Pieces, Stop};
use crate::walk::shapes::{present, text};

/// The elements of one piece.
pub(crate) const PIECE: usize = 500;

impl Pieces<'_> {
    /// The value.
    pub(crate) fn value(&mut self, later: &Later) -> Result<Value, Stop> {
        if later.kind == KeyKind::String && later.is_small() {
            let [reply] = self.run([&[b"GET", self.key]])?;
            return present(reply).ok_or(Stop::Gone);
        }
        match later.kind {
            KeyKind::Empty => Err(Stop::Gone),
            KeyKind::String => self.string(later.length),
            KeyKind::Hash => self.hash(later.length),
            KeyKind::List => self.list(),
            KeyKind::Set => self.set(),
            KeyKind::Zset => self.zset(),
            KeyKind::Stream => self.stream(),
            KeyKind::Module => self.module(),
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
