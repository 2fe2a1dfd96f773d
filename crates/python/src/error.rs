//! Errors of the core as exceptions of `gearframe.exceptions`. The only place where that is done.

use gearframe_core::{BadValue, Error, ErrorKind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The exception that stands for an error.
pub(crate) fn to_py(py: Python<'_>, error: &Error) -> PyErr {
    if error.kind == ErrorKind::Cancelled
        && let Err(signal) = py.check_signals()
    {
        return signal;
    }
    match instance(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        // The package is broken: say so, and keep both messages.
        Err(missing) => {
            let class = error.kind.class_name();
            let text =
                format!("{error} (gearframe.exceptions.{class} cannot be raised: {missing})");
            let failure = PyRuntimeError::new_err(text);
            failure.set_cause(py, Some(missing));
            failure
        }
    }
}

/// The exception as an object: error replies inside arrays are values.
pub(crate) fn instance<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let class = py
        .import("gearframe.exceptions")?
        .getattr(error.kind.class_name())?;
    let exception = class.call1((&error.message,))?;
    match &error.bad_value {
        Some(bad) if error.kind == ErrorKind::Changed => {
            exception.setattr("key", PyBytes::new(py, &bad.key))?;
        }
        Some(bad) => describe(&exception, bad)?,
        None => {}
    }
    Ok(exception)
}

fn describe(exception: &Bound<'_, PyAny>, bad: &BadValue) -> PyResult<()> {
    let py = exception.py();
    exception.setattr("key", PyBytes::new(py, &bad.key))?;
    exception.setattr("field", bad.field.as_deref())?;
    exception.setattr("value", PyBytes::new(py, &bad.value))?;
    exception.setattr("dtype", &bad.dtype)
}
