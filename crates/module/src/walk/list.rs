//! Lists, which are read in place: nobody knows how long an element is before it was read, and the
//! server's commands take numbers of elements. Here each hold ends when it has read enough bytes.

use gearframe_embedded_python::Value;
use gearframe_server_api::KeyView;

use crate::calls::Session;
use crate::walk::collections::PIECE;
use crate::walk::later::restless;
use crate::walk::pieces::{PIECE_BYTES, Pieces, Stop, TRIES};
use crate::walk::texts::Texts;

/// A list that never stands still is read in one hold if it has no more elements and no more bytes
/// than this: that is what LRANGE costs the server whoever sends it, about a millisecond.
const AT_ONCE: Bounds = Bounds {
    elements: 10_000,
    bytes: 1 << 20,
};

/// What one hold reads of a long one.
const WINDOW: Bounds = Bounds {
    elements: 2 * PIECE,
    bytes: PIECE_BYTES,
};

/// What is enough. The element that goes beyond is still read, and no other.
#[derive(Clone, Copy)]
struct Bounds {
    elements: usize,
    bytes: usize,
}

/// What must stay as it is while a list is read in windows.
#[derive(Clone, Eq, PartialEq)]
struct Ends {
    length: usize,
    first: Option<Vec<u8>>,
    last: Option<Vec<u8>>,
}

/// What a user must be allowed to run, though it is not run.
fn right(key: &[u8]) -> [&[u8]; 4] {
    [b"LRANGE", key, b"0", b"0"]
}

fn fill(key: &KeyView<'_>, from: usize, bounds: Bounds, texts: &mut Texts) {
    key.elements(from, |element| {
        texts.push(element);
        texts.len() < bounds.elements && texts.bytes() < bounds.bytes
    });
}

impl Pieces<'_> {
    /// A list in windows. Who pushes or pops meanwhile moves its elements, so the length and both
    /// ends must stay what they were (a capped list keeps its length while it moves); a long list
    /// that never stands still is an error, not a wrong value.
    pub(crate) fn list(&mut self) -> Result<Value, Stop> {
        let mut texts = Texts::touched(2 * PIECE_BYTES);
        for _ in 0..TRIES {
            if let Some(found) = self.windows(&mut texts)? {
                return Ok(Value::List(found));
            }
        }
        let ends = self.window(0, AT_ONCE, &mut texts)?;
        if texts.len() == ends.length {
            return Ok(Value::List(texts.values().collect()));
        }
        Err(restless("the list", self.key, "LRANGE").into())
    }

    /// The list, if it stood still.
    fn windows(&mut self, texts: &mut Texts) -> Result<Option<Vec<Value>>, Stop> {
        let (mut found, mut known) = (Vec::new(), None);
        loop {
            let now = self.window(found.len(), WINDOW, texts)?;
            let same = *known.get_or_insert_with(|| now.clone()) == now;
            if !same || texts.len() == 0 {
                return Ok(None);
            }
            found.extend(texts.values());
            if found.len() >= now.length {
                return Ok(Some(found));
            }
        }
    }

    fn window(&mut self, from: usize, bounds: Bounds, texts: &mut Texts) -> Result<Ends, Stop> {
        texts.clear();
        let name = self.key;
        let ends = self.look(Some(&right(name)), |key, session| {
            fill(key.view(), from, bounds, texts);
            let length = key.view().length();
            drop(key);
            ends(length, session, name)
        })?;
        self.bytes += texts.size();
        Ok(ends)
    }
}

fn ends(length: usize, session: &Session<'_>, name: &[u8]) -> Ends {
    let mut first = None;
    session.key(name).view().elements(0, |element| {
        first = Some(element.to_vec());
        false
    });
    Ends {
        length,
        first,
        last: session.key(name).view().last_element(),
    }
}
