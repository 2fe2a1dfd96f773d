//! The loop that encodes, sends and settles; it runs on a thread of its own.
//!
//! Rows go out in units: a transaction of some hashes, a pipeline, or a look at keys that should
//! not exist. While the server works on what the socket holds, the next units are encoded, and
//! replies are taken as they come. A refused unit is tried again without the rows that were the
//! reason, so that one bad key does not stop its neighbours.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::commands::{self, Encoder};
use super::features::Features;
use super::owed::{Owed, Replies, Unit};
use super::request::{IfExists, Kind, WriteRequest};
use super::stats::WriteStats;
use super::table::Table;
use super::tally::Tally;
use crate::Result;
use crate::keys::SeenKeys;
use crate::net::Connection;
use crate::resp::element::{Element, element};

/// Keys of one transaction: the server does nothing else for the time it takes, some 0.2 ms.
const TRANSACTION_KEYS: usize = 64;
/// Keys of one pipeline.
const PIPELINE_KEYS: usize = 256;
/// Keys of one look; each costs the server a watch.
const LOOK_KEYS: usize = 128;
/// Bytes that are sent at once: enough for one call, and little enough to stay in the cache.
const SEND_BYTES: usize = 64 << 10;
/// Bytes that may be without a reply.
const WINDOW: u64 = 8 << 20;

/// How rows are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Between MULTI and EXEC.
    Transactions,
    /// The same, after a look whether the keys exist.
    Look,
    /// One command each.
    Singles,
}

impl Way {
    fn of(request: &WriteRequest) -> Self {
        match (request.kind, request.if_exists) {
            (Kind::Hashes, IfExists::Replace) => Self::Transactions,
            (Kind::Hashes, IfExists::Fail) => Self::Look,
            // Fields and their expiry at once.
            (Kind::Hashes, IfExists::Append) if !request.field_ttls.is_empty() => {
                Self::Transactions
            }
            (Kind::Json, IfExists::Replace) if request.is_whole() => Self::Transactions,
            // JSON.SET has NX, and no expiry.
            (Kind::Json, IfExists::Fail) if request.expires() => Self::Look,
            _ => Self::Singles,
        }
    }
}

