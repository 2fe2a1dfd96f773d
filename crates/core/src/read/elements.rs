//! Keys with many elements, each of which is a row.
//!
//! A page asks for the first elements of each of its keys. A key that has more is put aside, and
//! read on by itself (`large`) when the page is done: small keys share pipelines, large ones are
//! read in pieces of bounded size.

use super::cursors::{self, Cursor};
use super::entries;
use super::indexed;
use super::large::Large;
use super::members::Members;
use super::pages::Known;
use super::request::{Kind, OnError, Source, ZsetRange};
use super::rows::Rows;
use super::samples::Later;
use super::stats::add;
use super::worker::Worker;
use crate::error::Result;
use crate::keys::{KeyPage, SeenKeys};
use crate::resp::tokens::Shape;

use super::row::Row;

/// The elements asked for at first. Nothing is known of their size then.
const FIRST_ELEMENTS: usize = 64;
/// The most elements asked for at once: the server is busy with them for a fraction of a
/// millisecond.
const MOST_ELEMENTS: usize = 4096;
/// Bytes that the elements asked for at once should stay below.
pub(super) const ELEMENT_BYTES: u64 = 1 << 20;

/// The fewest rows asked for where some may be left out.
const ROWS_TO_TRY: u64 = 256;

/// How many elements to ask for at once.
#[derive(Debug)]
pub(super) struct Window {
    elements: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            elements: FIRST_ELEMENTS,
        }
    }
}

impl Window {
    /// The number for the next command, when `left` rows are wanted.
    pub(super) fn elements(&self, left: u64) -> usize {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        self.elements.min(left).max(1)
    }

    /// Learns from `elements` elements that took `bytes` bytes.
    pub(super) fn learn(&mut self, elements: u64, bytes: u64) {
        if elements > 0 {
            let fitting = ELEMENT_BYTES * elements / bytes.max(1);
            let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
            self.elements = fitting.min(self.elements * 4).clamp(1, MOST_ELEMENTS);
        }
    }
}

/// The key whose elements are received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'k> {
    pub(super) key: &'k [u8],
    pub(super) ttl: i64,
    /// Whether it makes rows. One that PTTL did not find makes none, even if it is there by now.
    pub(super) present: bool,
}

impl Target<'_> {
    /// Adds a row.
    #[inline]
    pub(super) fn push(
        &self,
        rows: &mut Rows<'_>,
        fill: impl FnOnce(&mut Row<'_>) -> Result<()>,
    ) -> Result<()> {
        if !self.present {
            return Ok(());
        }
        rows.push(self.key, self.ttl, |mut row| fill(&mut row))
    }
}

/// What came of a key.
#[derive(Debug)]
pub(super) enum Answer {
    /// All that is wanted of it: so many elements.
    All(u64),
    /// The first elements; the others are to be asked for from a cursor on.
    Cursor(Cursor),
    /// The first entries; the others come after the id of the last.
    After {
        /// That id.
        id: Vec<u8>,
        /// How many have come.
        taken: u64,
    },
    /// The first samples; the others come later.
    Later(Later),
    /// The first members of a vector set, whose vectors are to be asked for.
    Members(Members),
    /// More than was asked for. None was taken: it is asked for again.
    Windows,
    /// It holds another type.
    OtherType,
    /// It does not exist any more.
    Gone,
}

