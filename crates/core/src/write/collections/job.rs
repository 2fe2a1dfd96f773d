//! What the thread of a write runs.

use std::sync::atomic::Ordering;

use arrow_array::RecordBatch;
use crossbeam_channel::{RecvTimeoutError, Sender, TryRecvError};

use super::batch::Batch;
use super::request::CollectionRequest;
use super::tally::KeyTally;
use super::worker::Worker;
use crate::Result;
use crate::write::tally::{Tally, WriteOutcome};
use crate::write::writer::Job;

/// What comes next.
enum Next {
    Batch(RecordBatch),
    Nothing,
    End,
}

impl Job {
    pub(in crate::write) fn run_collections(
        &self,
        request: &CollectionRequest,
        ready: &Sender<Result<()>>,
    ) -> WriteOutcome {
        let mut tally = Tally::new(self.stats.clone());
        let connection = match self.connect() {
            Ok(connection) => connection,
            Err(error) => return self.refuse(error, ready, tally),
        };
        let keys = KeyTally::new(&mut tally, &self.stats, request.is_scattered);
        let mut worker = Worker::new(connection, request, &self.stats, keys);
        if let Err(error) = worker.check() {
            return self.refuse(error, ready, tally);
        }
        drop(ready.send(Ok(())));
        let mut at_hand = None;
        if let Err(error) = self.write_collections(&mut worker, &mut at_hand) {
            worker.give_up();
            self.broken.store(true, Ordering::Relaxed);
            if let Some((batch, at)) = at_hand {
                worker.not_sent(&batch, at);
            }
            self.report_batches(&mut worker);
            tally.outcome.error = Some(error);
        }
        tally.outcome
    }

    fn write_collections(
        &self,
        worker: &mut Worker<'_>,
        at_hand: &mut Option<(Batch, usize)>,
    ) -> Result<()> {
        loop {
            match self.next(worker)? {
                Next::Batch(batch) => {
                    let batch = Batch::new(worker.request, &batch)?;
                    let (batch, at) = at_hand.insert((batch, 0));
                    worker.write(batch, at)?;
                    *at_hand = None;
                }
                Next::Nothing => worker.refresh()?,
                Next::End if self.abandoned.load(Ordering::Relaxed) => return worker.abandon(),
                Next::End => return worker.finish(),
            }
        }
    }

    fn next(&self, worker: &mut Worker<'_>) -> Result<Next> {
        match self.batches.try_recv() {
            Ok(batch) => return Ok(Next::Batch(batch)),
            Err(TryRecvError::Disconnected) => return Ok(Next::End),
            Err(TryRecvError::Empty) => {}
        }
        // Nothing to encode: what has been encoded should not wait for that.
        worker.drain()?;
        Ok(
            match self.batches.recv_timeout(worker.request.refresh_every()) {
                Ok(batch) => Next::Batch(batch),
                Err(RecvTimeoutError::Timeout) => Next::Nothing,
                Err(RecvTimeoutError::Disconnected) => Next::End,
            },
        )
    }

    /// Whoever has the batches hands them over as before; none of them is written.
    fn report_batches(&self, worker: &mut Worker<'_>) {
        while let Ok(batch) = self.batches.recv() {
            if self.cancel.is_cancelled() {
                return;
            }
            if let Ok(batch) = Batch::new(worker.request, &batch) {
                worker.not_sent(&batch, 0);
            }
        }
    }
}
