//! Rows on their way to the consumer: gathered into batches, counted, handed over.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use crossbeam_channel::{SendTimeoutError, Sender};

use super::batch::BatchBuilder;
use super::hashes::HashRows;
use super::key_parts::KeyParts;
use super::request::{ReadRequest, Source};
use super::row::{Places, Row};
use super::stats::ReadStats;
use crate::error::{Error, ErrorKind, Result};

/// What goes through the channel: batches, then `None` for the end, or an error.
pub(super) type Message = Result<Option<RecordBatch>>;

/// The longest wait for the consumer before it is looked after.
const PATIENCE: Duration = Duration::from_millis(200);

/// The way to the consumer.
pub(super) struct Sink {
    sender: Sender<Message>,
    /// Called again and again while the consumer asks for nothing.
    stalled: Box<dyn Fn() + Send>,
    /// How often the consumer has asked for a batch.
    asked: Arc<AtomicU64>,
    /// When that was looked at last, and what it was.
    last_look: Cell<(Instant, u64)>,
}

impl Sink {
    pub(super) fn new(
        sender: Sender<Message>,
        stalled: Box<dyn Fn() + Send>,
        asked: Arc<AtomicU64>,
    ) -> Self {
        let last_look = Cell::new((Instant::now(), 0));
        Self {
            sender,
            stalled,
            asked,
            last_look,
        }
    }

    /// Waits until the consumer has room. False when there is no consumer any more.
    pub(super) fn send(&self, mut message: Message) -> bool {
        loop {
            message = match self.sender.send_timeout(message, PATIENCE) {
                Ok(()) => return true,
                Err(SendTimeoutError::Disconnected(_)) => return false,
                Err(SendTimeoutError::Timeout(message)) => message,
            };
            (self.stalled)();
        }
    }

    /// Sees to a consumer that has asked for nothing for a while: it may be gone for good, and a
    /// slow scan would notice only when its batches find no room.
    pub(super) fn look_after_consumer(&self) {
        let (when, before) = self.last_look.get();
        if when.elapsed() < PATIENCE {
            return;
        }
        let asked = self.asked.load(Ordering::Relaxed);
        if asked == before {
            (self.stalled)();
        }
        self.last_look.set((Instant::now(), asked));
    }
}

/// The first batch is small, so that a query that stops early has not read much.
const FIRST_BATCH: usize = 1024;

/// Gathers rows.
pub(super) struct Rows<'a> {
    request: &'a ReadRequest,
    stats: &'a ReadStats,
    sink: &'a Sink,
    batch: BatchBuilder,
    hashes: HashRows,
    places: Places,
    key_parts: KeyParts,
    batch_rows: usize,
    left: u64,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        request: &'a ReadRequest,
        stats: &'a ReadStats,
        sink: &'a Sink,
    ) -> Result<Self> {
        let batch_rows = FIRST_BATCH.min(request.batch_rows);
        let batch = BatchBuilder::new(&request.columns, request.on_error, batch_rows)?;
        Ok(Self {
            request,
            stats,
            sink,
            places: Places::new(&batch),
            key_parts: KeyParts::new(request),
            hashes: HashRows::new(&request.columns),
            batch,
            batch_rows,
            left: request.limit.unwrap_or(u64::MAX),
        })
    }

    /// How many fields of a hash are wanted.
    pub(super) fn fields(&self) -> usize {
        self.hashes.fields()
    }

    /// See [`Sink::look_after_consumer`].
    pub(super) fn look_after_consumer(&self) {
        self.sink.look_after_consumer();
    }

    /// How many more rows are wanted.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Checks that an HMGET reply has a value for each field, before it is looked at.
    pub(super) fn expect_values(&self, count: usize) -> Result<()> {
        self.hashes.expect_values(count)
    }

    /// Whether a column has its values from `source`.
    pub(super) fn wants(&self, source: &Source) -> bool {
        self.request.wants(source)
    }

    /// Adds a row: its key, its time to live, and what `fill` puts into it.
    #[inline]
    pub(super) fn push(
        &mut self,
        key: &[u8],
        ttl: i64,
        fill: impl FnOnce(Row<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let before = self.batch.rows();
        let mut row = Row {
            key,
            batch: &mut self.batch,
            hashes: &mut self.hashes,
            places: &self.places,
        };
        row.begin(ttl)?;
        self.key_parts.fill(row.batch, key)?;
        fill(row)?;
        self.batch.end_row();
        if self.batch.rows() > before {
            self.left -= 1;
        }
        if self
            .batch
            .is_full(self.batch_rows, self.request.batch_bytes)
        {
            self.emit()?;
        }
        Ok(())
    }

    /// Hands over the rows gathered since the last batch.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.emit()
    }

    fn emit(&mut self) -> Result<()> {
        let batch = self.batch.finish(self.stats)?;
        self.batch_rows = (self.batch_rows * 2).min(self.request.batch_rows);
        if batch.num_rows() == 0 {
            return Ok(());
        }
        match self.sink.send(Ok(Some(batch))) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Cancelled,
                "nobody reads the scan any more",
            )),
        }
    }
}
