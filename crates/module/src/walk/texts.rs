//! Texts that are copied under the lock, and become values when it is free again.

use gearframe_embedded_python::Value;

const SHORT: usize = 16;

/// Texts of a piece, with their places in its bytes.
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// What a text costs beside its bytes.
    pub(crate) const EACH: usize = 64;

    /// None, with room for so many bytes.
    pub(crate) fn touched(room: usize) -> Self {
        Self {
            bytes: touched(room),
            ends: Vec::new(),
        }
        .cleared()
    }

    /// None, with room for a number of short ones.
    pub(crate) fn some(number: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(number * SHORT),
            ends: Vec::with_capacity(number),
        }
    }

    fn cleared(mut self) -> Self {
        self.clear();
        self
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// What they take, about.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * Self::EACH
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = Vec<u8>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let places = starts.zip(&self.ends);
        places.map(|(start, end)| self.bytes[start..*end].to_vec())
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = Value> {
        self.each().map(Value::Bulk)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = Value> {
        self.each().map(Value::Key)
    }

    /// Two texts at a time.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Value, Value)> {
        let mut texts = self.each();
        std::iter::from_fn(move || Some((Value::Key(texts.next()?), Value::Bulk(texts.next()?))))
    }
}

/// Memory that was written to: no page of it is looked for when it is filled, under the lock.
pub(crate) fn touched(length: usize) -> Vec<u8> {
    vec![1; length]
}
