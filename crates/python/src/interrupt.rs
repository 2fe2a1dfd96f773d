//! Ctrl-C while the core waits.

use std::sync::{Arc, Mutex, PoisonError};

use gearframe_core::net::Cancel;
use gearframe_core::{Error, ErrorKind};
use pyo3::prelude::*;

use crate::error::to_py;

/// A cancel flag that a Python signal handler sets by raising, and what it raised.
#[derive(Clone)]
pub(crate) struct Interrupt {
    cancel: Cancel,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Interrupt {
    pub(crate) fn new() -> Self {
        let raised = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&raised);
        // Python runs handlers on the main thread only; on others this looks and finds nothing.
        let probe = move || match Python::attach(|py| py.check_signals()) {
            Ok(()) => false,
            Err(signal) => {
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(signal);
                true
            }
        };
        Self {
            cancel: Cancel::with_probe(probe),
            raised,
        }
    }

    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The exception for an error: what the handler raised, if that ended the wait.
    pub(crate) fn to_py(&self, py: Python<'_>, error: &Error) -> PyErr {
        if error.kind == ErrorKind::Cancelled {
            let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(signal) = raised.take() {
                return signal;
            }
        }
        to_py(py, error)
    }
}
