//! Keys with few elements, read in place in one hold together with others.
//!
//! Nobody knows how long an element is before it was read, and the server's commands take numbers
//! of elements. Here reading ends when it is too much for one hold.

use gearframe_embedded_python::Value;
use gearframe_server_api::{KeyKind, KeyView, ScanCursor};

use crate::walk::collections::PIECE;
use crate::walk::in_place::{MANY_BYTES, scan};
use crate::walk::stream::Entries;
use crate::walk::texts::Texts;

/// All elements of a key.
pub(crate) enum Elements {
    List(Texts),
    Set(Texts),
    /// Members with their scores, in the order of the server.
    Zset(Texts, Vec<f64>),
    Stream(Entries),
}

impl Elements {
    /// Reads a key that has few elements. `None` if they are too much for one hold.
    pub(crate) fn all_of(key: &KeyView<'_>) -> Option<Self> {
        match key.kind() {
            _ if key.length() > 2 * PIECE => None,
            KeyKind::List => list(key),
            KeyKind::Set => set(key),
            KeyKind::Zset => zset(key),
            KeyKind::Stream => Entries::all_of(key).map(Self::Stream),
            _ => None,
        }
    }

    pub(crate) fn size(&self) -> usize {
        match self {
            Self::List(texts) | Self::Set(texts) | Self::Zset(texts, _) => texts.size(),
            Self::Stream(entries) => entries.size(),
        }
    }

    pub(crate) fn value(&self) -> Value {
        match self {
            Self::List(texts) => Value::List(texts.values().collect()),
            Self::Set(texts) => Value::Set(texts.keys().collect()),
            Self::Zset(texts, scores) => {
                let scores = scores.iter().map(|score| Value::Float(*score));
                Value::Dict(texts.keys().zip(scores).collect())
            }
            Self::Stream(entries) => Value::List(entries.values()),
        }
    }
}

fn list(key: &KeyView<'_>) -> Option<Elements> {
    let mut texts = Texts::some(key.length());
    key.elements(0, |element| {
        texts.push(element);
        texts.bytes() < MANY_BYTES
    });
    (texts.len() == key.length()).then_some(Elements::List(texts))
}

fn set(key: &KeyView<'_>) -> Option<Elements> {
    let mut texts = Texts::some(key.length());
    let bounds = MANY_BYTES + key.length() * Texts::EACH;
    let more = scan(key, &ScanCursor::new(), bounds, &mut texts);
    (!more).then_some(Elements::Set(texts))
}

fn zset(key: &KeyView<'_>) -> Option<Elements> {
    let length = key.length();
    let (mut texts, mut scores) = (Texts::some(length), Vec::with_capacity(length));
    key.scored(|member, score| {
        texts.push(member);
        scores.push(score);
        texts.bytes() < MANY_BYTES
    });
    (texts.len() == length).then_some(Elements::Zset(texts, scores))
}