/// All that a running write holds.
pub(super) struct Worker<'a> {
    pub(super) request: &'a WriteRequest,
    pub(super) connection: Connection,
    pub(super) features: Features,
    pub(super) encoder: Encoder,
    pub(super) stats: &'a WriteStats,
    pub(super) tally: &'a mut Tally,
    pub(super) owed: VecDeque<Owed>,
    /// Answered in full, and not yet looked at.
    answered: Vec<Owed>,
    /// To be tried again.
    pub(super) redo: VecDeque<Unit>,
    seen: &'a mut SeenKeys,
    /// The batch at hand, and its first row that has not been put into a unit.
    at_hand: Option<(Arc<Table>, usize)>,
    /// Elements of an out-of-band message that are still to come.
    skip: u64,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        connection: Connection,
        request: &'a WriteRequest,
        stats: &'a WriteStats,
        tally: &'a mut Tally,
        seen: &'a mut SeenKeys,
    ) -> Self {
        Self {
            request,
            connection,
            features: Features::default(),
            encoder: Encoder::default(),
            stats,
            tally,
            owed: VecDeque::new(),
            answered: Vec::new(),
            redo: VecDeque::new(),
            seen,
            at_hand: None,
            skip: 0,
        }
    }

    /// Makes sure that the server has the commands, and that the user may do what must not be
    /// found missing in the middle: with MULTI refused, the DEL that follows would be executed at
    /// once.
    pub(super) fn check(&mut self) -> Result<()> {
        self.features = Features::ask(&mut self.connection, self.request)?;
        if Way::of(self.request) != Way::Singles {
            self.connection.call(&[b"MULTI"])?;
            self.connection.call(&[b"EXEC"])?;
        }
        Ok(())
    }

    /// Sends the rows of a batch. Replies may still be outstanding when it returns.
    pub(super) fn write(&mut self, table: &Arc<Table>) -> Result<()> {
        self.at_hand = Some((Arc::clone(table), 0));
        while let Some(unit) = self.next_unit() {
            self.put(unit);
            self.turn()?;
            self.put_again()?;
        }
        self.at_hand = None;
        Ok(())
    }

    /// Waits for all replies.
    pub(super) fn finish(&mut self) -> Result<()> {
        loop {
            self.put_again()?;
            if self.owed.is_empty() {
                return Ok(());
            }
            self.wait()?;
        }
    }

    fn put_again(&mut self) -> Result<()> {
        while let Some(unit) = self.redo.pop_front() {
            self.put(unit);
            self.turn()?;
        }
        Ok(())
    }

    /// The next rows of the batch at hand that can be written.
    fn next_unit(&mut self) -> Option<Unit> {
        let (table, mut row) = self.at_hand.take()?;
        let most = match Way::of(self.request) {
            Way::Look => LOOK_KEYS,
            Way::Transactions => TRANSACTION_KEYS,
            Way::Singles => PIPELINE_KEYS,
        };
        let mut rows = Vec::with_capacity(most);
        while rows.len() < most && row < table.rows {
            if self.is_writable(&table, row) {
                rows.push(row);
            }
            row += 1;
        }
        let is_end = rows.is_empty();
        let unit = Unit {
            table: Arc::clone(&table),
            rows,
            conflicts: 0,
        };
        self.at_hand = Some((table, row));
        (!is_end).then_some(unit)
    }

    /// False, and counted, for a row that nothing is sent for.
    #[inline]
    fn is_writable(&mut self, table: &Table, row: usize) -> bool {
        if self.request.find_duplicates && !self.seen.insert(table.bare_key(row)) {
            self.tally
                .failed(table.key(row), "the frame has this key twice");
            return false;
        }
        let is_object = self.request.kind == Kind::Json && !self.request.is_document;
        if is_object || table.width(row) > 0 {
            return true;
        }
        match (self.request.kind, self.request.if_exists) {
            (Kind::Hashes, IfExists::Append) => self.tally.skipped(),
            (Kind::Hashes, _) => self.tally.failed(
                table.key(row),
                "all fields are null: Redis has no empty hash",
            ),
            (Kind::Strings, _) => self.tally.failed(table.key(row), "the value is null"),
            (Kind::Json, _) => self.tally.failed(table.key(row), "the document is null"),
        }
        false
    }

    /// Sends what there is much of, and takes what has come.
    fn turn(&mut self) -> Result<()> {
        if self.connection.pending_output() >= SEND_BYTES {
            self.connection.flush()?;
            self.connection.take_arrived()?;
            self.receive()?;
        }
        while self.in_flight() > WINDOW || self.looks() {
            self.wait()?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        self.connection.fill()?;
        self.receive()
    }

    /// A look has to be answered before anything else is sent, for a watch ends with any EXEC.
    fn looks(&self) -> bool {
        matches!(self.owed.back(), Some(owed) if matches!(owed.replies, Replies::Look(_)))
    }

    fn in_flight(&self) -> u64 {
        let first = self.owed.front().map(|owed| owed.start);
        first.map_or(0, |start| self.position() - start)
    }

    /// How much has been sent or queued so far.
    pub(super) fn position(&self) -> u64 {
        self.connection.bytes_written() + self.connection.pending_output() as u64
    }

    /// Reads the replies that are there, and acts on the units that are answered.
    fn receive(&mut self) -> Result<()> {
        let read = self.read();
        let mut answered = std::mem::take(&mut self.answered);
        for owed in answered.drain(..) {
            self.settle(owed);
        }
        self.answered = answered;
        self.count_bytes();
        read
    }

    fn read(&mut self) -> Result<()> {
        let input = self.connection.input();
        let mut at = 0;
        while let Some(owed) = self.owed.front_mut() {
            let Some((found, next)) = element(input, at)? else {
                break;
            };
            at = next;
            if self.skip > 0 {
                self.skip += found.children();
                self.skip -= 1;
            } else if let Element::Push(_) | Element::Attribute(_) = found {
                self.skip = found.children();
            } else if owed.replies.take(found)? {
                self.answered.extend(self.owed.pop_front());
            }
        }
        self.connection.consume(at);
        Ok(())
    }

    fn count_bytes(&self) {
        let (read, written) = (
            self.connection.bytes_read(),
            self.connection.bytes_written(),
        );
        self.stats.bytes_read.store(read, Relaxed);
        self.stats.bytes_written.store(written, Relaxed);
    }

    /// The connection is of no more use: whatever is not known to be written is reported.
    pub(super) fn give_up(&mut self) {
        self.count_bytes();
        let sent = self.connection.bytes_written();
        while let Some(owed) = self.owed.pop_front() {
            self.settle_lost(owed, sent);
        }
        while let Some(unit) = self.redo.pop_front() {
            for row in unit.rows {
                self.tally.failed(unit.table.key(row), NOT_SENT);
            }
        }
        if let Some((table, row)) = self.at_hand.take() {
            not_sent(self.tally, &table, row);
        }
    }

    /// Appends commands for a unit.
    fn put(&mut self, unit: Unit) {
        match Way::of(self.request) {
            Way::Look => self.put_look(unit),
            Way::Transactions => self.put_transactions(unit),
            Way::Singles => self.put_singles(unit),
        }
    }

    pub(super) fn owe(&mut self, unit: Unit, start: u64, replies: Replies) {
        self.owed.push_back(Owed {
            unit,
            start,
            replies,
        });
    }

    pub(super) fn unwatch(&mut self, unit: Unit) {
        let start = self.position();
        self.connection
            .output()
            .extend_from_slice(commands::UNWATCH);
        super::stats::add(&self.stats.watch, 1);
        self.owe(unit, start, Replies::Unwatch);
    }
}

pub(super) const NOT_SENT: &str = "not sent";

/// Reports the rows of a batch from one on.
pub(super) fn not_sent(tally: &mut Tally, table: &Table, from: usize) {
    for row in from..table.rows {
        tally.failed(table.key(row), NOT_SENT);
    }
}
