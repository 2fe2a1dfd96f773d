//! `_native.Writer`: record batches into a running write.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gearframe_core::Error;
use gearframe_core::net::ConnectOptions;
use gearframe_core::write::{Offer, Request, WriteOutcome, WriteStats, Writer as CoreWriter};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyo3_arrow::input::AnyRecordBatch;

use crate::error::{instance, to_py};
use crate::options::from_json;

/// How long to wait before looking whether Ctrl-C was pressed.
const PATIENCE: Duration = Duration::from_millis(50);

/// Written, skipped, failed with the reasons, and what ended the write before its end.
type Outcome<'py> = (
    u64,
    u64,
    Vec<(Bound<'py, PyBytes>, String)>,
    Option<Bound<'py, PyAny>>,
);

/// A write that runs on a native thread; see `gearframe.io`.
#[pyclass(frozen, module = "gearframe._native")]
pub(crate) struct Writer {
    inner: Mutex<CoreWriter>,
    stats: Arc<WriteStats>,
}

#[pymethods]
impl Writer {
    /// Starts a write, and waits for its connection.
    #[new]
    fn new(py: Python<'_>, options: &str, request: &str) -> PyResult<Self> {
        let options: ConnectOptions = from_json(py, "connect options", options)?;
        let request: Request = from_json(py, "write request", request)?;
        let writer = CoreWriter::start(options, request).map_err(|error| to_py(py, &error))?;
        let writer = Self {
            stats: Arc::clone(writer.stats()),
            inner: Mutex::new(writer),
        };
        while !writer.ask(py, |inner| inner.is_ready(PATIENCE))? {
            py.check_signals()?;
        }
        Ok(writer)
    }

    /// Hands batches over; False when the write is broken, and they are only reported.
    fn write(&self, py: Python<'_>, batch: AnyRecordBatch) -> PyResult<bool> {
        for batch in batch.into_reader()? {
            let batch = batch.map_err(|error| to_py(py, &Error::option(error.to_string())))?;
            let mut rest = Some(batch);
            while let Some(batch) = rest.take() {
                match self.ask(py, |inner| inner.offer(batch, PATIENCE))? {
                    Offer::Taken => {}
                    Offer::Full(batch) => {
                        py.check_signals()?;
                        rest = Some(batch);
                    }
                }
            }
        }
        self.ask(py, |inner| Ok(!inner.is_broken()))
    }

    /// Waits until all is written. Not complete: keys that need more batches are not written.
    #[pyo3(signature = (*, complete = true))]
    fn finish<'py>(&self, py: Python<'py>, complete: bool) -> PyResult<Outcome<'py>> {
        if !complete {
            self.ask(py, |inner| {
                inner.abandon();
                Ok(())
            })?;
        }
        loop {
            match self.ask(py, |inner| inner.finish(PATIENCE))? {
                Some(outcome) => return to_tuple(py, outcome),
                None => py.check_signals()?,
            }
        }
    }

    /// What has been counted so far.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = PyDict::new(py);
        for (name, value) in self.stats.snapshot().items() {
            counted.set_item(name, value)?;
        }
        Ok(counted)
    }

    /// Stops writing; waits until the thread and its connection are gone.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.lock().stop()));
    }
}

impl Writer {
    fn lock(&self) -> MutexGuard<'_, CoreWriter> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the writer, without the GIL.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        question: impl FnOnce(&mut CoreWriter) -> gearframe_core::Result<T> + Send,
    ) -> PyResult<T> {
        let answer = py.detach(|| question(&mut self.lock()));
        answer.map_err(|error| to_py(py, &error))
    }
}

fn to_tuple(py: Python<'_>, outcome: WriteOutcome) -> PyResult<Outcome<'_>> {
    let failures = outcome.failures.into_iter();
    let failures = failures.map(|(key, reason)| (PyBytes::new(py, &key), reason));
    let error = outcome
        .error
        .map(|error| instance(py, &error))
        .transpose()?;
    Ok((outcome.written, outcome.skipped, failures.collect(), error))
}
