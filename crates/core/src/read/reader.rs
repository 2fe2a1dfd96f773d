//! A running read, seen from the consumer's side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow_array::RecordBatch;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::request::{ReadRequest, Selection};
use super::rows::{Message, Sink};
use super::stats::ReadStats;
use super::worker::Worker;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Cancel, ConnectOptions, Connection};

/// Batches that may wait for the consumer; one more is under construction.
const BATCHES_AHEAD: usize = 2;

/// What the consumer gets next.
#[derive(Debug)]
pub enum Next {
    /// A batch of rows.
    Batch(RecordBatch),
    /// Nothing yet: ask again.
    Pending,
    /// Everything has been handed over.
    End,
}

/// A read that runs on a thread of its own.
///
/// Dropping it stops the thread, closes the connection and waits for both.
#[derive(Debug)]
pub struct Reader {
    receiver: Option<Receiver<Message>>,
    thread: Option<JoinHandle<()>>,
    cancel: Cancel,
    stats: Arc<ReadStats>,
    /// How often the consumer has asked for a batch.
    asked: Arc<AtomicU64>,
}

impl Reader {
    /// Starts to read. `stalled` is called on the reading thread, again and again, while nobody
    /// asks for a batch; it may drop the reader.
    pub fn start(
        options: ConnectOptions,
        request: ReadRequest,
        selection: Selection,
        stalled: impl Fn() + Send + 'static,
    ) -> Result<Self> {
        let (sender, receiver) = bounded(BATCHES_AHEAD);
        let stalled = Box::new(stalled);
        let asked = Arc::new(AtomicU64::new(0));
        let sink = Sink::new(sender, stalled, Arc::clone(&asked));
        let cancel = Cancel::default();
        let stats = Arc::new(ReadStats::default());
        let thread = std::thread::Builder::new()
            .name("gearframe-read".to_owned())
            .spawn({
                let (cancel, stats) = (cancel.clone(), Arc::clone(&stats));
                move || read(&options, &request, selection, &stats, &sink, &cancel)
            });
        let thread =
            thread.map_err(|error| Error::option(format!("no thread can be started: {error}")))?;
        Ok(Self {
            receiver: Some(receiver),
            thread: Some(thread),
            cancel,
            stats,
            asked,
        })
    }

    /// What has been counted so far.
    pub fn stats(&self) -> &Arc<ReadStats> {
        &self.stats
    }

    /// Waits up to `patience` for the next batch.
    pub fn next(&self, patience: Duration) -> Result<Next> {
        let Some(receiver) = &self.receiver else {
            return Ok(Next::End);
        };
        self.asked.fetch_add(1, Ordering::Relaxed);
        match receiver.recv_timeout(patience) {
            Ok(Ok(Some(batch))) => Ok(Next::Batch(batch)),
            Ok(Ok(None)) => Ok(Next::End),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => Ok(Next::Pending),
            // The thread always sends an end or an error, so that silence is never taken for one.
            Err(RecvTimeoutError::Disconnected) => Err(Error::new(
                ErrorKind::Cancelled,
                "the scan was stopped before its end",
            )),
        }
    }

    /// Stops reading, and waits until the thread and its connection are gone; on that thread
    /// itself they go as soon as it returns.
    pub fn stop(&mut self) {
        self.cancel.cancel();
        self.receiver = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic has been reported through the channel, as its end without a word.
            drop(thread.join());
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read(
    options: &ConnectOptions,
    request: &ReadRequest,
    selection: Selection,
    stats: &ReadStats,
    sink: &Sink,
    cancel: &Cancel,
) {
    let outcome = open(options, cancel)
        .and_then(|connection| Worker::new(connection, request, selection, stats, sink, cancel))
        .and_then(|mut worker| worker.run());
    // Without a receiver nobody is left who could be told.
    sink.send(outcome.map(|()| None));
}

fn open(options: &ConnectOptions, cancel: &Cancel) -> Result<Connection> {
    let mut connection = Connection::open(options, cancel)?;
    connection.expect_all_keys()?;
    Ok(connection)
}
