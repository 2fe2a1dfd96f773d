//! A running write, seen from the side of whoever has the batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow_array::RecordBatch;
use crossbeam_channel::{
    Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, bounded,
};

use super::request::{Request, WriteRequest};
use super::stats::WriteStats;
use super::table::Table;
use super::tally::{Tally, WriteOutcome};
use super::worker::{Worker, not_sent};
use crate::keys::SeenKeys;
use crate::net::{Cancel, ConnectOptions, Connection};
use crate::{Error, ErrorKind, Result};

/// Batches that may wait for the thread; one more is being written.
const BATCHES_AHEAD: usize = 1;

/// What became of a batch that was offered.
#[derive(Debug)]
pub enum Offer {
    /// The thread has it.
    Taken,
    /// The thread has enough: offer it again.
    Full(RecordBatch),
}

/// A write that runs on a thread of its own.
///
/// Dropping it stops the thread, closes the connection and waits for both.
#[derive(Debug)]
pub struct Writer {
    batches: Option<Sender<RecordBatch>>,
    ready: Receiver<Result<()>>,
    outcome: Receiver<WriteOutcome>,
    thread: Option<JoinHandle<()>>,
    cancel: Cancel,
    broken: Arc<AtomicBool>,
    abandoned: Arc<AtomicBool>,
    stats: Arc<WriteStats>,
}

impl Writer {
    /// Starts to connect; see [`Writer::is_ready`].
    pub fn start(options: ConnectOptions, request: Request) -> Result<Self> {
        let (batches, receiver) = bounded(BATCHES_AHEAD);
        let (ready_sender, ready) = bounded(1);
        let (outcome_sender, outcome) = bounded(1);
        let cancel = Cancel::default();
        let broken = Arc::new(AtomicBool::new(false));
        let abandoned = Arc::new(AtomicBool::new(false));
        let stats = Arc::new(WriteStats::default());
        let job = Job {
            options,
            request,
            batches: receiver,
            cancel: cancel.clone(),
            broken: Arc::clone(&broken),
            abandoned: Arc::clone(&abandoned),
            stats: Arc::clone(&stats),
        };
        let thread = std::thread::Builder::new()
            .name("gearframe-write".to_owned())
            .spawn(move || {
                // Without a receiver nobody is left who could be told.
                drop(outcome_sender.send(job.run(&ready_sender)));
            })
            .map_err(|error| Error::option(format!("no thread can be started: {error}")))?;
        Ok(Self {
            batches: Some(batches),
            ready,
            outcome,
            thread: Some(thread),
            cancel,
            broken,
            abandoned,
            stats,
        })
    }

    /// Waits up to `patience` for the connection. True once it is there.
    ///
    /// # Errors
    ///
    /// What went wrong with it; then nothing has been written.
    pub fn is_ready(&self, patience: Duration) -> Result<bool> {
        match self.ready.recv_timeout(patience) {
            Ok(ready) => ready.map(|()| true),
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => Ok(true),
        }
    }

    /// Hands a batch over, or waits up to `patience` until the thread can take one.
    pub fn offer(&self, batch: RecordBatch, patience: Duration) -> Result<Offer> {
        let Some(batches) = &self.batches else {
            return Err(Error::option("this writer is finished; start another"));
        };
        match batches.send_timeout(batch, patience) {
            Ok(()) => Ok(Offer::Taken),
            Err(SendTimeoutError::Timeout(batch)) => Ok(Offer::Full(batch)),
            Err(SendTimeoutError::Disconnected(_)) => Err(stopped()),
        }
    }

    /// Whether the write has ended with an error: what is offered now is only reported.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Says that batches are missing: what needs them is not written. Before [`Writer::finish`].
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Says that no batch will come, and waits up to `patience` for the outcome.
    pub fn finish(&mut self, patience: Duration) -> Result<Option<WriteOutcome>> {
        self.batches = None;
        match self.outcome.recv_timeout(patience) {
            Ok(outcome) => Ok(Some(outcome)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(stopped()),
        }
    }

    /// What has been counted so far.
    pub fn stats(&self) -> &Arc<WriteStats> {
        &self.stats
    }

    /// Stops writing, and waits until the thread and its connection are gone.
    ///
    /// Returns the outcome, if nobody has taken it.
    pub fn stop(&mut self) -> Option<WriteOutcome> {
        self.cancel.cancel();
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // A panic shows as the end of the channel without an outcome.
            drop(thread.join());
        }
        self.outcome.try_recv().ok()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "the write was stopped before its end")
}

/// What the thread is given.
pub(super) struct Job {
    options: ConnectOptions,
    request: Request,
    pub(super) batches: Receiver<RecordBatch>,
    pub(super) cancel: Cancel,
    pub(super) broken: Arc<AtomicBool>,
    pub(super) abandoned: Arc<AtomicBool>,
    pub(super) stats: Arc<WriteStats>,
}

impl Job {
    pub(super) fn connect(&self) -> Result<Connection> {
        let mut connection = Connection::open(&self.options, &self.cancel)?;
        connection.expect_all_keys()?;
        Ok(connection)
    }

    fn run(&self, ready: &Sender<Result<()>>) -> WriteOutcome {
        match &self.request {
            Request::Rows(request) => self.run_rows(request, ready),
            Request::Collections(request) => self.run_collections(request, ready),
        }
    }

    fn run_rows(&self, request: &WriteRequest, ready: &Sender<Result<()>>) -> WriteOutcome {
        let mut tally = Tally::new(Arc::clone(&self.stats));
        let mut seen = SeenKeys::default();
        let connection = match self.connect() {
            Ok(connection) => connection,
            Err(error) => return self.refuse(error, ready, tally),
        };
        let mut worker = Worker::new(connection, request, &self.stats, &mut tally, &mut seen);
        if let Err(error) = worker.check() {
            return self.refuse(error, ready, tally);
        }
        drop(ready.send(Ok(())));
        if let Err(error) = self.write_all(request, &mut worker) {
            worker.give_up();
            tally.outcome.error = Some(error);
            self.broken.store(true, Ordering::Relaxed);
            self.report_the_rest(request, &mut tally);
        }
        tally.outcome
    }

    pub(super) fn refuse(
        &self,
        error: Error,
        ready: &Sender<Result<()>>,
        tally: Tally,
    ) -> WriteOutcome {
        self.broken.store(true, Ordering::Relaxed);
        drop(ready.send(Err(error.clone())));
        let mut outcome = tally.outcome;
        outcome.error = Some(error);
        outcome
    }

    fn write_all(&self, request: &WriteRequest, worker: &mut Worker<'_>) -> Result<()> {
        loop {
            let batch = match self.batches.try_recv() {
                Ok(batch) => batch,
                Err(TryRecvError::Disconnected) => return worker.finish(),
                Err(TryRecvError::Empty) => {
                    // Nothing to encode: what has been encoded should not wait for that.
                    worker.finish()?;
                    match self.batches.recv() {
                        Ok(batch) => batch,
                        Err(_) => return Ok(()),
                    }
                }
            };
            let table = Table::new(request, &batch)?;
            worker.write(&Arc::new(table))?;
        }
    }

    /// Whoever has the batches hands them over as before; none of them is written.
    fn report_the_rest(&self, request: &WriteRequest, tally: &mut Tally) {
        while let Ok(batch) = self.batches.recv() {
            if self.cancel.is_cancelled() {
                return;
            }
            if let Ok(table) = Table::new(request, &batch) {
                not_sent(tally, &table, 0);
            }
        }
    }
}
