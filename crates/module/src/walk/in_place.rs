//! Values that are read in place: long strings, and hashes.
//!
//! A command would copy them twice while the lock is held.

use gearframe_embedded_python::Value;
use gearframe_server_api::ScanCursor;

use crate::walk::pieces::{PIECE_BYTES, Pieces, Stop};
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

impl Pieces<'_> {
    /// A hash. A field that the cursor gives twice has the later of its values.
    pub(crate) fn hash(&mut self, length: usize) -> Result<Value, Stop> {
        let command: &[&[u8]] = &[b"HSCAN", self.key, b"0"];
        let (right, mut most) = if length > MANY_FIELDS {
            (Some(command), PIECE_BYTES)
        } else {
            (None, MANY_BYTES + MANY_FIELDS * FIELD)
        };
        let (cursor, mut piece, mut found) = (
            ScanCursor::new(),
            Texts::touched(2 * PIECE_BYTES),
            Vec::new(),
        );
        loop {
            piece.clear();
            let more = self.look(right, |key, _| {
                let mut places = 0;
                loop {
                    places += 1;
                    let more = key.scan_fields(&cursor, |field, value| {
                        piece.push(field);
                        piece.push(value);
                    });
                    if !more || piece.size() >= most || places >= PLACES {
                        return more;
                    }
                }
            })?;
            self.bytes += piece.bytes();
            found.extend(piece.pairs());
            if !more {
                return Ok(Value::Dict(found));
            }
            most = PIECE_BYTES;
        }
    }

    /// A long string: copied in one hold, or it might be half of one value and half of another.
    pub(crate) fn string(&mut self, length: usize) -> Result<Value, Stop> {
        let command: &[&[u8]] = &[b"GET", self.key];
        let mut room = touched(length);
        loop {
            let now = self.look(Some(command), |key, _| {
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