impl Worker<'_> {
    /// How many rows to ask for when `left` are wanted. Where some may be left out, asking for no
    /// more than those would be a round trip for each that is.
    pub(super) fn rows_to_try(&self, left: u64) -> u64 {
        match self.request.on_error {
            OnError::Skip if left > 0 => left.max(ROWS_TO_TRY),
            _ => left,
        }
    }

    /// Queues the commands for the first `window` elements of each key.
    pub(super) fn ask_elements(&mut self, keys: &KeyPage, window: usize) {
        let with_index = self.rows.wants(&Source::Index);
        let mut counted = 0;
        for key in keys.iter() {
            let out = self.replies.connection.output();
            match &self.request.kind {
                Kind::Sets => indexed::ask_members(out, key, window),
                Kind::Fields => cursors::ask(out, b"HSCAN", key, 0, window),
                Kind::Lists { range } => {
                    counted += indexed::LIST.ask(out, key, *range, window, with_index);
                }
                Kind::Zsets(ZsetRange::Rank { range }) => {
                    counted += indexed::ZSET.ask(out, key, *range, window, with_index);
                }
                Kind::Zsets(ZsetRange::Score { range }) => {
                    counted += indexed::ask_scores(out, key, range, window, with_index);
                }
                Kind::Streams(range) => entries::ask(out, key, range, window),
                Kind::Timeseries(range) => self.ask_series(key, range, window),
                Kind::Vectors => self.ask_vector_set(key, window),
                Kind::Hashes | Kind::Strings | Kind::Keys { .. } | Kind::Json => {}
            }
        }
        add(&self.stats.length, counted);
        add(&self.stats.transaction, 2 * counted);
        if self.request.kind != Kind::Vectors {
            add(self.counter(), keys.len() as u64);
        }
    }

    /// Receives the replies to [`Self::ask_elements`].
    pub(super) fn receive_elements(
        &mut self,
        keys: &KeyPage,
        known: &[Known],
        window: usize,
    ) -> Result<()> {
        let before = (self.replies.connection.bytes_read(), self.elements);
        let mut full = Vec::new();
        for (key, &Known { ttl, present, .. }) in keys.iter().zip(known) {
            let target = Target { key, ttl, present };
            match self.receive_first(target, window)? {
                Answer::Windows if present => full.push(target),
                answer => self.take_answer(target, answer),
            }
        }
        let bytes = self.replies.connection.bytes_read() - before.0;
        self.window.learn(self.elements - before.1, bytes);
        self.ask_again(&full, window);
        Ok(())
    }

    /// Keys that have more than `window` elements: by now a larger window may hold them, and share
    /// a page; the others are read by themselves.
    fn ask_again(&mut self, full: &[Target<'_>], window: usize) {
        let grows = self.window.elements(self.rows_to_try(self.rows.left())) > window;
        let mut again = KeyPage::default();
        for target in full {
            if grows {
                again.push(target.key);
                continue;
            }
            let step = match self.request.kind {
                // A cursor bears changes; ranks and ranges need windows.
                Kind::Sets => Answer::Cursor(Cursor::default()),
                Kind::Zsets(ZsetRange::Rank { range: (0, -1) })
                    if !self.rows.wants(&Source::Index) =>
                {
                    Answer::Cursor(Cursor::default())
                }
                _ => Answer::Windows,
            };
            self.take_answer(*target, step);
        }
        self.waiting.push(again);
    }

    fn receive_first(&mut self, target: Target<'_>, window: usize) -> Result<Answer> {
        let with_index = self.rows.wants(&Source::Index);
        match &self.request.kind {
            Kind::Sets => self.receive_members(target, window),
            Kind::Lists { range } => self.receive_indexed(target, &indexed::LIST, *range, window),
            Kind::Zsets(ZsetRange::Rank { range }) => {
                self.receive_indexed(target, &indexed::ZSET, *range, window)
            }
            Kind::Zsets(ZsetRange::Score { .. }) => self.receive_scores(target, window, with_index),
            Kind::Streams(range) => {
                let count = range.count;
                self.receive_entries(target, window, count)
            }
            Kind::Timeseries(range) => self.receive_series(target, range, window),
            Kind::Vectors => self.receive_vector_set(target, window),
            _ => self.receive_cursor(target, Cursor::default()),
        }
    }

    fn take_answer(&mut self, target: Target<'_>, answer: Answer) {
        let Target { key, ttl, present } = target;
        let step = match answer {
            Answer::All(0) => {
                let counter = if self.empty_is_gone() {
                    &self.stats.keys_vanished
                } else {
                    &self.stats.keys_empty
                };
                return add(counter, u64::from(present));
            }
            Answer::All(_) => return add(&self.stats.keys_read, u64::from(present)),
            Answer::Gone => return add(&self.stats.keys_vanished, u64::from(present)),
            Answer::OtherType => {
                self.plan.scan_type = true;
                return add(&self.stats.keys_of_other_type, u64::from(present));
            }
            more => more,
        };
        if present && self.rows.left() > 0 {
            let key = key.to_vec();
            self.large.push_back(Large { key, ttl, step });
        }
    }

    /// Whether a key without elements cannot be: then it was gone when it was asked for.
    pub(super) fn empty_is_gone(&self) -> bool {
        match &self.request.kind {
            Kind::Sets
            | Kind::Fields
            | Kind::Vectors
            | Kind::Hashes
            | Kind::Strings
            | Kind::Keys { .. }
            | Kind::Json => true,
            Kind::Lists { range } | Kind::Zsets(ZsetRange::Rank { range }) => *range == (0, -1),
            Kind::Zsets(ZsetRange::Score { .. }) | Kind::Streams(_) | Kind::Timeseries(_) => false,
        }
    }

    /// An error reply: another type, or the end of the scan.
    pub(super) fn no_elements(&self, shape: Shape, command: &str) -> Result<Answer> {
        if shape == Shape::Error && self.replies.text().starts_with(b"WRONGTYPE") {
            return Ok(Answer::OtherType);
        }
        Err(self.replies.unexpected(shape, command))
    }

    /// The counter of the command that reads elements.
    pub(super) fn counter(&self) -> &std::sync::atomic::AtomicU64 {
        match &self.request.kind {
            Kind::Sets => &self.stats.srandmember,
            Kind::Fields => &self.stats.hscan,
            Kind::Lists { .. } => &self.stats.lrange,
            Kind::Zsets(_) => &self.stats.zrange,
            Kind::Streams(_) => &self.stats.xrange,
            Kind::Timeseries(_) => &self.stats.ts_range,
            // Vector sets count their commands themselves.
            Kind::Hashes | Kind::Strings | Kind::Keys { .. } | Kind::Json | Kind::Vectors => {
                &self.stats.hmget
            }
        }
    }
}

/// Whether an element is the first of its kind; where only one piece came, all are.
pub(super) fn is_new(seen: &mut Option<SeenKeys>, element: &[u8]) -> bool {
    seen.as_mut().is_none_or(|seen| seen.insert(element))
}
