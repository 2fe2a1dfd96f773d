//! `_native.Reader`: record batches out of a running read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gearframe_core::net::ConnectOptions;
use gearframe_core::read::{Next, ReadRequest, ReadStats, Reader as CoreReader, Selection};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyRecordBatch;

use crate::error::to_py;
use crate::options::from_json;

/// How long to wait for a batch before Python may look whether Ctrl-C was pressed.
const PATIENCE: Duration = Duration::from_millis(100);

/// A read that runs on a native thread; see `gearframe.io`.
#[pyclass(frozen, module = "gearframe._native")]
pub(crate) struct Reader {
    inner: Mutex<CoreReader>,
    stats: Arc<ReadStats>,
    finished: AtomicBool,
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (options, request, *, pattern=None, keys=None))]
    fn new(
        py: Python<'_>,
        options: &str,
        request: &str,
        pattern: Option<Vec<u8>>,
        keys: Option<Vec<Vec<u8>>>,
    ) -> PyResult<Self> {
        let options: ConnectOptions = from_json(py, "connect options", options)?;
        let request: ReadRequest = from_json(py, "read request", request)?;
        let selection = match keys {
            Some(keys) => Selection::Keys(keys),
            None => Selection::Pattern(pattern.unwrap_or_else(|| b"*".to_vec())),
        };
        let reader = CoreReader::start(options, request, selection);
        let reader = reader.map_err(|error| to_py(py, &error))?;
        Ok(Self {
            stats: Arc::clone(reader.stats()),
            inner: Mutex::new(reader),
            finished: AtomicBool::new(false),
        })
    }

    /// The next record batch; None when there is none yet, or none any more (`finished`).
    fn next_batch(&self, py: Python<'_>) -> PyResult<Option<PyRecordBatch>> {
        let next = py.detach(|| {
            let reader = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            reader.next(PATIENCE)
        });
        match next.map_err(|error| to_py(py, &error))? {
            Next::Batch(batch) => return Ok(Some(PyRecordBatch::new(batch))),
            Next::End => self.finished.store(true, Ordering::Relaxed),
            Next::Pending => py.check_signals()?,
        }
        Ok(None)
    }

    /// Whether everything has been handed over.
    #[getter]
    fn finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    /// What has been counted so far.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = PyDict::new(py);
        for (name, value) in self.stats.snapshot().items() {
            counted.set_item(name, value)?;
        }
        Ok(counted)
    }

    /// Stops reading; waits until the thread and its connection are gone.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let mut reader = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            reader.stop();
        });
    }
}
