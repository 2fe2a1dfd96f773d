//! `_native.Reader`: record batches out of a running read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gearframe_core::net::ConnectOptions;
use gearframe_core::read::{Next, ReadRequest, ReadStats, Reader as CoreReader, Selection};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyRecordBatch;

use crate::error::to_py;
use crate::options::from_json;

/// How long to wait before looking whether Ctrl-C was pressed.
const PATIENCE: Duration = Duration::from_millis(50);

/// A read that runs on a native thread; see `gearframe.io`.
#[pyclass(frozen, module = "gearframe._native")]
pub(crate) struct Reader {
    inner: Mutex<CoreReader>,
    stats: Arc<ReadStats>,
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (options, request, *, pattern=None, keys=None, stalled=None))]
    fn new(
        py: Python<'_>,
        options: &str,
        request: &str,
        pattern: Option<Vec<u8>>,
        keys: Option<Vec<Vec<u8>>>,
        stalled: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let options: ConnectOptions = from_json(py, "connect options", options)?;
        let request: ReadRequest = from_json(py, "read request", request)?;
        let selection = match keys {
            Some(keys) => Selection::Keys(keys),
            None => Selection::Pattern(pattern.unwrap_or_else(|| b"*".to_vec())),
        };
        let reader = CoreReader::start(options, request, selection, move || {
            if let Some(stalled) = &stalled {
                look_after(stalled);
            }
        });
        let reader = reader.map_err(|error| to_py(py, &error))?;
        Ok(Self {
            stats: Arc::clone(reader.stats()),
            inner: Mutex::new(reader),
        })
    }

    /// The next record batch, None at the end, or False when neither has come within `patience`
    /// seconds.
    #[pyo3(signature = (patience=None))]
    fn next_batch<'py>(
        &self,
        py: Python<'py>,
        patience: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let started = Instant::now();
        loop {
            let next = py.detach(|| {
                let reader = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
                reader.next(PATIENCE)
            });
            match next.map_err(|error| to_py(py, &error))? {
                Next::Batch(batch) => {
                    return PyRecordBatch::new(batch).into_bound_py_any(py).map(Some);
                }
                Next::End => return Ok(None),
                Next::Pending => py.check_signals()?,
            }
            if patience.is_some_and(|limit| started.elapsed().as_secs_f64() >= limit) {
                return false.into_bound_py_any(py).map(Some);
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

    /// Stops reading; waits until the thread and its connection are gone.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let mut reader = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            reader.stop();
        });
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Freed with the GIL held, while the reading thread may be waiting for it: waiting for
        // that thread must let go of the GIL. Without an interpreter nobody holds it.
        Python::try_attach(|py| self.close(py));
    }
}

/// Calls the function for a consumer that takes nothing. Not while Python shuts down.
fn look_after(stalled: &Py<PyAny>) {
    Python::try_attach(|py| {
        if let Err(error) = stalled.call0(py) {
            error.write_unraisable(py, None);
        }
    });
}
