//! Values that are read in place: long strings, and what has a cursor, hashes and long sets.
//!
//! A command would copy them twice while the lock is held.

use gearframe_embedded_python::Value;
use gearframe_server_api::{KeyKind, KeyView, ScanCursor};

use crate::walk::pieces::{PIECE_BYTES, Pieces, Stop};
use crate::walk::shapes::zset;
use crate::walk::texts::{Texts, touched};

/// A hash with more fields, or more bytes, is read in pieces. Less is of one moment.
pub(crate) const MANY_FIELDS: usize = 512;
pub(crate) const MANY_BYTES: usize = 512 << 10;

/// What a field costs beside its bytes.
const FIELD: usize = 2 * Texts::EACH;

/// The most places of a table in one hold. It may be nearly empty: what is deleted while the server
/// saves does not shrink it. In one as full as servers keep them otherwise, an eighth, so many
/// places have [`MANY_FIELDS`].
pub(crate) const PLACES: usize = 4096;

/// Goes on with the walk of a cursor for one hold. Returns whether there is more.
pub(crate) fn scan(key: &KeyView<'_>, cursor: &ScanCursor, most: usize, texts: &mut Texts) -> bool {
    let (mut places, single) = (0, key.kind() == KeyKind::Set);
    loop {
        places += 1;
        let more = key.scan_members(cursor, |member, value| match value {
            Some(value) => {
                texts.push(member);
                texts.push(value);
            }
            None if single => texts.push(member),
            None => {}
        });
        if !more || texts.size() >= most || places >= PLACES {
            return more;
        }
    }
}

impl Pieces<'_> {
    /// A hash. A field that the cursor gives twice has the later of its values.
    pub(crate) fn hash(&mut self, length: usize) -> Result<Value, Stop> {
        let command: &[&[u8]] = &[b"HSCAN", self.key, b"0"];
        let (right, first) = if length > MANY_FIELDS {
            (Some(command), PIECE_BYTES)
        } else {
            (None, MANY_BYTES + MANY_FIELDS * FIELD)
        };
        let mut found = Vec::new();
        let bounds = (first, PIECE_BYTES);
        self.scan(right, bounds, |piece| found.extend(piece.pairs()))?;
        Ok(Value::Dict(found))
    }

    /// A long set. A member that the cursor gives twice is in it once.
    pub(crate) fn set(&mut self) -> Result<Value, Stop> {
        let command: &[&[u8]] = &[b"SSCAN", self.key, b"0"];
        // Short members are many.
        let (bounds, mut found) = ((PIECE_BYTES / 2, PIECE_BYTES / 2), Vec::new());
        self.scan(Some(command), bounds, |piece| found.extend(piece.keys()))?;
        Ok(Value::Set(found))
    }

    /// A long sorted set, by its cursor.
    pub(crate) fn zset(&mut self) -> Result<Value, Stop> {
        let command: &[&[u8]] = &[b"ZSCAN", self.key, b"0"];
        // The server writes each score as a text.
        let (bounds, mut found) = ((PIECE_BYTES / 4, PIECE_BYTES / 4), Vec::new());
        self.scan(Some(command), bounds, |piece| found.extend(piece.pairs()))?;
        Ok(zset(found))
    }

    /// All elements by the key's cursor, twice perhaps; `each` gets those of one hold, which ends
    /// with so many bytes or more: the first one, and the others.
    fn scan(
        &mut self,
        right: Option<&[&[u8]]>,
        (mut most, others): (usize, usize),
        mut each: impl FnMut(&Texts),
    ) -> Result<(), Stop> {
        let (cursor, mut piece) = (ScanCursor::new(), Texts::touched(2 * PIECE_BYTES));
        loop {
            piece.clear();
            let more = self.look(right, |key, _| scan(key.view(), &cursor, most, &mut piece))?;
            self.bytes += piece.bytes();
            each(&piece);
            if !more {
                return Ok(());
            }
            most = others;
        }
    }

    /// A long string: copied in one hold, or it might be half of one value and half of another.
    pub(crate) fn string(&mut self, length: usize) -> Result<Value, Stop> {
        let command: &[&[u8]] = &[b"GET", self.key];
        let mut room = touched(length);
        loop {
            let now = self.look(Some(command), |key, _| {
                let key = key.view();
                let length = key.length();
                // A short one would become another kind of string by being looked at.
                let text = if length > PIECE_BYTES {
                    key.string()
                } else {
                    b""
                };
                if let Some(place) = room.get_mut(..text.len()) {
                    place.copy_from_slice(text);
                }
                length
            })?;
            if now <= PIECE_BYTES {
                return Err(Stop::Became(self.kind, now));
            }
            if now <= room.len() {
                room.truncate(now);
                self.bytes += now;
                return Ok(Value::Bulk(room));
            }
            // It grows; that ends, for each time it must be by more than this.
            room = touched(now + now / 4);
        }
    }
}
