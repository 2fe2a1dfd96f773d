//! One key with its elements, as they are gathered.

use super::chunk::Chunk;
use super::stream_id::Last;

/// A key that is small enough to be written in one step.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: Vec<u8>,
    pub(super) ttl: Option<i64>,
    pub(super) chunks: Vec<Chunk>,
}

impl Group {
    pub(super) fn elements(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.elements).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.body.len()).sum()
    }
}

/// The key whose rows are coming.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) key: Vec<u8>,
    pub(super) ttl: Option<i64>,
    /// Labels of a series, encoded.
    pub(super) labels: Vec<u8>,
    pub(super) label_words: usize,
    pub(super) full: Vec<Chunk>,
    pub(super) current: Chunk,
    pub(super) elements: usize,
    pub(super) bytes: usize,
    /// Why it cannot be written.
    pub(super) refusal: Option<String>,
    /// Where its chunks go, once they do.
    pub(super) target: Option<u64>,
    /// Of streams: the last id, and whether all are sure to be taken.
    pub(super) last: Last,
    pub(super) is_sure: bool,
}
